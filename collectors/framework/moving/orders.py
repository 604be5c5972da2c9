"""What the writer process is ordered to do with files that come and go, and what comes back (see `data.orders`)."""

from __future__ import annotations

from msgspec import Struct

from common.series import Layout, SeriesKey


class Adopt(Struct, frozen=True, tag="adopt", kw_only=True):
    """Bring a file that came from another collector together with what there is of its series here.

    Attributes:
        path: of the file that came; it stays there.
        layout: of that file.
        first, last: epoch seconds of its first and newest sample.
        beside: of a file that lies beside that of its series, what its name has more (`common.moving.MovedFile`).
    """

    path: str
    key: SeriesKey
    layout: Layout
    first: int
    last: int
    beside: str = ""


class PutAway(Struct, frozen=True, tag="put_away", kw_only=True):
    """Another collector holds this file now: keep it aside for a while.

    Attributes:
        version: of the file that the other one holds (`moving.outgoing`); one that has changed stays.
        to: the other collector.
    """

    device: str
    file: str
    version: str
    to: str
    beside: str = ""


class ClearAway(Struct, frozen=True, tag="clear_away"):
    """Delete what was put aside earlier than an epoch second, because another collector holds it."""

    before: float


class Moved(Struct, frozen=True, tag="moved"):
    """It is done; `count` files were."""

    count: int


MovingOrder = Adopt | PutAway | ClearAway

"""Which files a collector has, and the purging of those whose device has left: queries of the hub, and answers.

Nothing in these messages is a path: files are named by hashes, and devices by their ids.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from common.names import DeviceId
from common.series import SeriesKey

FileId = Annotated[str, Meta(pattern=r"^(?:[0-9a-f]/[0-9a-f]/[0-9a-f]{32}\.rrd[A-Za-z0-9.-]{0,60})?\Z")]
"""A file below the RRD folder; hex digits, and a word for what it is."""
Author = Annotated[str, Meta(max_length=255)]
Token = Annotated[str, Meta(pattern=r"^[0-9a-zA-Z-]{1,64}\Z")]

MAX_FILES = 1000
MAX_PURGED = 100


class HeldAs(enum.Enum):
    """What a file is."""

    SERIES = "series"
    COPY = "copy"
    """Of the time before an outage."""
    LEARNED = "learned"
    """What was learned of a series."""
    ASIDE = "aside"
    """Set aside: broken, of another layout, ahead of the clock, or held by another collector."""
    UNKNOWN = "unknown"
    """No index knows whose it is."""


class HeldFile(Struct, frozen=True, omit_defaults=True):
    """A file.

    Attributes:
        file: its path below the RRD folder.
        size: bytes.
        written: epoch second of the last change.
        key: whose it is, as far as that is known.
        since: epoch second of when it was set aside; 0 for one that was not.
        reason: why it was.
    """

    file: FileId
    size: Annotated[int, Meta(ge=0)]
    written: float
    held_as: HeldAs
    key: SeriesKey | None = None
    since: float = 0.0
    reason: Annotated[str, Meta(max_length=500)] = ""


class HoldingsQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Which files there are; a page in order of their paths, after `Holdings.last` of the page before."""

    after: FileId = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_FILES)] = MAX_FILES


class Holdings(Struct, frozen=True, tag=True, kw_only=True):
    """A page of files."""

    files: Annotated[list[HeldFile], Meta(max_length=MAX_FILES)]
    last: FileId = ""
    more: bool = False


class PurgeQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Delete what there is of devices that have left the model.

    A purge that goes on when the answer is due is asked after with the same token, as often as it takes.

    Attributes:
        devices: by their ids; one that is collected here is refused.
        by: who wants it, for the log.
    """

    devices: Annotated[list[DeviceId], Meta(min_length=1, max_length=MAX_PURGED)]
    token: Token
    by: Author = ""


class PurgedDevice(Struct, frozen=True):
    """What was deleted of a device."""

    device: str
    files: int
    bytes: int


class Purged(Struct, frozen=True, tag=True, kw_only=True):
    """How far a purge has come.

    Attributes:
        done: whether it is over.
        files, of: how many files are gone of how many, while it is not.
        devices: what was deleted, once it is over; none for a device of which there was nothing.
    """

    done: bool
    files: int = 0
    of: int = 0
    devices: list[PurgedDevice] = []

"""What the hub's drawing process is given: figures of series that several collectors have, and what it answers."""

from __future__ import annotations

from msgspec import Struct

from common.queries import GraphQuery
from common.series import Layout

CONSOLIDATIONS = ("AVERAGE", "MIN", "MAX")
MAX_JOB_BYTES = 32 * 1024 * 1024

Row = tuple[int, list[float | None]]


class Table(Struct, frozen=True, kw_only=True):
    """Figures of a source of a component.

    Attributes:
        label: what it is called in the picture.
        layout: of the points that are here, in the order of their values.
        row_s: seconds a row.
        rows: epoch second of the end of each row, and its values, by consolidation; that of AVERAGE is always there,
            and stands for the others where they are not: then each value is a sample.
    """

    device: str
    component: str
    source: str
    label: str
    layout: Layout
    row_s: int
    rows: dict[str, list[Row]]


class Job(Struct, frozen=True):
    """A picture that is to be drawn of tables; they are its subjects."""

    query: GraphQuery
    tables: list[Table]


class Painted(Struct, frozen=True, tag=True):
    """The bytes of a picture."""

    data: bytes


class Refused(Struct, frozen=True, tag=True):
    """Why there is none: a sentence; `found` is False where something that was asked for is not there."""

    message: str
    found: bool = True


Outcome = Painted | Refused

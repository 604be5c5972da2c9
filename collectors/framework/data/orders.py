"""What the daemon may order the writer process to do with files, beside writing samples, and what comes back.

Only the writer process changes files: whoever wants one moved, converted or deleted orders it here, by
`SampleWriter.order`. An order goes to the process as a line `order TOKEN JSON`; what becomes of it comes back in
reports, as `Answer`s with that token. `data.writing.desk` has who carries out which order.

An order may be given twice: the process may end before it has answered, and nobody knows then how far it came.
"""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.moving.orders import Adopt, ClearAway, Moved, PutAway
from common.conversion import ConversionMode, ConversionState
from common.holdings import PurgedDevice

MAX_ORDER_BYTES = 1024 * 1024
MAX_OUTCOME_BYTES = 256 * 1024
"""What is longer would not fit into a message to the hub either; it goes in pages."""


class Convert(Struct, frozen=True, tag="convert", kw_only=True):
    """Convert files whose layout is not the one that their samples have now; a `ConversionQuery` of the hub."""

    devices: list[str] = []
    mode: ConversionMode = ConversionMode.BEGIN


class Purge(Struct, frozen=True, tag="purge", kw_only=True):
    """Delete all files of devices that have left."""

    devices: list[str]


class PurgeDone(Struct, frozen=True, tag="purge_done", kw_only=True):
    """What was deleted; nothing is told of a device of which there was nothing."""

    devices: list[PurgedDevice]


Order = Convert | Purge | Adopt | PutAway | ClearAway
"""All orders; a union of tagged structs. Each has a handler in `data.writing.desk`."""
Outcome = ConversionState | PurgeDone | Moved
"""What an order may give; a union of tagged structs."""


class Progress(Struct, frozen=True):
    """How far a long order has come."""

    done: int
    of: int
    failed: int = 0


class Answer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of an order: progress of one that goes on, else an outcome or an error.

    Attributes:
        token: of the order.
        error: a sentence.
        lasting: the error will be the same next time.
    """

    token: int
    progress: Progress | None = None
    outcome: Outcome | None = None
    error: str = ""
    lasting: bool = False

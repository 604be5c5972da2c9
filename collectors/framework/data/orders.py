"""What the daemon may order the writer process to do with files, beside writing samples, and what comes back.

Only the writer process changes files: whoever wants one moved, converted or deleted orders it here, by
`SampleWriter.order`. An order goes to the process as a line `order TOKEN JSON`; what becomes of it comes back in
reports, as `Answer`s with that token. `data.desk` has who carries out which order.

An order may be given twice: the process may end before it has answered, and nobody knows then how far it came.
"""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.moving.orders import Adopt, ClearAway, Moved, PutAway
from common.holdings import PurgedDevice

MAX_ORDER_BYTES = 1024 * 1024
MAX_OUTCOME_BYTES = 256 * 1024
"""What is longer would not fit into a message to the hub either; it goes in pages."""


class Convert(Struct, frozen=True, tag="convert", kw_only=True):
    """Convert files whose layout is not the one that their samples have now.

    Attributes:
        devices: whose files; empty for all.
        begin: False: only tell how things stand.
    """

    devices: list[str] = []
    begin: bool = True


class Conversion(Struct, frozen=True, kw_only=True):
    """One file that is not as its samples want it.

    Attributes:
        reason: in which way it is not.
        failure: why it could not be converted; empty while it waits.
    """

    device: str
    component: str
    source: str
    reason: str
    failure: str = ""


class Conversions(Struct, frozen=True, tag="conversions", kw_only=True):
    """How things stand with conversions: of the devices that were named, or of all.

    Attributes:
        known: files whose wanted layout is known, since they have had samples from this process.
        waiting: of those, how many are to be converted.
        done: converted since the process started.
        failed: could not be converted, and are written as they are.
        files: those that wait or failed, not too many.
    """

    known: int
    waiting: int
    done: int
    failed: int
    files: list[Conversion] = []


class Purge(Struct, frozen=True, tag="purge", kw_only=True):
    """Delete all files of devices that have left."""

    devices: list[str]


class PurgeDone(Struct, frozen=True, tag="purge_done", kw_only=True):
    """What was deleted; nothing is told of a device of which there was nothing."""

    devices: list[PurgedDevice]


Order = Convert | Purge | Adopt | PutAway | ClearAway
"""All orders; a union of tagged structs. Each has a handler in `data.desk`."""
Outcome = Conversions | PurgeDone | Moved
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

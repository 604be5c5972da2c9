"""What happened between two scans, as values."""

from __future__ import annotations

from msgspec import Struct


class OomKill(Struct, frozen=True):
    """That a process was, or may have been, killed for want of memory.

    Attributes:
        known: the kernel has named the process; otherwise it is only likely.
        evidence: what speaks for it, as a part of a sentence.
        memory_bytes: what it held, as the kernel says, or else the scan before; None when neither does.
    """

    known: bool
    evidence: str
    memory_bytes: int | None = None


class ProcessLife(Struct, frozen=True, kw_only=True):
    """A watched process that began or ended between two scans.

    Attributes:
        line: the text that definitions are matched against.
        began: second of the monotonic clock; None for a process that the scan before has seen.
        ended: the same; None for one that still runs. Of all these stamps no two are equal: they stand in the order in
            which the kernel has told.
        started: as in the row of the scan before; None for one that began since.
        status: how it ended, as wait(2) has it; None while it runs.
        forked: it never ran a program of its own: a copy of another process of its set.
        memory_bytes: as the scan before saw it.
        oom: whether it was killed for want of memory; None when nothing speaks for it.
    """

    pid: int
    line: str
    began: float | None = None
    ended: float | None = None
    started: float | None = None
    status: int | None = None
    forked: bool = False
    memory_bytes: int | None = None
    oom: OomKill | None = None

    @property
    def signal(self) -> int:
        """Number of the signal that killed it; 0 when none did."""
        return (self.status or 0) & 0x7F

    @property
    def exit_code(self) -> int:
        """What it gave when it ended by itself."""
        return (self.status or 0) >> 8 & 0xFF

    @property
    def dumped(self) -> bool:
        """Whether it left a core."""
        return bool((self.status or 0) & 0x80)

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than with 0."""
        return bool((self.status or 0) & 0xFFFF)


class Happened(Struct, frozen=True, kw_only=True):
    """What process events have told since the scan before; they were listened to all the time.

    Attributes:
        lives: watched processes that began or ended.
        lost: some events were lost; of the rest the scan alone knows.
        unseen: processes that were gone before it could be read what they were.
    """

    lives: tuple[ProcessLife, ...] = ()
    lost: bool = False
    unseen: int = 0

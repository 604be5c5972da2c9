"""Evidence: what was there on a device at the moment when an alarm of a process set opened."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

EVIDENCE_DETAIL = "evidence"
"""The detail of an event that has the id of its evidence."""

EvidenceId = Annotated[str, Meta(pattern=r"^[0-9a-f]{20}\Z")]


class EvidenceRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A process.

    Attributes:
        set: the process set that it was in; None for none.
        command: its command line, masked, cut, and fit to be seen.
        started_at: epoch seconds; None where the agent does not tell.
        cpu_percent, memory_bytes: None where they are not known.
        gone: it is of the scan before, and was not there any more.
    """

    pid: int
    set: str | None = None
    name: str = ""
    command: str = ""
    started_at: float | None = None
    cpu_percent: float | None = None
    memory_bytes: int | None = None
    state: str = ""
    gone: bool = False


class SetEvidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A process set with an alarm, the largest of its processes first.

    Attributes:
        before: in the last scan that showed some; None where that is not known.
        now: in the scan that decided.
        more_before, more_now: how many there were beside these.
    """

    set: str
    before: list[EvidenceRow] | None = None
    now: list[EvidenceRow] = []
    more_before: int = 0
    more_now: int = 0


Figure = Annotated[float, Meta(ge=0, le=1e9)]


class HostEvidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the host was; None for what is not known.

    Attributes:
        load: over 1, 5 and 15 minutes.
        available_bytes: what could be had without swapping.
        pressure: percent of the last ten seconds in which some (`cpu`, `memory`, `io`) or all (`memory_full`,
            `io_full`) had to wait; Linux' PSI.
        problem: why it is not known; empty when it is.
    """

    load: tuple[Figure, Figure, Figure] | None = None
    processors: int | None = None
    memory_bytes: int | None = None
    available_bytes: int | None = None
    swap_bytes: int | None = None
    swap_free_bytes: int | None = None
    pressure: dict[str, Figure] | None = None
    problem: str = ""


class Evidence(Struct, frozen=True, tag=True, kw_only=True):
    """What was there.

    Attributes:
        at: epoch seconds of the scan that decided; `before_at` of the one before, None where that is not known.
        processes: how many there were.
        sets: those with an alarm; `more_sets` is how many beside these.
        by_cpu, by_memory: of the whole host, the largest first, also those that are gone since the scan before.
    """

    id: EvidenceId
    device: str
    at: float
    before_at: float | None
    processes: int
    sets: list[SetEvidence]
    more_sets: int
    by_cpu: list[EvidenceRow]
    by_memory: list[EvidenceRow]
    host: HostEvidence

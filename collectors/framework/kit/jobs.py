"""What a collector of the kit does for a device: jobs, and what each run of one is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from collectors.framework.sources.results import Result


class Due(Struct, frozen=True, kw_only=True):
    """What a run is for.

    Attributes:
        steps: intervals that are due, each with the epoch second of its step: `{60: 1500, 300: 1500}`. A run that is
            late, or that stands for several, has them all.
        at: epoch seconds now.
    """

    steps: Mapping[int, int]
    at: float


class Job(Struct, frozen=True, kw_only=True):
    """Something that is done for a device again and again.

    Attributes:
        id: permanent, and unique among the jobs of a device; its place in the interval is made of it.
        intervals: whole seconds, or text of them; it runs when at least one is due, and is told which.
        run: does it once, and returns what was read. A `TransientError` or `PermanentError` is a sentence for the
            user, and becomes an event; anything else that it raises is a defect.
        parameters: all that a run depends on, as values that nobody changes and that can be compared. At a refresh a
            job with the same parameters and intervals is left as it is, with the `run` that it has.
        timeout_s: after which a run is cancelled; None for the shortest interval, at least 10 s and at most 300 s.
        lane: as `ITask.lane`, or what tells it.
        rests: as `ITask.rests`.
    """

    id: str
    intervals: Collection[int | str]
    run: Callable[[Due], Awaitable[Sequence[Result]]]
    parameters: Any = None
    timeout_s: float | None = None
    lane: str | Callable[[], str] = ""
    rests: Callable[[], bool] | None = None

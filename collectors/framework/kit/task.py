"""A job as a task of the scheduler."""

from __future__ import annotations

from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, ITask
from collectors.framework.kit.duesets import DueSets
from collectors.framework.kit.jobs import Due, Job
from collectors.framework.sources.taking import SourceTaker, Taken
from common.configs import DeviceConfig
from common.errors import TocsinError

LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 10.0, 300.0


@implementer(ITask)
class JobTask:
    """Runs a job, and hands on what it has read.

    Args:
        name: of the task.
        job: what is done.
        intervals: of the job, as `duesets.intervals_of` gives them.
        taker: takes what is read.

    Attributes:
        turns: when it is done.
    """

    def __init__(
        self, name: str, job: Job, intervals: tuple[int, ...], context: CollectorContext, taker: SourceTaker
    ) -> None:
        self.name = name
        self.turns = DueSets(name, intervals)
        self._job = job
        self._next: tuple[Job, tuple[int, ...]] | None = None
        self._context = context
        self._taker = taker

    @property
    def job(self) -> Job:
        """What is done, or will be from the next run on."""
        return self._next[0] if self._next is not None else self._job

    @property
    def interval_s(self) -> int:
        """The shortest of its intervals."""
        return self.turns.intervals[0]

    @property
    def timeout_s(self) -> float:
        """How long a run may take."""
        wanted = self._job.timeout_s
        return min(max(float(self.interval_s), LEAST_TIMEOUT_S), MOST_TIMEOUT_S) if wanted is None else wanted

    @property
    def lane(self) -> str:
        """With whom it shares places."""
        lane = self._job.lane
        return lane if isinstance(lane, str) else lane()

    @property
    def rests(self) -> bool:
        """Whether its turns are left out for now."""
        return self._job.rests is not None and self._job.rests()

    def is_same(self, job: Job, intervals: tuple[int, ...]) -> bool:
        """Whether a job is the one that it does already."""
        mine = self.job
        wanted = self._next[1] if self._next is not None else self.turns.intervals
        same = intervals == wanted and job.timeout_s == mine.timeout_s
        return same and bool(job.parameters == mine.parameters)

    def prepare(self, job: Job, intervals: tuple[int, ...]) -> None:
        """Do another job with the next `update`."""
        self._next = (job, intervals)

    def update(self, config: DeviceConfig) -> None:  # noqa: ARG002 - the interface has it
        """Do what was prepared."""
        if self._next is not None:
            (self._job, intervals), self._next = self._next, None
            self.turns.change(intervals)

    async def run(self, slot: int) -> None:  # noqa: ARG002 - it has steps of its own
        """Do it once, if it is due."""
        now = self._context.wall()
        steps = self.turns.take(now)
        if steps:
            await self.once(Due(steps=steps, at=now))

    async def once(self, due: Due) -> Taken:
        """Do it once.

        Raises:
            TocsinError: it could not be done, or not be kept.
        """
        job = self._job
        try:
            results = await job.run(due)
        except TocsinError as error:
            await self._taker.take((), job.id, failed=str(error), interval_s=min(due.steps))
            raise
        return await self._taker.take(results or (), job.id, interval_s=min(due.steps))

    async def close(self) -> None:
        """End for good."""

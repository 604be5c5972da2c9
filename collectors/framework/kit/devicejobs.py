"""The jobs of one device, from one config to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from collectors.framework.interfaces import CollectorContext, Refreshed
from collectors.framework.kit.duesets import intervals_of
from collectors.framework.kit.jobs import Job
from collectors.framework.kit.task import JobTask
from collectors.framework.sources.taking import SourceTaker
from common.configs import DeviceConfig
from common.errors import PermanentError

MAX_JOBS = 1_000
MAX_ID = 200
LONGEST_TIMEOUT_S = 86_400


class DeviceJobs:
    """Knows which jobs of a device run, and what becomes of them with another config.

    Args:
        service: of the collector.
        taker: takes what they read.

    Attributes:
        taker: the same.
        tasks: by id of the job.
    """

    def __init__(self, service: str, context: CollectorContext, taker: SourceTaker) -> None:
        self._service = service
        self._context = context
        self.taker = taker
        self.tasks: dict[str, JobTask] = {}

    def refresh(self, config: DeviceConfig, jobs: Callable[[DeviceConfig], Iterable[Job]]) -> Refreshed:
        """Take the jobs of a config, each by itself: one that is wrong is told, and leaves the others and its old one.

        Raises:
            Exception: whatever `jobs` raises; all is as before then.
        """
        wanted, mistakes, kept = self._wanted(config, jobs(config))
        added: list[JobTask] = []
        changed: list[str] = []
        for id_, (job, intervals) in wanted.items():
            task = self.tasks.get(id_)
            if task is None:
                task = JobTask(self._name(config, id_), job, intervals, self._context, self.taker)
                self.tasks[id_] = task
                added.append(task)
            elif not task.is_same(job, intervals):
                task.prepare(job, intervals)
                changed.append(task.name)
        gone = [self.tasks.pop(id_).name for id_ in list(self.tasks) if id_ not in wanted and id_ not in kept]
        self.taker.update(config, self.tasks, mistakes)
        return Refreshed(added=added, changed=changed, gone=gone)

    def _wanted(
        self, config: DeviceConfig, jobs: Iterable[object]
    ) -> tuple[dict[str, tuple[Job, tuple[int, ...]]], list[str], set[str]]:
        """Jobs that can be done, what is wrong with the others, and the ids of those that go on as they were."""
        wanted: dict[str, tuple[Job, tuple[int, ...]]] = {}
        mistakes: list[str] = []
        kept: set[str] = set()
        for job in jobs:
            if not isinstance(job, Job):
                mistakes.append(f"jobs() of {self._service} yields {job!r:.80}, which is no Job")
                continue
            what = f"job {job.id!r:.80} of {config.device}" if job.id else f"the job of {config.device}"
            if job.id in wanted or job.id in kept:
                mistakes.append(f"{what}: there is another one of that id; the first one is done")
                continue
            try:
                intervals = intervals_of(job.intervals, what)
                wrong = _mistake(job, len(wanted))
            except PermanentError as error:
                intervals, wrong = (), str(error)
            if wrong:
                mistakes.append(wrong if wrong.startswith(what) else f"{what}: {wrong}")
                kept.add(job.id)
            else:
                wanted[job.id] = (job, intervals)
        return wanted, mistakes, kept

    def _name(self, config: DeviceConfig, id_: str) -> str:
        name = f"{self._service}:{config.device}"
        return f"{name}:{id_}" if id_ else name


def _mistake(job: Job, others: int) -> str:
    """Why a job cannot be done; empty when it can."""
    if len(job.id) > MAX_ID or not job.id.isprintable():
        return f"an id is at most {MAX_ID} characters that can be seen"
    if job.timeout_s is not None and not 0 < job.timeout_s <= LONGEST_TIMEOUT_S:
        return f"{job.timeout_s!r} is no time-out; it has to be seconds, more than 0"
    return f"a device has at most {MAX_JOBS} jobs" if others >= MAX_JOBS else ""

"""Takes what modelers report, and has devices modelled when somebody asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from common.configs import SERVICE_MODELER
from common.errors import NotFoundError, PermanentError, TocsinError
from common.queries import ModelQuery
from common.wire import ModelReport
from hub.distribution.agreement import Shortfall
from hub.interfaces import ISession
from hub.modelling.runs import Answer, Run, Runs

ASKED_AT_ONCE = 500
LIVE_WITHIN_S = 10.0
"""How long a device that was just added may take to become known to its modeler."""

T = TypeVar("T")


class IConfigs(Protocol):
    """What the desk has to know of the configs of modelers."""

    def owner(self, device: str) -> str | None:
        """Name of the collector; None where there is no such device."""

    def in_sync(self, device: str) -> bool:
        """Whether the modeler has the newest config of a device."""

    def behind(self, revision: int | None = None, device: str | None = None) -> list[Shortfall]:
        """Where a config is not live, and why."""

    async def wait_live(self, revision: int, timeout_s: float, device: str | None = None) -> bool:
        """Wait until a revision is live."""


class ModellingDesk(Generic[T]):
    """Reports come in here; `T` is what one of them changes."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        new_id: Callable[[], str],
        take: Callable[[ModelReport], Awaitable[T]],
        configs: IConfigs,
        session: Callable[[str, str], ISession | None],
        whereabouts: Callable[[str, str], str],
        revision: Callable[[], int],
    ) -> None:
        """Join the parts.

        Args:
            clock: for waiting.
            new_id: makes the ids of runs.
            take: stores what a report changes, and tells it; of a dry run it only tells.
            configs: of modelers.
            session: of a collector's daemon.
            whereabouts: the sentence for a daemon that is away.
            revision: number of the newest.
        """
        self._clock = clock
        self._new_id = new_id
        self._take = take
        self._configs = configs
        self._session = session
        self._whereabouts = whereabouts
        self._revision = revision
        self._tasks: set[Deferred[None]] = set()
        self.runs: Runs[T] = Runs()

    async def report(self, collector: str, report: ModelReport) -> None:
        """Take the report of a collector; returns when what it changes is stored.

        Raises:
            PermanentError: the device is not that collector's.
            TransientError: it could not be stored.
        """
        if self._configs.owner(report.device) != collector:
            raise PermanentError(f"device {report.device} is not of collector {collector}")
        found = await self._take(report)
        if report.run:
            answer = Answer(device=report.device, found=found, problem=report.problem)
            self.runs.answer(report.run, answer)

    def begin(self, devices: Sequence[str], *, dry_run: bool) -> Run[T]:
        """Have devices modelled; the run has an answer of each of them sooner or later."""
        run = self.runs.begin(self._new_id(), devices, dry_run=dry_run)
        by_collector: dict[str, list[str]] = {}
        for device in run.waiting:
            owner = self._configs.owner(device)
            if owner is None:
                run.answer(Answer(device=device, problem="there is no such device any more"))
            else:
                by_collector.setdefault(owner, []).append(device)
        for collector, names in by_collector.items():
            task = Deferred.fromCoroutine(self._ask_all(run, collector, names))
            if not task.called:
                self._tasks.add(task)
                task.addBoth(self._ended, task)
        return run

    def _ended(self, _result: object, task: Deferred[None]) -> None:
        self._tasks.discard(task)

    async def stop(self) -> None:
        """Ask nobody any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await DeferredList(tasks, consumeErrors=True)

    async def _ask_all(self, run: Run[T], collector: str, devices: Sequence[str]) -> None:
        try:
            known = await self._known(run, collector, devices)
            for begin in range(0, len(known), ASKED_AT_ONCE):
                await self._ask(run, collector, known[begin : begin + ASKED_AT_ONCE])
        except Exception:  # noqa: BLE001 - the supervisor of a run: its devices must all be answered
            self.log.failure("error while modelling on {collector}", collector=collector)
            _fail(run, devices, "an error of ours; the log has more")

    async def _known(self, run: Run[T], collector: str, devices: Sequence[str]) -> list[str]:
        """Those devices that the modeler holds a config of; the others are answered for it."""
        if self._session(collector, SERVICE_MODELER) is None:
            _fail(run, devices, self._whereabouts(collector, SERVICE_MODELER))
            return []
        end = self._clock.seconds() + LIVE_WITHIN_S
        for device in devices:
            if not self._configs.in_sync(device):
                await self._configs.wait_live(self._revision(), end - self._clock.seconds(), device)
        late = {one.device: one.reason for one in self._configs.behind() if one.collector == collector}
        for device in devices:
            if device in late:
                run.answer(Answer(device=device, problem=f"its modeler does not have its config: {late[device]}"))
        return [device for device in devices if device not in late]

    async def _ask(self, run: Run[T], collector: str, devices: list[str]) -> None:
        session = self._session(collector, SERVICE_MODELER)
        if session is None:
            _fail(run, devices, self._whereabouts(collector, SERVICE_MODELER))
            return
        try:
            await session.query(ModelQuery(devices=devices, run=run.id, dry_run=run.dry_run))
        except NotFoundError as error:
            _fail(run, devices, error.message)
        except TocsinError as error:
            _fail(run, devices, f"the modeler of {collector} cannot be asked: {error.message}")


def _fail(run: Run[T], devices: Sequence[str], problem: str) -> None:
    for device in devices:
        run.answer(Answer(device=device, problem=problem))

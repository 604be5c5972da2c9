"""Takes what modelers report, and has devices modelled when somebody asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from common.configs import SERVICE_MODELER
from common.errors import NotFoundError, PermanentError, TocsinError
from common.queries import ModelQuery
from common.wire import ModelReport
from hub.distribution.agreement import Shortfall
from hub.interfaces import ISession
from hub.modelling.runs import Answer, Run, Runs, T
from hub.modelling.stamps import Stamps

ASKED_AT_ONCE = 500
LIVE_WITHIN_S = 10.0
"""How long a device that was just added may take to become known to its modeler."""
BACK_WITHIN_S = 30.0
"""How long a modeler whose connection broke may take to come back, and go on answering."""
SILENT_S = 900.0
"""A run of which nothing is heard for so long is over."""
LOOK_EVERY_S = 60.0
WENT_AWAY = (
    "the modeler went away before it had answered; `tocsin status` says whether it is back, then model the device again"
)
SILENT = f"the modeler has not answered, and nothing of this modelling was heard for {SILENT_S / 60:g} minutes"


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
    """Reports come in here; `T` is what one of them changes.

    Every device that was asked for is answered for: by its modeler, or else by the desk, when the modeler cannot be
    asked, goes away, or is silent.
    """

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
        wall: Callable[[], float],
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
            wall: epoch seconds, by which a report gets its time.
        """
        self._clock = clock
        self._new_id = new_id
        self._take = take
        self._configs = configs
        self._session = session
        self._whereabouts = whereabouts
        self._revision = revision
        self._wall = wall
        self._stamps = Stamps()
        self._tasks: set[Deferred[None]] = set()
        self._began: dict[str, float] = {}  # of each modeler, when that process was started
        self._away: dict[str, IDelayedCall] = {}
        self._looking: IDelayedCall | None = None
        self._stopped = False
        self.runs: Runs[T] = Runs(clock.seconds)

    async def report(self, collector: str, report: ModelReport) -> None:
        """Take the report of a collector; returns when what it changes is stored.

        Raises:
            PermanentError: the device is not that collector's.
            TransientError: it could not be stored.
        """
        try:
            found = await self._taken(collector, report)
        except PermanentError as error:
            self._refused(collector, report, error.message)
            raise
        if report.run:
            answer = Answer(device=report.device, found=found, problem=report.problem)
            self.runs.answer(report.run, answer)

    async def _taken(self, collector: str, report: ModelReport) -> T:
        if self._configs.owner(report.device) != collector:
            raise PermanentError(f"device {report.device} is not of collector {collector}")
        return await self._take(replace(report, at=self._stamps.reckon(report, self._wall())))

    def _refused(self, collector: str, report: ModelReport, problem: str) -> None:
        """Its modeler will not send that report again."""
        for run in self.runs.open():
            if run.id == report.run and run.asked.get(report.device) == collector:
                self._fail(run, [report.device], problem)

    def arrived(self, collector: str, began: float) -> None:
        """The modeler of a collector has logged in; one that was started anew knows nothing of what was asked before.

        Args:
            collector: its name.
            began: when that process was started, by its own clock.
        """
        waits = self._away.pop(collector, None)
        if waits is not None:
            waits.cancel()
        before = self._began.get(collector, began)
        self._began[collector] = began
        if before != began:
            self._gone(collector)

    def left(self, collector: str) -> None:
        """The session of a collector's modeler is over; it may come back in time."""
        if collector not in self._away and not self._stopped:
            self._away[collector] = self._clock.callLater(BACK_WITHIN_S, self._gone, collector)

    def _gone(self, collector: str) -> None:
        self._away.pop(collector, None)
        for run in self.runs.open():
            self._fail(run, run.waits_for(collector), WENT_AWAY)

    def begin(self, devices: Sequence[str], *, dry_run: bool) -> Run[T]:
        """Have devices modelled; the run has an answer of each of them sooner or later."""
        run = self.runs.begin(self._new_id(), devices, dry_run=dry_run)
        if self._looking is None:
            self._looking = self._clock.callLater(LOOK_EVERY_S, self._look)
        by_collector: dict[str, list[str]] = {}
        for device in run.waiting:
            owner = self._configs.owner(device)
            if owner is None:
                self._fail(run, [device], "there is no such device any more")
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

    def _look(self) -> None:
        """End the runs that nothing is heard of, and forget the old ones."""
        now = self._clock.seconds()
        for run in self.runs.open():
            if now - run.heard >= SILENT_S:
                self._fail(run, run.waiting, SILENT)
        self.runs.forget_old()
        self._looking = self._clock.callLater(LOOK_EVERY_S, self._look) if len(self.runs) else None

    async def stop(self) -> None:
        """Ask nobody any more, and wait for nobody; sessions may end after that."""
        self._stopped = True
        timers = [*self._away.values(), *([self._looking] if self._looking is not None else [])]
        self._away, self._looking = {}, None
        for timer in timers:
            timer.cancel()
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
            self._fail(run, devices, "an error of ours; the log has more")

    async def _known(self, run: Run[T], collector: str, devices: Sequence[str]) -> list[str]:
        """Those devices that the modeler holds a config of; the others are answered for it."""
        if self._session(collector, SERVICE_MODELER) is None:
            self._fail(run, devices, self._whereabouts(collector, SERVICE_MODELER))
            return []
        end = self._clock.seconds() + LIVE_WITHIN_S
        for device in devices:
            if not self._configs.in_sync(device):
                await self._configs.wait_live(self._revision(), end - self._clock.seconds(), device)
        late = {one.device: one.reason for one in self._configs.behind() if one.collector == collector}
        for device in devices:
            if device in late:
                self._fail(run, [device], f"its modeler does not have its config: {late[device]}")
        return [device for device in devices if device not in late]

    async def _ask(self, run: Run[T], collector: str, devices: list[str]) -> None:
        session = self._session(collector, SERVICE_MODELER)
        if session is None:
            self._fail(run, devices, self._whereabouts(collector, SERVICE_MODELER))
            return
        run.asked.update((device, collector) for device in devices)
        try:
            await session.query(ModelQuery(devices=devices, run=run.id, dry_run=run.dry_run))
        except NotFoundError as error:
            self._fail(run, devices, error.message)
        except TocsinError as error:
            self._fail(run, devices, f"the modeler of {collector} cannot be asked: {error.message}")

    def _fail(self, run: Run[T], devices: Sequence[str], problem: str) -> None:
        for device in devices:
            self.runs.answer(run.id, Answer(device=device, problem=problem))

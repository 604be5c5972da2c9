"""Carries every change of the model to the collectors that it concerns."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.configs import SERVICE_PROCESS
from hub.distribution.agreement import Agreement, Shortfall
from hub.distribution.errand import Errand
from hub.distribution.interfaces import IConfigReports, IModelView, Leases
from hub.distribution.pace import Pace
from hub.distribution.procrastinator import Procrastinator
from hub.distribution.sync import Subscription
from hub.distribution.wanted import Wanted, compile_wanted
from hub.interfaces import ISession

SLICE_S = 0.02
SLICE_DEVICES = 50
ERROR = "config_error"


class Waiter(Struct, eq=False):
    """Somebody who waits until a revision is live."""

    revision: int
    device: str | None
    arrived: Any


class Distributor:
    """Watches the model for one service, and keeps a subscription for each of its daemons that is attached.

    change -> procrastinator -> compile, in slices -> whoever has to be told -> answer -> ledger

    Attributes:
        service: whose configs these are; sessions of other daemons are none of its business.
        agreement: what is wanted, and what runs.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rng: random.Random,
        model: IModelView,
        reports: IConfigReports,
        *,
        is_known: Callable[[str], bool],
        whereabouts: Callable[[str], str],
        service: str = SERVICE_PROCESS,
        epoch: Callable[[], str] = lambda: "",
        is_needed: Callable[[str], bool] = lambda _: True,
        leases: Leases | None = None,
    ) -> None:
        """Prepare; `start` begins.

        `is_known` says whether a collector of that name has ever logged in; `whereabouts` gives the sentence for one
        that is not connected: since when, and why. `leases` tells who has to be waited for although it is away;
        `epoch` is that of the hub's store; `is_needed` says whether anybody waits for what a collector runs.
        """
        self._clock = clock
        self._rng = rng
        self._model = model
        self._reports = reports
        self._whereabouts = whereabouts
        self._subscriptions: dict[str, Subscription] = {}
        self._epoch = epoch
        self._is_needed = is_needed
        self._paces: dict[str, Pace] = {}
        self._procrastinator = Procrastinator(clock, self._drain)
        self._drained: list[Deferred[None]] = []
        self._to_compile: dict[str, None] = {}
        self._compiler: Errand | None = None
        self._waiters: list[Waiter] = []
        self._begun = False
        self.service = service
        self.agreement = Agreement(model, is_known, self._lets_go, self._trouble_of, leases)

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Compile everything; subscriptions begin when that is done, so that no collector is told half of it."""
        self._compile_later(self.agreement.begin())
        if self._compiler is None:
            self._begin()

    def flush(self) -> None:
        """Wait for no more changes to come: compile those that there are."""
        self._procrastinator.flush()

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way, or will be at once, to collectors that are there."""
        if not self._begun:
            return False
        compiles = self._compiler is not None or self._procrastinator.waiting > 0
        return compiles or any(one.is_busy for one in self._subscriptions.values())

    def stop(self) -> None:
        """Send nothing more; what collectors were not told yet is found again at the next start."""
        self._procrastinator.flush()
        if self._compiler is not None:
            self._compiler.stop()
        for subscription in self._subscriptions.values():
            subscription.stop()
        self._subscriptions.clear()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.arrived.callback(None)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            for subscription in self._subscriptions.values():
                subscription.start()

    # --- the model's side ---------------------------------------------------------------------------------------------

    def model_changed(self, revision: int, devices: Iterable[str]) -> None:
        """A revision concerns these devices: added, changed, moved or removed."""
        named = list(devices)
        self.agreement.mark(named, revision)
        self._procrastinator.later(named)

    def look_again(self) -> None:
        """Who was waited for may have let go, or may collect no more."""
        self.agreement.release()
        self._progress()

    def push_again(self, devices: Iterable[str]) -> int:
        """Compile these and send them again, changed or not; give the revision that they will be of."""
        named = list(devices)
        self.agreement.force(named)
        self._compile_later(named)
        return self._model.revision

    def _drain(self, devices: list[str]) -> Deferred[None] | None:
        """Compile what has waited; further devices wait until that is over."""
        self._compile_later(devices)
        if self._compiler is None:
            return None
        over: Deferred[None] = Deferred()
        self._drained.append(over)
        return over

    def _compile_later(self, devices: list[str]) -> None:
        self._to_compile.update(dict.fromkeys(devices))
        if self._compiler is None and self._to_compile:
            self._compiler = Errand(self._clock, self._compile)
            self._compiler.start()

    async def _compile(self) -> None:
        """Compile what waits, a slice at a time, so that the reactor can breathe."""
        try:
            while self._to_compile:
                self._compile_slice()
                self._progress()
                if self._to_compile:
                    await deferLater(self._clock, 0, lambda: None)
        finally:
            self._compiler = None
            drained, self._drained = self._drained, []
            for over in drained:
                over.callback(None)
        self._begin()

    def _compile_slice(self) -> None:
        end = self._clock.seconds() + SLICE_S
        told: dict[str, None] = {}
        for device in list(itertools.islice(self._to_compile, SLICE_DEVICES)):
            del self._to_compile[device]
            told.update(dict.fromkeys(self._compile_one(device)))
            if self._clock.seconds() >= end:
                break
        for collector in told:
            subscription = self._subscriptions.get(collector)
            if subscription is not None:
                subscription.wake()

    def _compile_one(self, device: str) -> list[str]:
        """Compile a device; name the collectors that have to be told."""
        before = self.agreement.wanted.get(device)
        wanted = compile_wanted(self._model, device, before, self._log_defect)
        if wanted is not None and wanted.error:
            first = wanted.error.splitlines()[0]
            self._reports.trouble(device, ERROR, f"no config can be made for {device}: {first}", wanted.error)
        else:
            self._reports.well(device, ERROR)
        concerned = self.agreement.compiled(device, wanted)
        for collector in concerned:
            subscription = self._subscriptions.get(collector)
            if subscription is not None:
                subscription.tell([device])
        return concerned

    def _log_defect(self, device: str) -> None:
        self.log.failure("error while compiling the config of {device}", device=device)

    # --- the collectors' side -----------------------------------------------------------------------------------------

    def attached(self, session: ISession) -> None:
        """A daemon is there: find out what it lacks."""
        if session.daemon != self.service:
            return
        earlier = self._subscriptions.pop(session.collector, None)
        if earlier is not None:
            earlier.stop()
        subscription = Subscription(
            self._clock,
            self._rng,
            session,
            self.agreement,
            self._reports,
            lambda: self._model.revision,
            self._progress,
            epoch=self._epoch,
            pace=self._paces.setdefault(session.collector, Pace()),
        )
        self._subscriptions[session.collector] = subscription
        if self._begun:
            subscription.start()

    def detached(self, session: ISession) -> None:
        """The daemon is gone; what it lacks stays behind until it comes back."""
        subscription = self._subscriptions.get(session.collector)
        if subscription is not None and subscription.session is session:
            del self._subscriptions[session.collector]
            subscription.stop()
            self._progress()

    def forget(self, collector: str) -> None:
        """The daemon, which is away, will not come back: what it had is not waited for any more."""
        self._paces.pop(collector, None)
        self.agreement.forget(collector)
        self._progress()

    def may_report(self, collector: str, device: str) -> bool:
        """Whether a collector may speak of a device: it is its own, or was a moment ago."""
        if self.agreement.may_speak_of(collector, device):
            return True
        subscription = self._subscriptions.get(collector)
        return subscription is not None and device in subscription.former

    def owner(self, device: str) -> str | None:
        """The collector of a device; None when the model has no such device."""
        return self._model.owner(device)

    def devices(self) -> list[str]:
        """Ids of all devices."""
        return self._model.devices()

    def _lets_go(self, collector: str) -> bool:
        subscription = self._subscriptions.get(collector)
        return subscription is not None and not subscription.trouble

    def _trouble_of(self, collector: str) -> str:
        subscription = self._subscriptions.get(collector)
        if subscription is None:
            return self._whereabouts(collector)
        return f"{subscription.trouble}; it is tried again" if subscription.trouble else ""

    def _progress(self) -> None:
        """Something has moved: those who wait for it look again."""
        for subscription in [one for one in self._subscriptions.values() if one.holds_back]:
            subscription.wake()
        arrived = [waiter for waiter in self._waiters if self.is_live(waiter.revision, waiter.device)]
        for waiter in arrived:
            self._waiters.remove(waiter)
            waiter.arrived.callback(None)

    # --- how it stands ------------------------------------------------------------------------------------------------

    def behind(self, revision: int | None = None, device: str | None = None) -> list[Shortfall]:
        """Where a revision, by default the newest, is not live, and why."""
        rows = self.agreement.shortfalls(self._model.revision if revision is None else revision, device)
        return [row for row in rows if self._is_needed(row.collector)]

    def is_live(self, revision: int, device: str | None = None) -> bool:
        """Whether a revision runs wherever it should."""
        if self.agreement.is_live(revision, device):
            return True
        return not any(
            (line.since or 0) <= revision and device in {None, name} and self._is_needed(collector)
            for collector, name, line in self.agreement.ledger.behind()
        )

    async def wait_live(self, revision: int, timeout_s: float, device: str | None = None) -> bool:
        """Wait until a revision is live wherever it should be; False when that takes longer than `timeout_s`."""
        if self.is_live(revision, device) or timeout_s <= 0:
            return self.is_live(revision, device)
        waiter = Waiter(revision, device, Deferred())
        self._waiters.append(waiter)
        waiter.arrived.addTimeout(timeout_s, self._clock)
        try:
            await waiter.arrived
        except TimeoutError:
            return False
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return self.is_live(revision, device)

    def in_sync(self, device: str) -> bool:
        """Whether a device runs as the newest revision wants it."""
        return self.agreement.in_sync(device)

    def standing(self, collector: str) -> tuple[int, int]:
        """The newest revision that is live on a collector, and how many of its devices are behind."""
        return self.agreement.standing(collector)

    def runs(self, device: str) -> bool:
        """Whether the collector of a device runs any config of it."""
        line = self.agreement.ledger.line(self._model.owner(device) or "", device)
        return line is not None and line.held is not None

    def may_run(self, device: str) -> bool:
        """Whether the collector of a device runs it, as far as is known: it was told, and has not let go."""
        line = self.agreement.ledger.line(self._model.owner(device) or "", device)
        return line is not None and line.may_run

    def wanted(self, device: str) -> Wanted | None:
        """What the hub would have run for a device."""
        return self.agreement.wanted.get(device)

"""The configs of every service that collectors have: one distributor for each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from twisted.internet.interfaces import IReactorTime

from common.configs import SERVICE_MODELER, SERVICE_PROCESS
from hub.compile.modeler import ModelerCompiler
from hub.compile.process import Expected, ProcessCompiler, nothing
from hub.distribution.distributor import Distributor
from hub.distribution.everywhere import Everywhere
from hub.distribution.hubevents import ConfigEvents, HubEvents
from hub.distribution.modelview import ModelView
from hub.distribution.roster import Roster
from hub.interfaces import ISession
from hub.model.model import Model
from hub.model.service import ModelService
from hub.pools.keeper import PoolKeeper


class Services:
    """Tells every distributor what concerns all of them.

    Attributes:
        process: what is collected; a device is that collector's which collects it.
        modeler: what is modelled; a collector that never had a modeler needs no configs for it.
        everywhere: how all of them stand together.
    """

    def __init__(self, process: Distributor, modeler: Distributor, reports: Sequence[ConfigEvents] = ()) -> None:
        self.process = process
        self.modeler = modeler
        self._all = (process, modeler)
        self.everywhere = Everywhere(self._all)
        self._reports = reports

    def remember(self, open_events: Iterable[tuple[str, str, str]]) -> None:
        """Take in which configs were in trouble before the hub started: device, key, summary."""
        known = list(open_events)
        for reports in self._reports:
            reports.remember(known)

    def is_in_trouble(self, service: str, device: str, key: str) -> bool:
        """Whether what an event about the configs of a service tells of goes on."""
        of = {one.service: reports for one, reports in zip(self._all, self._reports, strict=False)}
        return service in of and of[service].is_in_trouble(device, key)

    def start(self) -> None:
        """Compile everything."""
        for distributor in self._all:
            distributor.start()

    def flush(self) -> None:
        """Wait for no more changes to come."""
        for distributor in self._all:
            distributor.flush()

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way to collectors that are there."""
        return any(distributor.is_busy for distributor in self._all)

    def stop(self) -> None:
        """Send nothing more."""
        for distributor in self._all:
            distributor.stop()

    def model_changed(self, revision: int, _before: Model, _after: Model, devices: Sequence[str]) -> None:
        """A revision concerns these devices."""
        self.moved(revision, devices)

    def moved(self, revision: int, devices: Sequence[str]) -> None:
        """These have another collector from now on."""
        for distributor in self._all:
            distributor.model_changed(revision, devices)

    def look_again(self) -> None:
        """A collector that was waited for may have let go of its devices."""
        for distributor in self._all:
            distributor.look_again()

    def attached(self, session: ISession) -> None:
        """A daemon is there."""
        for distributor in self._all:
            distributor.attached(session)

    def detached(self, session: ISession) -> None:
        """A daemon is gone."""
        for distributor in self._all:
            distributor.detached(session)

    def forget(self, collector: str, daemon: str) -> None:
        """A daemon, which is away, will not come back."""
        distributor = self.of(daemon)
        if distributor is not None:
            distributor.forget(collector)

    def of(self, service: str) -> Distributor | None:
        """The distributor of a service; None when there is none."""
        return next((one for one in self._all if one.service == service), None)

    @property
    def names(self) -> list[str]:
        """The services there are."""
        return [one.service for one in self._all]


def make_services(
    clock: IReactorTime,
    rng: random.Random,
    wall: Callable[[], float],
    model: ModelService,
    roster: Roster,
    events: HubEvents,
    expected: Expected = nothing,
    *,
    pools: PoolKeeper,
    epoch: Callable[[], str] = str,
) -> Services:
    """Make a distributor for each service, by what the model compiles to for it, and what modellings have found.

    A device is modelled where it is collected. Only for collecting one waits until the lease of another is over: a
    modeler that goes on alone for a while harms nobody, and the hub takes its reports no more.
    """
    process_reports, modeler_reports = ConfigEvents(events, wall), ConfigEvents(events, wall, SERVICE_MODELER)
    process = Distributor(
        clock,
        rng,
        ModelView(model, ProcessCompiler(expected), pools.owner),
        process_reports,
        is_known=roster.is_known,
        whereabouts=lambda collector: roster.whereabouts(collector, SERVICE_PROCESS),
        leases=pools,
        epoch=epoch,
    )
    modeler = Distributor(
        clock,
        rng,
        ModelView(model, ModelerCompiler(), pools.owner),
        modeler_reports,
        is_known=lambda collector: roster.is_known(collector, SERVICE_MODELER),
        whereabouts=lambda collector: roster.whereabouts(collector, SERVICE_MODELER),
        service=SERVICE_MODELER,
        epoch=epoch,
        is_needed=lambda collector: roster.is_known(collector, SERVICE_MODELER),
    )
    return Services(process, modeler, (process_reports, modeler_reports))

"""The configs of every service that collectors have: one distributor for each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from common.configs import SERVICE_MODELER, SERVICE_PROCESS
from common.sources import SERVICE_PROBE, SERVICE_SNMP, SERVICE_STATUS
from hub.compile.modeler import ModelerCompiler
from hub.compile.process import Expected, ProcessCompiler, nothing
from hub.compile.sources import SourceCompiler
from hub.distribution.distributor import ERROR, Distributor
from hub.distribution.everywhere import Everywhere
from hub.distribution.hubevents import ConfigEvents, HubEvents
from hub.distribution.interfaces import IModelView, Leases
from hub.distribution.modelview import ModelView
from hub.distribution.roster import Roster
from hub.distribution.sourceview import Overlapping, SourceView
from hub.distribution.sync import REFUSED
from hub.interfaces import ISession
from hub.model.model import Model
from hub.model.service import ModelService
from hub.pools.keeper import PoolKeeper

READERS = (SERVICE_SNMP, SERVICE_STATUS, SERVICE_PROBE)
"""Services that read sources of templates; collectors that were installed as packages come to these."""
MAX_SERVICES = 64
Known = Callable[[str], bool]
"""Says of the name of a collector whether it has, or had, something."""
_IN_TROUBLE = (ERROR, REFUSED)


class Reading(Struct, frozen=True, eq=False):
    """What there is for a service that reads sources."""

    distributor: Distributor
    view: SourceView
    reports: ConfigEvents


class Services:
    """Tells every distributor what concerns all of them.

    Attributes:
        process: what is collected; a device is that collector's which collects it.
        modeler: what is modelled; a collector that never had a modeler needs no configs for it.
        everywhere: how all of them stand together.
    """

    log = Logger()

    def __init__(
        self,
        process: Distributor,
        modeler: Distributor,
        reports: Sequence[ConfigEvents] = (),
        *,
        make: Callable[[str], Reading] | None = None,
        known: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Join them.

        Args:
            process: see above.
            modeler: see above.
            reports: of these two.
            make: prepares a service that reads sources; without it there is none.
            known: collector and daemon of all that have ever logged in.
        """
        self.process = process
        self.modeler = modeler
        self._all = [process, modeler]
        self.everywhere = Everywhere(self._all)
        self._reports = dict(zip((process.service, modeler.service), reports, strict=False))
        self._make = make
        self._readings: dict[str, Reading] = {}
        self._known = set(known)
        self._open: list[tuple[str, str, str]] = []
        self._started = False
        if make is not None:
            for service in dict.fromkeys((*READERS, *(daemon for _, daemon in self._known))):
                self._add(service)

    def _add(self, service: str) -> None:
        """Have a service that was not heard of before."""
        if self._make is None or self.of(service) is not None:
            return
        if len(self._all) >= MAX_SERVICES:
            self.log.warn(  # noqa: G010 - twisted.logger calls it so
                "daemons of the service {service} get no configs: there are {count} services, and no more may be",
                service=service,
                count=len(self._all),
            )
            return
        reading = self._readings[service] = self._make(service)
        reading.reports.remember(self._open)
        self._reports[service] = reading.reports
        self._all.append(reading.distributor)
        if self._started:
            reading.distributor.start()

    def remember(self, open_events: Iterable[tuple[str, str, str]]) -> None:
        """Take in which configs were in trouble before the hub started: device, key, summary."""
        self._open = list(open_events)
        for reports in self._reports.values():
            reports.remember(self._open)

    def is_in_trouble(self, service: str, device: str, key: str) -> bool:
        """Whether what an event about the configs of a service tells of goes on."""
        return service in self._reports and self._reports[service].is_in_trouble(device, key)

    def of_alarm(self, key: str) -> str | None:
        """The service of whose configs an alarm of this key tells; None for an alarm that tells of something else."""
        for word in _IN_TROUBLE:
            if key == word:
                return self.process.service
            service = key.removesuffix(f"_{word}")
            if service != key and service in self._reports:
                return service
        return None

    def start(self) -> None:
        """Compile everything."""
        self._started = True
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
        """A daemon is there; of one that was never heard of it is found out first what it is to do."""
        who = session.collector, session.daemon
        if who not in self._known:
            self._known.add(who)
            self._add(session.daemon)
            self._look_at(*who)
        for distributor in self._all:
            distributor.attached(session)

    def _look_at(self, collector: str, daemon: str) -> None:
        """Such a daemon has come to a collector, or will not come back: its devices are another matter now."""
        reading = self._readings.get(daemon)
        if reading is not None:
            reading.distributor.model_changed(reading.view.revision, reading.view.devices_of(collector))

    def detached(self, session: ISession) -> None:
        """A daemon is gone."""
        for distributor in self._all:
            distributor.detached(session)

    def forget(self, collector: str, daemon: str) -> None:
        """A daemon, which is away, will not come back."""
        self._known.discard((collector, daemon))
        distributor = self.of(daemon)
        if distributor is not None:
            distributor.forget(collector)
        self._look_at(collector, daemon)

    def may_report(self, collector: str, daemon: str, device: str) -> bool:
        """Whether a daemon may speak of a device: it is its collector's, or it may still have it."""
        if self.process.may_report(collector, device):
            return True
        own = self._readings.get(daemon)
        return own is not None and own.distributor.may_report(collector, device)

    def slowest_s(self, device: str) -> float:
        """The longest interval at which a source of a device is read; 0 where there is none."""
        wanted = (one.distributor.wanted(device) for one in self._readings.values())
        configs = (one.config for one in wanted if one is not None and one.config is not None)
        return max((float(source.interval_s) for config in configs for source in config.sources), default=0.0)

    @property
    def readers(self) -> list[Distributor]:
        """Those of services that read sources of templates."""
        return [one.distributor for one in self._readings.values()]

    def is_known(self, collector: str, daemon: str) -> bool:
        """Whether a collector has ever had this daemon."""
        return (collector, daemon) in self._known

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

    def known(service: str) -> Known:
        return lambda collector: roster.is_known(collector, service)

    def made(
        service: str,
        view: IModelView,
        is_known: Known,
        leases: Leases | None = None,
        is_needed: Known = lambda _: True,
    ) -> tuple[Distributor, ConfigEvents]:
        reports = ConfigEvents(events, wall, "" if service == SERVICE_PROCESS else service)
        distributor = Distributor(
            clock,
            rng,
            view,
            reports,
            is_known=is_known,
            whereabouts=lambda collector: roster.whereabouts(collector, service),
            service=service,
            epoch=epoch,
            is_needed=is_needed,
            leases=leases,
        )
        return distributor, reports

    def reading(service: str) -> Reading:
        is_known = known(service)
        view = SourceView(model, SourceCompiler(service), pools.owner, is_known)
        distributor, reports = made(service, view, is_known, Overlapping(pools))
        return Reading(distributor, view, reports)

    processes = ModelView(model, ProcessCompiler(expected), pools.owner)
    process, process_reports = made(SERVICE_PROCESS, processes, roster.is_known, pools)
    found, has_modeler = ModelView(model, ModelerCompiler(), pools.owner), known(SERVICE_MODELER)
    modeler, modeler_reports = made(SERVICE_MODELER, found, has_modeler, is_needed=has_modeler)
    seats = [(seat.collector, seat.daemon) for seat in roster.seats()]
    return Services(process, modeler, (process_reports, modeler_reports), make=reading, known=seats)

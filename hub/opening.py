"""What the hub reads and prepares when it starts, a part at a time; hub/app.py joins the parts."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from common.certificates import Site, ensure_site
from common.components import ComponentKind
from common.configs import SERVICE_MODELER, SERVICE_PROCESS, SourceKind
from common.errors import SettingsError
from common.events import CLASS_DATA, OPEN_STATES
from common.sources import SERVICE_PROBE, SERVICE_STATUS
from hub.compile.differing import differing
from hub.compile.sources import pushed_config
from hub.components.ageing import Ageing
from hub.components.book import ComponentBook
from hub.components.modelrules import ModelRules
from hub.components.renaming import Renaming
from hub.components.store import SqlComponentStore
from hub.data.asking import Asker
from hub.data.hearing import Hearing
from hub.data.pushing import PushDesk
from hub.data.reader import Reader
from hub.data.status import StatusReader
from hub.distribution.absence import KEY as COLLECTOR_LOST
from hub.distribution.absence import Absence
from hub.distribution.ailments import KEY as COLLECTOR_PROBLEM
from hub.distribution.ailments import Ailments
from hub.distribution.ceasing import Ceasing
from hub.distribution.decisions import Decisions
from hub.distribution.departures import Departures
from hub.distribution.distributor import Distributor
from hub.distribution.epochs import Epochs
from hub.distribution.hubevents import HubEvents
from hub.distribution.ownalarms import OwnAlarms, Stands
from hub.distribution.reading import Owners, sources_wanted
from hub.distribution.roster import Roster
from hub.distribution.services import Services
from hub.events.store import SqlEventStore
from hub.interfaces import EventFilter
from hub.life import Life
from hub.model.database import Database
from hub.model.interfaces import IWorker
from hub.model.properties import effective
from hub.model.service import ModelService
from hub.model.sources import SourceType
from hub.moving.bells import LEFT, WAIT
from hub.moving.bells import Bells as MoveBells
from hub.moving.conductor import Conductor
from hub.moving.store import SqlMoveStore
from hub.pools.bells import KEY as MEMBER_ABSENT
from hub.pools.bells import Bells
from hub.pools.keeper import PoolKeeper
from hub.pools.opening import open_pools
from hub.pools.store import SqlPoolStore
from hub.purging.desk import Purging
from hub.purging.orphans import OWN_SOURCE, View
from hub.purging.store import SqlRemnantStore
from hub.settings import HubSettings

_log = Logger()


def open_site(settings: HubSettings, wall: Callable[[], float]) -> Site:
    """Load the authority and the hub's certificate, which is renewed when it is old."""
    return ensure_site(settings.pki, wall, settings.names, settings.enrol.certificate_days)


def make_database(settings: HubSettings, worker: IWorker) -> Database:
    """Describe the database; a first start may make it."""
    marker = settings.new_database_file
    database = Database(settings.database_url, worker, lambda: uuid.uuid4().hex, marker=marker)
    if not settings.token_file.exists():  # a first start
        database.expect_new()
    return database


async def open_epochs(
    life: Life,
    settings: HubSettings,
    database: Database,
    worker: IWorker,
    model: ModelService,
    events: SqlEventStore,
    hub_events: HubEvents,
) -> Epochs:
    """Look whether the store is what it was when the hub stopped, and keep an eye on that."""
    epochs = Epochs(
        database,
        worker,
        settings.mark_file,
        settings.new_epoch_file,
        hub_events.raise_event,
        time.time,
        lambda: model.model.revision,
    )
    newest_change, _ = await events.changes(0, 0)
    await epochs.begin(newest_change)
    life.at_end(lambda: Deferred.fromCoroutine(epochs.keep()))
    events.observe(epochs.changed)
    return epochs


def hub_renewal(
    settings: HubSettings, wall: Callable[[], float], *doors: Callable[[Site], None]
) -> Callable[[], Awaitable[None]]:
    """Look after the hub's own certificate while it runs; a start does the same.

    A folder that cannot be written is told each time: nothing else would say so before the certificate ends.
    """

    async def look() -> None:
        try:
            site = open_site(settings, wall)
        except SettingsError as error:
            _log.error("the hub's certificate cannot be renewed: {reason}", reason=error.message)
            return
        for renew in doors:
            renew(site)

    return look


async def open_components(
    database: Database, wall: Callable[[], float], model: ModelService, events: SqlEventStore
) -> tuple[ComponentBook, Ageing]:
    """Read what devices consist of, and prepare to retire what is absent for long."""
    rules = ModelRules(lambda: model.model)
    book = ComponentBook(SqlComponentStore(database), wall, lambda: uuid.uuid4().hex[:16], rules)
    await book.load()
    model.observe(Renaming(book).model_changed)
    return book, Ageing(book, wall, rules, events.find)


async def open_keeper(
    clock: Any,
    database: Database,
    model: ModelService,
    roster: Roster,
    events: SqlEventStore,
    hub_events: HubEvents,
    components: ComponentBook,
) -> PoolKeeper:
    """Prepare to give the devices of pools to members that are there, as it was when the hub stopped."""
    members = [seat.collector for seat in roster.seats() if seat.daemon == SERVICE_PROCESS]
    bells, store = Bells(hub_events.raise_event, time.time), SqlPoolStore(database)
    pools = await open_pools(clock, time.time, lambda: model.model, store, bells, members, events)
    model.narrow_by(
        lambda before, after, devices: differing(before, after, devices, components.expected, pools.owner_of)
    )
    model.observe(pools.model_changed)
    model.know_collectors(lambda: {seat.collector for seat in roster.seats()})
    return pools


async def open_departures(
    clock: Any,
    model: ModelService,
    pools: PoolKeeper,
    services: Services,
    components: ComponentBook,
    events: SqlEventStore,
) -> tuple[Departures, Ceasing]:
    """Prepare to see devices off, those too that were on their way when the hub stopped."""
    ceasing = Ceasing(clock, time.time, services, lambda: model.model, events.close_of)
    ceasing.remember(await events.tellers())
    model.observe(ceasing.model_changed)
    departures = Departures(
        clock,
        time.time,
        services.process,
        lambda *gone: see_off(components, events, *gone),
        events.leave_behind,
        events.standing,
        services.slowest_s,
        lambda: services.readers,
    )
    departures.remember(await events.reporters())
    model.observe(departures.model_changed)
    pools.observe(departures.moved)
    return departures, ceasing


async def open_moves(
    clock: Any,
    database: Database,
    model: ModelService,
    pools: PoolKeeper,
    owners: Owners,
    roster: Roster,
    events: SqlEventStore,
    hub_events: HubEvents,
    *,
    mib_per_s: float,
) -> Conductor:
    """Prepare to bring files after their devices, those too that were on their way when the hub stopped."""
    bells = MoveBells(hub_events.raise_event, time.time)
    wanted = EventFilter(event_class=CLASS_DATA, states=tuple(state.value for state in OPEN_STATES), limit=10_000)
    bells.remember(await events.find(wanted))
    conductor = Conductor(
        clock,
        time.time,
        SqlMoveStore(database),
        owners,
        roster,
        bells,
        pools.may_return,
        bytes_a_second=mib_per_s * 1024 * 1024,
    )
    await conductor.load()
    model.observe(conductor.model_changed)
    pools.observe(conductor.moved)
    return conductor


async def open_purging(
    settings: HubSettings,
    database: Database,
    model: ModelService,
    components: ComponentBook,
    roster: Roster,
    distributor: Distributor,
    moves: Conductor,
) -> Purging:
    """Prepare to find what devices left behind, and to have it deleted."""

    def names(device: str) -> frozenset[str]:
        found = (one for one in components.of(device).components if one.kind is ComponentKind.PROCESS_SET)
        return frozenset(name for one in found if one.retired_at is None for name in (one.name, one.series))

    def moving(device: str, collector: str, daemon: str) -> str:
        move = next((one for one in moves.book.of(device) if one.origin == (collector, daemon)), None)
        if move is None:
            return "its files are not known to be on their way there"
        return "its files were taken along" if move.done_at is not None else "its files are on their way there"

    def sources() -> frozenset[str]:
        templates = model.model.templates.values()
        own = (name for template in templates for name in template.sources)
        return frozenset({OWN_SOURCE, *(kind.value for kind in SourceType), *own})

    view = View(
        owner=distributor.owner,
        has=lambda device: device in model.model.devices,
        is_collector=roster.is_known,
        modelled_at=components.modelled_at,
        names=names,
        sources=sources,
        moving=moving,
        components=lambda device: {one.name for one in components.of(device).components},
    )
    purging = Purging(
        time.time,
        SqlRemnantStore(database),
        roster,
        view,
        lambda: uuid.uuid4().hex,
        grace_s=settings.purge.grace_days * 86_400,
        automatic=settings.purge.automatic,
    )
    await purging.load()
    return purging


def open_decisions(
    clock: Any,
    wall: Callable[[], float],
    roster: Roster,
    events: SqlEventStore,
    hub_events: HubEvents,
    absence: Absence,
    pools: PoolKeeper,
    services: Services,
    *,
    moves: Conductor,
) -> tuple[Ailments, Decisions]:
    """Join who has to know what operators make of alarms; also those that the hub itself has raised."""
    ailments = Ailments(wall, hub_events)
    asked: dict[str, Stands] = {
        COLLECTOR_LOST: lambda record: absence.is_lost(record.device, record.component),
        COLLECTOR_PROBLEM: lambda record: ailments.ails(record.device, record.component),
        MEMBER_ABSENT: lambda record: (record.component, record.device) in pools.presence.absent,
    }
    asked |= dict.fromkeys((LEFT, WAIT), moves.bells.stands)
    own = OwnAlarms(hub_events.raise_event, wall, asked, partial(_configs_of, services))
    return ailments, Decisions(clock, events.decided, roster.session, events.still_open, own.decided)


def _configs_of(services: Services, key: str) -> Stands | None:
    service = services.of_alarm(key)
    if service is None:
        return None
    return lambda record: services.is_in_trouble(service, record.device, record.event_key)


async def see_off(components: ComponentBook, events: SqlEventStore, devices: Sequence[str], by: str, at: float) -> int:
    """Forget what devices consisted of that have left the model, and close their events; return how many these were."""
    await components.forget(devices)
    return await events.close_devices(devices, by, at)


def open_status(clock: Any, roster: Roster, distributor: Distributor, model: ModelService) -> StatusReader:
    """What asks status collectors for the tree of their host."""
    asker = Asker(clock, distributor.owner, roster.is_known, roster.session, roster.whereabouts, service=SERVICE_STATUS)

    def is_local(device: str) -> bool:
        found = model.model.device(device)
        return effective(model.model.properties_of(found))["source"] == SourceKind.LOCAL.value

    return StatusReader(asker, is_local)


def open_pushing(clock: Any, roster: Roster, distributor: Distributor, model: ModelService) -> PushDesk:
    """What hands figures that are pushed to the collectors that keep them."""
    asker = Asker(clock, distributor.owner, roster.is_known, roster.session, roster.whereabouts, service=SERVICE_PROBE)
    return PushDesk(asker, lambda device, handlers: pushed_config(model.model, device, handlers))


def open_reader(
    clock: Any,
    wall: Callable[[], float],
    roster: Roster,
    distributor: Distributor,
    components: ComponentBook,
    services: Services,
) -> tuple[Reader, Hearing]:
    """What asks collectors, and what hears from them all the while."""
    reader = Reader(
        clock,
        distributor.owner,
        roster.is_known,
        roster.session,
        roster.whereabouts,
        series=components.series_elsewhere,
        daemons=roster.daemons_of,
        wants=partial(sources_wanted, services),
    )
    hearing = Hearing(
        clock,
        wall,
        lambda: [
            seat.session for seat in roster.seats() if seat.session is not None and seat.daemon != SERVICE_MODELER
        ],
        lambda device, collector: collector in {device, distributor.owner(device)},
    )
    return reader, hearing

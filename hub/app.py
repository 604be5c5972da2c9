"""tocsin-hub: every wire of the hub on one screen."""

from __future__ import annotations

import random
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from common.certificates import Site, ensure_site
from common.configs import SERVICE_PROCESS
from common.daemon import Program, version
from common.daemon import main as run_program
from common.sealing import ensure_sealer
from hub.broker.listener import BrokerListener
from hub.compile.differing import differing
from hub.components.ageing import Ageing
from hub.components.book import ComponentBook
from hub.components.modelrules import ModelRules
from hub.components.renaming import Renaming
from hub.components.store import SqlComponentStore
from hub.data.feed import EventFeed
from hub.data.reader import Reader
from hub.distribution.absence import Absence
from hub.distribution.ailments import Ailments
from hub.distribution.decisions import Decisions
from hub.distribution.departures import Departures
from hub.distribution.distributor import Distributor
from hub.distribution.epochs import KEEP_S, Epochs
from hub.distribution.errand import Every
from hub.distribution.hubevents import HubEvents, open_config_events
from hub.distribution.roster import Roster
from hub.distribution.services import make_services
from hub.enrolment import Enrolment
from hub.events.store import SqlEventStore
from hub.frontdesk import FrontDesk
from hub.life import Life
from hub.model.database import Database
from hub.model.interfaces import IWorker
from hub.model.sealed import SealedModelStore
from hub.model.service import ModelService
from hub.model.store import SqlModelStore
from hub.model.worker import NamedThread
from hub.modelling.desk import ModellingDesk
from hub.modelling.findings import packed
from hub.newepoch import NEW_EPOCH
from hub.pools.bells import Bells
from hub.pools.keeper import PoolKeeper
from hub.pools.opening import open_pools
from hub.pools.store import SqlPoolStore
from hub.runfile import RunFile
from hub.settings import HubSettings
from hub.web.collectors import About, CollectorTopic
from hub.web.components import ComponentTopic
from hub.web.data import DataTopic
from hub.web.devices import DeviceTopic
from hub.web.documents import DocumentTopic
from hub.web.events import EventTopic
from hub.web.longpolls import LongPolls
from hub.web.match import MatchTopic
from hub.web.models import ModelTopic
from hub.web.pools import PoolTopic, absent_members
from hub.web.revisions import RevisionTopic
from hub.web.router import Router
from hub.web.secrets import SecretTopic
from hub.web.server import WebServer
from hub.web.templates import TemplateTopic
from hub.web.tokens import ensure_token

STATIC = Path(__file__).parent / "web" / "static"
TIDY_S = 300.0
AGE_S = 3600.0
RENEW_S = 86400.0


def make_service(settings: HubSettings, reactor: Any) -> Life:
    """Describe the hub as a service; it is `ready` when it answers."""

    async def begin(life: Life) -> Callable[[], dict[str, Any]]:
        clock, wall, rng = reactor, time.time, random.Random()  # noqa: S311 - for back-off, not for secrets

        # What must be there first: folder, certificate authority, token, database.
        settings.prepare()
        sql, texts = NamedThread(reactor, "database"), NamedThread(reactor, "documents")
        database = make_database(settings, sql)
        site = ensure_site(settings.pki, wall, settings.names, settings.enrol.certificate_days)
        token = ensure_token(settings.token_file)
        sealer = ensure_sealer(settings.secret_key_file)
        for thread in (sql, texts):
            thread.start()
            life.at_end(thread.stop)
        await database.open(must_exist=True)
        life.at_end(lambda: Deferred.fromCoroutine(database.close()))

        # What the hub knows: model, components and events.
        documents = SealedModelStore(SqlModelStore(database), sealer, settings.secret_key_file)
        model = ModelService(documents, wall, texts)
        await model.load()
        events = SqlEventStore(database, wall, settings.events.policy)
        components, ageing = await open_components(database, wall, model, events)
        roster = Roster(wall)
        roster.remember((seat.collector, seat.daemon, seat.last_seen) for seat in await events.daemons())
        hub_events = HubEvents(clock, rng, events)

        epochs = await open_epochs(life, settings, database, sql, model, events, hub_events)
        pools = await open_keeper(clock, database, model, roster, events, hub_events, components)

        # Down: a change of the model goes to the collectors that it concerns.
        services = make_services(
            clock, rng, wall, model, roster, hub_events, components.expected, pools=pools, epoch=lambda: epochs.now
        )
        services.remember(await open_config_events(events))
        distributor = services.process
        components.observe(lambda devices: distributor.model_changed(model.model.revision, devices))
        model.observe(services.model_changed)
        pools.observe(services.moved, services.look_again)
        departures = await open_departures(clock, model, pools, distributor, components, events)

        # Up: sessions of collectors, and their events.
        absence = Absence(clock, wall, roster, hub_events)
        decisions = Decisions(clock, events.decided, roster.session, events.still_open)
        modelling = ModellingDesk(
            clock,
            lambda: uuid.uuid4().hex,
            packed(components.take),
            services.modeler,
            roster.session,
            roster.whereabouts,
            lambda: model.model.revision,
            wall,
        )
        life.at_end(lambda: Deferred.fromCoroutine(modelling.stop()))
        desk = FrontDesk(
            wall,
            epochs,
            roster=roster,
            events=events,
            book=events,
            services=services,
            absence=absence,
            decisions=decisions,
            ailments=Ailments(wall, hub_events),
            models=modelling,
            pools=pools,
            late=departures.last_words,
        )
        listener = BrokerListener(reactor, clock, wall, settings.broker, site, desk)
        enrolment = Enrolment(
            reactor,
            wall,
            settings,
            site,
            model=model,
            roster=roster,
            absence=absence,
            events=events,
            broker_port=lambda: listener.port,
        )

        # Across: the API, and what it asks of collectors.
        reader = Reader(
            clock,
            distributor.owner,
            roster.is_known,
            roster.session,
            roster.whereabouts,
            series=components.series_elsewhere,
        )
        polls = LongPolls()
        overview = CollectorTopic(
            About(
                version=version(),
                epoch=lambda: epochs.now,
                started_at=wall(),
                host=socket.gethostname(),
                pb_port=lambda: listener.port,
                revision=lambda: model.model.revision,
            ),
            roster,
            services,
            reader,
            distributor.devices,
            events.open_counts,
            enrolment.desk.standing,
            lambda: absent_members(pools),
        )
        topics = (
            overview,
            PoolTopic(lambda: model.model, pools, SqlPoolStore(database), clock, wall),
            enrolment.topic,
            DeviceTopic(model, distributor, events.open_counts, components),
            ComponentTopic(model, components),
            TemplateTopic(model),
            RevisionTopic(model, services.everywhere, polls, components.expected, pools.owner_of),
            DocumentTopic(model),
            EventTopic(events, EventFeed(clock, events, events.observe), wall, polls, decisions.decided),
            DataTopic(reader, distributor.devices, wall),
            MatchTopic(model, reader, texts),
            ModelTopic(model, modelling, polls, clock),
            SecretTopic(documents.rotate_key),
        )
        router = Router(route for topic in topics for route in topic.routes())
        web = WebServer(reactor, settings.http.host, settings.http.port, token, router, STATIC)

        # Go, in this order; `Life` stops them in reverse.
        for part in (
            hub_events,
            services,
            departures,
            absence,
            pools,
            Every(clock, TIDY_S, events.tidy),
            Every(clock, AGE_S, ageing.run),
            Every(clock, RENEW_S, hub_renewal(settings, wall, listener.renew, enrolment.renew)),
            Every(clock, KEEP_S, epochs.keep),
        ):
            part.start()
            life.at_end(part.stop)
        for service in (listener, enrolment.server, web):
            service.startService()
            life.at_end(service.stopService)
        run_file = RunFile(settings.run_file)
        run_file.write(
            url=web.url,
            version=version(),
            http_port=web.port,
            broker_port=listener.port,
            enrol_port=enrolment.server.port,
        )
        life.at_end(run_file.remove)
        return lambda: {
            **overview.figures(),
            "connections": listener.connections,
            "long_polls": polls.waiting,
            "own_events_dropped": hub_events.dropped,
        }

    return Life(begin)


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
    """Look after the hub's own certificate while it runs; a start does the same."""

    async def look() -> None:
        site = ensure_site(settings.pki, wall, settings.names)
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
    return pools


async def open_departures(
    clock: Any,
    model: ModelService,
    pools: PoolKeeper,
    distributor: Distributor,
    components: ComponentBook,
    events: SqlEventStore,
) -> Departures:
    """Prepare to see devices off, those too that were on their way when the hub stopped."""
    departures = Departures(
        clock,
        time.time,
        distributor,
        lambda *gone: see_off(components, events, *gone),
        events.leave_behind,
        events.standing,
    )
    departures.remember(await events.reporters())
    model.observe(departures.model_changed)
    pools.observe(departures.moved)
    return departures


async def see_off(components: ComponentBook, events: SqlEventStore, devices: Sequence[str], by: str, at: float) -> int:
    """Forget what devices consisted of that have left the model, and close their events; return how many these were."""
    await components.forget(devices)
    return await events.close_devices(devices, by, at)


PROGRAM = Program(
    name="tocsin-hub",
    title="the Tocsin hub",
    settings_type=HubSettings,
    make_service=make_service,
    verbs={"new-epoch": NEW_EPOCH},
)


def main() -> int:
    """Run the command `tocsin-hub`."""
    return run_program(PROGRAM)

"""tocsin-hub: every wire of the hub on one screen."""

from __future__ import annotations

import random
import socket
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from common.daemon import Program, version
from common.daemon import main as run_program
from common.sealing import ensure_sealer
from hub.backup import BACKUP
from hub.broker.listener import BrokerListener
from hub.data.conversions import ConversionDesk
from hub.data.feed import EventFeed
from hub.data.hearing import PACE_S
from hub.data.rollbook import RollReader
from hub.data.series import SeriesReader
from hub.distribution.absence import Absence
from hub.distribution.epochs import KEEP_S
from hub.distribution.errand import Every
from hub.distribution.farewell import Farewell
from hub.distribution.hubevents import HubEvents, open_config_events
from hub.distribution.reading import Owners
from hub.distribution.roster import Roster
from hub.distribution.services import make_services
from hub.distribution.sightings import Sightings
from hub.distribution.uncollected import Reach
from hub.enrolment import Enrolment
from hub.events.past import EventPast
from hub.events.store import SqlEventStore
from hub.frontdesk import FrontDesk
from hub.graphs.joined import graph_desk
from hub.life import Life
from hub.model.sealed import SealedModelStore
from hub.model.service import ModelService
from hub.model.store import SqlModelStore
from hub.model.worker import NamedThread
from hub.modelling.desk import ModellingDesk
from hub.modelling.findings import packed
from hub.newepoch import NEW_EPOCH
from hub.opening import (
    hub_renewal,
    make_database,
    open_components,
    open_decisions,
    open_departures,
    open_epochs,
    open_keeper,
    open_moves,
    open_purging,
    open_pushing,
    open_reader,
    open_site,
    open_status,
)
from hub.pools.store import SqlPoolStore
from hub.purging.counting import count
from hub.restore import RESTORE
from hub.runfile import RunFile
from hub.settings import HubSettings
from hub.web.collectors import About, CollectorTopic
from hub.web.components import ComponentTopic
from hub.web.conversions import ConversionTopic
from hub.web.data import DataTopic
from hub.web.devices import DeviceTopic
from hub.web.documents import DocumentTopic
from hub.web.events import EventTopic
from hub.web.evidence import EvidenceTopic
from hub.web.graphs import GraphTopic
from hub.web.longpolls import LongPolls
from hub.web.match import MatchTopic
from hub.web.models import ModelTopic
from hub.web.moves import MoveTopic
from hub.web.orphans import OrphanTopic
from hub.web.pools import PoolTopic, absent_members
from hub.web.retention import RetentionTopic
from hub.web.revisions import RevisionTopic
from hub.web.rollbook import RollTopic
from hub.web.router import Router
from hub.web.samples import SamplesTopic
from hub.web.secrets import SecretTopic
from hub.web.series import SeriesTopic
from hub.web.server import WebServer
from hub.web.status import StatusTopic
from hub.web.templates import TemplateTopic
from hub.web.tokens import Tokens, ensure_token

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
        site = open_site(settings, wall)
        tokens = Tokens(operator=ensure_token(settings.token_file), push=ensure_token(settings.push_token_file))
        sealer = ensure_sealer(settings.secret_key_file)
        for thread in (sql, texts):
            thread.start()
            life.at_end(thread.stop)
        await database.open(must_exist=True)
        life.at_end(lambda: Deferred.fromCoroutine(database.close()))

        # What the hub knows: model, components, events, and who of a pool is there.
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
        (departures, ceasing), moves = (
            await open_departures(clock, model, pools, services, components, events),
            await open_moves(
                *(clock, database, model, pools, Owners(services), roster, events, hub_events),
                mib_per_s=settings.moves.mib_per_s,
            ),
        )

        # Up: sessions of collectors, and their events.
        absence = Absence(clock, wall, roster, hub_events)
        ailments, decisions = open_decisions(
            clock, wall, roster, events, hub_events, absence, pools, services, moves=moves
        )
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
            ailments=ailments,
            models=modelling,
            pools=pools,
            late=departures.last_words,
            ceased=ceasing.last_words,
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
            services=services,
            events=events,
            broker_port=lambda: listener.port,
        )

        # Across: the API, and what it asks of collectors.
        reader, hearing = open_reader(clock, wall, roster, distributor, components, services)
        polls, reach, purging = (
            LongPolls(),
            Reach(clock, lambda: model.model, pools.owner, services.is_known),
            await open_purging(settings, database, model, components, roster, distributor, moves),
        )
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
            moves=MoveTopic(moves, distributor.owner).open,
            uncollected=reach.lacking,
        )
        topics = (
            overview,
            MoveTopic(moves, distributor.owner),
            OrphanTopic(purging),
            RetentionTopic(lambda: model.model, components, distributor.owner, partial(count, purging)),
            PoolTopic(lambda: model.model, pools, SqlPoolStore(database), clock, wall),
            enrolment.topic,
            DeviceTopic(model, distributor, events.open_counts, components, MoveTopic(moves, distributor.owner).of),
            ComponentTopic(model, components),
            TemplateTopic(model, reach.why_not),
            RevisionTopic(model, services.everywhere, polls, components.expected, pools.owner_of),
            DocumentTopic(model),
            EventTopic(events, EventFeed(clock, events, events.observe), wall, polls, decisions.decided),
            EvidenceTopic(events, reader),
            DataTopic(reader, distributor.devices, wall),
            SeriesTopic(SeriesReader(reader, hearing.heard, wall), wall),
            ConversionTopic(ConversionDesk(clock, roster, distributor.owner, roster.is_known)),
            GraphTopic(
                graph_desk(
                    reactor,
                    clock,
                    wall,
                    life.at_end,
                    model=lambda: model.model,
                    components=components,
                    past=EventPast(database),
                    reader=reader,
                    owner=distributor.owner,
                ),
                reader,
                lambda: model.model,
                wall,
            ),
            RollTopic(RollReader(reader), wall),
            StatusTopic(open_status(clock, roster, distributor, model)),
            SamplesTopic(open_pushing(clock, roster, distributor, model)),
            MatchTopic(model, reader, texts),
            ModelTopic(model, modelling, polls, clock),
            SecretTopic(documents.rotate_key),
        )
        router = Router(route for topic in topics for route in topic.routes())
        web = WebServer(reactor, settings.http.host, settings.http.port, tokens, router, STATIC)

        # Go, in this order; `Life` stops them in reverse.
        for part in (
            hub_events,
            services,
            departures,
            moves,
            absence,
            pools,
            Sightings(clock, roster, events.note_seen),
            Every(clock, TIDY_S, events.tidy),
            Every(clock, AGE_S, ageing.run),
            Every(clock, RENEW_S, hub_renewal(settings, wall, listener.renew, enrolment.renew)),
            Every(clock, KEEP_S, epochs.keep),
            Every(clock, TIDY_S, purging.look),
            Every(clock, PACE_S, hearing.run),
        ):
            part.start()
            life.at_end(part.stop)
        for service in (listener, Farewell(clock, services), enrolment.server, web):
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
            "heard_devices": len(hearing.heard),
            "heard_bytes": hearing.heard.size,
            **moves.figures(),
        }

    return Life(begin)


PROGRAM = Program(
    name="tocsin-hub",
    title="the Tocsin hub",
    settings_type=HubSettings,
    make_service=make_service,
    verbs={"backup": BACKUP, "restore": RESTORE, "new-epoch": NEW_EPOCH},
)


def main() -> int:
    """Run the command `tocsin-hub`."""
    return run_program(PROGRAM)

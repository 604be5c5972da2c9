"""A collector daemon: every part of it, and how they are joined.

    hub  <── hublink ──>  hubclient ──> held ──> configcache (disk)
                              │           └────> runner ──> tasks of the collector, here or in worker processes
    hub  <── eventpump <── eventspool (disk)  <── events ──┤
                           samplewriter (disk) <── samples ┘      rrdreader <── questions of the hub

A new kind of collector is a `CollectorSpec`; nothing here is to be subclassed.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import time
from collections.abc import Sequence
from typing import Any, get_args

from collectors.framework.captures.options import Chosen
from collectors.framework.chain import Chain
from collectors.framework.configcache import ConfigCache
from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.enrolment.verb import enrol_verb
from collectors.framework.eventpump import EventPump
from collectors.framework.eventspool import EventSpool
from collectors.framework.held import HeldConfigs
from collectors.framework.hubclient import HubClient, Identity
from collectors.framework.hublink import HubLink
from collectors.framework.interfaces import CollectorContext, CollectorSpec, NoTap
from collectors.framework.judging.baselinerounds import BaselineRounds
from collectors.framework.leases import FILE as STAMP_FILE
from collectors.framework.leases import Leases, Stamp
from collectors.framework.moving.mover import Mover
from collectors.framework.name import CollectorName
from collectors.framework.networks import Networks
from collectors.framework.once import add_once_options, run_once
from collectors.framework.outlets.joined import Outlets
from collectors.framework.outlets.metricspage import Shown
from collectors.framework.problems import Problems
from collectors.framework.purging import Purger
from collectors.framework.rejections import Rejections
from collectors.framework.renewal import Renewal
from collectors.framework.rrdreader import Reader
from collectors.framework.running.choice import make_runner
from collectors.framework.running.interfaces import Totals
from collectors.framework.samplespool import SampleSpool
from collectors.framework.samplewriter import SampleWriter
from collectors.framework.selfstats import Gauges, SelfStats, resident_bytes
from collectors.framework.stats import STATS, fares
from collectors.framework.watching.watch import ReactorWatch
from collectors.framework.worker import NamedThread
from common.conversion import ConversionQuery
from common.daemon import Program, version
from common.daemon import main as daemon_main
from common.events import CLASS_DAEMON, CLASS_DATA
from common.holdings import HoldingsQuery, PurgeQuery
from common.moving import MovingQuery
from common.wire import TaskCounts


class CollectorDaemon(Chain):
    """The parts of a collector daemon, joined.

    Attributes:
        held: configs and their tasks.
        leases: how long devices go on without the hub.
        runner, spool, pump, writer, reader, link, client, renewal, watch: the other parts.
    """

    def __init__(self, spec: CollectorSpec, settings: CollectorSettings, reactor: Any, tap: Any) -> None:
        clock, wall, folder, rng = reactor, time.time, settings.folder, random.SystemRandom()
        self._clock = clock
        self._began = clock.seconds()

        # What is on disk.
        name = CollectorName(settings.name)
        spool = self.spool = EventSpool(
            clock, NamedThread(reactor, "events"), folder / "spool.db", name.get, wall, settings.events
        )
        problems = self.problems = Problems(spool, name.get, wall)
        shown = Shown(
            figures=self._shown,
            latest=lambda: self.writer.latest_of_all(),  # noqa: PLW0108 - the writer comes later
            collector=name.get,
            program=spec.program,
            version=version(),
        )
        outlets = self.outlets = Outlets(
            reactor, clock, wall, settings.metrics, settings.remote_write, folder, shown, problems
        )
        samples = SampleSpool(folder / "samples", followers=outlets.followers)
        writer = self.writer = SampleWriter(
            reactor, clock, wall, folder, problems.of("samples", CLASS_DATA), spool=samples, limits=settings.files
        )
        reader = self.reader = Reader(reactor, clock, folder, writer)
        cache = ConfigCache(folder / "configs", settings.cache_key)

        # What collects.
        context = CollectorContext(
            clock=clock,
            wall=wall,
            reactor=reactor,
            rng=rng,
            events=spool,
            states=spool,
            samples=writer,
            data_dir=folder,
            keeps_files=True,
            on_problem=problems.of("roll books", CLASS_DATA),
            hub_epoch=lambda: self.client.epoch,
            send_model=lambda report: self.link.send_model(report),  # noqa: PLW0108 - the link comes later
            tap=tap,
            networks=Networks(settings.networks),
            settings=settings,
            problem_of=lambda part: problems.of(part, CLASS_DAEMON),
            collector=name.get,
        )
        runner = self.runner = make_runner(
            spec,
            settings,
            context,
            lambda: self.stats,
            on_problem=problems.of("workers", CLASS_DAEMON),
            on_refused=lambda reasons: self.held.lose(reasons),  # noqa: PLW0108 - what holds comes later
        )
        watch = self.watch = ReactorWatch(clock, spool, spool, name.get, wall, runner.under_way)
        stats = self.stats = SelfStats(
            clock,
            wall,
            writer,
            name.get,
            spec.program,
            self._gauges,
            cpu_s=lambda: sum(os.times()[:2]) + runner.totals().cpu_s,
            memory_bytes=lambda: (resident_bytes() or 0) + runner.totals().memory_bytes,
        )
        rejections = Rejections(spool, spool, wall)
        held = self.held = HeldConfigs(cache, runner, rejections, lambda why: self.link.begin_anew(why))  # noqa: PLW0108

        # What speaks with the hub.
        client = self.client = HubClient(
            Identity(service=spec.service, host=socket.gethostname(), software=version(), began=wall()),
            spool,
            held,
            runner,
            reader,
            self._counts,
            [runner.decided, watch.decided, problems.decided],
        )
        link = self.link = HubLink(reactor, clock, rng, settings.hub, client, wall=wall)
        renewal = self.renewal = Renewal(
            clock, rng, wall, settings.hub.certificates, link.renew, problems.of("certificate", CLASS_DAEMON)
        )
        pump = self.pump = EventPump(clock, rng, spool, link, name.get, wall, on_problem=problems.of("hub events", ""))
        spool.on_problem = problems.of("event spool", "")

        def attached(collector_name: str, stored_seq: int, spool_id: str, other_store: bool) -> None:  # noqa: FBT001 - a callback
            name.learn(collector_name, spool)
            pump.attached(stored_seq, spool_id, other_store=other_store)

        rounds = self.rounds = BaselineRounds(clock, wall, held.configs, reader.lessons, runner.learned)

        leases = self.leases = Leases(
            clock,
            wall,
            Stamp(folder / "configs" / STAMP_FILE),
            held,
            lambda: link.heard_at,
            attached=lambda: link.connected,
            on_problem=problems.of("leases", CLASS_DAEMON),
            on_lapse=lambda: link.begin_anew("the hub was silent for longer than a lease lasts"),
        )

        def is_held(device: str) -> bool:
            return held.get(device) is not None or device in held.lapsed

        purger = Purger(clock, writer, lambda device: is_held(device) or device == name.get())
        client.parts |= {HoldingsQuery: reader.look, PurgeQuery: purger.answer, ConversionQuery: writer.convert}

        mover = self.mover = Mover(
            clock,
            wall,
            folder,
            NamedThread(reactor, "incoming"),
            writer,
            reader,
            writer.order,
            is_held=is_held,
            own=name.get,
        )
        client.parts |= dict.fromkeys(get_args(MovingQuery), mover.answer)

        client.on_attached = attached
        client.on_detached = pump.detached

        self._name, self._rejections = name, rejections
        super().__init__([spool, writer, outlets, reader, mover, runner, rounds, stats, leases, link, renewal, watch])

    async def ready(self) -> None:
        """Begin with the last good configs, whether or not there is a hub."""
        self._name.load(self.spool)
        self._rejections.load()
        await self.held.load(self.leases.may_run)
        self.leases.look()
        self.problems.begin()
        self.watch.begin()

    async def figures(self) -> dict[str, Any]:
        """All figures, for `stats`."""
        return self.stats.figures() | {
            "collector": self._name.get(),
            "hub": self.link.standing(),
            "devices_paused": len(self.held.lapsed),
            "devices_paused_because": self.leases.sentence(),
            "certificate_ends_at": self.renewal.ends_at,
            **self.mover.figures(),
            "samples_dropped_by_reason": self.writer.drops,
            **self.rounds.figures(),
            "series_files_conversions": self.writer.conversions,
            **self.outlets.figures(),
            **self.watch.figures(),
            **await self.runner.figures(),
        }

    def _shown(self) -> dict[str, Any]:
        """Figures for the metrics page: those that are at hand."""
        return self.stats.figures() | {
            "collector": self._name.get(),
            "connected": self.link.connected,
            "cpu_s": sum(os.times()[:2]) + self.runner.totals().cpu_s,
            "uptime_s": self._clock.seconds() - self._began,
            "samples_dropped_by_reason": self.writer.drops,
            **self.outlets.figures(),
        }

    def debug(self, *, on: bool) -> None:
        """Debug messages are wanted of all its processes, or no more."""
        self.runner.debug(on=on)

    def _counts(self) -> TaskCounts:
        return self._counts_of(self.runner.totals())

    def _counts_of(self, totals: Totals) -> TaskCounts:
        return TaskCounts(
            devices=len(self.held.devices()),
            tasks=totals.tasks,
            late_runs=totals.late_runs,
            failed_runs=totals.failed_runs,
            silent=totals.silent,
            listening=totals.listening,
            deaf=totals.deaf,
            queued_events=self.spool.queued,
            queued_samples=self.writer.queued,
            dropped_events=self.spool.dropped,
            dropped_samples=self.writer.dropped + totals.dropped_samples,
            lapsed=len(self.held.lapsed),
            problem=self.problems.sentence(),
            untold=self.problems.untold(),
        )

    def _gauges(self) -> Gauges:
        totals = self.runner.totals()
        sent = self.pump.figures.sent
        return Gauges(counts=self._counts_of(totals), running=totals.running, waiting=totals.waiting, sent_events=sent)


def make_service(spec: CollectorSpec, settings: CollectorSettings, reactor: Any, tap: Any = None) -> CollectorDaemon:
    """Join the parts of a collector daemon; devices are read through the tap."""
    return CollectorDaemon(spec, settings, reactor, tap or NoTap())


def program(spec: CollectorSpec, command: str = "") -> Program:
    """The command of a kind of collector; `command` is how people call it, where that is not the spec's program."""
    chosen = Chosen()

    def instead(settings: Any, options: argparse.Namespace) -> int | None:
        chosen.options = options
        return run_once(spec, settings.folder, settings.cache_key, settings.reactor, options)

    return Program(
        name=spec.program,
        title=spec.title,
        settings_type=spec.settings_type or CollectorSettings,
        make_service=lambda settings, reactor: make_service(spec, settings, reactor, chosen.tap(reactor)),
        reactor=lambda settings: settings.reactor,
        add_options=add_once_options,
        instead=instead,
        stats=STATS,
        fares=fares,
        verbs={"enrol": enrol_verb(command or spec.program, spec.settings_type or CollectorSettings)},
        typed=command,
    )


def main(spec: CollectorSpec, argv: Sequence[str] | None = None, command: str = "") -> int:
    """Run the command of a kind of collector, as it was typed; returns its exit status."""
    return daemon_main(program(spec, command), argv)

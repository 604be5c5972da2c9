"""The process collector on simulated hosts in simulated time, with a judge beside it. No socket, no waiting."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from collectors.framework.captures.run import Kept
from collectors.framework.interfaces import CollectorContext, IProcessSource
from collectors.framework.snmp.factory import client_factory
from collectors.process.source_snmp import SnmpSource
from collectors.process.task import ProcessTask
from collectors.sim.responder import Responder
from collectors.sim.scenario import Scenario
from collectors.sim.world import World
from common.configs import DeviceConfig
from common.errors import TocsinError
from tests.fakes.snmp import FakeUdpReactor
from tests.truth.judge import DeviceJudge, Record, Scan
from tests.truth.ledger import Ledger

BEGAN = 1_800_000_000.0
FIRST_AT = 1.0
DOWN_CYCLES = 4
"""How long a daemon that was killed is away."""

Wrap = Callable[[Any], Any]


def as_it_is(part: Any) -> Any:
    """Leave it alone."""
    return part


class Simulation:
    """One host, and a task that watches it.

    Args:
        make_task: (config, context, make_source) -> task; another one to see a broken collector fail.
        wrap_source, wrap_events: put something round the source, or the sink of events.
        prepare: changes the host before it begins.
    """

    def __init__(
        self,
        config: DeviceConfig,
        scenario: Scenario,
        seed: int,
        record: Record,
        *,
        processes: int = 45,
        make_task: Any = ProcessTask,
        wrap_source: Wrap = as_it_is,
        wrap_events: Wrap = as_it_is,
        prepare: Callable[[Any], None] = as_it_is,
    ) -> None:
        self._config = config
        self._world = World(scenario, 1, processes, seed)
        (self._host,) = self._world.hosts
        prepare(self._host)
        self._slow = scenario.agents.get("slow")
        assert config.snmp is not None
        self._responder = Responder(config.snmp.community, scenario.agents, BEGAN)
        self._reactor = FakeUdpReactor(self._network)
        self._ledger = Ledger(self._host.running(0.0), self._host.agent_since, self._host.host_since)
        self._judge = DeviceJudge(config, self._ledger, record, scenario.agents)
        self._kept = Kept()
        self._make_task = make_task
        self._wrap_source = wrap_source
        self._wrap_events = wrap_events
        self._make_client = client_factory(self._reactor, self._reactor, random.Random(seed))
        self._task: Any = self._make()
        self.scans = 0

    def run(self, cycles: int, killed_every: int = 0) -> None:
        """Let cycles pass; the daemon is killed now and then, and comes back some cycles later."""
        interval_s = self._config.interval_s
        cycle = 0
        while cycle < cycles:
            if killed_every and cycle and cycle % killed_every == 0:
                self._task = self._make()
                self._judge.daemon_restarted()
                cycle += DOWN_CYCLES
            at = FIRST_AT + interval_s * cycle
            now = float(self._reactor.seconds())
            if now <= at:
                self._reactor.advance(at - now)
                self._cycle(int(BEGAN) + interval_s * cycle)
            cycle += 1
        self._reactor.finish(self._task.close())

    def _cycle(self, slot: int) -> None:
        self._follow()
        begin = float(self._reactor.seconds())
        before = self._task.scan.at
        try:
            self._reactor.finish(self._task.run(slot))
        except TocsinError:
            assert self._task.scan.at == before
        else:
            assert self._task.scan.at != before
        self._follow()
        at = self._task.scan.at
        events, samples = self._kept.take()
        figures = {
            sample.key.component: (int(sample.values["count"] or 0), int(sample.values["restarts"] or 0))
            for sample in samples
        }
        good = at is not None and at != before
        self.scans += good
        self._judge.cycle(
            Scan(
                begin=begin,
                end=float(self._reactor.seconds()),
                at=at - BEGAN if good and at is not None else None,
                events=events,
                figures=figures,
            )
        )

    def _network(self, datagram: bytes) -> Sequence[bytes]:
        self._follow()
        answer = self._responder.answer(self._host, datagram, float(self._reactor.seconds()))
        self._reactor.delay_s = self._slow.by_s if self._slow is not None and "slow" in self._host.ails else 0.0
        return [] if answer is None else [answer]

    def _follow(self) -> None:
        for fact in self._world.advance(float(self._reactor.seconds())):
            self._ledger.take(fact)

    def _wall(self) -> float:
        return BEGAN + float(self._reactor.seconds())

    def _make(self) -> Any:
        reactor = self._reactor
        context = CollectorContext(
            clock=reactor, wall=self._wall, reactor=reactor, rng=random.Random(1), events=self._wrap_events(self._kept),
            states=self._kept, samples=self._kept, data_dir=Path(), hub_epoch=str, send_model=self._kept.send_model,
        )  # fmt: skip

        def source(config: DeviceConfig, _task: Any) -> IProcessSource:
            found: IProcessSource = self._wrap_source(
                SnmpSource(self._make_client, config, self._wall, reactor.seconds)
            )
            return found

        return self._make_task(self._config, context, source)

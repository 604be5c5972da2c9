"""A device of the SNMP collector, an agent, and the network between them; tables as short words."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Due
from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.messages import Pdu
from collectors.framework.sources.results import Result
from collectors.snmp.device import Device
from collectors.snmp.ping import Pinger
from common.configs import DeviceConfig, SnmpConfig, SourceKind
from common.series import Kind, Point
from common.sources import Formula, OidConfig, SnmpSource
from tests.fakes.events import FakeEventSink
from tests.fakes.snmp import FakeUdpReactor
from tests.fakes.snmp_agent import SYS_UP_TIME, Agent, tlv

START = 1_800_000_000.0
TABLE: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
NAME, IN, OUT, BEGAN = (*TABLE, 1), (*TABLE, 6), (*TABLE, 10), (*TABLE, 19)


def dotted(oid: Oid) -> str:
    return "." + ".".join(map(str, oid))


def source(
    id_: str = "traffic",
    *,
    walks: Sequence[Oid] = (),
    gets: Sequence[Oid] = (),
    points: Mapping[str, str] = {},
    kind: Kind = Kind.GAUGE,
    component: str = "interface",
    interval_s: int = 60,
    **fields: Any,
) -> SnmpSource:
    """A source whose points say what they are made of; walks come before gets."""
    oids = [OidConfig(dotted(oid), walk=True) for oid in walks] + [OidConfig(dotted(oid)) for oid in gets]
    return SnmpSource(
        id=id_,
        template="t",
        component=component,
        interval_s=interval_s,
        oids=tuple(oids),
        points=tuple(Point(name=name, kind=kind) for name in points),
        formulas=tuple(Formula(name, text) for name, text in points.items() if text),
        **fields,
    )


def interfaces(rows: Mapping[int, tuple[str, int, int]], uptime_cs: int = 100_000) -> dict[Oid, bytes]:
    """What an agent with these interfaces says: by index the name, octets in and out."""
    values = {SYS_UP_TIME: tlv(uptime_cs, ber.TIMETICKS)}
    for index, (name, octets_in, octets_out) in rows.items():
        values[*NAME, index] = tlv(name.encode())
        values[*IN, index] = tlv(octets_in, ber.COUNTER64)
        values[*OUT, index] = tlv(octets_out, ber.COUNTER64)
    return values


class Bench:
    """See above.

    Attributes:
        requests: the PDUs that were asked, in order.
        silent: the network loses all.
    """

    def __init__(
        self, values: Mapping[Oid, bytes], sources: Iterable[Any], agent: Agent | None = None, **snmp: Any
    ) -> None:
        self.agent = agent or Agent(values)
        self.reactor = FakeUdpReactor(self.through)
        self.requests: list[Pdu] = []
        self.silent = False
        self.spool = FakeEventSink()
        self.config = DeviceConfig(
            device="sw1",
            address="192.0.2.1",
            source=SourceKind.SNMP,
            interval_s=60,
            snmp=SnmpConfig(**{"timeout_s": 1.0, "retries": 1, **snmp}),
            sources=tuple(sources),
        )
        self.begin()

    def begin(self, pinger: Pinger | None = None) -> None:
        """The daemon starts."""
        self.context = CollectorContext(
            clock=self.reactor,
            wall=self.wall,
            reactor=self.reactor,
            rng=random.Random(1),
            events=self.spool,
            states=self.spool,
            samples=None,
            data_dir=Path("/nowhere"),
            hub_epoch=str,
            send_model=None,  # type: ignore[arg-type]  # nothing is modelled
        )
        clients = client_factory(self.reactor, self.reactor, random.Random(1))
        self.device = Device(self.config, self.context, clients, pinger or Pinger(self.reactor))

    def wall(self) -> float:
        return START + self.reactor.seconds()

    def through(self, datagram: bytes) -> list[bytes]:
        _, _, pdu = messages.decode_message(datagram)
        self.requests.append(pdu)
        answer = None if self.silent else self.agent.answer(datagram, self.reactor.seconds())
        return [] if answer is None else [answer]

    def asked(self) -> list[list[Oid]]:
        """The OIDs of each request."""
        return [[oid for oid, _, _ in messages.decode_varbinds(pdu)] for pdu in self.requests]

    def run(self, *intervals: int) -> dict[str, Result]:
        """One pass, for these intervals, in the step of now; readings by source."""
        return {result.source: result for result in self.results(*intervals)}

    def results(self, *intervals: int) -> list[Result]:
        """The same, in their order."""
        self.requests.clear()
        now = self.wall()
        steps = {one: int(now // one) * one for one in intervals or (60,)}
        return list(self.reactor.finish(self.device.run(Due(steps=steps, at=now))))

    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)


def rows_of(result: Result) -> dict[str, dict[str, Any]]:
    """Values by component."""
    return {row.component: dict(row.values) for row in result.rows}


def keys_of(result: Result) -> list[str]:
    """What is wrong."""
    return [problem.key for problem in result.problems]

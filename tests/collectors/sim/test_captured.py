"""A simulated host, recorded by our own client and served again: the same values with the same types."""

from __future__ import annotations

import time
from pathlib import Path

from collectors.framework.captures.folder import readings
from collectors.framework.captures.recording import Recorder
from collectors.framework.snmp import ber, messages
from collectors.sim import oids
from collectors.sim.served import Served
from common.configs import DeviceConfig, SnmpConfig, SourceKind
from tests.collectors.sim.test_responder import Line, walked
from tests.collectors.sim.worlds import RESTLESS, responder, world

CONFIG = DeviceConfig(device="box", address="192.0.2.1", source=SourceKind.SNMP, interval_s=60, snmp=SnmpConfig())


def test_what_was_recorded_is_what_was_served(tmp_path: Path) -> None:
    """The tables end the host's MIB: endOfMibView stands there under the name of the last row."""
    line = Line(world(RESTLESS), responder())
    recorder = Recorder(tmp_path, time.time, time.monotonic)
    client = recorder.clients(CONFIG, lambda *_: line.client)("192.0.2.1", SnmpConfig())
    scalars = [oids.SYS_UPTIME, oids.SYS_NAME, oids.SYS_OBJECT_ID, oids.HR_SYSTEM_PROCESSES]
    line.reactor.finish(client.get([*scalars, (1, 3, 9)]))
    line.reactor.finish(client.table(oids.COLUMNS))
    view = Served(readings(tmp_path / "box")).view(0.0)
    assert view is not None
    found = {oid: (tag, value) for oid, tag, value in walked(responder(), line.host, 1, rows=20)}
    expected = {oid: typed for oid, typed in found.items() if oid in scalars or oid[:-1] in oids.COLUMNS}
    assert {oid: (typed.tag, typed.value) for oid, typed in view.values.items()} == expected
    assert view.values[oids.SYS_UPTIME].tag == ber.TIMETICKS
    assert messages.PduType.GETBULK in {messages.decode_message(datagram)[2].kind for datagram in line.heard}

"""A device whose collector may send no echoes is read all the same."""

from __future__ import annotations

from typing import Any

from collectors.snmp.echosocket import PingImpossibleError
from collectors.snmp.ping import Pinger
from common.sources import PingSource
from tests.collectors.snmp.bench import IN, NAME, Bench, interfaces, keys_of, rows_of, source


def _refuse(_six: bool) -> Any:
    raise PingImpossibleError("give it CAP_NET_RAW")


def test_a_device_is_read_though_nobody_may_ping_it() -> None:
    ping = PingSource(id="ping", template="ping", interval_s=60)
    traffic = source(walks=(IN, NAME), points={"in": "$1"}, name="{$2}")
    bench = Bench(interfaces({1: ("lo", 10, 20)}), [ping, traffic])
    bench.device._pinger = Pinger(bench.reactor, open_socket=_refuse)
    found = bench.run()
    assert keys_of(found["ping"]) == ["ping_failed"]
    assert found["ping"].problems[0].summary == "give it CAP_NET_RAW"
    assert rows_of(found["traffic"]) == {"lo": {"in": 10}}

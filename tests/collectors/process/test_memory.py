"""What is remembered of a device: over restarts of the daemon, and of its version."""

from __future__ import annotations

import base64

import pytest

from collectors.framework.judging.componentwatches import ComponentWatches
from collectors.framework.judging.watches import Watch
from collectors.framework.processtable import ProcessTable
from collectors.process.memory import DeviceMemory, SetMemory, dump, load
from collectors.process.tracker import Tracker
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.events import Severity
from tests.collectors.process.test_tracker import Host, keys

AT = 1_800_000_000.0

OLDER = base64.b64decode(
    "iaRzZXRzgqN3ZWKOqmRlZmluaXRpb26jd2VipXNpbmNly0Ha0nSAAAAApHBpZHOCB8AIwKdtaXNzaW5nwq1taXNzaW5nX3NjYW5zAKRsb3N0kKhy"
    "ZXN0YXJ0cwOmYWxhcm1zgbJwcm9jZXNzX3Jlc3RhcnRpbmcErXJlc3RhcnRfdGltZXOSy0Ha0nSAAAAAy0Ha0nSZAAAApGxpbmWud2ViIC0td29y"
    "a2VyIDeqZmlyc3Rfc2VlboIHy0Ha0mq8AAAACMtB2tJ0mQAAAKRzZWVuw6hleHBlY3RlZMOmc2VyaWVzp29sZCB3ZWKiZGKOqmRlZmluaXRpb26i"
    "ZGKlc2luY2XLQdrSdIyAAACkcGlkc4CnbWlzc2luZ8OtbWlzc2luZ19zY2FucwKkbG9zdJEpqHJlc3RhcnRzAKZhbGFybXOBr3Byb2Nlc3NfbWlz"
    "c2luZwWtcmVzdGFydF90aW1lc5CkbGluZaVkYiAtRKpmaXJzdF9zZWVugKRzZWVuw6hleHBlY3RlZMKmc2VyaWVzoKpzY2FubmVkX2F0y0Ha0nSy"
    "AAAAqHVwdGltZV9zy0CPQAAAAAAArWhvc3RfdXB0aW1lX3PLQMGUAAAAAACkcm93cwOmYWxhcm1zgKVjcHVfc4MHyz/4AAAAAAAACMtAAAAAAAAA"
    "AAnLP+AAAAAAAACjaHVipWh1Yi0xqnRocmVzaG9sZHOBo3dlYoKnd2F0Y2hlc4G0dGhyZXNob2xkOmJpZzptZW1vcnmDqnZpb2xhdGlvbnMCpHN0"
    "ZXDOa0nStKVzaW5jZctB2tJ0mQAAAKhjb3VudGVyc4OiYXTLQdrSdLIAAACkc3RlcM5rSdK0pnZhbHVlc4GocmVzdGFydHMD"
)
"""As a daemon kept it that knew nothing of process events, programs, users and trends, and had `first_seen` apart."""


def config() -> DeviceConfig:
    sets = tuple(
        ProcessSetConfig(
            id=name, title=name, order=1, include=f"^{name} ", name=name, missing_severity=Severity.CRITICAL
        )
        for name in ("web", "db")
    )
    return DeviceConfig(device="host", address="192.0.2.1", source=SourceKind.SNMP, interval_s=60, process_sets=sets)


def test_the_memory_of_an_older_version_is_taken_up_whole() -> None:
    memory = load(OLDER)
    web, db = memory.sets["web"], memory.sets["db"]
    assert dict(web.pids) == {7: AT - 10_000.0, 8: AT + 100.0}
    assert (web.restarts, web.alarms, list(web.restart_times)) == (3, {"process_restarting": 4}, [AT, AT + 100.0])
    assert (web.series, web.expected, web.seen) == ("old web", True, True)
    assert (db.missing, db.missing_scans, list(db.lost), db.alarms) == (True, 2, [41], {"process_missing": 5})
    assert (memory.hub, memory.rows, dict(memory.cpu_s)) == ("hub-1", 3, {7: 1.5, 8: 2.0, 9: 0.5})
    watches = memory.thresholds["web"]
    assert watches.watches == {"threshold:big:memory": Watch(violations=2, since=AT + 100.0, step=1_800_000_180)}
    assert (watches.counters.step, watches.counters.values) == (1_800_000_180, {"restarts": 3})


def test_what_goes_on_after_an_update_is_neither_restarted_nor_younger_nor_said_again() -> None:
    tracker = Tracker(config(), load(OLDER))
    assert tracker.update(config(), AT + 260.0) == []
    row = Host(local=False).row
    table = ProcessTable(
        at=AT + 260.0,
        monotonic=5.0,
        rows={pid: row(pid, cpu_s=3.0) for pid in (7, 8)},
        complete=True,
        full=True,
        uptime_s=1060.0,
        host_uptime_s=9060.0,
    )
    outcome = tracker.observe(table)
    assert keys(outcome) == []
    figures = outcome.figures["web"]
    assert (figures["restarts"], figures["oldest_s"], figures["youngest_s"]) == (3, 10_260.0, 160.0)
    again = load(dump(tracker.memory))
    assert dict(again.sets["web"].pids) == {7: AT - 10_000.0, 8: AT + 100.0}
    assert again.sets["db"].alarms == {"process_missing": 5}


def test_cpu_times_are_kept_where_they_tell_who_is_another_one() -> None:
    for local, kept in ((True, {}), (False, {7: 1.0})):
        host = Host(local=local)
        host.scan(7)
        assert dict(load(dump(host.tracker.memory)).cpu_s) == kept


@pytest.mark.parametrize("data", [None, b"", b"\xc1", dump(DeviceMemory())[:-3], b"\x90"])
def test_what_cannot_be_read_is_forgotten(data: bytes | None) -> None:
    assert load(data) == DeviceMemory()


def test_what_devices_have_alike_they_share_after_a_restart_too() -> None:
    kept = DeviceMemory(
        sets={"web": SetMemory(definition="web", since=AT, line="/srv/web --port 80")},
        thresholds={"web": ComponentWatches()},
    )
    one, other = (load(dump(kept)) for _ in range(2))
    assert one == other == kept
    assert one.sets["web"].line is other.sets["web"].line
    assert one.sets["web"].alarms is other.sets["web"].alarms
    assert one.thresholds["web"].watches is other.thresholds["web"].watches
    one.sets["web"].opened("process_missing", 4)
    assert (other.sets["web"].alarms, one.sets["web"].closed("process_missing")) == ({}, True)
    assert one.sets["web"].alarms is other.sets["web"].alarms

"""What this host tells of itself, against other witnesses."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

from collectors.framework.local.mounts import PSEUDO
from collectors.modeler import host
from collectors.modeler.plugins.catalogue import PLUGINS
from collectors.modeler.plugins.hardware import Hardware
from common.wire import PluginOutcome, decode, encode
from tests.collectors.modeler.tables import config


def test_every_plugin_can_begin_with_what_this_host_gives() -> None:
    for name, read in host.READERS.items():
        found = PLUGINS[name].found(read(), config())
        outcome = PluginOutcome(
            plugin=name, kinds=list(found.kinds), components=list(found.components), attributes=dict(found.attributes)
        )
        assert decode(encode(outcome), PluginOutcome) == outcome
        assert found.components or found.attributes
    assert set(host.READERS) == set(PLUGINS) - {"processes"}


def test_identity() -> None:
    told = host.identity()
    assert told["kernel"] == os.uname().release
    assert told["hostname"] == socket.gethostname()
    assert told["booted_at"] == int(psutil.boot_time())


def test_the_loopback_is_among_the_interfaces() -> None:
    before = {name for _, name in socket.if_nameindex()}
    rows = {row.name: row for row in host.interfaces()}
    after = {name for _, name in socket.if_nameindex()}
    assert before & after <= set(rows) <= before | after  # other tests may make and remove some
    assert (rows["lo"].type, rows["lo"].mac, rows["lo"].admin) == ("loopback", "", "up")
    assert rows["lo"].index == socket.if_nametoindex("lo")


def test_filesystems_have_room_and_each_is_there_once() -> None:
    rows = {row.name: row for row in host.filesystems()}
    assert "/" in rows
    assert rows["/"].total_bytes == psutil.disk_usage("/").total
    assert all(row.total_bytes != 0 for row in rows.values())
    assert not [name for name in rows if name.startswith(("/proc", "/sys"))]
    assert {row.type for row in rows.values()} & (PSEUDO - {"overlay"}) == set()


def test_hardware() -> None:
    told = host.hardware()
    assert len(told.cpus) == psutil.cpu_count()
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    assert all(description in cpuinfo for description in told.cpus)
    assert isinstance(told, Hardware)
    assert told.memory_bytes == psutil.virtual_memory().total

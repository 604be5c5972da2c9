"""Figures of the host as a whole: files that say so, and psutil as witness on this host."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from collectors.status.hostfiles import ProcHost, is_partition
from collectors.status.hostpsutil import PsutilHost
from collectors.status.hostreading import HostReader
from collectors.status.shares import cpu_shares
from common.statuspoints import CPU_STATES, ITEMS

NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier
    lo: 101 11 0 0 0 0 0 0 101 11 0 0 0 0 0 0
  eth0:18446744073709551615 22 3 4 50 60 70 80 205 26 7 8 90 0 0 0
eth0:1: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0
 short: 1 2
"""
MEMINFO = """MemTotal:        1000 kB
MemFree:          100 kB
MemAvailable:     250 kB
Buffers:           10 kB
Cached:           100 kB
SwapCached:         7 kB
SwapTotal:        400 kB
SwapFree:         100 kB
SReclaimable:      40 kB
HugePages_Total:    0
"""
DISKSTATS = """   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0
   8       0 sda 10 1 100 5 20 2 200 6 0 345 11 0 0 0 0 0 0
   8       1 sda1 3 1 8 5 0 2 0 6 0 5 11
 259       0 nvme0n1 1 0 2 0 0 0 0 0 0 9 0
 259       1 nvme0n1p1 1 0 2 0 0 0 0 0 0 9 0
"""


@pytest.fixture
def host(tmp_path: Path) -> ProcHost:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "dev").write_text(NET_DEV)
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "vmstat").write_text("pgpgin 7\npswpin 3\npswpout 5\n")
    (tmp_path / "diskstats").write_text(DISKSTATS)
    (tmp_path / "stat").write_text("cpu  100 0 50 700 25 0 0 0 0 0\ncpu0 100 0 50 700 25\nintr 5 cpu 7\n")
    (tmp_path / "loadavg").write_text("0.25 1.50 12.00 3/80 4711\n")
    (tmp_path / "uptime").write_text("1234.56 99.00\n")
    return ProcHost(str(tmp_path))


def test_interfaces_have_their_counts_both_ways(host: ProcHost) -> None:
    found = host.interfaces()
    assert set(found) == {"lo", "eth0", "eth0:1"}
    assert found["eth0"] == {
        "bytes_recv": 18446744073709551615,
        "packets_recv": 22,
        "errin": 3,
        "dropin": 4,
        "bytes_sent": 205,
        "packets_sent": 26,
        "errout": 7,
        "dropout": 8,
    }


def test_a_table_of_many_interfaces_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    lines = [f"{f'veth{number}':>9}: {' 123456789' * 16}" for number in range(2000)]
    (tmp_path / "net" / "dev").write_text("\n".join([*NET_DEV.splitlines()[:2], *lines]))
    assert len(ProcHost(str(tmp_path)).interfaces()) == 2000


def test_memory_and_swap(host: ProcHost) -> None:
    memory, swap = host.memory(), host.swap()
    assert memory["mem_total"] == 1000 * 1024
    assert memory["mem_used"] == 750 * 1024
    assert memory["mem_percent"] == 75.0
    assert memory["mem_cached"] == 140 * 1024
    assert (swap["swap_used"], swap["swap_percent"]) == (300 * 1024, 75.0)
    assert swap["swap_in"] == 3 * host._page_bytes
    assert swap["swap_out"] == 5 * host._page_bytes


def test_block_devices_that_were_used_and_which_are_parts_of_others(host: ProcHost) -> None:
    found = host.disk_io()
    assert set(found) == {"sda", "sda1", "nvme0n1", "nvme0n1p1"}
    assert found["sda"] == {"reads": 10, "writes": 20, "read_bytes": 51200, "write_bytes": 102400, "busy": 345}
    assert [name for name in found if is_partition(name, found)] == ["sda1", "nvme0n1p1"]


def test_load_uptime_and_processors(host: ProcHost) -> None:
    assert host.load() == {"load1": 0.25, "load5": 1.5, "load15": 12.0}
    assert host.uptime_s() == 1234.56
    spent = host.cpu_s()
    assert set(spent) == {"", "cpu 0"}
    assert spent[""]["idle"] == pytest.approx(700 * host._tick_s)
    assert set(spent["cpu 0"]) == {"user", "nice", "system", "idle", "iowait"}


def test_shares_of_processors_are_of_the_time_between() -> None:
    before = dict.fromkeys(CPU_STATES, 10.0)
    now = {**before, "user": 16.0, "guest": 14.0, "system": 11.0, "idle": 12.0, "iowait": 11.0}
    shares = cpu_shares(before, now)
    assert shares["cpu_busy"] == pytest.approx(70)
    assert shares["cpu_user"] == pytest.approx(60)  # the guests' 40 among them
    assert shares["cpu_guest"] == pytest.approx(40)
    assert shares["cpu_idle"] == pytest.approx(20)
    assert set(shares) == {point.name for point in ITEMS["cpu"].points}


def test_shares_without_a_time_between_are_unknown_and_time_that_goes_back_is_none() -> None:
    now = {"user": 1.0, "idle": 5.0}
    assert cpu_shares({}, now) == {"cpu_busy": None, "cpu_user": None, "cpu_idle": None}
    assert cpu_shares(now, now)["cpu_busy"] is None
    assert cpu_shares(now, {"user": 2.0, "idle": 4.9}) == {"cpu_busy": 100.0, "cpu_user": 100.0, "cpu_idle": 0.0}


def test_what_psutil_tells_of_this_host_is_the_same() -> None:
    ours, theirs = ProcHost(), PsutilHost()
    memory, witness = ours.memory(), theirs.memory()
    assert memory["mem_total"] == witness["mem_total"]
    assert memory.keys() == witness.keys()
    assert ours.swap().keys() == theirs.swap().keys()
    assert ours.swap()["swap_total"] == theirs.swap()["swap_total"]
    always, now, ever = theirs.interfaces().keys(), ours.interfaces().keys(), theirs.interfaces().keys()
    assert always & ever <= now <= always | ever  # other tests may make and remove some
    assert ours.interfaces()["lo"].keys() == theirs.interfaces()["lo"].keys()
    before, read, after = theirs.interfaces()["lo"], ours.interfaces()["lo"], theirs.interfaces()["lo"]
    assert all((before[name] or 0) <= (read[name] or 0) <= (after[name] or 0) for name in read)
    assert ours.cpu_s().keys() == theirs.cpu_s().keys()
    assert ours.uptime_s() == pytest.approx(theirs.uptime_s(), abs=60)
    assert set(ours.disk_io()) <= set(theirs.disk_io())
    assert ours.load().keys() == theirs.load().keys()


def test_an_item_that_fails_leaves_the_others(tmp_path: Path, host: ProcHost) -> None:
    (tmp_path / "meminfo").unlink()
    (tmp_path / "loadavg").write_text("garbled\n")
    told = HostReader(host, time.time).read(frozenset({"memory", "load", "uptime", "users", "disk_io"}))
    assert isinstance(told["memory"], FileNotFoundError)
    assert isinstance(told["load"], ValueError)
    assert told["uptime"][""]["uptime"] == 1234.56
    assert told["users"][""]["users"] >= 0
    assert set(told["disk_io"]) == {"sda", "sda1", "nvme0n1", "nvme0n1p1"}

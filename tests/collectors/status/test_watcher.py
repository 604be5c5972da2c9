"""Passes: what is read becomes states and figures, whatever happens to one of the things that are wanted."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from collectors.framework.source_local import HIDDEN
from collectors.status.beside import HELP_S, PATIENCE_S
from collectors.status.gathering import STUCK_AFTER_S
from collectors.status.passes import Found, Pass, ProcessFigures, ProcessName, State, Wanted
from collectors.status.processes import OfName, Reading
from collectors.status.watcher import Readers, Watcher
from common.sources import Match
from tests.fakes.threads import LONG_S, ThreadClock, until

WORKER = ProcessName(name="worker")
EPOCH = 1_700_000_000.0


def process(pid: int) -> ProcessFigures:
    return ProcessFigures(
        pid=pid,
        started=1.0,
        cpu_s=1.0,
        cpu_percent=50.0,
        cpu_affinity=(0,),
        memory_percent=1.0,
        rss=10,
        vms=20,
        shared=5,
    )


class FakeHost:
    """What there is, as the test has it; an exception in the place of a thing is raised when it is asked for."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {
            "interfaces": {"lo": {"bytes_sent": 1}, "eth0": {"bytes_sent": 2}},
            "indexes": {"lo": 1, "eth0": 2},
            "load": {"": {"load1": 0.5}},
            "users": {"": {"users": 1}},
            "mounts": ["/", "/srv"],
            "disk_io": {"sda": {"reads": 1}, "sda1": {"reads": 1}},
            "cpu": {"": {"user": 1.0, "idle": 1.0}, "cpu 0": {"user": 1.0, "idle": 1.0}},
        }
        self.disks: dict[str, Any] = {"/": {"total": 5}, "/srv": {"total": 7}}
        self.processes: dict[ProcessName, list[int]] = {WORKER: [20]}
        self.problem = ""
        self.beside: dict[str, Any] = {
            "units": {"": {"units_failed": 0}},
            "sensors": {"cpu/temp1": {"temperature": 40}},
        }
        self.held: dict[str, threading.Event] = {}
        self.asked: list[str] = []

    def readers(self) -> Readers:
        return Readers(
            host=self._host,
            processes=self._processes,
            disk=lambda path: self._one(f"disk {path}", self.disks.get(path, FileNotFoundError(2, "No such file"))),
            beside={
                "units": lambda: self._one("units", self.beside["units"]),
                "sensors": lambda: self._one("sensors", self.beside["sensors"]),
            },
            uptime_s=lambda: 99.0,
        )

    def hold(self, what: str) -> threading.Event:
        """Let a question have no answer until the event is set."""
        self.held[what] = threading.Event()
        return self.held[what]

    def _one(self, what: str, value: Any) -> Any:
        self.asked.append(what)
        if what in self.held:
            assert self.held[what].wait(LONG_S)
        if isinstance(value, Exception):
            raise value
        return value

    def _host(self, items: frozenset[str]) -> Mapping[str, Any]:
        self._one("host", None)
        self.asked += sorted(items)
        return {item: self.told[item] for item in items}

    def _processes(self, names: tuple[ProcessName, ...], every_s: float) -> Reading:
        self._one("processes", None)
        return Reading(
            names={
                name: OfName(processes={pid: process(pid) for pid in self.processes.get(name, [])}, spent_s=1.5)
                for name in names
            },
            races={"ended": 1},
            problem=self.problem,
        )


class Bench:
    def __init__(self) -> None:
        self.clock = ThreadClock()
        self.host = FakeHost()
        self.watcher = Watcher(
            Wanted(), self.clock, lambda: EPOCH + self.clock.seconds(), self.clock.seconds, self.host.readers()
        )

    def look(self, wanted: Wanted | None = None, after_s: float = 1.0) -> Pass:
        """Take a pass so much later; what is held up is waited for as long as patience has it."""
        if wanted is not None:
            self.watcher.update(wanted)
        self.clock.advance(after_s)
        outcome = self.clock.begin(self.watcher.look())
        while not outcome and any(not one.is_set() for one in self.host.held.values()):
            self.clock.advance(HELP_S)
            self._rest()
            self.clock.advance(PATIENCE_S)
            self._rest()
        found: Pass = self.clock.wait(outcome)
        return found

    def _rest(self) -> None:
        """Let threads do what nobody holds up."""
        waiting = [self.watcher._quick, self.watcher._slow]
        until(lambda: all(key in self._held() for one in waiting for key in tuple(one._asked)))
        while not self.clock._calls.empty():
            self.clock._calls.get()()

    def _held(self) -> set[str]:
        return {what for what, one in self.host.held.items() if not one.is_set()}

    def disk(self, path: str = "/srv", **wanted: Any) -> Found:
        return self.look(Wanted(disks=(path, "/"), **wanted)).items["disks"][path]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for one in bench.host.held.values():
        one.set()
    bench.watcher.close()


def test_everything_that_is_wanted_is_in_a_pass_and_nothing_else(bench: Bench) -> None:
    wanted = Wanted(
        disks=("/",),
        interfaces=("lo",),
        processes=(WORKER,),
        further=frozenset({"load", "users", "sensors", "units", "cpu", "cpus", "nonsense"}),
    )
    found = bench.look(wanted)
    assert {item: list(things) for item, things in found.items.items()} == {
        "disks": ["/"],
        "interfaces": ["lo"],
        "load": [""],
        "users": [""],
        "sensors": ["cpu/temp1"],
        "units": [""],
        "cpu": [""],
        "cpus": ["cpu 0"],
    }
    assert all(one.state is State.OK for things in found.items.values() for one in things.values())
    assert found.items["disks"]["/"].figures == {"total": 5}
    assert found.processes[WORKER].processes == {20: process(20)}
    assert found.processes[WORKER].figures["count"] == 1
    assert found.races == {"ended": 1}
    assert (found.at, found.elapsed_s, found.uptime_s) == (EPOCH + 1, None, 99.0)
    assert bench.look().elapsed_s == 1.0
    assert bench.watcher.last is not None
    assert bench.look(Wanted()).items == {}


def test_absent_then_there_then_gone_and_there_again_each_since_its_own_time(bench: Bench) -> None:
    seen = []
    for value in (None, None, {"total": 1}, {"total": 2}, None, None, {"total": 3}):
        bench.host.disks.pop("/srv", None)
        if value is not None:
            bench.host.disks["/srv"] = value
        found = bench.disk()
        seen.append((found.state.value, found.since - EPOCH))
    assert seen == [("absent", 1), ("absent", 1), ("ok", 3), ("ok", 3), ("gone", 5), ("gone", 5), ("ok", 7)]
    del bench.host.disks["/srv"]
    bench.look(Wanted())
    assert bench.disk().state is State.ABSENT  # who wants it anew has never seen it


def test_what_is_wrong_with_a_disk_is_a_sentence_and_the_others_stand(bench: Bench) -> None:
    for error, state, words in (
        (NotADirectoryError(20, "Not a directory"), State.ERROR, "is no folder"),
        (PermissionError(13, "Permission denied"), State.DENIED, "may not look at"),
        (OSError(116, "Stale file handle"), State.ERROR, "Stale file handle"),
        (ValueError("embedded null byte"), State.ERROR, "embedded null byte"),
        (FileNotFoundError(2, "No such file"), State.ABSENT, "there is no folder /srv"),
    ):
        bench.host.disks["/srv"] = error
        found = bench.look(Wanted(disks=("/srv", "/"))).items["disks"]
        assert (found["/srv"].state, dict(found["/srv"].figures)) == (state, {})
        assert words in found["/srv"].sentence
        assert found["/"].figures == {"total": 5}


def test_a_disk_that_hangs_is_stuck_since_it_was_asked_and_asked_no_more_until_it_answers(bench: Bench) -> None:
    first = bench.disk()
    held = bench.host.hold("disk /srv")
    began = EPOCH + bench.clock.seconds() + 1.0
    while EPOCH + bench.clock.seconds() < began + 1.0:
        assert bench.disk() == first  # it may just be slow
    bench.clock.advance(STUCK_AFTER_S)
    for _ in range(5):
        found = bench.look(Wanted(disks=("/srv", "/"))).items["disks"]
        assert found["/srv"].state is State.STUCK
        assert found["/srv"].since == pytest.approx(began)
        assert found["/"].state is State.OK
        assert "does not answer" in found["/srv"].sentence
    assert bench.host.asked.count("disk /srv") == 2
    until(lambda: bench.watcher._slow.threads <= 2)  # it, and one that is idle
    held.set()
    until(lambda: not bench.watcher._slow._asked)
    assert bench.disk().state is State.OK


def test_a_disk_that_hangs_from_the_first_is_stuck_at_once(bench: Bench) -> None:
    bench.host.hold("disk /srv")
    assert bench.disk().state is State.STUCK
    assert bench.disk().state is State.STUCK


def test_a_process_table_that_hangs_leaves_the_rest(bench: Bench) -> None:
    held = bench.host.hold("processes")
    wanted = Wanted(processes=(WORKER,), interfaces=("lo",), disks=("/",))
    for _ in range(2):
        found = bench.look(wanted)
        assert (found.processes[WORKER].state, dict(found.processes[WORKER].figures)) == (State.STUCK, {})
        assert found.items["interfaces"]["lo"].state is found.items["disks"]["/"].state is State.OK
    held.set()
    until(lambda: not bench.watcher._quick._asked)
    assert bench.look(wanted).processes[WORKER].state is State.OK


def test_a_host_that_hangs_is_said_to_of_each_item(bench: Bench) -> None:
    bench.host.hold("host")
    found = bench.look(Wanted(interfaces=("lo",), further=frozenset({"load", "cpu"}), disks=("/",)))
    assert found.items["load"][""].state is State.STUCK
    assert found.items["cpu"][""].state is State.STUCK
    assert found.items["interfaces"]["lo"].state is State.STUCK
    assert found.items["disks"]["/"].state is State.OK


def test_an_interface_that_is_renamed_is_gone_and_its_new_name_is_said(bench: Bench) -> None:
    wanted = Wanted(interfaces=("eth0", "lo"))
    assert bench.look(wanted).items["interfaces"]["eth0"].counts == {"index": 2.0}
    bench.host.told["interfaces"] = {"lo": {"bytes_sent": 3}, "lan0": {"bytes_sent": 9}}
    bench.host.told["indexes"] = {"lo": 1, "lan0": 2}
    for _ in range(2):
        found = bench.look(wanted).items["interfaces"]
        assert found["eth0"].state is State.GONE
        assert not found["eth0"].listed
        assert "seems to be called lan0 now" in found["eth0"].sentence
        assert found["lo"].figures == {"bytes_sent": 3}
    bench.host.told["interfaces"] = {"lo": {}, "eth0": {"bytes_sent": 0}}
    bench.host.told["indexes"] = {"lo": 1, "eth0": 7}
    assert bench.look(wanted).items["interfaces"]["eth0"].counts == {"index": 7.0}
    assert set(bench.look(Wanted(further=frozenset({"interfaces"}))).items["interfaces"]) == {"lo", "eth0"}


def test_names_of_processes_without_one_or_with_a_mistake_or_in_a_table_that_hides_some(bench: Bench) -> None:
    empty, broken = ProcessName(name=""), ProcessName(name="(", match=Match.REGEX)
    nobody = ProcessName(name="nobody")
    found = bench.look(Wanted(processes=(empty, broken, nobody, WORKER))).processes
    assert found[empty].state is found[broken].state is State.ERROR
    assert "must not be empty" in found[empty].sentence
    assert "no RE2 pattern" in found[broken].sentence
    assert (found[nobody].state, found[nobody].figures["count"], found[nobody].processes) == (State.ABSENT, 0, {})
    assert found[WORKER].state is State.OK
    bench.host.processes = {}
    assert bench.look().processes[WORKER].state is State.GONE
    bench.host.problem = HIDDEN
    hidden = bench.look().processes[WORKER]
    assert (hidden.state, hidden.sentence, dict(hidden.figures)) == (State.DENIED, HIDDEN, {})
    bench.host.problem = "process 7 cannot be read: Too many open files"
    assert bench.look().processes[WORKER].state is State.ERROR


def test_an_item_that_this_host_does_not_tell_is_absent_and_one_that_fails_says_why(bench: Bench) -> None:
    bench.host.told["load"] = FileNotFoundError(2, "No such file or directory")
    bench.host.told["users"] = ValueError("garbled")
    bench.host.told["cpu"] = PermissionError(13, "Permission denied")
    bench.host.beside["sensors"] = FileNotFoundError(2, "is not there: it has no sensors")
    bench.host.beside["units"] = OSError("systemctl did not answer within 10 s")
    bench.host.told["interfaces"] = ValueError("garbled")
    wanted = Wanted(interfaces=("lo",), further=frozenset({"load", "users", "cpu", "units", "sensors"}))
    items = bench.look(wanted).items
    assert (items["load"][""].state, items["load"][""].sentence) == (State.ABSENT, "load is not told by this host")
    assert (items["users"][""].state, items["users"][""].sentence) == (State.ERROR, "users cannot be read: garbled")
    assert items["cpu"][""].state is State.DENIED
    assert items["units"][""].sentence == "units cannot be read: systemctl did not answer within 10 s"
    assert items["interfaces"]["lo"].state is State.ERROR
    assert items["sensors"][""].state is State.ABSENT
    assert items["sensors"][""].sentence == "sensors is not there: it has no sensors"


def test_a_reader_that_fails_as_a_whole_is_an_error_of_each_item(bench: Bench) -> None:
    wanted = Wanted(interfaces=("lo",), further=frozenset({"load", "cpu", "users"}))
    bench.look(wanted)
    del bench.host.told["load"]
    items = bench.look(wanted, after_s=11.0).items
    assert {item: one.state for item, things in items.items() for one in things.values()} == dict.fromkeys(
        ("interfaces", "load", "cpu", "users"), State.ERROR
    )


def test_what_changes_seldom_is_read_seldom_and_tells_when_it_was(bench: Bench) -> None:
    wanted = Wanted(further=frozenset({"units", "users", "load"}))
    passes = [bench.look(wanted) for _ in range(61)]
    assert bench.host.asked.count("load") == 61
    assert bench.host.asked.count("users") == 7
    assert bench.host.asked.count("units") == 2
    assert [one.items["units"][""].at - EPOCH for one in passes] == [1.0] * 60 + [61.0]
    bench.look(Wanted())
    bench.look(wanted)
    assert bench.host.asked.count("units") == 3


def test_units_that_take_their_time_are_asked_once_and_shown_when_they_are_there(bench: Bench) -> None:
    held = bench.host.hold("units")
    wanted = Wanted(further=frozenset({"units"}))
    assert [bench.look(wanted).items["units"][""].state for _ in range(3)] == [State.STUCK] * 3
    held.set()
    until(lambda: not bench.watcher._slow._asked)
    assert bench.look(wanted).items["units"][""].figures == {"units_failed": 0}
    assert bench.host.asked.count("units") == 1
    again = bench.host.hold("units")
    states = [bench.look(wanted, after_s=10.0).items["units"][""].state for _ in range(11)]
    assert states == [State.OK] * 8 + [State.STUCK] * 3  # due after 60 s, and waited for from then on
    again.set()


def test_all_disks_are_those_that_are_mounted_now_beside_those_with_a_name(bench: Bench) -> None:
    wanted = Wanted(disks=("/nothing",), further=frozenset({"disks"}))
    assert set(bench.look(wanted).items["disks"]) == {"/nothing", "/", "/srv"}
    bench.host.told["mounts"] = ["/"]
    assert set(bench.look(after_s=11.0).items["disks"]) == {"/nothing", "/"}
    bench.host.told["mounts"] = OSError("no mounts")
    assert set(bench.look(after_s=11.0).items["disks"]) == {"/nothing"}


def test_what_counts_only_where_it_is_named_is_not_listed(bench: Bench) -> None:
    bench.host.disks["/srv/a folder"] = {"total": 7}
    items = bench.look(Wanted(disks=("/srv/a folder", "/"), further=frozenset({"disks", "disk_io"}))).items
    listed = {name: one.listed for item in ("disks", "disk_io") for name, one in items[item].items()}
    assert listed == {"/srv/a folder": False, "/": True, "/srv": True, "sda": True, "sda1": False}


def test_shares_of_processors_are_of_the_time_since_the_pass_before(bench: Bench) -> None:
    wanted = Wanted(further=frozenset({"cpu", "cpus"}))
    assert bench.look(wanted).items["cpu"][""].figures["cpu_busy"] is None
    bench.host.told["cpu"] = {"": {"user": 4.0, "idle": 2.0}, "cpu 0": {"user": 1.0, "idle": 2.0}}
    items = bench.look().items
    assert items["cpu"][""].figures["cpu_busy"] == pytest.approx(75)
    assert items["cpus"]["cpu 0"].figures["cpu_busy"] == 0.0


def test_two_who_look_at_once_get_one_pass(bench: Bench) -> None:
    bench.watcher.update(Wanted(disks=("/",)))
    first, second = bench.clock.begin(bench.watcher.look()), bench.clock.begin(bench.watcher.look())
    assert bench.clock.wait(first) is bench.clock.wait(second)
    assert bench.host.asked == ["disk /"]
    bench.look()
    assert bench.host.asked == ["disk /", "disk /"]


def test_whoever_looks_while_it_is_closed_gets_what_there_is(bench: Bench) -> None:
    bench.host.hold("disk /")
    bench.watcher.update(Wanted(disks=("/",)))
    outcome = bench.clock.begin(bench.watcher.look())
    until(lambda: "disk /" in bench.host.asked)
    bench.watcher.close()
    assert outcome[0].items["disks"]["/"].state is State.STUCK
    assert not bench.clock.getDelayedCalls()

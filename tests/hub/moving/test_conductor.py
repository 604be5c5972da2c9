"""Files follow their devices: the real conductor and the real collectors' parts, without a network and without time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rrdtool
from msgspec.structs import replace
from twisted.internet.task import Clock

from common.errors import RemoteError, TransientError
from common.events import Event, Severity
from common.moving import GiveQuery, Left, LeftQuery, LetGoQuery, Outgoing, OutgoingQuery, PieceQuery
from common.queries import Query, Result
from common.series import Baseline, Layout, Plan, Point, SeriesKey
from hub.distribution.roster import Seat
from hub.moving.bells import LEFT, WAIT, Bells
from hub.moving.carriage import TURN_S
from hub.moving.conductor import LONG_S, Conductor
from hub.moving.finder import MOST_PAGES
from hub.moving.interfaces import Move
from hub.moving.pauses import LATER_S
from tests.fakes.moves import FakeMoveStore
from tests.fakes.moving import NOW, Side, SideSession
from tests.fakes.stores import done

START = NOW - 10_000
KEYS = [SeriesKey("web1", f"set{number}", "process") for number in range(3)]


class Bench:
    """A hub, and collectors a, b and c; `web1` is a's, and has three files."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.store = FakeMoveStore()
        self.events: list[Event] = []
        self.owners: dict[str, str] = {"web1": "a"}
        self.compiled: dict[str, str] = {"web1": "a"}
        self.running: set[str] = {"web1"}
        self.returning: set[tuple[str, str]] = set()
        self.reading: set[tuple[str, str]] = set()
        self.others: dict[tuple[str, str], SideSession] = {}
        self.daemons = ["modeler", "process"]
        self.sides = {name: Side(folder, name, self.clock) for name in "abc"}
        self.sessions: dict[str, SideSession] = {}
        self.known = {"a", "b", "c"}
        self.sides["a"].held.add("web1")
        for number, key in enumerate(KEYS):
            self.sides["a"].sample({START + 10 * n: float(n + number) for n in range(50)}, key)
        for name in "abc":
            self.log_in(name)
        self.start()

    def start(self) -> None:
        """Start the hub, or start it again."""
        self.conductor = Conductor(
            self.clock,
            lambda: NOW + self.clock.seconds(),
            self.store,
            self,
            self,
            Bells(self.events.append, lambda: NOW),
            lambda device, collector: (device, collector) in self.returning,
        )
        done(self.conductor.load())
        self.conductor.start()

    # --- what the conductor asks --------------------------------------------------------------------------------------

    def owner(self, device: str) -> str | None:
        return self.owners.get(device)

    def runs(self, device: str, _daemon: str) -> bool:
        return device in self.running

    def reads(self, device: str, daemon: str) -> bool:
        return (device, daemon) in self.reading

    def wanted(self, device: str) -> Any:
        return SimpleNamespace(collector=self.compiled[device]) if device in self.compiled else None

    def session(self, collector: str, daemon: str) -> Any:
        return self.sessions.get(collector) if daemon == "process" else self.others.get((collector, daemon))

    def whereabouts(self, collector: str, _daemon: str) -> str:
        return f"collector {collector} is not connected"

    def is_known(self, collector: str, _daemon: str) -> bool:
        return collector in self.known

    def daemons_of(self, collector: str) -> list[str]:
        return self.daemons if collector in self.known else []

    def seats(self) -> list[Seat]:
        there = {(name, "process"): one for name, one in self.sessions.items()} | self.others
        return [Seat(collector=name, daemon=daemon, session=one) for (name, daemon), one in there.items()]  # type: ignore[arg-type]  # as much of a session as is used

    # --- what happens -------------------------------------------------------------------------------------------------

    def log_in(self, name: str) -> SideSession:
        self.sessions[name] = SideSession(self.sides[name])
        return self.sessions[name]

    def move(self, to: str, device: str = "web1") -> None:
        """The model says so, and the configs follow."""
        former, self.owners[device] = self.owners[device], to
        self.conductor.moved(2, [device])
        self.sides[former].held.discard(device)
        self.sides[to].held.add(device)
        self.compiled[device] = to

    def go_on(self, seconds: float = 30.0) -> None:
        for _ in range(int(seconds * 10)):
            self.clock.advance(0.1)

    def get(self, source: str = "a") -> Move | None:
        return self.conductor.book.get(("web1", source, "process"))

    def rung(self, key: str) -> list[Severity]:
        return [event.severity for event in self.events if event.event_key == key]

    def close(self) -> None:
        self.conductor.stop()
        for side in self.sides.values():
            side.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def came(bench: Bench, to: str, count: int = 50) -> bool:
    return all(
        bench.sides[to].path(key).exists()
        and bench.sides[to].rows(key, START - 100, NOW) == {START + 10 * n: float(n + number) for n in range(count)}
        for number, key in enumerate(KEYS)
    )


def test_files_follow_their_device_and_are_put_away_where_they_were(bench: Bench) -> None:
    bench.move("b")
    bench.go_on()
    assert came(bench, "b")
    move = bench.get()
    assert move is not None
    assert (move.done_at is not None, move.files, move.target, move.problem) == (True, 3, "b", "")
    assert move.bytes == sum(bench.sides["b"].path(key).stat().st_size for key in KEYS)
    assert not any(bench.sides["a"].path(key).exists() for key in KEYS)
    assert bench.store.kept == {("web1", "a", "process"): move}
    assert bench.events == []
    assert bench.conductor.figures()["files_moved"] == 3


def test_pieces_are_bounded_and_do_not_come_faster_than_they_may(bench: Bench) -> None:
    bench.move("b")
    bench.go_on()
    pieces = [query for query in bench.sessions["a"].asked if isinstance(query, PieceQuery)]
    assert max(query.size for query in pieces) <= 128 * 1024
    assert len(pieces) > len(KEYS)


def test_nothing_begins_before_the_new_collector_runs_the_device(bench: Bench) -> None:
    bench.running.clear()
    bench.move("b")
    bench.go_on()
    assert not any(isinstance(query, OutgoingQuery) for query in bench.sessions["a"].asked)
    assert "does not collect it yet" in bench.conductor.obstacle(bench.get() or pytest.fail("no move"))
    bench.running.add("web1")
    bench.go_on()
    assert came(bench, "b")


def test_who_is_away_is_waited_for_also_over_a_restart_of_the_hub(bench: Bench) -> None:
    del bench.sessions["a"]
    bench.move("b")
    bench.go_on()
    bench.conductor.stop()
    bench.start()
    move = bench.get()
    assert move is not None
    assert bench.conductor.obstacle(move) == "collector a is not connected"
    bench.log_in("a")
    bench.go_on()
    assert came(bench, "b")


def test_files_that_wait_for_long_ring_once_for_their_collector_and_are_quiet_when_they_came(bench: Bench) -> None:
    del bench.sessions["a"]
    bench.move("b")
    bench.clock.pump([60.0] * int(LONG_S / 60 - 2))
    assert bench.rung(WAIT) == []
    bench.clock.pump([60.0] * 10)
    assert bench.rung(WAIT) == [Severity.WARNING]
    assert (bench.events[0].device, "1 device" in bench.events[0].summary) == ("a", True)
    bench.log_in("a")
    bench.clock.pump([1.0] * 130)
    assert bench.rung(WAIT) == [Severity.WARNING, Severity.CLEAR]


def test_a_connection_that_breaks_in_the_middle_is_gone_on_with_where_it_was(bench: Bench) -> None:
    session = bench.sessions["a"]
    broken: list[int] = []

    def spoil(query: Query) -> Query:
        if isinstance(query, PieceQuery) and query.offset > 100_000 and not broken:
            broken.append(query.offset)
            raise TransientError("the connection was lost")
        return query

    session.spoil = spoil
    bench.move("b")
    bench.go_on()
    assert came(bench, "b")
    offsets = [query.offset for query in session.asked if isinstance(query, PieceQuery)]
    at = offsets.index(broken[0])
    assert offsets[at + 1] == broken[0]


def test_a_receiver_that_is_killed_in_the_middle_goes_on(bench: Bench) -> None:
    session = bench.sessions["b"]

    def spoil(query: Query) -> Query:
        if isinstance(query, GiveQuery) and query.offset > 100_000:
            session.spoil = lambda query: query
            bench.sides["b"].close()
            bench.sides["b"].start()
            raise TransientError("the connection was lost")
        return query

    session.spoil = spoil
    bench.move("b")
    bench.go_on()
    assert came(bench, "b")


def test_a_piece_that_is_damaged_on_its_way_is_sent_again(bench: Bench) -> None:
    spoiled: list[int] = []

    def spoil(query: Query) -> Query:
        if isinstance(query, GiveQuery) and query.data and len(spoiled) < 3:
            spoiled.append(query.offset)
            return replace(query, data=b"x" + query.data[1:])
        return query

    bench.sessions["b"].spoil = spoil
    bench.move("b")
    bench.go_on()
    assert came(bench, "b")
    assert len(spoiled) == 3


def test_a_file_that_does_not_go_on_stays_and_rings_and_the_others_come(bench: Bench) -> None:
    bench.sessions["b"].spoil_pieces(KEYS[1])
    bench.move("b")
    bench.go_on()
    assert bench.sides["a"].path(KEYS[1]).exists()
    assert bench.sides["b"].path(KEYS[0]).exists()
    assert bench.rung(LEFT) == [Severity.WARNING]
    assert bench.events[0].component == "a"
    bench.sessions["b"].spoil = lambda query: query
    bench.clock.pump([60.0] * int(LATER_S / 60))
    bench.go_on()
    assert came(bench, "b")
    assert bench.rung(LEFT) == [Severity.WARNING, Severity.CLEAR]


def test_an_older_collector_is_named_and_tried_when_it_comes_back(bench: Bench) -> None:
    def older(_query: Query) -> Query:
        raise RemoteError("bad_request", "query: Invalid value 'OutgoingQuery'")

    bench.sessions["a"].spoil = older
    bench.move("b")
    bench.go_on()
    move = bench.get()
    assert move is not None
    assert "update it" in move.problem
    bench.log_in("a")
    bench.go_on()
    assert came(bench, "b")


def test_a_device_that_moves_back_in_the_middle_ends_with_all_its_samples_where_it_was(bench: Bench) -> None:
    bench.move("b")
    bench.sides["b"].sample({START + 500 + 10 * n: float(n + 50) for n in range(5)}, KEYS[0])
    bench.go_on(0.3)
    bench.move("a")
    bench.sides["a"].sample({START + 550 + 10 * n: float(n + 55) for n in range(5)}, KEYS[0])
    bench.go_on(60)
    assert bench.sides["a"].rows(KEYS[0], START - 100, NOW) == {START + 10 * n: float(n) for n in range(60)}
    assert bench.conductor.book.number == 0


def test_a_device_that_moves_on_takes_the_files_of_both(bench: Bench) -> None:
    bench.move("b")
    bench.sides["b"].sample({START + 500 + 10 * n: float(n + 50) for n in range(5)}, KEYS[0])
    bench.go_on(0.3)
    bench.move("c")
    bench.go_on(60)
    assert bench.sides["c"].rows(KEYS[0], START - 100, NOW) == {START + 10 * n: float(n) for n in range(55)}
    assert {move.source: move.done_at is not None for move in bench.conductor.book.of("web1")} == {"a": True, "b": True}


def test_a_device_that_goes_to_and_fro_without_a_new_sample_loses_nothing(bench: Bench) -> None:
    for to in ("b", "a", "b", "a", "b"):
        bench.move(to)
        bench.go_on(6)
        assert came(bench, to)


def test_a_member_that_may_get_its_device_back_is_not_asked_for_its_files(bench: Bench) -> None:
    bench.returning.add(("web1", "a"))
    bench.move("b")
    bench.go_on()
    assert bench.sides["a"].path(KEYS[0]).exists()
    bench.move("a")
    bench.go_on()
    assert came(bench, "a")
    assert bench.conductor.book.number == 0


def test_of_a_collector_that_never_was_there_or_will_not_come_back_nothing_is_waited_for(bench: Bench) -> None:
    bench.owners["web1"] = bench.compiled["web1"] = "z"
    bench.sides["z"] = bench.sides["a"]
    bench.move("b")
    assert bench.conductor.book.number == 0
    del bench.sessions["b"]
    bench.move("c")
    bench.go_on()
    assert bench.conductor.book.sources() == [("b", "process")]
    bench.known.remove("b")
    bench.go_on()
    assert bench.conductor.book.number == 0
    assert [move for move in bench.store.kept.values() if move.done_at is None] == []


def test_a_device_that_leaves_the_model_leaves_its_files(bench: Bench) -> None:
    del bench.sessions["b"]
    bench.move("b")
    bench.go_on()
    del bench.owners["web1"]
    before, after = SimpleNamespace(devices={"web1": 1}), SimpleNamespace(devices={})
    bench.conductor.model_changed(3, before, after, ["web1"])  # type: ignore[arg-type]  # as much of a model as is used
    bench.log_in("b")
    bench.go_on()
    assert bench.store.kept == {}
    assert bench.sides["a"].path(KEYS[0]).exists()


def test_what_nobody_knows_of_is_found_at_the_login(bench: Bench) -> None:
    bench.owners["web1"] = bench.compiled["web1"] = "b"
    bench.sides["a"].held.clear()
    bench.sides["b"].held.add("web1")
    bench.go_on(1)
    assert bench.get() is None
    bench.go_on(60)
    assert any(isinstance(query, LeftQuery) for query in bench.sessions["a"].asked)
    assert came(bench, "b")


def test_what_lies_beside_a_file_goes_with_it(bench: Bench) -> None:
    """Copies from before an outage, and what was learned of points."""
    key = SeriesKey("web1", "late", "process")
    layout = Layout(
        points=(Point(name="cpu"),),
        step_s=10,
        retention=Plan(name="few", full_days=0.1, archives=((600, 10),)),
        baselines=(Baseline(point="cpu", season_s=86_400),),
    )
    a, b = bench.sides["a"], bench.sides["b"]
    a.sample({START + 10 * n: float(n) for n in range(50)}, key, layout)
    a.sample({START + 9500 + 10 * n: float(n) for n in range(5)}, key, layout)  # the ring has passed the first hours

    def beside(side: Side) -> list[str]:
        found = side.path(key).parent.glob(f"{side.path(key).name}.*")
        return sorted(path.name for path in found if path.suffix != ".moved")

    names = beside(a)
    assert [name.split(".")[2].partition("-")[0] for name in names] == ["gap", "likely"]
    kept = {name: (a.path(key).parent / name).read_bytes() for name in names}
    bench.move("b")
    b.sample({START + 9550 + 10 * n: float(n) for n in range(5)}, key, layout)  # it has begun to learn itself
    bench.go_on()
    assert beside(a) == []
    assert {name: (b.path(key).parent / name).read_bytes() for name in beside(b)} == kept
    b.sample({START + 9600 + 10 * n: float(n) for n in range(40)}, key, layout)
    assert beside(b) == names
    likely = b.path(key).parent / names[1]
    assert rrdtool.info(str(likely))["last_update"] == START + 9600 + 390


def test_all_who_have_logged_in_are_asked_soon_and_again_after_an_hour(bench: Bench) -> None:
    def asked() -> list[int]:
        return [sum(isinstance(query, LeftQuery) for query in bench.sessions[name].asked) for name in "abc"]

    bench.go_on(12)
    assert asked() == [1, 1, 1]
    bench.go_on(60)
    assert asked() == [1, 1, 1]
    bench.clock.pump([60.0] * 60)
    bench.go_on(12)
    assert asked() == [2, 2, 2]


def test_files_change_while_they_are_brought_and_are_brought_again(bench: Bench) -> None:
    def spoil(query: Query) -> Query:
        if isinstance(query, LetGoQuery):
            bench.sessions["a"].spoil = lambda query: query
            bench.sides["a"].sample({START + 500: 50.0}, KEYS[0])  # what was left in its spool
            bench.sides["a"].sample({START + 500: 51.0}, KEYS[1])
            bench.sides["a"].sample({START + 500: 52.0}, KEYS[2])
        return query

    bench.sessions["a"].spoil = spoil
    bench.move("b")
    bench.go_on(60)
    assert came(bench, "b", 51)


def test_samples_that_cannot_be_written_are_waited_for(bench: Bench) -> None:
    bench.sides["a"].fresh_works = False
    bench.move("b")
    bench.go_on()
    move = bench.get()
    assert move is not None
    assert "last samples" in move.problem
    bench.sides["a"].fresh_works = True
    bench.go_on(60)
    assert came(bench, "b")


def test_moves_that_cannot_be_stored_go_on_and_are_stored_later(bench: Bench) -> None:
    bench.store.broken = "the disk is full"
    bench.move("b")
    bench.go_on()
    assert came(bench, "b")
    bench.store.broken = ""
    bench.go_on()
    assert [move.done_at is not None for move in bench.store.kept.values()] == [True]


def test_a_device_that_takes_long_gives_way_to_others_and_goes_on_where_it_was(bench: Bench) -> None:
    session, other, given = bench.sessions["a"], SeriesKey("db1", "set0", "process"), list[str]()
    bench.owners["db1"] = bench.compiled["db1"] = "a"
    bench.running.add("db1")
    bench.sides["a"].held.add("db1")
    bench.sides["a"].sample({START + 10 * n: float(n) for n in range(50)}, other)

    def slow(query: Query) -> Query:
        if isinstance(query, PieceQuery):
            given.append(query.device)
            for part in bench.sides["b"].folder.glob("incoming/*.part"):
                os.utime(part, (NOW, NOW))  # else it would be as old as the real time is behind
            if len(given) == 2:
                bench.clock.rightNow += TURN_S + 1  # as long as a line may take that is slow
        return query

    session.spoil = slow
    bench.move("b")
    bench.move("b", "db1")
    bench.go_on()
    assert given[:3] == ["web1", "web1", "db1"]
    assert came(bench, "b")
    assert bench.sides["b"].path(other).exists()
    offsets = [query.offset for query in session.asked if isinstance(query, PieceQuery) and query.device == "web1"]
    assert offsets[2] > offsets[1] > 0
    assert bench.events == []


def test_a_piece_that_is_smaller_than_was_asked_for_is_none(bench: Bench) -> None:
    def crumbs(query: Query) -> Query:
        return replace(query, size=1) if isinstance(query, PieceQuery) else query

    bench.sessions["a"].spoil = crumbs
    bench.move("b")
    bench.go_on(10)
    move = bench.get()
    assert move is not None
    assert "shorter than it was" in move.problem
    assert sum(isinstance(query, GiveQuery) and bool(query.data) for query in bench.sessions["b"].asked) == 0


def test_lists_without_an_end_are_read_no_further_than_makes_sense(bench: Bench) -> None:
    asked: dict[str, int] = {"left": 0, "outgoing": 0}

    class Endless(SideSession):
        async def carry(self, query: Query) -> Result:
            if isinstance(query, LeftQuery):
                asked["left"] += 1
                return Left(devices=["web1"], last=f"{asked['left']:08}", more=True)
            if isinstance(query, OutgoingQuery):
                asked["outgoing"] += 1
                bench.clock.rightNow += 1.0
                return Outgoing(files=[], last=f"{asked['outgoing']:08}", more=True)
            return await super().carry(query)

    bench.sessions["c"] = Endless(bench.sides["c"])
    bench.go_on(12)
    assert asked["left"] == MOST_PAGES
    assert 0 < asked["outgoing"] <= TURN_S + 2
    bench.move("b")  # all others go on
    bench.go_on()
    assert came(bench, "b")


PING = SeriesKey("web1", "", "ping")


def with_snmp(bench: Bench, folder: Path, *collectors: str) -> dict[str, Side]:
    """A second daemon at some collectors, with a folder of its own; that of a has a file of web1."""
    bench.daemons, bench.reading = ["modeler", "process", "snmp"], {("web1", "snmp")}
    sides = {name: Side(folder / "snmp", name, bench.clock) for name in ("a", *collectors)}
    for name, side in sides.items():
        session = bench.others[name, "snmp"] = SideSession(side)
        session.daemon = "snmp"
    sides["a"].sample({START + 10 * n: float(n) for n in range(20)}, PING)
    return sides


def test_files_of_each_daemon_go_to_the_daemon_of_the_same_service(bench: Bench, tmp_path: Path) -> None:
    sides = with_snmp(bench, tmp_path, "b")
    try:
        sides["b"].held.add("web1")
        bench.move("b")
        bench.go_on()
        moves = bench.conductor.book.of("web1")
        assert {(move.daemon, move.files, move.done_at is not None) for move in moves} == {
            ("process", 3, True),
            ("snmp", 1, True),
        }
        assert came(bench, "b")
        assert sides["b"].rows(PING, START - 100, NOW) == {START + 10 * n: float(n) for n in range(20)}
        assert not bench.sides["b"].path(PING).exists()
    finally:
        for side in sides.values():
            side.close()


def test_where_the_new_collector_has_no_such_daemon_its_files_alone_wait_and_ring(bench: Bench, tmp_path: Path) -> None:
    sides = with_snmp(bench, tmp_path)
    try:
        bench.move("b")
        bench.go_on()
        assert came(bench, "b")
        waits = bench.conductor.book.get(("web1", "a", "snmp"))
        assert waits is not None
        assert waits.done_at is None
        assert "not connected" in bench.conductor.obstacle(waits)
        bench.clock.advance(LONG_S)
        bench.go_on(120)
        (rung,) = [event for event in bench.events if event.event_key == WAIT]
        assert (rung.device, rung.component) == ("a", "snmp")
        assert "at collector a (daemon snmp)" in rung.summary
        sides["b"] = Side(tmp_path / "snmp", "b", bench.clock)
        sides["b"].held.add("web1")
        session = bench.others["b", "snmp"] = SideSession(sides["b"])
        session.daemon = "snmp"
        bench.go_on(120)
        assert sides["b"].path(PING).exists()
        assert bench.rung(WAIT)[-1] is Severity.CLEAR
    finally:
        for side in sides.values():
            side.close()


def test_files_of_a_daemon_that_nobody_knows_of_are_found(bench: Bench, tmp_path: Path) -> None:
    sides = with_snmp(bench, tmp_path, "b")
    try:
        bench.owners["web1"] = "b"
        for side in (bench.sides["b"], sides["b"]):
            side.held.add("web1")
        bench.sides["a"].held.discard("web1")
        bench.go_on(60)
        assert sides["b"].path(PING).exists()
    finally:
        for side in sides.values():
            side.close()


def test_files_that_two_daemons_keep_back_ring_for_each_of_them() -> None:
    events: list[Event] = []
    bells = Bells(events.append, lambda: NOW)
    for daemon in ("process", "snmp"):
        bells.left(("web1", "a", daemon), ["broken"], 1)
    bells.settled(("web1", "a", "snmp"))
    assert [(event.component, event.severity) for event in events] == [
        ("a", Severity.WARNING),
        ("a/snmp", Severity.WARNING),
        ("a/snmp", Severity.CLEAR),
    ]

"""What is wrong with the things that are watched, and the events of those that the settings name."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from collectors.framework.sources.results import Problem
from collectors.status.itemevents import STATE_KEY, ItemEvents
from collectors.status.passes import Found, FoundProcesses, Pass, ProcessName, State, Wanted
from collectors.status.troubles import of_source, of_wanted
from common.errors import TransientError
from common.events import CLASS_HOST, Event, Severity
from common.sources import StatusSource
from tests.collectors.status.passes_made import ROOM, a_pass, bad, ok


def source(item: str, **fields: Any) -> StatusSource:
    return StatusSource(id="s", template="t", interval_s=60, item=item, **fields)


def said(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(one.key, one.component) for one in problems]


def disks(**states: State) -> Pass:
    found = {f"/{name}": bad(state, f"no {name}") for name, state in states.items()}
    return a_pass(items={"disks": {"/": ok(ROOM), **found}})


@pytest.mark.parametrize(
    ("state", "key", "severity"),
    [
        (State.ABSENT, "item_absent", Severity.WARNING),
        (State.DENIED, "item_denied", Severity.WARNING),
        (State.GONE, "item_gone", Severity.ERROR),
        (State.STUCK, "item_stuck", Severity.ERROR),
        (State.ERROR, "item_error", Severity.WARNING),
    ],
)
def test_what_was_named_and_cannot_be_read_is_a_problem_by_its_state(
    state: State, key: str, severity: Severity
) -> None:
    (one,) = of_source(source("disks", only=("/x", "/")), disks(x=state))
    assert (one.key, one.component, one.severity, one.event_class) == (key, "/x", severity, CLASS_HOST)
    assert one.summary == "disks /x: no x"


def test_what_nobody_named_is_a_problem_only_once_it_was_there() -> None:
    now = disks(never=State.ABSENT, once=State.GONE, out=State.GONE)
    assert said(of_source(source("disks", left_out=("/out",)), now)) == [("item_gone", "/once")]
    assert said(of_wanted(Wanted(further=frozenset({"disks"})), now)) == [("item_gone", "/once"), ("item_gone", "/out")]
    assert said(of_wanted(Wanted(disks=("/never",), further=frozenset({"disks"})), now))[0] == ("item_absent", "/never")


def test_what_only_somebody_else_named_is_no_problem_of_a_source_that_wants_all() -> None:
    file = Found(state=State.ERROR, at=1.0, since=1.0, sentence="no folder", listed=False)
    now = a_pass(items={"disks": {"/file": file}})
    assert of_source(source("disks"), now) == []
    assert said(of_source(source("disks", only=("/file",)), now)) == [("item_error", "/file")]


def test_a_name_that_no_process_has_is_a_problem_of_that_name() -> None:
    nobody = FoundProcesses(state=State.ABSENT, at=1.0, since=1.0, sentence="no process")
    now = a_pass(processes={ProcessName(name="w"): nobody})
    assert said(of_source(source("processes", only=("w",)), now)) == [("item_absent", "w")]
    assert of_source(source("processes", only=("v",)), now) == []
    assert said(of_wanted(Wanted(processes=(ProcessName(name="w"),)), now)) == [("item_absent", "w")]


class Spool:
    """Keeps events and states; refuses them while it is `full`."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.states: dict[str, bytes] = {}
        self.full = False
        self.hold: Deferred[None] | None = None

    async def send(self, events: list[Event], key: str, state: bytes) -> None:
        if self.hold is not None:
            await self.hold
        if self.full:
            raise TransientError("the disk is full")
        self.sent += events
        self.states[key] = state

    def load(self, key: str) -> bytes | None:
        return self.states.get(key)

    def told(self) -> list[tuple[str, str, int]]:
        told = [(one.event_key, one.component, int(one.severity)) for one in self.sent]
        self.sent = []
        return told


class Context:
    def __init__(self, spool: Spool) -> None:
        self.events = self.states = spool

    @staticmethod
    def wall() -> float:
        return 50.0


def events(spool: Spool) -> ItemEvents:
    context: Any = Context(spool)
    return ItemEvents(context, lambda: "east")


GONE = Problem(key="item_gone", summary="disks /x: gone", severity=Severity.ERROR, component="/x")


def test_an_event_opens_once_and_closes_when_the_thing_is_there_again() -> None:
    spool = Spool()
    one = events(spool)
    for _ in range(3):
        one.take([GONE])
    assert spool.sent[0].device == "east"
    assert spool.told() == [("item_gone", "/x", 4)]
    one.take([])
    one.take([])
    assert spool.told() == [("item_gone", "/x", 0)]


def test_a_collector_that_was_started_anew_closes_what_it_had_opened_before() -> None:
    spool = Spool()
    events(spool).take([GONE])
    events(spool).take([GONE])
    assert spool.told() == [("item_gone", "/x", 4)]
    events(spool).take([])
    assert spool.told() == [("item_gone", "/x", 0)]
    assert spool.states[STATE_KEY] == b"{}"


def test_what_the_disk_refused_is_decided_again_and_nothing_is_sent_twice_meanwhile() -> None:
    spool = Spool()
    one = events(spool)
    spool.full = True
    one.take([GONE])
    spool.full = False
    spool.hold = Deferred()
    one.take([GONE])
    one.take([GONE])
    spool.hold.callback(None)
    assert spool.told() == [("item_gone", "/x", 4)]


def test_a_state_that_cannot_be_read_is_none() -> None:
    spool = Spool()
    spool.states[STATE_KEY] = b"\xff"
    events(spool).take([GONE])
    assert spool.told() == [("item_gone", "/x", 4)]

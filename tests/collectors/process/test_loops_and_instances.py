"""Sets that restart again and again, and sets that run more often than they may."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.process.crashloops import pace
from common.events import Event, Severity
from common.roll import SetState
from tests.collectors.process.test_tracker import Host, definition, keys, status

MINUTES = 6  # scans


def loop(**changes: Any) -> Host:
    host = Host(definition(**changes))
    host.scan(100)
    return host


def restart(host: Host, times: int, *, absent: int = 0, quiet: int = 0) -> list[Event]:
    """Restart the one process so often; it is away, and then there, for some scans each time."""
    said: list[Event] = []
    for _ in range(times):
        for _ in range(absent):
            said += host.scan().events
        pid = 101 + host.scans
        for _ in range(1 + quiet):
            said += host.scan(pid).events
    return said


def named(events: list[Event], key: str) -> list[Event]:
    return [event for event in events if event.event_key == key]


# --- crash loops ------------------------------------------------------------------------------------------------------


def test_the_alarm_says_how_often_and_how_fast() -> None:
    (event,) = restart(loop(), 6, quiet=9)
    assert event.summary == "web keeps restarting: 6 times in 8.33 min, every 1.67 min"
    assert (event.severity, event.details["restarts"], event.details["every_s"]) == (Severity.ERROR, 6, 100.0)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0.0] * 7, "7 processes at once"),
        ([5.0], "once"),
        ([0.0, 100.0, 200.0], "3 times in 3.33 min, every 1.67 min"),
        ([0.0, 1.0], "2 times in 1 s, every 1 s"),
    ],
)
def test_paces(times: list[float], words: str) -> None:
    assert pace(times) == words


def test_a_stream_that_says_nothing_of_single_restarts_is_an_alarm_all_the_same() -> None:
    assert [event.event_key for event in restart(loop(restart_severity=None), 9)] == ["process_restarting"]


def test_a_set_that_is_missing_in_between_is_in_a_loop_as_well() -> None:
    host = loop()
    said = restart(host, 6, absent=3)
    (event,) = named(said, "process_restarting")
    assert event.severity is Severity.ERROR
    assert len(named(said, "process_missing")) == 12  # each time it is gone is told, and over
    outcome = host.scan(101 + host.scans)
    assert status(outcome).state is SetState.RESTARTING


def test_returns_are_no_restarts_that_are_counted() -> None:
    host = loop()
    restart(host, 3, absent=3)
    assert host.tracker.memory.sets["web"].restarts == 0


def test_half_an_hour_without_a_restart_ends_it_also_when_the_set_stays_missing() -> None:
    for last in ((), (7,)):
        host = loop()
        restart(host, 6)
        host.scan(*last)  # the last restart, when there is one
        said = [(scan, key) for scan in range(1, 31 * MINUTES) for key in keys(host.scan(*last))]
        ((scan, key),) = [one for one in said if one[1][0] == "process_restarting"]
        assert key == ("process_restarting", 0)
        assert scan >= 29 * MINUTES


def test_restarts_of_the_daemon_do_not_begin_the_count_anew() -> None:
    host = loop()
    said: list[Event] = []
    for _ in range(6):
        said += restart(host, 1, quiet=2)
        host.restart_daemon()
    assert [event.event_key for event in said] == ["process_restarting"]
    host.restart_daemon()
    assert keys(host.scan(101 + host.scans)) == []


def test_it_comes_back_when_an_operator_closes_it_too_soon() -> None:
    host = loop()
    (event,) = restart(host, 6)
    host.tracker.memory.sets["web"].closed(event.event_key)
    assert keys(host.scan(101 + host.scans - 1)) == [("process_restarting", 4)]


# --- instances --------------------------------------------------------------------------------------------------------


def once(**changes: Any) -> Host:
    return Host(definition(instances_max=1, **changes))


def tree(host: Host, *masters: int, workers: int = 3, parent: int | None = 1) -> Any:
    rows = {}
    for master in masters:
        rows[master] = host.row(master, parent=parent)
        for pid in range(master + 1, master + 1 + workers):
            rows[pid] = host.row(pid, parent=master if parent is not None else None)
    return host.observe(rows)


def test_a_daemon_that_was_started_twice_is_told_until_one_is_gone() -> None:
    host = once()
    assert keys(tree(host, 100)) == []
    assert keys(tree(host, 100, 2000)) == []  # it may just be replaced
    outcome = tree(host, 100, 2000)
    (event,) = outcome.events
    assert (event.event_key, event.severity) == ("process_twice", Severity.ERROR)
    assert event.summary == "web runs twice, and may run once at most: pids 100, 2000"
    assert (event.details["roots"], event.details["instances"]) == ([100, 2000], 2)
    assert status(outcome).fault == "too many"
    host.restart_daemon()
    assert keys(tree(host, 100, 2000, 3000)) == []
    closed = tree(host, 2000)
    assert [(event.event_key, event.severity, event.summary) for event in closed.events] == [
        ("process_twice", Severity.CLEAR, "web runs once, as it may")
    ]
    assert status(closed).fault == ""


def test_workers_are_no_instances_however_many_there_are() -> None:
    host = once()
    assert [keys(tree(host, 100, workers=count)) for count in (1, 40, 3, 0)] == [[]] * 4


def test_where_parents_are_not_known_nothing_is_said_and_nothing_ends() -> None:
    host = once()
    assert [keys(tree(host, 100, 2000, parent=None)) for _ in range(3)] == [[]] * 3
    tree(host, 100, 2000)
    assert keys(tree(host, 100, 2000)) == [("process_twice", 4)]
    assert keys(tree(host, 100, parent=None)) == []


def test_a_handover_is_nothing_and_confirm_may_ask_for_more() -> None:
    host = once(confirm=4)
    for _ in range(3):
        tree(host, 100, 2000)
    assert keys(tree(host, 2000)) == []
    said = [keys(tree(host, 2000, 3000)) for _ in range(4)]
    assert said == [[], [], [], [("process_twice", 4)]]


def test_a_set_that_is_gone_does_not_run_twice() -> None:
    host = once()
    tree(host, 100, 2000)
    tree(host, 100, 2000)
    assert keys(host.scan()) == [("process_missing", 4), ("process_twice", 0)]


def test_a_definition_that_does_not_ask_any_more_closes_it() -> None:
    host = once()
    tree(host, 100, 2000)
    tree(host, 100, 2000)
    host.tracker.update(Host(definition()).config, 0.0)
    assert keys(tree(host, 100, 2000)) == [("process_twice", 0)]

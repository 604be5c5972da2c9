"""Programs that were replaced on disk, and users that changed: what is said, when, and what ends it."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.framework.processtable import ProcessRow, ProcessTable
from common.configs import ExpectedSet, SourceKind, Told
from common.events import CLASS_PROCESS, Event, Severity
from common.queries import Decision
from tests.collectors.process.test_tracker import Host, definition

SETTLED = 6
"""Scans of 10 s after which something is believed: the first of them sees it first."""


def told(host: Host, scans: int, *rows: ProcessRow) -> list[Event]:
    """What some scans say that all see the same."""
    return [event for _ in range(scans) for event in host.observe({row.pid: row for row in rows}).events]


def keys(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.event_key, event.severity.value) for event in events]


def close(host: Host, key: str) -> None:
    decision = Decision(
        device="host", component="web", event_class=CLASS_PROCESS, event_key=key, severity=Severity.WARNING, open=False
    )
    assert host.tracker.decided(decision, 0.0) == []


def settled(host: Host, *rows: ProcessRow) -> None:
    assert told(host, SETTLED, *rows) == []


# --- programs ---------------------------------------------------------------------------------------------------------


def test_a_program_that_was_replaced_rings_when_that_lasts_and_until_all_were_restarted() -> None:
    host = Host()
    old = [host.row(pid, replaced=True) for pid in (1, 2)]
    assert told(host, SETTLED - 1, *old, host.row(3)) == []
    (event,) = told(host, 9, *old, host.row(3))
    assert (event.event_key, event.severity, event.details["replaced"]) == ("process_replaced", 3, [1, 2])
    assert event.summary == ("web was not restarted: the program of 2 of 3 processes was replaced or removed on disk")
    assert told(host, 3, old[0], host.row(3), host.row(4)) == []
    assert keys(told(host, 3, host.row(3), host.row(4), host.row(5))) == [("process_replaced", 0)]


def test_a_restart_while_a_package_is_being_installed_says_nothing() -> None:
    host = Host()
    for round_ in range(5):
        assert told(host, SETTLED - 1, host.row(round_ + 1, replaced=True)) == []
        assert told(host, 1, host.row(round_ + 2)) == []


def test_a_program_has_to_be_replaced_in_two_scans_also_when_they_are_far_apart() -> None:
    host = Host()
    assert told(host, 1, host.row(1, replaced=True)) == []
    host.scans += 100
    assert keys(told(host, 1, host.row(1, replaced=True))) == [("process_replaced", 3)]


def test_what_an_operator_closes_is_said_of_other_processes_alone() -> None:
    host = Host()
    assert keys(told(host, SETTLED, host.row(1, replaced=True))) == [("process_replaced", 3)]
    close(host, "process_replaced")
    assert told(host, SETTLED, host.row(1, replaced=True)) == []
    host.restart_daemon()
    (event,) = told(host, SETTLED, host.row(1, replaced=True), host.row(2, replaced=True))
    assert (event.severity, event.details["replaced"]) == (Severity.WARNING, [2])


@pytest.mark.parametrize(("word", "severity"), [(Told.CRITICAL, [5]), (Told.NONE, [])])
def test_how_bad_it_is_the_device_says(word: Told, severity: list[int]) -> None:
    host = Host(replaced_severity=word, user_severity=word)
    assert [event.severity for event in told(host, SETTLED + 3, host.row(1, replaced=True, user="web"))] == severity
    assert [event.severity for event in told(host, SETTLED, host.row(1, user="other"))][1:] == severity or not severity


def test_a_set_that_is_gone_is_no_longer_told_of_under_its_old_program() -> None:
    host = Host(definition(required=True))
    assert keys(told(host, SETTLED, host.row(1, replaced=True))) == [("process_replaced", 3)]
    assert keys(told(host, 1)) == [("process_missing", 4)]
    assert keys(told(host, 1, host.row(2))) == [("process_missing", 0), ("process_replaced", 0)]


def test_over_snmp_nothing_is_said_of_either() -> None:
    host = Host(source=SourceKind.SNMP)
    assert told(host, 20, host.row(1, replaced=True, user="web")) == []
    assert told(host, 20, host.row(2, user="root")) == []


# --- users ------------------------------------------------------------------------------------------------------------


def as_(host: Host, *users: str | None, **changes: Any) -> list[ProcessRow]:
    """Processes of these users."""
    return [host.row(pid, user=user, **changes) for pid, user in enumerate(users, 1)]


def test_another_user_rings_when_that_lasts_and_until_it_is_the_old_one() -> None:
    host = Host()
    settled(host, *as_(host, "www-data", "www-data"))
    assert told(host, SETTLED - 1, *as_(host, "root")) == []
    (event,) = told(host, 9, *as_(host, "root"))
    assert (event.event_key, event.severity) == ("process_user", Severity.WARNING)
    assert event.summary == "web runs as root, before as www-data"
    assert (event.details["users"], event.details["before"]) == (["root"], ["www-data"])
    assert keys(told(host, 3, *as_(host, "www-data"))) == [("process_user", 0)]


def test_a_daemon_that_gives_up_root_after_its_start_says_nothing() -> None:
    host = Host()
    assert told(host, 3, *as_(host, "root")) == []
    settled(host, *as_(host, "www-data"))
    for _ in range(5):
        assert told(host, 3, *as_(host, "root")) == []
        assert told(host, 3, *as_(host, "www-data")) == []
    assert keys(told(host, 9, *as_(host, "root"))) == [("process_user", 3)]


def test_what_an_operator_closes_is_right_from_then_on() -> None:
    host = Host()
    settled(host, *as_(host, "www-data"))
    assert keys(told(host, SETTLED, *as_(host, "web"))) == [("process_user", 3)]
    close(host, "process_user")
    host.restart_daemon()
    assert told(host, 9, *as_(host, "web")) == []
    assert told(host, 9, *as_(host, "www-data")) == []
    assert keys(told(host, 9, *as_(host, "root"))) == [("process_user", 3)]


def test_the_users_are_remembered_over_a_restart_of_the_daemon_and_an_absence() -> None:
    host = Host()
    settled(host, *as_(host, "www-data"))
    told(host, 30)
    host.restart_daemon()
    assert ("process_user", 3) in keys(told(host, SETTLED, *as_(host, "root")))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("root", "www-data"), ("root", "nobody")),  # one of them is there
        (("root",), ("root", "bob")),  # somebody logged in
        (("www-data",), ("www-data", "web")),
        (("a", "b", "c", "d"), ("e",)),  # people
        (("a", "b", "c", "d"), ("root",)),
        (("www-data",), (None, None)),  # whose users cannot be told
    ],
)
def test_sets_of_several_users_may_have_others(before: tuple[str, ...], after: tuple[str | None, ...]) -> None:
    host = Host()
    settled(host, *as_(host, *before))
    assert told(host, 9, *as_(host, *after)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("www-data",), ("www-data", "root")),  # one of them got root
        (("root", "www-data"), ("nobody",)),  # none of them is there
        (("1000",), ("0",)),
    ],
)
def test_sets_of_few_users_may_not(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    host = Host()
    settled(host, *as_(host, *before))
    assert keys(told(host, 9, *as_(host, *after))) == [("process_user", 3)]


def test_users_that_came_beside_the_known_ones_are_known() -> None:
    host = Host()
    settled(host, *as_(host, "www-data"))
    assert told(host, 9, *as_(host, "www-data", "web")) == []
    assert told(host, 9, *as_(host, "web")) == []


def test_no_more_users_are_remembered_than_a_memory_has_room_for() -> None:
    host = Host()
    settled(host, *as_(host, "root"))
    for number in range(200):
        assert told(host, 1, *as_(host, "root", f"user{number}")) == []
    assert len(host.tracker.memory.sets["web"].users) == 32


# --- own daemons ------------------------------------------------------------------------------------------------------


def test_no_set_takes_what_is_tocsins_own_and_the_table_still_shows_it() -> None:
    host = Host()
    outcome = host.observe({1: host.row(1), 2: host.row(2, own=True)})
    assert outcome.sets[0].pids == (1,)
    assert [(process.pid, process.set) for process in outcome.view.processes()] == [(1, "web"), (2, None)]


def test_a_set_of_own_daemons_alone_is_watched_no_more_and_rings_nothing() -> None:
    host = Host()
    assert told(host, 3, host.row(1)) == []
    host.tracker.memory.sets["web"].opened("process_count", 3)
    events = told(host, 1, host.row(1, own=True))
    assert keys(events) == [("process_count", 0)]
    assert events[0].summary == "web is watched no more: its processes are Tocsin's own daemons, which are in no set"
    outcome = host.observe({1: host.row(1, own=True)})
    assert (outcome.events, outcome.sets) == ([], [])


def test_a_set_of_own_daemons_that_the_modeler_expects_rings_nothing_either() -> None:
    modeled = ExpectedSet(definition="web", name="web")
    host = Host(definition(), expected=(modeled,))
    row = host.row(1, own=True)
    assert told(host, 3, row) == []
    table = ProcessTable(at=1.8e9, monotonic=2000.0, rows={1: row}, complete=True, full=False)
    assert host.tracker.doubtful(table) == []
    assert ("process_missing", 4) in keys(told(host, 3))


def test_a_set_of_own_daemons_that_is_required_rings() -> None:
    host = Host(definition(required=True))
    assert keys(told(host, 1, host.row(1, own=True))) == [("process_missing", 4)]

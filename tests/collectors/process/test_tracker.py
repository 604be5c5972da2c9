"""Each row of the decision table in docs/process-rules.md, and what must hold for any scans."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.memory import DeviceMemory, dump, load
from collectors.process.tables import members_of
from collectors.process.tracker import Outcome, Tracker, vanished
from common.configs import DeviceConfig, ExpectedSet, ProcessSetConfig, SetOverride, SourceKind
from common.events import Event, Severity
from common.roll import SetState

INTERVAL_S = 10
START = 1_800_000_000.0


def definition(**changes: Any) -> ProcessSetConfig:
    fields: dict[str, Any] = {"id": "web", "title": "web", "order": 1, "include": "^web ", "name": "web"}
    return ProcessSetConfig(**(fields | changes))


def config(*sets: ProcessSetConfig, **changes: Any) -> DeviceConfig:
    fields: dict[str, Any] = {"device": "host", "address": "192.0.2.1", "source": SourceKind.LOCAL, "interval_s": 10}
    return DeviceConfig(**(fields | {"process_sets": sets or (definition(),)} | changes))


class Host:
    """Scans of a made-up host, one interval apart."""

    def __init__(self, *sets: ProcessSetConfig, local: bool = True, **changes: Any) -> None:
        self.config = config(*sets, **changes)
        self.tracker = Tracker(self.config, DeviceMemory())
        self.scans = 0
        self.local = local

    def scan(self, *pids: int, **fields: Any) -> Outcome:
        rows = {pid: self.row(pid) for pid in pids}
        rows |= fields.pop("rows", {})
        return self.observe(rows, **fields)

    def observe(self, rows: dict[int, ProcessRow], **fields: Any) -> Outcome:
        self.scans += 1
        elapsed = self.scans * INTERVAL_S
        table = ProcessTable(
            at=START + elapsed, monotonic=1000.0 + elapsed, rows=rows, complete=True, full=False, **fields
        )
        return self.tracker.observe(table)

    def row(self, pid: int, **changes: Any) -> ProcessRow:
        fields: dict[str, Any] = {
            "pid": pid,
            "name": "web",
            "path": "web",
            "parameters": f"--worker {pid}",
            "started": START - 1000.0 if self.local else None,
            "cpu_s": 1.0 + 0.5 * self.scans,
            "memory_bytes": 1000,
            "status": "running",
            "alive": True,
        }
        return ProcessRow(**(fields | changes))

    def restart_daemon(self) -> None:
        self.tracker = Tracker(self.config, load(dump(self.tracker.memory)))


def keys(outcome: Outcome) -> list[tuple[str, int]]:
    return [(event.event_key, event.severity.value) for event in outcome.events]


def status(outcome: Outcome, name: str = "web") -> Any:
    return next(status for status in outcome.sets if status.set == name)


# --- the rows of the table --------------------------------------------------------------------------------------------


def test_the_first_scan_of_a_set_with_processes_is_up_and_nothing_else() -> None:
    outcome = Host(definition(restart_severity=Severity.WARNING)).scan(1, 2)
    assert keys(outcome) == []
    assert (status(outcome).state, status(outcome).count, status(outcome).restarts) == (SetState.UP, 2, 0)


def test_a_required_set_that_the_first_scan_does_not_show_is_missing() -> None:
    outcome = Host(definition(required=True)).scan()
    assert keys(outcome) == [("process_missing", 4)]
    assert status(outcome).state is SetState.MISSING


def test_a_set_never_seen_and_not_required_is_no_concern() -> None:
    outcome = Host().scan()
    assert (outcome.events, outcome.sets, outcome.figures) == ([], [], {})


def test_the_same_pids_are_up() -> None:
    host = Host(definition(restart_severity=Severity.WARNING))
    host.scan(1, 2)
    outcome = host.scan(1, 2)
    assert (keys(outcome), status(outcome).restarts) == ([], 0)


@pytest.mark.parametrize(
    ("before", "after", "restarts"),
    [
        ((1, 2, 3), (1, 2, 4), 1),
        ((1, 2, 3), (4, 5, 6), 3),
        ((1, 2, 3), (1, 4), 1),  # two gone, one new: a restart and an exit
        ((1,), (2, 3), 1),  # one gone, two new: a restart and a start
        ((1, 2, 3), (1, 2), 0),  # the pool shrank
        ((1, 2), (1, 2, 3, 4), 0),  # the pool grew
    ],
)
def test_restarts_are_the_smaller_of_gone_and_new(
    before: tuple[int, ...], after: tuple[int, ...], restarts: int
) -> None:
    host = Host(definition(restart_severity=Severity.WARNING))
    host.scan(*before)
    outcome = host.scan(*after)
    assert status(outcome).restarts == restarts
    assert keys(outcome) == ([("process_restarted", 3)] if restarts else [])
    assert sum(event.count for event in outcome.events) == restarts


def test_all_gone_is_missing_once_and_its_return_closes_it() -> None:
    host = Host()
    host.scan(1, 2)
    gone = host.scan()
    assert keys(gone) == [("process_missing", 4)]
    assert gone.events[0].details["lost"] == [1, 2]
    assert gone.events[0].details["command"] == "web --worker 1"
    assert keys(host.scan()) == []
    back = host.scan(3)
    assert keys(back) == [("process_missing", 0)]
    assert (status(back).state, status(back).restarts) == (SetState.UP, 0)


def test_a_pid_that_is_used_again_is_a_restart_by_its_start_time() -> None:
    host = Host()
    host.scan(1)
    outcome = host.observe({1: host.row(1, started=START + 15.0)})
    assert status(outcome).restarts == 1


def test_a_pid_whose_cpu_time_fell_is_a_restart_over_snmp() -> None:
    host = Host(local=False)
    host.observe({1: host.row(1, cpu_s=50.0)})
    outcome = host.observe({1: host.row(1, cpu_s=2.0)})
    assert status(outcome).restarts == 1


def test_a_gap_shorter_than_confirm_hides_no_restart() -> None:
    host = Host(definition(confirm=3, restart_severity=Severity.WARNING))
    host.scan(1, 2)
    assert keys(host.scan()) == []
    assert keys(host.scan()) == []
    back = host.scan(8, 9, 10)
    assert (keys(back), status(back).restarts) == ([("process_restarted", 3)], 2)


def test_the_alarm_comes_with_the_scan_that_confirms() -> None:
    host = Host(definition(confirm=2))
    host.scan(1)
    assert keys(host.scan()) == []
    assert keys(host.scan()) == [("process_missing", 4)]


# --- what does not run ------------------------------------------------------------------------------------------------


def test_a_zombie_does_not_run() -> None:
    host = Host()
    host.scan(1)
    assert keys(host.scan(rows={1: host.row(1, alive=False, status="zombie")})) == [("process_missing", 4)]


def test_a_set_that_must_not_run_is_well_when_it_does_not() -> None:
    host = Host(definition(count_max=0))
    assert keys(host.scan(1)) == [("process_count", 4)]
    assert keys(host.scan()) == [("process_count", 0)]
    assert keys(host.scan(2)) == [("process_count", 4)]


def test_counts_are_judged_inclusively_and_once() -> None:
    host = Host(definition(count_min=2, count_max=3))
    assert keys(host.scan(1)) == [("process_count", 4)]
    assert keys(host.scan(1)) == []
    assert keys(host.scan(1, 2)) == [("process_count", 0)]
    assert keys(host.scan(1, 2, 3)) == []
    assert keys(host.scan(1, 2, 3, 4)) == [("process_count", 4)]


def test_a_missing_set_is_not_also_reported_as_too_few() -> None:
    host = Host(definition(count_min=2))
    host.scan(1, 2)
    assert keys(host.scan()) == [("process_missing", 4)]


# --- a config that changes --------------------------------------------------------------------------------------------


def changed(host: Host, *sets: ProcessSetConfig) -> list[tuple[str, str, int]]:
    """Give a host other definitions; tell what is said about it."""
    said = host.tracker.update(config(*sets), START)
    return [(event.component, event.event_key, event.severity.value) for event in said]


def test_a_set_with_another_name_is_another_set_and_nothing_is_missing() -> None:
    host = Host()
    host.scan(1)
    assert changed(host, definition(name="webserver")) == []
    outcome = host.scan(1)
    assert (keys(outcome), [status.set for status in outcome.sets]) == ([], ["webserver"])


def test_a_set_whose_processes_another_definition_takes_is_watched_no_more() -> None:
    host = Host()
    host.scan(1)
    assert host.scan().events[0].event_key == "process_missing"
    first = definition(id="all", name="all", include=".", order=0)
    assert changed(host, definition(), first) == [("web", "process_missing", 0)]
    outcome = host.scan(1)
    assert (keys(outcome), [status.set for status in outcome.sets]) == ([], ["all"])


def test_a_set_that_is_still_expected_rings_although_another_takes_its_processes() -> None:
    host = Host(definition(required=True))
    host.scan(1)
    first = definition(id="all", name="all", include=".", order=0)
    assert changed(host, definition(required=True), first) == []
    assert keys(host.scan(1)) == [("process_missing", 4)]


def test_a_change_that_leaves_the_name_alone_leaves_the_set_alone() -> None:
    host = Host()
    host.scan(1)
    host.scan()
    assert changed(host, definition(include="web", title="Web", restart_severity=Severity.WARNING)) == []
    outcome = host.scan(1)
    assert keys(outcome) == [("process_missing", 0)]
    assert status(outcome).restarts == 0


def test_a_set_that_was_never_seen_and_is_expected_no_more_is_forgotten() -> None:
    host = Host(definition(required=True))
    assert keys(host.scan()) == [("process_missing", 4)]
    assert changed(host, definition()) == [("web", "process_missing", 0)]
    assert host.scan().sets == []


def test_a_missing_set_that_must_not_run_any_more_is_in_order() -> None:
    host = Host()
    host.scan(1)
    host.scan()
    assert changed(host, definition(count_max=0)) == []
    outcome = host.scan()
    assert keys(outcome) == [("process_missing", 0)]
    assert status(outcome).state is SetState.UP
    assert keys(host.scan(1)) == [("process_count", 4)]


def test_a_set_whose_definition_was_removed_is_watched_no_more() -> None:
    host = Host()
    host.scan(1)
    host.scan()
    assert changed(host, definition(id="other", include="^other ", name="other")) == [("web", "process_missing", 0)]
    assert host.scan(1).sets == []


# --- a stream of restarts ---------------------------------------------------------------------------------------------


def test_a_stream_of_restarts_becomes_one_alarm_that_closes_when_it_is_quiet() -> None:
    host = Host(definition(restart_severity=Severity.WARNING), flap_restarts=2, flap_window_s=60)
    host.scan(0)
    seen: list[Event] = []
    for pid in range(1, 8):
        seen += host.scan(pid).events
    assert [event.event_key for event in seen].count("process_restarting") == 1
    assert [event.event_key for event in seen].count("process_restarted") <= 3
    quiet = [keys(host.scan(7)) for _ in range(8)]
    assert quiet == [[]] * 5 + [[("process_restarting", 0)]] + [[]] * 2  # when the window has none left, not before


def test_a_pid_that_was_used_again_while_the_daemon_was_away_is_a_restart() -> None:
    host = Host(definition(restart_severity=Severity.WARNING), local=False)
    host.scan(1)
    host.restart_daemon()
    outcome = host.scan(rows={1: host.row(1, cpu_s=0.5)})
    assert (keys(outcome), status(outcome).restarts) == ([("process_restarted", 3)], 1)


# --- how many there are, and what they use ----------------------------------------------------------------------------


def test_a_set_with_too_few_or_too_many_processes_is_up_with_a_fault() -> None:
    host = Host(definition(count_min=2, count_max=3))
    assert status(host.scan(1, 2)).fault == ""
    outcome = host.scan(1)
    assert (status(outcome).state, status(outcome).fault) == (SetState.UP, "too few")
    assert outcome.events[0].summary == "1 process of web run, at least 2 should"
    assert status(host.scan(1, 2, 3, 4)).fault == "too many"
    assert status(host.scan(1, 2, 3)).fault == ""
    assert status(host.scan()).fault == ""  # missing says more


def test_a_table_that_an_agent_gives_twice_says_nothing_of_cpu() -> None:
    host = Host(local=False)

    def cpu(cpu_s: float, uptime_s: float) -> Any:
        rows = {1: host.row(1, cpu_s=cpu_s), 2: host.row(2, cpu_s=7.0)}
        return host.observe(rows, uptime_s=uptime_s).figures["web"]["cpu"]

    assert cpu(1.0, 100) is None
    assert cpu(2.0, 110) == 10.0
    assert cpu(2.0, 120) is None  # the table of before
    assert cpu(2.0, 130) is None
    assert cpu(5.0, 140) == pytest.approx(10.0)  # of the 30 s since the last one that was new
    for uptime_s in (150, 160, 170):
        assert cpu(5.0, uptime_s) is None
    assert cpu(5.0, 180) == 0.0  # no cache is so old: they do nothing


# --- restarts of agent, host, daemon ----------------------------------------------------------------------------------


def test_after_a_restart_of_the_agent_no_process_counts_as_restarted() -> None:
    host = Host(local=False)
    host.scan(1, 2, uptime_s=500.0)
    outcome = host.scan(7, 8, uptime_s=3.0)
    assert (status(outcome).restarts, keys(outcome)) == (0, [])
    assert outcome.figures["web"]["cpu"] is None


def test_what_died_while_the_daemon_was_down_is_reported_and_counters_go_on() -> None:
    host = Host()
    host.scan(1)
    host.scan(2)
    host.restart_daemon()
    outcome = host.scan()
    assert keys(outcome) == [("process_missing", 4)]
    host.restart_daemon()
    assert keys(host.scan()) == []  # said already
    assert status(host.scan(3)).restarts == 1


# --- configs ----------------------------------------------------------------------------------------------------------


def test_a_definition_that_leaves_closes_what_it_had_opened() -> None:
    host = Host(definition(), definition(id="db", title="db", order=2, include="^db ", name="db"))
    host.scan(1)
    host.scan()
    events = host.tracker.update(config(definition(id="db", title="db", include="^db ", name="db")), START)
    assert [(event.component, event.event_key, event.severity) for event in events] == [("web", "process_missing", 0)]
    assert host.scan().sets == []


def test_a_changed_severity_is_said_again() -> None:
    host = Host()
    host.scan(1)
    host.scan()
    host.tracker.update(config(definition(missing_severity=Severity.CRITICAL)), START)
    assert keys(host.scan()) == [("process_missing", 5)]


# --- figures ----------------------------------------------------------------------------------------------------------


def test_cpu_is_the_sum_over_pids_of_what_they_used_since_the_last_scan() -> None:
    host = Host(local=False)
    first = host.observe({1: host.row(1, cpu_s=100.0), 2: host.row(2, cpu_s=10.0)})
    assert first.figures["web"]["cpu"] is None
    second = host.observe({1: host.row(1, cpu_s=105.0), 2: host.row(2, cpu_s=10.5), 3: host.row(3, cpu_s=77.0)})
    assert second.figures["web"]["cpu"] == pytest.approx(55.0)


def test_a_new_local_pid_counts_from_its_first_scan() -> None:
    host = Host()
    host.observe({1: host.row(1, cpu_s=1.0)})
    outcome = host.observe({1: host.row(1, cpu_s=1.0), 2: host.row(2, cpu_s=3.0, started=START + 12.0)})
    assert outcome.figures["web"]["cpu"] == pytest.approx(30.0)


def test_a_pid_whose_time_fell_gives_nothing_for_that_interval() -> None:
    host = Host(local=False)
    host.observe({1: host.row(1, cpu_s=50.0), 2: host.row(2, cpu_s=5.0)})
    outcome = host.observe({1: host.row(1, cpu_s=2.0), 2: host.row(2, cpu_s=6.0)})
    assert outcome.figures["web"]["cpu"] == pytest.approx(10.0)


def test_count_is_zero_and_memory_nothing_while_missing() -> None:
    host = Host()
    host.scan(1, 2)
    assert host.scan(1, 2).figures["web"]["memory"] == 2000
    figures = host.scan().figures["web"]
    assert (figures["count"], figures["memory"], figures["cpu"]) == (0, 0, 0)


def test_used_is_data_and_stack_in_each_sample() -> None:
    host = Host()
    outcome = host.observe(
        {1: host.row(1, extra={"data": 7, "stack": 3}), 2: host.row(2, extra={"data": 1, "stack": 1})}
    )
    assert outcome.figures["web"]["used"] == 12


# --- verification -----------------------------------------------------------------------------------------------------


def test_what_vanished_is_what_was_up_and_is_not_in_the_table() -> None:
    host = Host(
        definition(), definition(id="must", title="must", order=2, include="^must ", name="must", required=True)
    )
    host.scan(1)
    table = ProcessTable(at=0, monotonic=0, rows={}, complete=True, full=True)
    members = members_of(table, host.tracker.matcher).members
    assert vanished(host.tracker.memory, members, ["must"]) == ["web"]  # `must` is missing already


# --- whatever the scans -----------------------------------------------------------------------------------------------

SCANS = st.lists(st.frozensets(st.integers(1, 6), max_size=5), min_size=2, max_size=12)


@given(SCANS)
def test_alarms_alternate_and_end_as_the_last_scan_is(scans: list[frozenset[int]]) -> None:
    host = Host()
    said = [key for pids in scans for key in keys(host.scan(*pids)) if key[0] == "process_missing"]
    assert all(one != other for one, other in itertools.pairwise(said))
    seen = any(scans)
    is_open = bool(said) and said[-1][1] > 0
    assert is_open == (seen and not scans[-1])


@given(SCANS)
def test_restarts_never_exceed_what_came_or_went(scans: list[frozenset[int]]) -> None:
    host = Host()
    before: frozenset[int] = frozenset()
    total = 0
    for pids in scans:
        outcome = host.scan(*pids)
        restarts = next((one.restarts for one in outcome.sets), 0)
        if before and pids:
            assert restarts - total == min(len(before - pids), len(pids - before))
        else:
            assert restarts == total
        total, before = restarts, pids


@given(SCANS, st.integers(0, 11))
def test_a_restart_of_the_daemon_changes_no_decision(scans: list[frozenset[int]], at: int) -> None:
    plain, shaken = Host(), Host()
    for number, pids in enumerate(scans):
        if number == at:
            shaken.restart_daemon()
        assert keys(plain.scan(*pids)) == keys(shaken.scan(*pids))


def test_a_memory_of_another_shape_is_forgotten() -> None:
    assert load(msgspec.msgpack.encode({"sets": 7})) == DeviceMemory()


# --- what the modeler has seen ----------------------------------------------------------------------------------------

WORKERS = {"id": "app", "title": "app", "include": r"^web --worker (\d+)", "name": "worker {1}"}


def expecting(*names: str, required: bool = False, **fields: Any) -> DeviceConfig:
    sets = tuple(ExpectedSet("app", name) for name in names)
    return config(definition(**WORKERS, required=required), **({"expected": sets} | fields))


def modeled(*names: str, **fields: Any) -> Host:
    host = Host()
    host.config = expecting(*names, **fields)
    host.tracker = Tracker(host.config, DeviceMemory())
    return host


def update(host: Host, changed_: DeviceConfig) -> list[tuple[str, str, int]]:
    host.config = changed_
    said = host.tracker.update(changed_, START)
    return [(event.component, event.event_key, event.severity.value) for event in said]


def test_a_set_that_the_modeler_has_seen_is_missing_in_the_first_scan_without_it() -> None:
    host = modeled("worker 1", "worker 2")
    outcome = host.scan(1)
    assert [(e.component, e.event_key) for e in outcome.events] == [("worker 2", "process_missing")]
    assert status(outcome, "worker 2").state is SetState.MISSING
    assert list(outcome.figures) == ["worker 1"]  # nothing was ever measured of the other
    assert keys(host.scan(1)) == []
    assert keys(host.scan(1, 2)) == [("process_missing", 0)]


def test_a_set_that_the_modeler_has_seen_is_verified_before_it_is_missing() -> None:
    host = modeled("worker 1", "worker 2")
    table = ProcessTable(at=0, monotonic=0, rows={1: host.row(1)}, complete=True, full=True)
    assert host.tracker.doubtful(table) == ["worker 2"]


def test_an_expected_set_whose_definition_the_device_has_not_is_no_concern() -> None:
    host = modeled(expected=(ExpectedSet("other", "worker 2"),))
    assert keys(host.scan(1)) == []


def test_a_set_that_the_modeler_expects_no_more_and_that_does_not_run_is_forgotten() -> None:
    host = modeled("worker 1", "worker 2")
    host.scan(1, 2)
    host.scan(1)
    host.restart_daemon()
    assert update(host, expecting("worker 1")) == [("worker 2", "process_missing", 0)]
    outcome = host.scan(1)
    assert (keys(outcome), [one.set for one in outcome.sets]) == ([], ["worker 1"])


def test_a_set_that_the_modeler_expects_no_more_and_that_runs_is_missing_when_it_ends() -> None:
    host = modeled("worker 1")
    host.scan(1)
    assert update(host, expecting()) == []
    assert keys(host.scan()) == [("process_missing", 4)]
    assert update(host, expecting()) == []  # the collector has seen it itself, as any other


def test_a_set_that_only_the_collector_has_seen_stays_missing_whatever_the_modeler_expects() -> None:
    host = modeled("worker 1")
    host.scan(1, 2)
    assert keys(host.scan(1)) == [("process_missing", 4)]
    assert update(host, expecting("worker 3")) == []
    assert status(host.scan(1), "worker 2").state is SetState.MISSING


def test_a_required_set_rings_although_the_modeler_expects_it_no_more() -> None:
    host = modeled("worker 1", required=True)
    host.scan(1)
    host.scan()
    assert update(host, expecting(required=True)) == []
    assert status(host.scan(), "worker 1").state is SetState.MISSING


def renamed(name: str = "app {1}", **fields: Any) -> DeviceConfig:
    new = {"expected": (ExpectedSet("app", name.replace("{1}", "1"), "worker 1"),)}
    return config(definition(**(WORKERS | {"name": name})), **(new | fields))


def test_a_set_that_is_renamed_keeps_its_series_and_its_counters() -> None:
    host = modeled("worker 1")
    host.scan(1)
    host.observe({1: host.row(1, started=START + 15.0)})
    assert update(host, renamed()) == []
    outcome = host.scan(rows={1: host.row(1, started=START + 15.0)})
    assert ([one.set for one in outcome.sets], keys(outcome)) == (["app 1"], [])
    assert (outcome.series, status(outcome, "app 1").restarts) == ({"app 1": "worker 1"}, 1)
    host.restart_daemon()
    assert update(host, renamed("service {1}")) == []
    outcome = host.scan(rows={1: host.row(1, started=START + 15.0)})
    assert (outcome.series, status(outcome, "service 1").restarts) == ({"service 1": "worker 1"}, 1)


def test_a_set_that_is_renamed_while_it_is_missing_is_missing_under_its_new_name() -> None:
    host = modeled("worker 1")
    host.scan(1)
    host.scan()
    assert update(host, renamed()) == [("worker 1", "process_missing", 0)]
    outcome = host.scan()
    assert [(e.component, e.event_key, e.severity) for e in outcome.events] == [("app 1", "process_missing", 4)]
    assert keys(host.scan()) == []


def test_a_renamed_set_that_the_modeler_expects_no_more_keeps_its_series() -> None:
    host = modeled("worker 1")
    host.scan(1)
    update(host, renamed())
    host.scan(1)
    update(host, renamed(expected=()))
    assert host.scan(1).series == {"app 1": "worker 1"}


def test_a_set_that_is_still_there_does_not_become_the_one_that_has_its_series() -> None:
    host = modeled("worker 1")
    host.scan(1)
    assert update(host, renamed("worker {1}", expected=(ExpectedSet("app", "app 1", "worker 1"),))) == []
    outcome = host.scan(1)
    assert [(one.set, one.state) for one in outcome.sets] == [("app 1", SetState.MISSING), ("worker 1", SetState.UP)]
    assert list(outcome.figures) == ["worker 1"]
    both = (ExpectedSet("app", "worker 1"), ExpectedSet("app", "app 1", "worker 1"))
    host = modeled("worker 1")
    host.scan(1)
    update(host, renamed("other {1}", expected=both))
    assert list(host.scan().figures) == ["worker 1"]


def test_a_set_that_is_known_does_not_become_another() -> None:
    host = modeled("worker 1", "worker 2")
    host.scan(1, 2)
    for started in (START + 15.0, START + 25.0):
        host.observe({1: host.row(1), 2: host.row(2, started=started)})
    update(host, renamed("worker 2", expected=(ExpectedSet("app", "worker 2", "worker 1"),)))
    outcome = host.observe({2: host.row(2, started=START + 25.0)})
    assert [(one.set, one.restarts) for one in outcome.sets] == [("worker 2", 2)]


def test_a_set_of_another_definition_is_not_the_one_that_was_renamed() -> None:
    host = Host(definition(id="other", title="other", name="worker 1"))
    host.scan(1)
    other = definition(id="other", title="other", include="^nothing", order=2)
    update(host, renamed(process_sets=(definition(**(WORKERS | {"name": "app {1}"})), other)))
    assert host.scan(1).sets[0].since == START + 2 * INTERVAL_S


def test_what_the_modeler_expects_is_kept_on_disk() -> None:
    host = Host(definition(**WORKERS))
    host.scan(1)
    assert not host.scan(1).changed
    update(host, expecting("worker 1"))
    assert host.scan(1).changed


def test_series_that_belong_to_a_renamed_set_are_not_written_by_another() -> None:
    host = modeled("worker 1")
    other = definition(id="other", title="other", order=2, include="^web", name="worker 1")
    update(
        host, renamed(process_sets=(definition(**(WORKERS | {"name": "app {1}", "include": r"-worker (1)$"})), other))
    )
    outcome = host.scan(1, 2)
    assert [one.set for one in outcome.sets] == ["app 1", "worker 1"]
    assert outcome.series == {"app 1": "worker 1"}


# --- what is said of single sets --------------------------------------------------------------------------------------


def test_a_set_that_is_not_monitored_is_neither_judged_nor_written_nor_missing() -> None:
    silent = SetOverride(name="worker 1", monitor=False)
    host = modeled("worker 1", "worker 2", overrides=(silent,))
    outcome = host.scan(2)
    assert (keys(outcome), [one.set for one in outcome.sets], list(outcome.figures)) == ([], ["worker 2"], ["worker 2"])
    outcome = host.scan(1, 2)
    assert (keys(outcome), [one.set for one in outcome.sets], list(outcome.figures)) == ([], ["worker 2"], ["worker 2"])
    table = ProcessTable(at=0, monotonic=0, rows={2: host.row(2)}, complete=True, full=True)
    assert host.tracker.doubtful(table) == []
    assert outcome.view.processes()[0].set == "worker 1"  # and no other set takes its processes


def test_where_only_expected_sets_are_watched_all_others_are_let_be() -> None:
    host = modeled("worker 1", only_expected=True, required=True)
    outcome = host.scan(2)
    assert [(event.component, event.event_key) for event in outcome.events] == [("worker 1", "process_missing")]
    assert [one.set for one in outcome.sets] == ["worker 1"]
    outcome = host.scan(1, 2)
    assert (list(outcome.figures), [one.set for one in outcome.sets]) == (["worker 1"], ["worker 1"])
    assert outcome.view.processes()[-1].set == "worker 2"
    host = Host(definition(required=True), only_expected=True)
    assert keys(host.scan()) == [], "a name alone does not make it expected either"


def test_what_rings_and_is_not_among_the_only_sets_that_are_watched_closes() -> None:
    host = modeled("worker 1", "worker 2")
    host.scan()
    assert update(host, expecting("worker 1", only_expected=True)) == [("worker 2", "process_missing", 0)]
    assert [one.set for one in host.scan(2).sets] == ["worker 1"]


def test_an_alarm_of_a_set_that_is_not_to_be_monitored_closes_with_that_reason() -> None:
    host = modeled("worker 1")
    host.scan()
    host.config = expecting("worker 1", overrides=(SetOverride(name="worker 1", monitor=False),))
    (event,) = host.tracker.update(host.config, START)
    assert (event.event_key, event.severity) == ("process_missing", 0)
    assert "it is not to be monitored" in event.summary
    assert host.scan().sets == []
    assert update(host, expecting("worker 1")) == []
    assert keys(host.scan()) == [("process_missing", 4)]


@pytest.mark.parametrize(
    ("override", "restarted_", "missing"),
    [
        ({}, [("process_restarted", 3)], [("process_missing", 4)]),
        ({"missing_severity": Severity.INFO}, [("process_restarted", 3)], [("process_missing", 2)]),
        ({"restart_severity": Severity.CRITICAL}, [("process_restarted", 5)], [("process_missing", 4)]),
        ({"restart_severity": Severity.CLEAR}, [], [("process_missing", 4)]),
        ({"missing_severity": Severity.CLEAR}, [("process_restarted", 3)], []),
    ],
)
def test_severities_of_a_single_set(
    override: dict[str, Any], restarted_: list[tuple[str, int]], missing: list[tuple[str, int]]
) -> None:
    sets = definition(restart_severity=Severity.WARNING), definition(id="x", title="x", include="^x ", name="x")
    host = Host(*sets, overrides=(SetOverride(name="web", **override), SetOverride(name="x", monitor=False)))
    host.scan(1)
    outcome = host.scan(2)
    assert (keys(outcome), status(outcome).restarts) == (restarted_, 1)
    outcome = host.scan()
    assert (keys(outcome), status(outcome).state) == (missing, SetState.MISSING)
    assert keys(host.scan(3)) == [(key, 0) for key, _ in missing]


def test_a_memory_of_the_version_before_is_read() -> None:
    host = Host()
    host.scan(1)
    old = msgspec.msgpack.decode(dump(host.tracker.memory))
    for gone in ("expected", "series"):
        old["sets"]["web"].pop(gone, None)
    del old["thresholds"]
    host.tracker = Tracker(host.config, load(msgspec.msgpack.encode(old)))
    assert keys(host.scan()) == [("process_missing", 4)]

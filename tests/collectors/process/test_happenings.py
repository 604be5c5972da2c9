"""What process events add to two scans: restarts, runs, reasons; and what they must not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.processevents.values import Happened, OomKill, ProcessLife
from collectors.framework.processtable import ProcessTable
from collectors.process.happenings import MAX_VACANT
from collectors.process.tracker import Outcome
from common.configs import ProcessSetConfig
from common.events import Severity
from tests.collectors.process.test_tracker import INTERVAL_S, START, Host, definition, keys, status

KILLED = 9
CRASHED = 11 | 0x80
WEB = "web --worker"


class Listened(Host):
    """Scans of a made-up host whose process events are listened to, some out of turn.

    Attributes:
        really: restarts as they happened.
    """

    def __init__(self, *sets: ProcessSetConfig, running: tuple[int, ...] = (), **changes: Any) -> None:
        super().__init__(*sets, **changes)
        self.now = 0.0
        self.wall_s = 0.0
        self.running: dict[int, float] = {}
        self.lives: list[ProcessLife] = []
        self.began: dict[int, float] = {}
        for pid in running:
            self.running[pid] = 0.0
        self.look(happened=None)
        self.look()

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def start(self, pid: int) -> None:
        self.wait(0.02)
        self.running[pid], self.began[pid] = self.now, 1000.0 + self.now

    def end(self, pid: int, exit_status: int = KILLED, **fields: Any) -> None:
        self.wait(0.02)
        del self.running[pid]
        self.lives.append(
            ProcessLife(
                pid=pid,
                line=f"{WEB} {pid}",
                began=self.began.pop(pid, None),
                ended=1000.0 + self.now,
                status=exit_status,
                **fields,
            )
        )

    def look(self, *, woken: bool = False, lost: bool = False, happened: Any = ...) -> Outcome:
        """Scan; what began and still runs is told as a source tells it."""
        self.wait(0.02)
        self.scans = int(self.now)
        lives = self.lives + [
            ProcessLife(pid=pid, line=f"{WEB} {pid}", began=began) for pid, began in self.began.items()
        ]
        self.lives, self.began = [], {}
        told = Happened(lives=tuple(lives), lost=lost) if happened is ... else happened
        rows = {pid: self.row(pid, started=self.started(began)) for pid, began in self.running.items()}
        return self.observe_at(rows, told, woken=woken)

    @staticmethod
    def started(began: float) -> float:
        return 1_700_000_000.0 + began

    def observe_at(self, rows: Any, told: Happened | None, *, woken: bool = False) -> Outcome:
        table = ProcessTable(
            at=START + self.wall_s + self.now,
            monotonic=1000.0 + self.now,
            rows=rows,
            complete=True,
            full=False,
            happened=told,
            woken=woken,
        )
        return self.tracker.observe(table)


LOUD = definition(restart_severity=Severity.WARNING)


# --- restarts ---------------------------------------------------------------------------------------------------------


def test_a_restart_between_two_scans_is_counted_even_under_the_same_pid() -> None:
    host = Listened(LOUD, running=(7,))
    host.end(7, 0x100)
    host.running[7], host.began[7] = 0.0, 1000.001 + host.now  # so soon that the start looks the same
    outcome = host.look()
    assert (status(outcome).restarts, keys(outcome)) == (1, [("process_restarted", 3)])
    assert outcome.events[0].summary == "web restarted: 1 process replaced; exit code 1"
    assert outcome.events[0].details["lost"] == [7]


def test_what_scans_and_events_both_see_is_counted_once() -> None:
    host = Listened(LOUD, running=(1, 2, 3))
    for pid in (1, 2):
        host.end(pid)
        host.start(pid + 10)
    assert status(host.look()).restarts == 2
    assert status(host.look()).restarts == 2


def test_every_restart_of_a_crash_loop_is_counted() -> None:
    host = Listened(running=(1,))
    host.end(1)
    for pid in range(2, 50):
        host.start(pid)
        host.end(pid, CRASHED)
    host.start(50)
    outcome = host.look()
    assert status(outcome).restarts == 49
    assert outcome.figures["web"]["runs"] == 49
    assert outcome.figures["web"]["failed_runs"] == 49


def test_restarts_count_also_when_the_scan_comes_after_the_last_of_them() -> None:
    host = Listened(LOUD, running=(1,))
    host.end(1)
    host.start(2)
    host.end(2, 0x100)
    outcome = host.look(woken=True)
    assert keys(outcome) == [("process_missing", 4), ("process_restarted", 3)]
    assert status(outcome).restarts == 1
    host.start(3)
    assert status(host.look(woken=True)).restarts == 2


def test_short_lived_processes_beside_those_that_stay_are_runs_and_no_restarts() -> None:
    host = Listened(LOUD, running=(1,))
    for pid, exit_status in ((2, 0), (3, 0x100), (4, 0)):
        host.start(pid)
        host.end(pid, exit_status)
    outcome = host.look()
    assert (status(outcome).restarts, keys(outcome)) == (0, [])
    assert (outcome.figures["web"]["runs"], outcome.figures["web"]["failed_runs"]) == (3, 1)


def test_a_run_that_is_over_in_a_moment_takes_nobody_s_place() -> None:
    host = Listened(LOUD, running=(1,))
    for pid in (2, 3, 4):
        host.start(pid)
        host.wait(-0.019)
        host.end(pid)
    assert status(host.look()).restarts == 0


def test_copies_that_no_scan_saw_are_no_runs() -> None:
    host = Listened(running=(1,))
    host.start(2)
    host.end(2, 0x100, forked=True)
    assert host.look().figures["web"]["runs"] == 0


def test_an_end_that_is_told_a_moment_late_is_a_restart_all_the_same() -> None:
    host = Listened(running=(1,))
    host.start(2)
    host.wait(-0.018)
    host.end(1)
    host.start(3)
    host.wait(-0.018)
    host.end(2)
    assert status(host.look()).restarts == 2


def test_a_scan_out_of_turn_in_between_hides_no_restart() -> None:
    host = Listened(LOUD, running=(1, 2))
    host.end(2)
    assert status(host.look(woken=True)).restarts == 0
    host.wait(0.3)
    host.start(3)
    outcome = host.look()
    assert (status(outcome).restarts, keys(outcome)) == (1, [("process_restarted", 3)])
    assert status(host.look()).restarts == 1


def test_a_set_that_was_missing_for_a_moment_was_restarted_and_one_that_was_for_long_was_not() -> None:
    host = Listened(running=(1,))
    for away_s, restarts in ((1.0, 1), (3.0 * INTERVAL_S, 1)):
        host.end(next(iter(host.running)))
        assert keys(host.look(woken=True)) == [("process_missing", 4)]
        host.wait(away_s)
        host.start(int(10 * away_s))
        outcome = host.look(woken=True)
        assert (keys(outcome), status(outcome).restarts) == ([("process_missing", 0)], restarts)


def test_a_pool_that_grows_again_after_an_interval_was_not_restarted() -> None:
    host = Listened(running=(1, 2))
    host.end(2)
    host.look(woken=True)
    host.wait(2.0 * INTERVAL_S)
    host.start(3)
    assert status(host.look()).restarts == 0


def test_a_clock_that_is_set_leaves_no_place_for_ever_and_makes_up_no_restart() -> None:
    for jump_s in (-86_400.0, 86_400.0):
        host = Listened(running=(1, 2))
        host.end(2)
        host.look(woken=True)
        host.wall_s += jump_s
        host.start(3)
        outcome = host.look()
        assert status(outcome).restarts == 0
        assert host.tracker.memory.sets["web"].ends.vacant == []  # type: ignore[union-attr]
        host.end(3)
        host.start(4)
        assert status(host.look()).restarts == 1


def test_what_was_not_told_the_scans_decide() -> None:
    host = Listened(running=(1, 2))
    del host.running[1]
    host.running[3] = host.now
    outcome = host.look(lost=True)
    assert status(outcome).restarts == 1
    assert outcome.figures["web"]["runs"] == 1
    assert outcome.figures["web"]["failed_runs"] == 0  # nobody knows how it ended
    # An end that was told without what took its place leaves no place for the next one.
    host.end(2)
    host.running[4] = host.now
    assert status(host.look(lost=True)).restarts == 2
    host.start(5)
    assert status(host.look()).restarts == 2


def test_without_events_nothing_is_known_of_runs_and_scans_decide_alone() -> None:
    host = Listened(running=(1,))
    host.end(1)
    host.start(2)
    host.look()
    host.end(2)
    host.start(3)
    outcome = host.look(happened=None)
    assert status(outcome).restarts == 2
    assert outcome.figures["web"].get("runs") is None
    host.end(3)
    gone = host.look(happened=None)
    assert gone.events[0].summary == "no process of web runs"
    assert "reason" not in gone.events[0].details


def test_a_replacement_that_overlaps_is_what_the_scans_say() -> None:
    host = Listened(running=(1, 2))
    host.start(3)
    host.wait(1.0)
    host.end(1)
    assert status(host.look()).restarts == 1
    # So it is when another one ends meanwhile, whose place is taken later.
    host.start(4)
    host.wait(1.0)
    host.end(2)
    host.end(3)
    assert status(host.look(woken=True)).restarts == 2
    host.start(5)
    assert status(host.look()).restarts == 3


def test_counts_survive_the_daemon() -> None:
    host = Listened(running=(1,))
    host.start(2)
    host.end(2)
    before = host.look()
    assert before.changed
    host.restart_daemon()
    host.look(happened=None)
    assert host.look().figures["web"]["runs"] == before.figures["web"]["runs"] == 1


@pytest.mark.parametrize("told", ["all", "nothing", "off"])
@pytest.mark.parametrize(
    ("before", "after", "restarts"),
    [
        ((1, 2, 3), (1, 2, 3), 0),
        ((1, 2, 3), (1, 2, 4), 1),
        ((1, 2, 3), (4, 5, 6), 3),
        ((1, 2, 3), (1, 4), 1),
        ((1,), (2, 3), 1),
        ((1, 2, 3), (1, 2), 0),
        ((1, 2), (1, 2, 3, 4), 0),
    ],
)
def test_the_table_of_decisions_holds_whatever_is_told(
    before: tuple[int, ...], after: tuple[int, ...], restarts: int, told: str
) -> None:
    host = Listened(LOUD, running=before)
    for pid in sorted(set(before).difference(after)):
        host.end(pid)
    for pid in sorted(set(after).difference(before)):
        host.start(pid)
    if told != "all":
        host.lives, host.began = [], {}
    outcome = host.look(lost=told == "nothing") if told != "off" else host.look(happened=None)
    assert status(outcome).restarts == restarts
    assert keys(outcome) == [("process_restarted", 3)] * bool(restarts)
    assert keys(host.look()) == []


@pytest.mark.parametrize("told", ["all", "nothing", "off"])
def test_a_number_used_again_and_a_short_gap_are_restarts_whatever_is_told(told: str) -> None:
    host = Listened(definition(confirm=3, restart_severity=Severity.WARNING), running=(1, 2))

    def look() -> Outcome:
        if told != "all":
            host.lives, host.began = [], {}
        return host.look(lost=told == "nothing") if told != "off" else host.look(happened=None)

    host.end(1)
    host.wait(2.0)
    host.start(1)
    assert status(look()).restarts == 1
    host.end(1)
    host.end(2)
    assert keys(look()) == []
    host.start(3)
    host.start(4)
    outcome = look()
    assert (status(outcome).restarts, keys(outcome)) == (3, [("process_restarted", 3)])


# --- missing ----------------------------------------------------------------------------------------------------------


def test_scans_out_of_turn_do_not_use_up_the_patience_of_a_set() -> None:
    host = Listened(definition(confirm=3), running=(1,))
    host.end(1)
    said = [keys(host.look(woken=True)) for _ in range(5)]
    said += [keys(host.look()) for _ in range(2)]
    said += [keys(host.look(woken=True)) for _ in range(5)]
    said += [keys(host.look())]
    assert said == [[]] * 12 + [[("process_missing", 4)]]


def test_two_scans_on_turn_stay_two_whatever_comes_between() -> None:
    host = Listened(definition(confirm=2), running=(1,))
    for pid in range(2, 20):  # gone for a moment in which its turn lies, again and again
        host.end(pid - 1)
        said = [keys(host.look(woken=True)), keys(host.look()), keys(host.look(woken=True))]
        host.wait(INTERVAL_S)
        host.start(pid)
        assert [key for one in (*said, keys(host.look(woken=True))) for key in one if key[0] == "process_missing"] == []
    host.end(19)
    host.restart_daemon()
    assert keys(host.look()) == []
    assert keys(host.look(woken=True)) == []
    assert keys(host.look()) == [("process_missing", 4)]


def test_with_one_scan_to_confirm_it_the_first_one_says_it_whenever_it_is() -> None:
    for woken in (True, False):
        host = Listened(running=(1,))
        host.end(1)
        assert keys(host.look(woken=woken)) == [("process_missing", 4)]
        assert keys(host.look(woken=not woken)) == []


def test_a_set_that_keeps_restarting_has_one_alarm_however_often_it_is_looked_at() -> None:
    host = Listened(LOUD, running=(1,))
    said: list[tuple[str, int]] = []
    for pid in range(2, 2000):
        host.end(pid - 1, CRASHED)
        said += keys(host.look(woken=pid % 10 != 0))
        host.start(pid)
        if pid % 3:
            said += keys(host.look(woken=True))
    assert [one for one in said if one[0] == "process_restarting"] == [("process_restarting", 4)]
    first = said.index(("process_restarting", 4))
    assert len(said) < 20
    assert [one for one in said[first + 1 :] if one != ("process_missing", 0)] == []
    kept = host.tracker.memory.sets["web"]
    assert len(kept.restart_times) <= 1000
    # When it stays away, that is said, too: by the second scan on turn.
    host.end(1999)
    assert keys(host.look(woken=True)) == []
    assert keys(host.look()) == []
    assert keys(host.look(woken=True)) == []
    assert keys(host.look()) == [("process_missing", 4)]


def test_the_count_of_a_set_that_keeps_restarting_is_judged_on_turn() -> None:
    host = Listened(definition(count_min=2), running=(1, 2))
    for pid in range(2, 10):
        host.end(pid)
        host.start(pid + 1)
    assert keys(host.look()) == [("process_restarting", 4)]
    host.end(10)
    assert keys(host.look(woken=True)) == []
    assert keys(host.look()) == [("process_count", 4)]


def test_a_worker_that_is_being_replaced_is_not_too_few_where_one_scan_says_too_little() -> None:
    for confirm, said in ((1, [("process_count", 4)]), (2, [])):
        host = Listened(definition(confirm=confirm, count_min=2), running=(1, 2))
        host.end(2)
        assert keys(host.look(woken=True)) == said
        host.start(3)
        assert [key for key in keys(host.look(woken=True)) if key[1]] == []
        host.end(3)
        host.look(woken=True)
        host.look()
        assert "process_count" in host.tracker.memory.sets["web"].alarms


def test_what_is_kept_of_places_is_bounded() -> None:
    host = Listened(running=tuple(range(1, 1500)))
    for pid in range(1, 1400):
        host.wait(-0.02)
        host.end(pid)
    host.look()
    ends = host.tracker.memory.sets["web"].ends
    assert ends is not None
    assert len(ends.vacant) == MAX_VACANT


# --- scans in quick succession ----------------------------------------------------------------------------------------


def test_a_daemon_that_is_being_replaced_does_not_run_twice_however_often_it_is_looked_at() -> None:
    host = Listened(definition(instances_max=1))

    def look(*pids: int, woken: bool) -> list[tuple[str, int]]:
        host.wait(0.02)
        return keys(host.observe_at({pid: host.row(pid, parent=1) for pid in pids}, Happened(), woken=woken))

    assert [look(11, 12, woken=woken) for woken in (True, False, True, True)] == [[]] * 4
    assert look(11, 12, woken=False) == [("process_twice", 4)]
    assert look(12, woken=True) == [("process_twice", 0)]


def test_cpu_is_reckoned_from_turn_to_turn_and_not_from_moments() -> None:
    host = Listened(running=(1, 2))
    last = host.now

    def look(cpu_s: float, after_s: float, *, woken: bool) -> object:
        host.now = last + after_s
        row = host.row(1, started=host.started(0.0), cpu_s=cpu_s)
        return host.observe_at({1: row}, Happened(), woken=woken).figures["web"]["cpu"]

    look(50.0, 0.0, woken=False)
    look(51.0, 10.0, woken=False)
    assert look(51.02, 10.005, woken=True) == 10.0  # not 400 %
    assert look(51.5, 15.0, woken=True) == pytest.approx(10.0)
    assert look(51.52, 15.005, woken=True) == pytest.approx(52.0 / 5.005)
    assert look(53.0, 20.0, woken=False) == pytest.approx(20.0)
    assert look(53.0, 30.0, woken=False) == 0.0


# --- reasons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exit_status", "oom", "reason"),
    [
        (0, None, "exit code 0"),
        (0x100, None, "exit code 1"),
        (KILLED, None, "killed by SIGKILL (9)"),
        (CRASHED, None, "killed by SIGSEGV (11), core dumped"),
        (40, None, "killed by signal 40"),
        (
            KILLED,
            OomKill(known=True, evidence="the log", memory_bytes=512 * 2**20),
            "killed by SIGKILL (9), by the kernel's OOM killer, it held 512 MiB",
        ),
        (
            KILLED,
            OomKill(known=False, evidence="the host counts 1 such kill since the scan before"),
            "killed by SIGKILL (9), probably by the OOM killer: the host counts 1 such kill since the scan before",
        ),
    ],
)
def test_a_missing_set_says_why(exit_status: int, oom: OomKill | None, reason: str) -> None:
    host = Listened(running=(7,))
    host.end(7, exit_status, oom=oom)
    (event,) = host.look(woken=True).events
    assert event.summary == f"no process of web runs: {reason}"
    assert (event.details["reason"], event.details["exits"]) == (reason, [f"7: {reason}"])


def test_many_that_ended_are_summed_up() -> None:
    host = Listened(running=tuple(range(1, 31)))
    for pid in range(1, 31):
        host.end(pid, KILLED if pid % 2 else 0x100 * (pid % 5))
    (event,) = host.look().events
    assert event.summary.startswith("no process of web runs: 15 × killed by SIGKILL (9); 3 × exit code ")
    assert event.summary.endswith("; 9 others")
    exits = event.details["exits"]
    assert isinstance(exits, list)
    assert len(exits) == 20


def test_a_reason_that_was_waited_for_is_that_of_the_end() -> None:
    host = Listened(definition(confirm=2), running=(7,))
    host.end(7, 0x200)
    host.look(woken=True)
    host.look()
    assert host.look().events[0].summary == "no process of web runs: exit code 2"


# --- whatever happens -------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "end", "replace", "woken", "scan", "lose"]), st.integers(0, 3)), max_size=60
)


@given(STEPS)
def test_no_restart_is_made_up_and_none_of_a_single_process_is_missed(steps: list[tuple[str, int]]) -> None:
    """One process that ends and is replaced at once, each time, whatever scans fall between."""
    host = Listened(running=(1,))
    really, pid = 0, 1
    for what, number in steps:
        if what == "replace":
            for _ in range(number):
                host.end(pid)
                pid += 1
                if number == 3:  # nobody runs when this scan is made
                    host.look(woken=True)
                host.start(pid)
                really += 1
        elif what in {"woken", "scan"}:
            host.look(woken=what == "woken")
    assert status(host.look()).restarts == really


@given(STEPS)
def test_the_roll_is_what_the_last_scan_shows_whatever_events_say(steps: list[tuple[str, int]]) -> None:
    host = Listened(running=(1, 2))
    pid, ends = 10, 0
    for what, number in steps:
        if what == "start":
            pid += 1
            host.start(pid)
        elif what in {"end", "replace"} and host.running:
            ends += 1
            host.end(sorted(host.running)[number % len(host.running)])
            if what == "replace":
                pid += 1
                host.start(pid)
        elif what == "lose" and host.lives:
            del host.lives[number % len(host.lives)]
        elif what in {"woken", "scan"}:
            host.look(woken=what == "woken", lost=True)
    outcome = host.look(lost=True)
    shown = status(outcome)
    assert set(shown.pids) == set(host.running)
    assert (shown.state.value == "missing") <= (not host.running)
    assert shown.restarts <= ends
    runs, failed = outcome.figures["web"]["runs"], outcome.figures["web"]["failed_runs"]
    assert isinstance(runs, int)
    assert isinstance(failed, int)
    assert failed <= runs <= ends

"""How tasks fare: the summary, and what `stats` prints."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
import pytest

from collectors.framework.interfaces import TaskState
from collectors.framework.stats import STATS
from collectors.framework.task import Outcome, TaskRecord
from collectors.framework.taskstats import list_lines, mean_s, summary, summary_lines, task_lines
from common.errors import NotFoundError
from tests.fakes.tasks import FakeTask


def task(device: str, *durations: float, failed: int = 0, late: int = 0, error: str = "") -> dict[str, Any]:
    """The figures of a task that ran so long, and was idle for a minute before each run."""
    now = 0.0
    record = TaskRecord(FakeTask(f"process:{device}"), device, now)
    record.late = late
    for number, duration in enumerate(durations):
        now += 60.0
        record.enter(TaskState.RUNNING, now)
        now += duration
        bad = number >= len(durations) - failed
        record.ended(Outcome.TIMED_OUT if bad else Outcome.GOOD, error if bad else "", duration)
        record.enter(TaskState.IDLE, now)
    found: dict[str, Any] = msgspec.to_builtins(record.figures(now))
    return found


TASKS = [
    task("quick", 0.1, 0.1, 0.1),
    task("slow", 10.0, 20.0, late=2),
    task("bad", 1.0, 1.0, 1.0, 1.0, failed=3, error="No answer\x1b[2J\nfrom 192.0.2.1"),
    task("new"),
]


def test_all_tasks_together() -> None:
    found = summary(TASKS, 5)
    assert found["tasks"] == 4
    assert found["states"] == {"idle": 4}
    assert found["seconds_in"] == {"idle": 540.0, "running": 34.3}
    assert [found[name] for name in ("runs", "failed", "timed_out", "late")] == [9, 3, 3, 2]


def test_the_worst_come_first_and_those_without_fault_not_at_all() -> None:
    found = summary(TASKS, 5)
    assert [(one["device"], one["mean_duration_s"]) for one in found["slowest"]] == [
        ("slow", 15.0),
        ("bad", 1.0),
        ("quick", 0.1),
    ]
    assert [one["device"] for one in found["most_failed"]] == ["bad"]
    assert [(one["device"], one["late"]) for one in found["most_late"]] == [("slow", 2)]
    assert [one["device"] for one in summary(TASKS, 1)["slowest"]] == ["slow"]
    assert summary(TASKS, 0)["slowest"] == []


def test_a_task_without_runs_has_no_mean() -> None:
    assert mean_s(TASKS[3]) is None


def test_the_summary_is_of_the_same_length_with_any_number_of_tasks() -> None:
    one, many = summary_lines(summary(TASKS, 3)), summary_lines(summary(TASKS * 1000, 1))
    assert len(many) <= len(one)
    assert "Tasks: 4,000" in many
    assert "Runs: 9; 3 failed (33 %), 3 of them for taking too long; 2 were late" in one
    assert "  bad          3     4  No answer\ufffd[2J from 192.0.2.1" in one


def test_no_tasks_are_no_error() -> None:
    assert summary_lines(summary([], 5)) == ["Tasks: 0", "Runs: 0; 0 failed; 0 were late"]
    assert list_lines([]) == ["  none"]


def test_a_task_tells_all_of_itself_and_nothing_that_a_terminal_obeys() -> None:
    text = "\n".join(task_lines(TASKS[2]))
    assert "process:bad of bad, every 1 min" in text
    assert "the last run took 1 s, the mean of all is 1 s; it ended timed out" in text
    assert "\x1b" not in text
    assert "no run" not in text
    assert [line.split()[0] for line in list_lines(TASKS)] == ["device", "bad", "new", "quick", "slow"]


# --- the verb ---------------------------------------------------------------------------------------------------------

FIGURES = {
    "daemon": "tocsin-process", "pid": 17, "uptime_s": 7200.0, "cpu_s": 72.0, "peak_memory_bytes": 2**26,
    "memory_bytes": 2**25, "collector": "west", "hub": "connected", "devices": 4, "devices_paused": 1, "silent": 2,
    "devices_paused_because": "the hub is silent", "sent_events": 3, "local": {"files_kept_open": 100},
    "task_list": TASKS,
}  # fmt: skip


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    STATS.add_options(parser)
    return parser.parse_args(words)


def shown(*words: str) -> str:
    options = asked(*words)
    return STATS.show(STATS.choose(FIGURES, options), options)


def test_stats_tell_of_the_daemon_its_tasks_and_whatever_else_there_is() -> None:
    text = shown()
    assert text.startswith("tocsin-process (pid 17), collector west, up 2 h\nhub: connected\n")
    assert "CPU 1.2 min (1 % of a core), memory 32 MiB, at most 64 MiB" in text
    assert "devices: 4, of them 1 paused, 2 do not answer, asked less often\nthe hub is silent\n" in text
    assert "files kept open  100" in text
    assert "Slowest" in text
    assert "task list" not in text
    assert "deaf" not in STATS.show(STATS.choose({**FIGURES, "listening": 1, "deaf": 0}, asked()), asked())
    assert "All tasks" not in text
    assert "All tasks" in shown("--tasks")


def test_a_daemon_with_workers_tells_of_all_of_them_together_and_each() -> None:
    row = {"live": True, "devices": 2, "late_runs": 0, "failed_runs": 1, "ends": 3, "memory_bytes": 2**20}
    workers = [{"worker": 1, "pid": 18, "cpu_s": 72.0, **row}, {"worker": 2, "pid": 19, "cpu_s": 0.0, **row}]
    text = STATS.show(STATS.choose({**FIGURES, "workers": workers}, asked()), asked())
    assert "CPU 2.4 min (2 % of a core), memory 32 MiB\n" in text
    head, one, other = text[text.index("Workers\n") :].splitlines()[1:4]
    assert " ".join(head.split()) == "worker pid live devices late runs failed runs ends cpu memory"
    assert " ".join(one.split()) == "1 18 yes 2 0 1 3 1.2 min 1 MiB"
    assert other.split()[:2] == ["2", "19"]


def test_the_most_is_never_less_than_what_is() -> None:
    text = STATS.show(STATS.choose({**FIGURES, "peak_memory_bytes": 1}, asked()), asked())
    assert "memory 32 MiB, at most 32 MiB" in text


def test_so_many_is_no_negative_number() -> None:
    with pytest.raises(SystemExit):
        asked("--top", "-3")


def test_of_one_device_its_tasks_alone_are_told() -> None:
    assert shown("-d", "slow").startswith("process:slow of slow")
    assert "process:bad" not in shown("-d", "slow")
    assert [one["device"] for one in STATS.choose(FIGURES, asked("-d", "slow"))["task_list"]] == ["slow"]
    with pytest.raises(NotFoundError, match="device none is not collected here"):
        STATS.choose(FIGURES, asked("-d", "none"))


def test_json_has_all_that_there_was_and_the_summary() -> None:
    found = STATS.choose(FIGURES, asked("--top", "1"))
    assert found.items() >= FIGURES.items()
    assert len(found["task_summary"]["slowest"]) == 1


def test_figures_of_a_daemon_that_has_just_begun_can_be_told() -> None:
    options = asked()
    assert "Tasks: 0" in STATS.show(STATS.choose({"daemon": "tocsin-process", "pid": 1}, options), options)

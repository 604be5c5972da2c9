"""How the tasks of a daemon fare, all together and the worst of them (pure): out of the `task_list` of its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from collectors.framework.interfaces import TaskState
from collectors.framework.task import job_of
from common.figures import columns
from common.matching import printable
from common.quantities import quantity

Task = Mapping[str, Any]
"""A `task.TaskFigures`, as JSON has it."""

STATES = tuple(state.value for state in TaskState)
_MOST_ERROR = 90


def summary(tasks: Sequence[Task], top: int) -> dict[str, Any]:
    """All tasks together, and up to `top` of those that fare worst.

    Returns:
        `states`: how many tasks are in each; `seconds_in`: time in each, of all tasks together; sums of `runs`,
        `failed`, `timed_out` and `late`; `slowest`, `most_failed`, `most_late`: tasks, the worst first.
    """
    return {
        "tasks": len(tasks),
        "states": _by_state(tasks, lambda task, state: task["state"] == state),
        "seconds_in": _by_state(tasks, lambda task, state: task["seconds_in"].get(state, 0.0)),
        **{name: sum(task[name] for task in tasks) for name in ("runs", "failed", "timed_out", "late")},
        "slowest": [
            _of(task, mean_duration_s=mean_s(task), last_duration_s=task["last_duration_s"])
            for task in _worst(tasks, top, lambda task: mean_s(task) or 0.0)
        ],
        "most_failed": [
            _of(task, failed=task["failed"], runs=task["runs"], last_error=task["last_error"])
            for task in _worst(tasks, top, lambda task: task["failed"])
        ],
        "most_late": [
            _of(task, late=task["late"], runs=task["runs"]) for task in _worst(tasks, top, lambda task: task["late"])
        ],
    }


def mean_s(task: Task) -> float | None:
    """Seconds that a run took on the average; None before the first has ended."""
    if not task["runs"]:
        return None
    return round(float(task["seconds_in"].get(TaskState.RUNNING.value, 0.0)) / int(task["runs"]), 3)


def summary_lines(found: Mapping[str, Any]) -> list[str]:
    """A summary at a terminal."""
    return [
        f"Tasks: {found['tasks']:,}",
        *_states(found["states"], found["seconds_in"]),
        _runs(found),
        *_slowest(found["slowest"]),
        *_failed(found["most_failed"]),
        *_late(found["most_late"]),
    ]


def list_lines(tasks: Iterable[Task]) -> list[str]:
    """A line for each task."""
    head = ("device", "state", "for", "runs", "failed", "late", "mean", "last", "every", "outcome")
    rows = [
        (
            _name(task),
            task["state"],
            quantity(task["since_s"], "s"),
            f"{task['runs']:,}",
            f"{task['failed']:,}",
            f"{task['late']:,}",
            _seconds(mean_s(task)),
            _seconds(task["last_duration_s"]),
            quantity(task["interval_s"], "s"),
            task["last_outcome"] or "none yet",
        )
        for task in sorted(tasks, key=lambda task: (task["device"], task["name"]))
    ]
    return columns([head, *rows], right=frozenset(range(2, 9))) if rows else ["  none"]


def task_lines(task: Task) -> list[str]:
    """All that is known of one task."""
    lines = [
        f"{printable(task['name'])} of {_name(task)}, every {quantity(task['interval_s'], 's')}",
        f"  {task['state']} for {quantity(task['since_s'], 's')}",
        *_states({}, task["seconds_in"]),
        "  " + _runs(task),
    ]
    if task["runs"]:
        took = f"the last run took {_seconds(task['last_duration_s'])}, the mean of all is {_seconds(mean_s(task))}"
        lines.append(f"  {took}; it ended {str(task['last_outcome']).replace('_', ' ')}")
    if task["last_error"]:
        lines.append(f"  {printable(task['last_error'].replace(chr(10), ' '), 500)}")
    return lines


def _by_state(tasks: Sequence[Task], measure: Callable[[Task, str], float]) -> dict[str, float]:
    sums = {state: sum(measure(task, state) for task in tasks) for state in STATES}
    return {state: round(total, 3) for state, total in sums.items() if total}


def _worst(tasks: Sequence[Task], top: int, measure: Callable[[Task], float]) -> list[Task]:
    guilty = [task for task in tasks if measure(task) > 0]
    return sorted(guilty, key=lambda task: (-measure(task), task["device"]))[:top]


def _of(task: Task, **figures: Any) -> dict[str, Any]:
    return {"device": task["device"], "name": task["name"], "interval_s": task["interval_s"], **figures}


def _states(counts: Mapping[str, int], seconds: Mapping[str, float]) -> list[str]:
    """A line for each state: how many are in it, and how much of all time is spent in it."""
    total = sum(seconds.values())
    rows = [
        (
            state,
            *((f"{counts.get(state, 0):,}",) if counts else ()),
            quantity(seconds.get(state, 0.0), "s"),
            f"{100 * seconds.get(state, 0.0) / total:.1f} %" if total else "",
        )
        for state in STATES
        if counts.get(state) or seconds.get(state)
    ]
    head = ("state", "tasks", "time in it", "of all") if counts else ("state", "time in it", "of all")
    return columns([head, *rows], right=frozenset({1, 2, 3})) if rows else []


def _runs(found: Mapping[str, Any]) -> str:
    runs, failed = found["runs"], found["failed"]
    share = f" ({100 * failed / runs:.2g} %)" if failed and runs else ""
    too_long = f", {found['timed_out']:,} of them for taking too long" if found["timed_out"] else ""
    return f"Runs: {runs:,}; {failed:,} failed{share}{too_long}; {found['late']:,} were late"


def _slowest(tasks: Sequence[Task]) -> list[str]:
    head = ("device", "mean", "last", "every")
    rows = [
        (
            _name(task),
            _seconds(task["mean_duration_s"]),
            _seconds(task["last_duration_s"]),
            quantity(task["interval_s"], "s"),
        )
        for task in tasks
    ]
    return ["Slowest", *columns([head, *rows], right=frozenset({1, 2, 3}))] if rows else []


def _failed(tasks: Sequence[Task]) -> list[str]:
    head = ("device", "failed", "runs", "last error")
    rows = [
        (
            _name(task),
            f"{task['failed']:,}",
            f"{task['runs']:,}",
            printable(task["last_error"].replace("\n", " "), _MOST_ERROR) or "none any more",
        )
        for task in tasks
    ]
    return ["Most failed", *columns([head, *rows], right=frozenset({1, 2}))] if rows else []


def _late(tasks: Sequence[Task]) -> list[str]:
    rows = [(_name(task), f"{task['late']:,}", f"{task['runs']:,}") for task in tasks]
    return ["Most late", *columns([("device", "late", "runs"), *rows], right=frozenset({1, 2}))] if rows else []


def _name(task: Task) -> str:
    """The device, and which of its tasks it is."""
    device = str(task["device"])
    return printable(f"{device} {job_of(str(task['name']), device)}".rstrip(), 60)


def _seconds(value: float | None) -> str:
    return quantity(value, "s") if value is not None else "none"

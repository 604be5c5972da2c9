"""State and statistics of one task."""

from __future__ import annotations

from collectors.framework.interfaces import TaskState
from collectors.framework.task import Outcome, TaskRecord
from tests.fakes.tasks import FakeTask


def test_time_in_each_state_is_summed() -> None:
    record = TaskRecord(FakeTask(), "web1", 10.0)
    record.enter(TaskState.QUEUED, 15.0)
    record.enter(TaskState.RUNNING, 16.0)
    record.enter(TaskState.IDLE, 18.5)
    record.enter(TaskState.RUNNING, 20.0)
    figures = record.figures(21.0)
    assert figures.seconds_in == {"idle": 6.5, "queued": 1.0, "running": 3.5}
    assert (figures.state, figures.since_s) == ("running", 1.0)


def test_observers_see_state_interval_and_outcome() -> None:
    record = TaskRecord(FakeTask(), "web1", 0.0)
    seen: list[tuple[str, object, object]] = []
    record.observe(lambda _record, what, old, new: seen.append((what, old, new)))
    record.enter(TaskState.QUEUED, 1.0)
    record.enter(TaskState.QUEUED, 2.0)
    assert record.pace(30)
    assert not record.pace(30)
    record.ended(Outcome.GOOD, "", 0.5)
    record.ended(Outcome.GOOD, "", 0.5)
    assert seen == [
        ("state", TaskState.IDLE, TaskState.QUEUED),
        ("interval", 60, 30),
        ("outcome", None, Outcome.GOOD),
        ("outcome", Outcome.GOOD, Outcome.GOOD),
    ]


def test_outcomes_are_counted() -> None:
    record = TaskRecord(FakeTask(), "web1", 0.0)
    for outcome in Outcome:
        record.ended(outcome, "" if outcome is Outcome.GOOD else "why", 0.25)
    figures = record.figures(1.0)
    assert (figures.runs, figures.failed, figures.timed_out) == (5, 3, 1)
    assert (figures.last_outcome, figures.last_error, figures.last_duration_s) == ("stopped", "why", 0.25)

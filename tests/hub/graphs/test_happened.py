from __future__ import annotations

from typing import Any

from common.events import Severity, State
from common.graphs import Mark, MarkKind, Span
from hub.graphs.happened import MAX_MARKS, MAX_SPANS, happenings, marks, spans
from hub.interfaces import EventRecord

START, END = 10_000, 20_000


def record(key: str = "process_missing", first: float = 12_000.0, **fields: Any) -> EventRecord:
    given: dict[str, Any] = {
        "id": 1, "device": "web1", "component": "nginx", "event_class": "/Status/OSProcess", "event_key": key,
        "severity": Severity.ERROR.value, "state": State.NEW.value, "summary": "", "message": "", "count": 1,
        "first_seen": first, "last_seen": first, "closed_at": None, "collector": "c", "daemon": "process",
        "fingerprint": "f", "details": {},
    }  # fmt: skip
    return EventRecord(**(given | fields))


def told(*records: EventRecord, points: list[str] | None = None) -> list[tuple[int, int, str]]:
    found = happenings(records, lambda _: "", points, START, END)
    return [(one.start, one.end, one.label) for one in found]


def test_what_lasted_is_a_span_from_open_to_close_within_the_picture() -> None:
    assert told(record(closed_at=13_000.0)) == [(12_000, 13_000, "missing")]
    assert told(record(first=1.0, closed_at=13_000.0)) == [(START, 13_000, "missing")]
    assert told(record(first=1.0, closed_at=99_000.0)) == [(START, END, "missing")]
    assert told(record(first=1.0, closed_at=9_000.0)) == []
    assert told(record(first=12_000.4, closed_at=12_000.9)) == [(12_000, 12_001, "missing")]


def test_what_goes_on_has_no_end() -> None:
    found = happenings([record()], lambda _: "", None, START, END)
    assert spans(found, END) == (Span(start=12_000, label="missing", severity=4),)
    assert marks(found) == ()


def test_a_picture_of_times_to_come_has_no_span_there() -> None:
    found = happenings([record()], lambda _: "", None, START, END)
    assert spans(found, 11_000) == ()


def test_what_merely_happened_is_a_mark_at_its_first_and_last_time() -> None:
    found = happenings(
        [record("process_restarted", last_seen=15_000.0, count=7), record("process_replaced", 13_000.0)],
        lambda _: "",
        None,
        START,
        END,
    )
    assert marks(found) == (
        Mark(at=12_000, label="restarted", kind=MarkKind.RESTART, severity=4),
        Mark(at=15_000, label="restarted", kind=MarkKind.RESTART, severity=4),
    )
    assert [span.label for span in spans(found, END)] == ["program replaced"]
    assert told(record("agent_restarted", first=1.0, last_seen=15_000.0)) == [(15_000, 15_000, "agent restarted")]


def test_events_that_tell_nothing_of_figures_are_left_out() -> None:
    assert told(record("config_error")) == []


def test_a_violation_is_told_where_its_point_is_drawn() -> None:
    leak = record("threshold:leak:memory", closed_at=13_000.0)
    assert told(leak, points=["memory"]) == [(12_000, 13_000, "leak")]
    assert told(leak, points=["cpu"]) == []
    assert told(leak) == [(12_000, 13_000, "leak")]


def test_what_would_not_be_seen_apart_is_told_together() -> None:
    near = (END - START) // 100
    restarts = [record("process_restarted", 12_000.0 + i * near) for i in range(5)]
    assert told(*restarts) == [(12_000, 12_000, "restarted"), (12_000 + 2 * near, 12_000 + 2 * near, "restarted"),
                               (12_000 + 4 * near, 12_000 + 4 * near, "restarted")]  # fmt: skip
    first, second = record(closed_at=12_500.0), record(first=12_501.0, closed_at=13_000.0, severity=5)
    (one,) = happenings([second, first], lambda _: "", None, START, END)
    assert (one.start, one.end, one.severity) == (12_000, 13_000, 5)


def test_there_are_never_more_than_can_be_seen_and_the_worst_stay() -> None:
    def many(key: str, **fields: Any) -> list[EventRecord]:
        return [record(f"threshold:{key}{i}:cpu", START + i, **fields) for i in range(500)]

    spans_ = many("t", closed_at=END - 1.0)
    found = happenings(spans_, lambda _: "", None, START, END)
    assert len(spans(found, END)) == MAX_SPANS
    worst = record("threshold:worst:cpu", START + 5.0, severity=5)
    found = happenings([*many("t"), worst], lambda _: "several", None, START, END)
    assert len(marks(found)) == MAX_MARKS
    assert any(mark.label == "several worst" for mark in marks(found))


def test_what_happened_to_one_of_several_has_a_mark_where_it_began_and_no_shade() -> None:
    records = [record(closed_at=13_000.0), record("process_restarted", 1.0, last_seen=15_000.0)]
    found = happenings([*records, record(first=1.0)], lambda one: one.component, None, START, END)
    assert [(mark.at, mark.label) for mark in marks(found)] == [(12_000, "nginx missing"), (15_000, "nginx restarted")]
    assert spans(found, END) == ()


def test_it_is_said_whose_it_is() -> None:
    found = happenings([record(component="x" * 500)], lambda one: one.component, None, START, END)
    assert found[0].label == "x" * 60 + " missing"

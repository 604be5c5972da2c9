"""Who watches tasks, and who stops while being told."""

from __future__ import annotations

from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher

from collectors.framework.observing import Observers


class Record:
    name = "process:web1"


RECORD = Record()


class Seen:
    """What was told."""

    def __init__(self, observers: Observers) -> None:
        self.observers = observers
        self.all: list[tuple[str, object, object]] = []
        self.leaving = False
        self.defect: Exception | None = None

    def take(self, record: Any, what: str, old: object, new: object) -> None:
        assert record is RECORD
        self.all.append((what, old, new))
        if self.leaving:
            self.observers.unobserve(self.take)
        if self.defect is not None:
            raise self.defect


def watched(count: int) -> tuple[Observers, list[Seen]]:
    observers = Observers()
    seen = [Seen(observers) for _ in range(count)]
    for one in seen:
        observers.observe(one.take)
    return observers, seen


def test_everybody_is_told_in_order_and_once() -> None:
    observers, (first, second) = watched(2)
    observers.observe(first.take)
    observers.tell(RECORD, "interval", 60, 30)
    assert first.all == second.all == [("interval", 60, 30)]


def test_who_unsubscribes_is_told_no_more_and_may_do_so_while_it_is_told() -> None:
    observers, (first, second, third) = watched(3)
    second.leaving = True
    observers.tell(RECORD, "interval", 60, 30)
    observers.tell(RECORD, "interval", 30, 10)
    observers.unobserve(first.take)
    observers.unobserve(first.take)
    observers.tell(RECORD, "interval", 10, 5)
    assert [len(one.all) for one in (first, second, third)] == [2, 1, 3]


def test_who_is_taken_away_by_another_while_that_is_told_is_not_told_of_it() -> None:
    observers, (first, second) = watched(2)
    observers.unobserve(first.take)
    observers.unobserve(second.take)
    observers.observe(lambda *_: observers.unobserve(second.take))
    observers.observe(second.take)
    observers.tell(RECORD, "interval", 60, 30)
    assert second.all == []


def test_who_comes_while_others_are_told_hears_of_the_next_change() -> None:
    observers = Observers()
    late = Seen(observers)
    observers.observe(lambda *_: observers.observe(late.take))
    observers.tell(RECORD, "interval", 60, 30)
    assert late.all == []
    observers.tell(RECORD, "interval", 30, 10)
    assert late.all == [("interval", 30, 10)]


def test_one_that_raises_hurts_nobody_and_is_logged_once() -> None:
    observers, (first, second) = watched(2)
    first.defect = ValueError("a defect")
    logged: list[LogEvent] = []
    take = cast("ILogObserver", logged.append)
    globalLogPublisher.addObserver(take)
    try:
        for _ in range(3):
            observers.tell(RECORD, "interval", 60, 30)
    finally:
        globalLogPublisher.removeObserver(take)
    assert (len(first.all), len(second.all)) == (3, 3)
    failures = [event for event in logged if "log_failure" in event]
    assert [(event["name"], event["log_failure"].type) for event in failures] == [("process:web1", ValueError)]

"""Thresholds of the form absence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.judging.componentwatches import Watches
from collectors.framework.judging.thresholdbook import Reading, ThresholdBook
from common.configs import DeviceConfig, SourceKind
from common.events import Event, Severity
from common.judged import Level, ScansOf, ThresholdConfig, ThresholdForm
from common.queries import Decision
from common.series import Kind, Number, Point

START = 1_800_000_000
STEP_S = 60
POINTS = (Point(name="cpu", unit="percent"), Point(name="restarts", kind=Kind.DERIVE, unit="restarts"))
KEY = "threshold:silent:cpu"


class Device:
    """One set that is judged once a minute."""

    def __init__(self, *, point: str = "cpu", **fields: Any) -> None:
        usual: dict[str, Any] = {"id": "silent", "points": (point,), "form": ThresholdForm.ABSENCE, "scans": 3}
        threshold = ThresholdConfig(**usual | {"levels": (Level(severity=Severity.ERROR),)} | fields)
        config = DeviceConfig(
            device="box", address="", source=SourceKind.LOCAL, interval_s=STEP_S, thresholds=(threshold,)
        )
        self.book = ThresholdBook(config, POINTS)
        self.memory: Watches = {}
        self.disk = msgspec.msgpack.encode(self.memory)
        self.minutes = 0
        self.lines: list[str] = []

    def take(self, value: Number | None, *, there: bool = True, again: bool = False, point: str = "cpu") -> list[Event]:
        self.minutes += not again
        step = START + self.minutes * STEP_S
        judged = self.book.judge(
            self.memory, [Reading("web", "web", {point: value}, there=there)], step + 7.0 + again, step
        )
        self.lines = [violation.line() for violation in judged.violations]
        if judged.changed or judged.events:
            self.disk = msgspec.msgpack.encode(self.memory)
        return judged.events

    def say(self, *values: Number | None) -> list[int | None]:
        return [next((int(event.severity) for event in self.take(value)), None) for value in values]

    def die(self, minutes: int) -> None:
        """kill -9, and started again later."""
        self.memory = msgspec.msgpack.decode(self.disk, type=Watches)
        self.minutes += minutes


@pytest.mark.parametrize(
    ("fields", "values", "said"),
    [
        ({}, [5, None, None, None, None, 5, 5], [None, None, None, 4, None, 0, None]),
        ({}, [None, None, 5, None, None, None], [None] * 5 + [4]),
        ({"scans": 2, "for_s": 180}, [None] * 5, [None, None, None, 4, None]),
        ({"scans": ScansOf(2, 3)}, [None, 5, None, 5, 5, 5], [None, None, 4, 0, None, None]),
        ({"escalate_after": 4}, [None] * 5, [None, None, 4, 5, None]),
    ],
)
def test_what_is_said_of_values(fields: dict[str, Any], values: list[Number | None], said: list[int | None]) -> None:
    assert Device(**fields).say(*values) == said


def test_the_words() -> None:
    device = Device(for_s=120)
    device.take(None)
    assert device.lines == ["not yet cpu of web has no value (silent: no alarm yet, 1 of 3 scans)"]
    device.take(None)
    (event,) = device.take(None)
    assert (event.summary, event.event_key) == ("cpu of web has no value (for 3 scans, 2 min)", KEY)
    assert event.details["value"] is None
    device.take(None)
    assert device.lines == ["error cpu of web has no value (silent: alarm)"]
    (over,) = device.take(12)
    assert over.summary == "cpu of web has a value again: 12 %"


def test_a_set_that_does_not_run_has_an_alarm_of_its_own() -> None:
    device = Device()
    assert [device.take(None, there=False) for _ in range(5)] == [[]] * 5
    assert device.memory == {}
    device.say(None, None, None)
    assert device.take(None, there=False) == []
    assert device.memory["web"].watches[KEY].severity == Severity.ERROR
    assert device.say(3) == [0]


@pytest.mark.parametrize("fields", [{"scans": 3}, {"scans": 1, "for_s": 300}])
def test_a_daemon_that_was_down_raises_no_alarm_for_its_own_downtime(fields: dict[str, Any]) -> None:
    device = Device(**fields)
    device.say(5, None, None)
    device.die(60)
    assert device.say(None, 5) == [None, None]  # the first scan of a daemon knows no rates
    device.say(None, None)
    device.die(60)
    missing = device.say(*[None] * 6)
    assert missing.count(4) == 1
    assert missing[0] is None
    device.die(60)
    assert device.say(None, None, 5) == [None, None, 0]


def test_what_a_crash_loses_of_a_long_absence_is_a_tenth_at_most() -> None:
    device = Device(scans=1, for_s=6000)
    device.say(*[None] * 95)
    device.die(10)
    assert 4 in device.say(*[None] * (100 - 95 + 10 + 2))


def test_a_second_scan_in_a_step_that_knows_no_rates_misses_none() -> None:
    device = Device(point="restarts", scans=1)
    for count in (1, 2, 3):
        device.take(count, point="restarts")
    assert device.take(3, point="restarts", again=True) == []
    assert device.take(None, point="restarts") != []


def test_an_alarm_that_was_closed_comes_back_and_one_that_was_opened_again_ends() -> None:
    device = Device()
    device.say(None, None, None)

    def decide(*, is_open: bool) -> None:
        decision = Decision(device="box", component="web", event_class="/Perf", event_key=KEY, severity=4, open=is_open)
        assert device.book.decide(device.memory, decision)

    decide(is_open=False)
    assert device.say(None) == [4]
    assert device.say(5) == [0]
    decide(is_open=True)
    assert device.say(5, 5) == [0, None]


@given(
    st.integers(1, 4),
    st.integers(0, 4),
    st.lists(st.tuples(st.sampled_from([None, 1]), st.booleans(), st.sampled_from([0, 0, 0, 7])), max_size=40),
)
def test_it_is_open_when_one_who_keeps_every_scan_says_so(
    scans: int, minutes: int, story: list[tuple[int | None, bool, int]]
) -> None:
    """Each scan has a value or not, of a set that runs or not, after so many minutes in which the daemon was dead."""
    device = Device(scans=scans, for_s=minutes * STEP_S)
    is_open, row, watched = False, 0, 0  # scans in a row, and minutes that were watched since the first of them
    last: int | None = None  # minute of the last scan that was judged in this row
    for value, there, dead in story:
        if dead:
            device.memory = msgspec.msgpack.decode(msgspec.msgpack.encode(device.memory), type=Watches)
            device.minutes += dead
        said = [int(event.severity) for event in device.take(value, there=there or value is not None)]
        was = is_open
        if value is not None:
            is_open, row, watched, last = False, 0, 0, None
        elif there:
            if last is not None and device.minutes - last > 1:
                last = device.minutes
                assert said == []
                continue
            watched += device.minutes - last if last is not None else 0
            row, last = row + 1, device.minutes
            is_open = is_open or (row >= scans and watched >= minutes)
        assert said == ([4 if is_open else 0] if was != is_open else [])

"""What is a leak, what only looks like one, and what is said of it over restarts of sets and daemons."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.judging.componentwatches import Watches
from collectors.framework.judging.thresholdbook import Reading, ThresholdBook
from collectors.framework.judging.trend import BUCKETS, FAMILIAR_S, Window, outlook
from common.configs import DeviceConfig, SourceKind
from common.errors import PermanentError
from common.events import Event, Severity
from common.judged import Level, ThresholdConfig, ThresholdForm
from common.series import Point

GIB = 1024.0**3
START = 1_800_000_000
STEP_S = 60
HOUR = 3600 // STEP_S
LIMIT = 2 * GIB
POINTS = (Point(name="memory", unit="bytes"), Point(name="free", unit="bytes"))


def leak(**fields: Any) -> ThresholdConfig:
    given: dict[str, Any] = {
        "id": "leak",
        "points": ("memory",),
        "form": ThresholdForm.TREND,
        "levels": (Level(severity=Severity.WARNING, maximum=LIMIT),),
        "within_s": 6 * 3600,
        "window_s": 3 * 3600,
    }
    return ThresholdConfig(**(given | fields))


class Host:
    """A process set, scanned once a minute, and known for a while."""

    def __init__(self, threshold: ThresholdConfig, interval_s: int = STEP_S, known_s: float = 2 * FAMILIAR_S) -> None:
        config = DeviceConfig(
            device="box", address="", source=SourceKind.LOCAL, interval_s=interval_s, thresholds=(threshold,)
        )
        self.interval_s = interval_s
        self.book = ThresholdBook(config, POINTS)
        self.memory: Watches = {}
        self.known_s = known_s
        self.scans = 0
        self.born = float(START - 86400)

    def scan(self, value: float | None, point: str = "memory") -> list[Event]:
        self.scans += 1
        at = START + self.scans * self.interval_s
        figures = {} if value is None else {point: value}
        reading = Reading("web", "web", figures, self.born if value is not None else None)
        self.last = self.book.judge(self.memory, [reading], at + 5.0, at)
        for window in (window for kept in self.memory.values() for window in kept.trends.values()):
            window.since = min(window.since, START - self.known_s)
        return self.last.events

    def run(self, values: Iterable[float], point: str = "memory") -> list[tuple[int, Event]]:
        return [(number, event) for number, value in enumerate(values) for event in self.scan(value, point)]

    def renew(self) -> None:
        self.born = START + (self.scans + 1) * self.interval_s

    def restart_daemon(self) -> None:
        self.memory = msgspec.msgpack.decode(msgspec.msgpack.encode(self.memory), type=Watches)


def noisy(values: Iterable[float], part: float = 0.01, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [value * (1 + rng.gauss(0, part)) for value in values]


def rising(hours: float, first: float = 0.4 * GIB, last: float = LIMIT) -> list[float]:
    scans = int(hours * HOUR)
    return [first + (last - first) * number / scans for number in range(scans)]


# --- what rings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "before_h"), [(6, 3.5), (12, 5)])
def test_a_leak_is_told_hours_before_the_limit(hours: float, before_h: float) -> None:
    said = Host(leak()).run(noisy(rising(hours)))
    assert [event.severity for _, event in said] == [Severity.WARNING]
    assert hours - said[0][0] / HOUR > before_h


def test_the_event_says_how_fast_and_when_and_the_last_one_that_it_is_over() -> None:
    host = Host(leak())
    ((_, event),) = host.run(rising(8, GIB, 1.6 * GIB))
    assert event.summary == "memory of web is 1.57 GiB, grows by 76.8 MiB/h and reaches the limit of 2 GiB in about 6 h"
    assert event.details["per_hour"] == pytest.approx(76.8 * 1024**2)
    assert event.details["reached_at"] == pytest.approx(event.at + 6 * 3600, rel=1e-6)
    (line,) = (one.line() for one in host.last.violations)
    assert line.startswith("warning memory of web is 1.6 GiB, grows by 76.8 MiB/h and reaches the limit of 2 GiB in")
    assert line.endswith("in about 5.6 h (leak: alarm)")
    ((_, over),) = host.run([1.6 * GIB] * 4 * HOUR)
    assert (over.severity, over.summary) == (
        Severity.CLEAR,
        "memory of web is 1.6 GiB, and not on the way to the maximum any more",
    )
    assert host.last.violations == []


def test_what_falls_to_a_minimum_is_a_trend_as_well() -> None:
    falls = leak(points=("free",), levels=(Level(severity=Severity.ERROR, minimum=0.0),))
    ((_, event),) = Host(falls).run(rising(10, 5 * GIB, 1.5 * GIB), "free")
    assert event.summary.startswith("free of web is 2 GiB, falls by 358 MiB/h and reaches the limit of 0 B in about")
    per_hour = event.details["per_hour"]
    assert isinstance(per_hour, float)
    assert per_hour < 0


def test_a_worse_level_is_said_when_its_limit_is_near() -> None:
    levels = (Level(severity=Severity.CRITICAL, maximum=4 * GIB), Level(severity=Severity.WARNING, maximum=2 * GIB))
    said = Host(leak(levels=levels)).run(rising(24, GIB, 4 * GIB))
    assert [event.severity for _, event in said] == [Severity.WARNING, Severity.CRITICAL]


# --- what does not ----------------------------------------------------------------------------------------------------


def teeth(hours: float, period_scans: int) -> list[float]:
    return [GIB * (0.6 + 1.2 * (number % period_scans) / period_scans) for number in range(int(hours * HOUR))]


def warming(hours: float) -> list[float]:
    return [1.7 * GIB * (1 - 0.8 * math.exp(-number / (1.5 * HOUR))) for number in range(int(hours * HOUR))]


def stairs(hours: float) -> list[float]:
    return [(0.8 + 0.5 * (number // (4 * HOUR))) * GIB for number in range(int(hours * HOUR))]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([1.9 * GIB] * 10 * HOUR, id="flat"),
        pytest.param(noisy([1.5 * GIB] * 20 * HOUR, 0.1), id="noise"),
        pytest.param(noisy(warming(10)), id="a cache that warms up"),
        pytest.param(noisy(teeth(10, 20)), id="a garbage collector"),
        pytest.param(noisy(stairs(11)), id="steps"),
        pytest.param(noisy(rising(12, 0.05 * GIB, 0.5 * GIB)), id="far from its limit"),
        pytest.param(noisy(rising(10, 1.0 * GIB, 1.1 * GIB)), id="too slow"),
        pytest.param([3 * GIB] * 5 * HOUR, id="over the limit, but at rest"),
    ],
)
def test_what_only_looks_like_a_leak_says_nothing(values: list[float]) -> None:
    assert Host(leak()).run(values) == []


def daily(days: int) -> list[float]:
    day = [GIB * (1.25 - 0.6 * math.cos(2 * math.pi * n / (24 * HOUR))) for n in range(24 * HOUR)]
    return noisy(day * days, 0.003)


def test_what_comes_back_by_itself_once_is_known_the_next_time() -> None:
    """Half a day up, half a day down."""
    said = Host(leak()).run(daily(4))
    assert {number // (24 * HOUR) for number, _ in said} == {0}


def test_on_the_first_day_habits_show_and_only_what_is_near_its_end_is_told() -> None:
    assert Host(leak(), known_s=0).run(daily(4)) == []
    assert Host(leak(), known_s=0).run(noisy(rising(10, 0.4 * GIB, 1.7 * GIB))) == []
    ((number, event),) = Host(leak(), known_s=0).run(noisy(rising(6)))
    assert event.severity is Severity.WARNING
    assert 0 < 6 - number / HOUR <= 1
    shaken = Host(leak(), known_s=0)
    shaken.run(noisy([0.4 * GIB] * 24 * HOUR))
    shaken.restart_daemon()
    shaken.renew()
    ((number, _),) = shaken.run(noisy(rising(6)))
    assert 6 - number / HOUR > 3, "a set that begins anew on the second day is known"


# --- restarts and gaps ------------------------------------------------------------------------------------------------


def test_a_restart_of_the_set_begins_anew_and_ends_the_alarm() -> None:
    host = Host(leak())
    assert len(host.run(rising(6))) == 1
    host.renew()
    (number, over), (_, again) = host.run(rising(6))
    assert (number, over.severity) == (0, Severity.CLEAR)
    assert over.summary == "memory of web is 410 MiB, and begins anew"
    assert again.severity is Severity.WARNING  # the new one leaks as well


def test_restarts_that_come_sooner_than_the_limit_are_no_leak() -> None:
    host = Host(leak())
    for _ in range(8):
        assert host.run(rising(1, 0.5 * GIB, 1.9 * GIB)) == []
        host.renew()


def test_a_restart_of_the_daemon_changes_nothing() -> None:
    plain, shaken = Host(leak()), Host(leak())
    values = noisy(rising(6))
    told = plain.run(values)
    again = []
    for number, value in enumerate(values):
        again += [(number, event) for event in shaken.scan(value)]
        if number % 7 == 0:
            shaken.restart_daemon()
    assert again == told
    assert told


def test_unknown_values_and_gaps_say_nothing_and_close_nothing() -> None:
    host = Host(leak())
    values = noisy(rising(6))
    assert len(host.run(values[: 5 * HOUR])) == 1
    for _ in range(30):
        assert host.scan(None) == []
    host.scans += 20  # nobody was there
    assert host.run(values[5 * HOUR + 50 :]) == []


def test_a_clock_that_is_set_back_a_little_loses_nothing_and_a_lot_begins_anew() -> None:
    for back_s, known in ((100.0, 59), (2000.0, 0)):
        window = Window(length_s=3600.0)
        for number in range(60):
            window.add(1.0, START + number * 60.0)
        window.add(0.5, START + 59 * 60.0 - back_s)
        assert len(window.values) // 4 == known


def test_a_window_has_room_for_enough_scans() -> None:
    said = Host(leak(window_s=900, within_s=7 * 86400), interval_s=3600).run(rising(1.5))  # 90 scans
    assert [event.severity for _, event in said] == [Severity.WARNING]


def test_a_threshold_that_leaves_takes_its_window_along() -> None:
    host = Host(leak())
    host.run(rising(1))
    assert host.memory["web"].trends
    host.book = Host(leak(id="other", points=("free",))).book
    host.scan(GIB)
    assert host.memory == {}


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"within_s": 0}, "a trend needs within_s and window_s"),
        ({"levels": (Level(severity=Severity.INFO),)}, "each level of a trend has a maximum or a minimum"),
        (
            {"levels": (Level(severity=Severity.ERROR, maximum=1), Level(severity=Severity.INFO, minimum=1))},
            "are all of the maximum, or all of the minimum",
        ),
    ],
)
def test_a_trend_that_cannot_be_judged_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PermanentError, match=sentence):
        Host(leak(**fields))


VALUES = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1e3, 1e3)


@given(st.lists(st.tuples(VALUES, st.floats(-1e6, 1e6)), max_size=300))
def test_whatever_comes_a_window_stays_small_and_tells_numbers(samples: list[tuple[float, float]]) -> None:
    window = Window(length_s=600.0)
    at = float(START)
    for value, after_s in samples:
        at = max(0.0, at + after_s / 1000)
        window.add(value, at)
        seen = outlook(window, at)
        if seen is not None:
            assert math.isfinite(seen.value)
            assert seen.reaches_in_s(1e6) >= 0
    assert len(msgspec.msgpack.encode(window)) < 4 * BUCKETS + 200


@pytest.mark.parametrize("seed", range(3))
def test_the_slope_is_the_true_one(seed: int) -> None:
    window = Window(length_s=3 * 3600.0)
    for number, value in enumerate(noisy(rising(4, GIB, 1.6 * GIB), 0.002, seed)):
        window.add(value, START + number * STEP_S)
    seen = outlook(window, window.at)
    assert seen is not None
    assert seen.per_s * 3600 == pytest.approx(0.15 * GIB, rel=0.1)

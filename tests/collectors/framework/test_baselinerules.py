"""Thresholds of the form baseline: what is said of parts of a season."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.judging.baselines import Learned, Lessons, Look, learning
from collectors.framework.judging.componentwatches import Watches
from collectors.framework.judging.thresholdbook import Reading, ThresholdBook
from common.configs import DeviceConfig, SourceKind
from common.digests import digest
from common.events import Event, Severity
from common.judged import BaselineConfig, BaselineSide, Level, ScansOf, ThresholdConfig, ThresholdForm
from common.queries import Decision
from common.series import Baseline, Layout, Pace, Point, SeriesKey

START = 1_800_000_000
PART_S = 300
POINTS = (Point(name="cpu", unit="percent", minimum=0.0),)
KEY = "threshold:odd:cpu"


def threshold(needed: int = 2, of: int = 3, **fields: Any) -> ThresholdConfig:
    own = {key: fields.pop(key) for key in list(fields) if key in BaselineConfig.__struct_fields__}
    usual: dict[str, Any] = {
        "id": "odd",
        "points": ("cpu",),
        "form": ThresholdForm.BASELINE,
        "scans": ScansOf(needed, of),
        "levels": (Level(severity=Severity.WARNING),),
        "baseline": BaselineConfig(**own),
    }
    return ThresholdConfig(**usual | fields)


class Device:
    """A set; of each part of five minutes what was expected, and what was."""

    def __init__(self, config: ThresholdConfig) -> None:
        self.memory: Watches = {}
        self.disk = msgspec.msgpack.encode(self.memory)
        self.parts: list[Look] = []
        self.begun = START - 10 * 86400
        self.take(config)

    def take(self, *configs: ThresholdConfig) -> None:
        self.config = configs[0] if configs else None
        config = DeviceConfig(device="box", address="", source=SourceKind.LOCAL, interval_s=60, thresholds=configs)
        self.book = ThresholdBook(config, POINTS)

    def hear(self, *, last: int = 1) -> list[Event]:
        """A scan that is told of the last parts."""
        at = START + (len(self.parts) + 1) * PART_S
        rule = self.config.baseline if self.config is not None else None
        baseline = Baseline(point="cpu", season_s=rule.season_s, pace=rule.pace) if rule else Baseline(point="cpu")
        learned = Learned(SeriesKey("box", "web", "process"), baseline, self.begun, self.parts[-last:])
        judged = self.book.judge(self.memory, [Reading("web", "web", {"cpu": 1}, learned=[learned])], at + 7.0, at)
        if judged.changed or judged.events:
            self.disk = msgspec.msgpack.encode(self.memory)
        return judged.events

    def part(self, value: float | None, expected: float | None = 30.0, spread: float | None = 2.5) -> None:
        self.parts.append(Look(START + (len(self.parts) + 1) * PART_S, value, expected, spread))

    def say(self, *values: float | None, **fields: Any) -> list[int | None]:
        said = []
        for value in values:
            self.part(value, **fields)
            said.append(next((int(event.severity) for event in self.hear()), None))
        return said

    def die(self) -> None:
        self.memory = msgspec.msgpack.decode(self.disk, type=Watches)


@pytest.mark.parametrize(
    ("config", "values", "said"),
    [
        (threshold(), [30, 40, 20, 40.1, 40.1, 30, 30], [None, None, None, None, 3, None, 0]),
        (threshold(), [50, 30, 50, 30, 30], [None, None, 3, 0, None]),
        (threshold(), [50, 50, 10, 10], [None, 3, 3, None]),
        (threshold(side=BaselineSide.OVER), [10, 10, 50, 50], [None, None, None, 3]),
        (threshold(side=BaselineSide.UNDER), [50, 50, 10, 10], [None, None, None, 3]),
        (threshold(width=10), [50, 50], [None, None]),
        (threshold(least=25), [50, 50, 56, 56], [None, None, None, 3]),
        (threshold(least_percent=100), [59, 59, 61, 61], [None, None, None, 3]),
        (threshold(hysteresis=5), [50, 50, 36, 36, 36, 35, 35], [None, 3, None, None, None, None, 0]),
        (threshold(), [50, None, None, 50], [None, None, None, 3]),
        (threshold(escalate_after=3), [50, 50, 50], [None, 3, 4]),
    ],
)
def test_what_is_said_of_parts(config: ThresholdConfig, values: list[float | None], said: list[int | None]) -> None:
    assert Device(config).say(*values) == said


def test_a_clock_that_was_ahead_by_years_keeps_nothing_from_being_judged() -> None:
    device = Device(threshold())
    ahead = START + 10 * 365 * 86_400
    learned = [Learned(SeriesKey("box", "web", "p"), Baseline(point="cpu"), ahead, [Look(ahead, 30, 30, 2.5)])]
    device.book.judge(device.memory, [Reading("web", "web", {"cpu": 1}, learned=learned)], ahead + 7.0, ahead)
    assert device.say(30, 50, 50, 30, 30) == [None, None, 3, None, 0]


def test_the_words() -> None:
    device = Device(threshold())
    device.say(85)
    device.part(85)
    (event,) = device.hear()
    assert event.summary == "cpu of web is 85 %, expected 20 % to 40 % at this time (for 2 of the last 3 parts)"
    assert (event.event_key, event.severity) == (KEY, Severity.WARNING)
    assert event.details["value"] == 85
    assert (event.details["expected_low"], event.details["expected_high"]) == (20.0, 40.0)
    device.say(30)
    device.part(30)
    (over,) = device.hear()
    assert over.summary == "cpu of web is 30 %, as expected again (20 % to 40 %)"


def test_a_point_that_is_never_negative_is_not_expected_to_be() -> None:
    device = Device(threshold(1, 1))
    device.part(85, expected=4.0)
    (event,) = device.hear()
    assert "expected 0 % to 14 % at this time" in event.summary


def test_nothing_is_said_while_it_is_learned_nor_where_nothing_is_expected() -> None:
    device = Device(threshold(1, 1, learn_s=86400))
    device.begun = START
    assert device.say(85) == [None]
    device.begun = START - 86400
    assert device.say(85, expected=None) == [None]
    assert device.say(85, spread=None) == [None]
    assert device.say(85) == [3]
    device.begun = START + PART_S  # the file was begun anew
    device.part(85)
    (event,) = device.hear()
    assert (event.severity, event.summary) == (
        Severity.CLEAR,
        "cpu of web is 85 %, and what is likely of it is learned anew",
    )


def test_a_part_that_was_judged_is_not_judged_again_also_after_a_crash() -> None:
    device = Device(threshold())
    assert device.say(50) == [None]
    assert device.hear() == []
    device.die()
    assert device.hear(last=3) == []
    assert device.say(50) == [3]
    device.die()
    assert [device.hear(last=3) for _ in range(3)] == [[], [], []]


def test_a_threshold_that_is_gone_or_is_of_another_form_now_ends_the_alarm() -> None:
    device = Device(threshold(1, 1))
    device.say(50)
    device.take()
    assert [event.severity for event in device.hear()] == [0]
    assert device.memory == {}
    device.take(ThresholdConfig(id="odd", points=("cpu",), levels=(Level(severity=Severity.WARNING, maximum=0),)))
    assert [event.severity for event in device.hear()] == [3]
    device.take(threshold(1, 1))
    device.part(30)
    assert [event.severity for event in device.hear()] == [0]


def test_what_an_operator_decides() -> None:
    device = Device(threshold(1, 1))
    device.say(50)

    def decide(*, is_open: bool) -> None:
        decision = Decision(device="box", component="web", event_class="/Perf", event_key=KEY, severity=3, open=is_open)
        assert device.book.decide(device.memory, decision)

    decide(is_open=False)
    assert device.hear() == []
    assert device.say(50, 30) == [3, 0]
    decide(is_open=True)
    assert device.say(30, 30) == [0, None]


@given(
    st.integers(1, 4).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of))),
    st.lists(
        st.tuples(st.sampled_from([None, 30.0, 50.0, 10.0]), st.sampled_from([30.0, None]), st.integers(1, 4)),
        max_size=40,
    ),
    st.sets(st.integers(0, 40)),
)
def test_it_is_open_when_one_who_sees_every_part_once_says_so(
    rule: tuple[int, int], story: list[tuple[float | None, float | None, int]], deaths: set[int]
) -> None:
    """Parts come one by one, and some of those before with them; the daemon dies now and then."""
    needed, of = rule
    device = Device(threshold(needed, of))
    seen: list[bool] = []
    severity, side = 0, 0.0
    for number, (value, expected, last) in enumerate(story):
        if number in deaths:
            device.die()
            device.hear(last=40)  # what the crash has lost is judged anew, and says nothing again
        device.part(value, expected=expected)
        events = device.hear(last=last)
        was = (severity, side)
        if value is not None and expected is not None:
            odd = value != expected
            seen.append(odd)
            enough = sum(seen[-of:]) >= needed
            if odd and (severity or enough):
                severity, side = 3, value
            elif not odd and severity and not enough:
                severity, side = 0, 0.0
        assert [int(event.severity) for event in events] == ([severity] if (severity, side) != was else [])


def test_what_is_to_be_learned_stands_in_the_layout() -> None:
    plain = Layout(points=POINTS, step_s=60)
    assert learning(plain, (), "web") is plain
    own = threshold(season_s=7 * 86400, pace=Pace.SLOW, definitions=("db",))
    other = threshold(points=("cpu", "memory"))
    assert learning(plain, (own,), "web") is plain
    found = learning(plain, (own, other, other), "db")
    assert found.baselines == (
        Baseline(point="cpu", season_s=7 * 86400, pace=Pace.SLOW),
        Baseline(point="cpu"),
    )
    assert learning(plain, (other,), "web") is learning(plain, (other,), "web")


def test_lessons_wait_until_they_are_taken() -> None:
    lessons = Lessons()
    assert list(lessons.take("box")) == []
    lesson = Learned(SeriesKey("box", "web", "process"), Baseline(point="cpu"), START, [])
    lessons.put("box", [lesson])
    lessons.put("other", [])
    assert list(lessons.take("box")) == [lesson]
    assert list(lessons.take("box")) == []


def test_configs_without_a_baseline_have_the_digest_that_they_had() -> None:
    limit = ThresholdConfig(id="t", points=("p",), levels=(Level(severity=Severity.WARNING, maximum=1),), scans=3)
    config = DeviceConfig(device="box", address="10.0.0.1", source=SourceKind.LOCAL, interval_s=60, thresholds=(limit,))
    assert digest(config) == "adae24958c4e39c83a249f00a087a55e"

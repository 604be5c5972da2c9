"""The thresholds of a device: from samples to events, over restarts, other configs and what operators decide."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.judging.componentwatches import Watches, forget_alarms
from collectors.framework.judging.rates import Moment
from collectors.framework.judging.thresholdbook import Judgement, Reading, ThresholdBook
from common.configs import DeviceConfig, SourceKind
from common.errors import PermanentError
from common.events import Event, Severity, fingerprint
from common.judged import BaselineConfig, DerivedConfig, Level, ThresholdConfig, ThresholdForm
from common.queries import Decision
from common.series import Kind, Point

GIB = 1024**3
START = 1_800_000_000
STEP_S = 60
POINTS = (
    Point(name="memory", unit="bytes"),
    Point(name="count", unit="processes"),
    Point(name="restarts", kind=Kind.DERIVE, unit="restarts"),
)


def threshold(**fields: Any) -> ThresholdConfig:
    level = Level(severity=Severity.WARNING, maximum=2 * GIB)
    return ThresholdConfig(**({"id": "big", "points": ("memory",), "levels": (level,)} | fields))


class Device:
    """Samples of components, one step apart; what is kept is read back as after a restart."""

    def __init__(self, *thresholds: ThresholdConfig, **fields: Any) -> None:
        self.memory: Watches = {}
        self.disk = b""
        self.scans = 0
        self.take(*thresholds, **fields)

    def take(self, *thresholds: ThresholdConfig, **fields: Any) -> None:
        """Another config."""
        config = DeviceConfig(
            device="box", address="", source=SourceKind.LOCAL, interval_s=STEP_S, thresholds=thresholds, **fields
        )
        self.book = ThresholdBook(config, POINTS)

    def judge(self, *readings: Reading, again: bool = False, **fields: Any) -> Judgement:
        self.scans += not again
        step = START + self.scans * STEP_S
        judgement = self.book.judge(self.memory, readings, step + 7.0 + again, step, **fields)
        if judgement.changed or judgement.events or not self.disk:
            self.disk = msgspec.msgpack.encode(self.memory)
        return judgement

    def scan(self, *values: Any, component: str = "web", definition: str = "web", **fields: Any) -> list[Event]:
        """Judge one component; a value is its memory."""
        figures = values[0] if values and isinstance(values[0], dict) else dict(zip(["memory"], values, strict=False))
        return self.judge(Reading(component, definition, figures), **fields).events

    def restart(self) -> None:
        self.memory = msgspec.msgpack.decode(self.disk, type=Watches)

    def decide(self, *, is_open: bool, key: str = "threshold:big:memory", component: str = "web") -> bool:
        decision = Decision(
            device="box", component=component, event_class="/Perf", event_key=key, severity=4, open=is_open
        )
        return self.book.decide(self.memory, decision)


def told(events: list[Event]) -> list[tuple[str, str, int]]:
    return [(event.component, event.event_key, event.severity.value) for event in events]


WEB_OPENS, WEB_CLOSES = ("web", "threshold:big:memory", 3), ("web", "threshold:big:memory", 0)


def test_time_of_which_nothing_is_known_is_none_that_a_violation_lasts() -> None:
    device = Device(threshold(for_s=2 * STEP_S))
    assert device.scan(3 * GIB) == []
    for _ in range(50):
        assert device.scan() == []  # unknown
    device.scans += 500  # not read at all
    assert device.scan(3 * GIB) == []
    assert told(device.scan(3 * GIB)) == [WEB_OPENS]


# --- what is said -----------------------------------------------------------------------------------------------------


def test_an_event_tells_which_value_which_bound_and_for_how_long() -> None:
    device = Device(threshold(scans=3, for_s=60))
    assert device.scan(3 * GIB) == device.scan(3 * GIB) == []
    (event,) = device.scan(2.1 * GIB)
    assert event == Event(
        device="box",
        component="web",
        event_class="/Perf",
        event_key="threshold:big:memory",
        severity=Severity.WARNING,
        summary="memory of web is 2.1 GiB, over the limit of 2 GiB (for 3 scans, 2 min)",
        at=START + 3 * STEP_S + 7.0,
        group="Threshold",
        details={
            "threshold": "big",
            "point": "memory",
            "value": 2.1 * GIB,
            "minimum": None,
            "maximum": 2 * GIB,
            "level": "warning",
            "since": START + STEP_S + 7.0,
        },
    )
    (over,) = device.scan(1.9 * GIB)
    assert over.summary == "memory of web is 1.9 GiB again"
    assert over.details["since"] == START + STEP_S + 7.0
    assert fingerprint(over) == fingerprint(event)


@pytest.mark.parametrize(
    ("fields", "values", "summary"),
    [
        ({}, [2.001 * GIB], "memory of web is 2.001 GiB, over the limit of 2 GiB"),
        (
            {"levels": (Level(severity=Severity.ERROR, minimum=1024),)},
            [0],
            "memory of web is 0 B, under the limit of 1 KiB",
        ),
        (
            {"form": ThresholdForm.BAND, "levels": (Level(severity=Severity.INFO, minimum=1024, maximum=4096),)},
            [2048],
            "memory of web is 2 KiB, between 1 KiB and 4 KiB, where it must not be",
        ),
        (
            {"form": ThresholdForm.BAND, "levels": (Level(severity=Severity.INFO, maximum=4096),)},
            [2048],
            "memory of web is 2 KiB, under 4 KiB, where it must not be",
        ),
        (
            {"form": ThresholdForm.CHANGE, "levels": (Level(severity=Severity.INFO),)},
            [2048, 4096],
            "memory of web changed from 2 KiB to 4 KiB",
        ),
        ({"escalate_after": 3}, [3 * GIB] * 3, "memory of web is 3 GiB, over the limit of 2 GiB (for 3 scans)"),
        ({"for_s": 120}, [3 * GIB] * 3, "memory of web is 3 GiB, over the limit of 2 GiB (for 2 min)"),
        (
            {
                "levels": (Level(severity=Severity.ERROR, maximum=GIB), Level(severity=Severity.INFO, maximum=1000)),
                "hysteresis": 100,
            },
            [2 * GIB, 950],
            "memory of web is 950 B, not yet clear of the limit of 1000 B",
        ),
    ],
)
def test_summaries(fields: dict[str, Any], values: list[float], summary: str) -> None:
    device = Device(threshold(**fields))
    said = [event for value in values for event in device.scan(value)]
    assert said[-1].summary == summary


def test_each_point_and_each_component_has_an_alarm_of_its_own() -> None:
    many = threshold(points=("memory", "count"), levels=(Level(severity=Severity.WARNING, maximum=5),))
    device = Device(many, threshold(id="bigger", levels=(Level(severity=Severity.ERROR, maximum=9),)))
    readings = [Reading(name, "web", {"memory": 10, "count": count}) for name, count in (("a", 3), ("b", 6))]
    judgement = device.judge(*readings)
    assert told(judgement.events) == [
        ("a", "threshold:big:memory", 3),
        ("a", "threshold:bigger:memory", 4),
        ("b", "threshold:big:memory", 3),
        ("b", "threshold:big:count", 3),
        ("b", "threshold:bigger:memory", 4),
    ]
    assert [violation.line() for violation in judgement.violations][:2] == [
        "warning memory of a is 10 B, over the limit of 5 B (big: alarm)",
        "error memory of a is 10 B, over the limit of 9 B (bigger: alarm)",
    ]
    assert device.judge(*readings).events == []


def test_a_violation_that_is_not_said_yet_is_shown() -> None:
    device = Device(threshold(scans=3))
    reading = Reading("web", "web", {"memory": 3 * GIB})
    assert [one.line() for one in device.judge(reading).violations] == [
        "warning memory of web is 3 GiB, over the limit of 2 GiB (big: no alarm yet, 1 of 3 scans)"
    ]
    unknown = device.judge(Reading("web", "web", {})).violations
    assert [one.line() for one in unknown] == ["not yet memory of web is unknown (big: no alarm yet, 1 of 3 scans)"]


def test_a_threshold_judges_the_sets_of_its_definitions_alone() -> None:
    device = Device(threshold(definitions=("db",)))
    assert device.scan(3 * GIB) == []
    assert told(device.scan(3 * GIB, component="pg", definition="db")) == [("pg", "threshold:big:memory", 3)]


def test_a_counter_is_judged_per_second() -> None:
    rate = threshold(points=("restarts",), levels=(Level(severity=Severity.WARNING, maximum=0.1),))
    device = Device(rate)
    assert device.scan({"restarts": 1_000_000}) == []
    assert device.scan({"restarts": 1_000_006}) == []
    (event,) = device.scan({"restarts": 1_000_018})
    assert event.summary == "restarts of web is 0.2 restarts/s, over the limit of 0.1 restarts/s"
    assert device.scan({"restarts": 0}) == []  # a reset says nothing
    assert told(device.scan({"restarts": 0})) == [("web", "threshold:big:restarts", 0)]


def test_a_reading_may_say_when_it_was_taken_and_whether_its_counts_go_on() -> None:
    rate = threshold(points=("restarts",), levels=(Level(severity=Severity.WARNING, maximum=0.1),))
    device, events = Device(rate), []
    for number, (uptime_s, count) in enumerate([(500.0, 0), (560.0, 60), (20.0, 120), (80.0, 121)]):
        moment = Moment(START + number * STEP_S, uptime_s=uptime_s)
        events += device.judge(Reading("web", "web", {"restarts": count}, moment=moment)).events
    assert [event.severity for event in events] == [Severity.WARNING, Severity.CLEAR]
    assert events[0].details["value"] == 1.0


def test_a_derived_point_is_judged_in_its_unit() -> None:
    derived = DerivedConfig(point="each", expression="memory / count", unit="bytes")
    device = Device(threshold(points=("each",)), derived=(derived,))
    assert device.scan({"memory": 6 * GIB, "count": 3}) == []
    (event,) = device.scan({"memory": 6 * GIB, "count": 2})
    assert event.summary == "each of web is 3 GiB, over the limit of 2 GiB"
    assert device.scan({"memory": 0, "count": 0}) == []
    assert told(device.scan({"memory": 0, "count": 1})) == [("web", "threshold:big:each", 0)]


# --- what ends an alarm -----------------------------------------------------------------------------------------------


def test_a_component_that_is_gone_leaves_no_alarm() -> None:
    device = Device(threshold())
    device.scan(3 * GIB)
    events = device.judge(gone={"web": "it is not to be monitored"}).events
    assert told(events) == [WEB_CLOSES]
    assert events[0].summary == "memory of web is judged no more: it is not to be monitored"
    assert device.memory == {}


def test_an_unknown_value_closes_nothing() -> None:
    device = Device(threshold())
    device.scan(3 * GIB)
    assert device.scan(None) == device.scan() == []
    assert told(device.scan(GIB)) == [WEB_CLOSES]
    assert device.memory == {}


@pytest.mark.parametrize(
    "thresholds",
    [(), (threshold(id="other"),), (threshold(points=("count",)),), (threshold(definitions=("db",)),)],
)
def test_a_threshold_that_leaves_closes_what_it_had_opened(thresholds: tuple[ThresholdConfig, ...]) -> None:
    device = Device(threshold())
    device.scan(3 * GIB)
    device.take(*thresholds)
    events = device.scan(GIB)
    assert told(events) == [WEB_CLOSES]
    assert "there is no such threshold any more" in events[0].summary


def test_a_threshold_that_changes_is_judged_by_what_it_says_now() -> None:
    device = Device(threshold(hysteresis=GIB))
    device.scan(3 * GIB)
    device.take(threshold(hysteresis=GIB, levels=(Level(severity=Severity.WARNING, maximum=3.5 * GIB),)))
    assert told(device.scan(3 * GIB)) == [WEB_CLOSES]
    device.take(threshold(levels=(Level(severity=Severity.CRITICAL, maximum=GIB),)))
    assert told(device.scan(3 * GIB)) == [("web", "threshold:big:memory", 5)]
    device.take(threshold(levels=(Level(severity=Severity.ERROR, maximum=GIB),)))
    assert told(device.scan(3 * GIB)) == [("web", "threshold:big:memory", 4)]


def test_an_alarm_of_another_class_is_another_alarm() -> None:
    device = Device(threshold())
    (first,) = device.scan(3 * GIB)
    device.take(threshold(event_class="/Perf/Memory"))
    closed, opened = device.scan(3 * GIB)
    assert (fingerprint(closed), closed.severity) == (fingerprint(first), Severity.CLEAR)
    assert (opened.event_class, opened.severity) == ("/Perf/Memory", Severity.WARNING)
    assert device.scan(3 * GIB) == []


def test_an_alarm_of_another_class_is_raised_as_soon_as_its_value_is_known() -> None:
    device = Device(threshold(scans=2))
    device.scan(3 * GIB)
    device.scan(3 * GIB)
    device.take(threshold(scans=2, event_class="/Perf/Memory"))
    assert told(device.scan(None)) == [WEB_CLOSES]
    assert told(device.scan(3 * GIB)) == [WEB_OPENS]


def test_a_limit_that_becomes_a_change_leaves_no_alarm() -> None:
    device = Device(threshold())
    device.scan(3 * GIB)
    device.take(threshold(form=ThresholdForm.CHANGE))
    assert told(device.scan(3 * GIB)) == [WEB_CLOSES]
    assert told(device.scan(4 * GIB)) == [WEB_OPENS]
    device.take(threshold())
    assert told(device.scan(4 * GIB)) == [WEB_OPENS]


# --- operators and the hub --------------------------------------------------------------------------------------------


def test_an_alarm_that_was_closed_while_its_cause_goes_on_comes_back_with_the_next_scan() -> None:
    device = Device(threshold(scans=3))
    for _ in range(3):
        device.scan(3 * GIB)
    assert device.decide(is_open=False)
    assert told(device.scan(3 * GIB)) == [WEB_OPENS]
    assert device.decide(is_open=False)
    assert device.scan(GIB) == []


def test_an_alarm_that_was_closed_comes_back_also_where_a_change_of_other_sets_has_the_same_id() -> None:
    change = threshold(form=ThresholdForm.CHANGE, levels=(Level(severity=Severity.INFO),), definitions=("db",))
    for thresholds in ((change, threshold(definitions=("web",))), (threshold(definitions=("web",)), change)):
        device = Device(*thresholds)
        assert told(device.scan(3 * GIB)) == [WEB_OPENS]
        assert device.decide(is_open=False)
        assert told(device.scan(3 * GIB)) == [WEB_OPENS]


def test_an_alarm_of_another_class_that_was_closed_is_not_the_one_that_is_open() -> None:
    device = Device(threshold(event_class="/Perf/Memory"))
    device.scan(3 * GIB)
    assert device.decide(is_open=False)
    assert device.scan(3 * GIB) == []


def test_an_alarm_that_was_opened_again_closes_when_its_cause_is_over() -> None:
    device = Device(threshold())
    assert device.decide(is_open=True)
    assert device.scan(None) == []
    assert told(device.scan(GIB)) == [WEB_CLOSES]


def test_an_alarm_that_was_opened_again_and_whose_cause_goes_on_is_said_as_it_is() -> None:
    device = Device(threshold(scans=3))
    assert device.decide(is_open=True)
    assert told(device.scan(3 * GIB)) == [WEB_OPENS]


@pytest.mark.parametrize(("key", "component"), [("threshold:none:memory", "web"), ("threshold:big:memory", "gone")])
def test_an_alarm_of_nothing_that_is_opened_again_closes(key: str, component: str) -> None:
    device = Device(threshold())
    assert device.decide(is_open=True, key=key, component=component)
    assert told(device.scan(GIB)) == [(component, key, 0)]
    assert device.decide(is_open=False, key=key, component=component)
    assert device.scan(GIB) == []
    assert device.memory == {}


def test_decisions_about_a_change_or_about_other_alarms_are_none_of_a_threshold() -> None:
    device = Device(threshold(form=ThresholdForm.CHANGE))
    assert device.decide(is_open=True)
    assert not device.decide(is_open=True, key="process_missing")
    assert (device.scan(GIB), device.scan(GIB)) == ([], [])


def test_a_hub_that_knows_of_nothing_is_told_anew() -> None:
    device = Device(threshold(scans=2))
    device.scan(3 * GIB)
    device.scan(3 * GIB)
    forget_alarms(device.memory)
    assert told(device.scan(3 * GIB)) == [WEB_OPENS]


# --- restarts ---------------------------------------------------------------------------------------------------------


def test_counting_goes_on_after_a_restart() -> None:
    device = Device(threshold(scans=3))
    device.scan(3 * GIB)
    device.scan(3 * GIB)
    device.restart()
    assert device.scan(3 * GIB, again=True) == []  # the step of before
    assert told(device.scan(3 * GIB)) == [WEB_OPENS]
    device.restart()
    assert device.scan(3 * GIB) == []
    assert told(device.scan(GIB)) == [WEB_CLOSES]


def test_a_long_violation_is_not_written_down_with_each_scan() -> None:
    device = Device(threshold(scans=2, escalate_after=4))
    reading = Reading("web", "web", {"memory": 3 * GIB})
    assert [device.judge(reading).changed for _ in range(7)] == [True] * 4 + [False] * 3
    assert device.judge(Reading("web", "web", {"memory": 0})).changed
    assert not device.judge(Reading("web", "web", {"memory": 0})).changed


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        (
            {"thresholds": (threshold(levels=(Level(severity=Severity.CLEAR),)),)},
            "threshold big: the severity of a level cannot be clear",
        ),
    ],
)
def test_a_config_that_cannot_be_judged_is_refused(fields: dict[str, Any], mistake: str) -> None:
    config = DeviceConfig(device="box", address="", source=SourceKind.LOCAL, interval_s=60, **fields)
    with pytest.raises(PermanentError) as refused:
        ThresholdBook(config, POINTS)
    assert mistake in refused.value.details[0]


# --- whatever happens -------------------------------------------------------------------------------------------------

THRESHOLDS = st.lists(
    st.builds(
        lambda id_, points, levels, **fields: threshold(
            id=id_,
            points=tuple(points),
            levels=tuple(Level(severity=severity, maximum=maximum) for severity, maximum in levels),
            **fields,
        ),
        st.sampled_from(["one", "two"]),
        st.lists(st.sampled_from(["memory", "count", "restarts", "each"]), min_size=1, max_size=3, unique=True),
        st.lists(
            st.tuples(st.sampled_from([Severity.WARNING, Severity.CRITICAL]), st.integers(0, 9)),
            min_size=1,
            max_size=2,
        ),
        form=st.sampled_from(ThresholdForm),
        scans=st.integers(1, 3),
        for_s=st.sampled_from([0, 90]),
        hysteresis=st.sampled_from([0, 2]),
        escalate_after=st.none() | st.integers(1, 4),
        event_class=st.sampled_from(["/Perf", "/Perf/Other"]),
        within_s=st.just(3600),
        baseline=st.just(BaselineConfig()),
        window_s=st.just(600),
    ),
    max_size=2,
    unique_by=lambda one: one.id,
)
FIGURES = st.dictionaries(st.sampled_from(["memory", "count", "restarts"]), st.none() | st.integers(0, 12), max_size=3)
SCANS = st.lists(st.dictionaries(st.sampled_from(["web", "db"]), FIGURES, max_size=2), max_size=15)
DERIVED = (DerivedConfig(point="each", expression="memory / count"),)


@given(SCANS, THRESHOLDS, THRESHOLDS, st.integers(0, 14), st.sets(st.integers(0, 14)))
def test_one_alarm_for_each_identity_opened_before_it_is_closed_and_none_left_in_the_end(
    scans: list[dict[str, Any]],
    before: list[ThresholdConfig],
    after: list[ThresholdConfig],
    change: int,
    restarts: set[int],
) -> None:
    """A restart that takes what was kept decides as if there had been none."""
    plain, shaken = Device(*before, derived=DERIVED), Device(*before, derived=DERIVED)
    open_: dict[str, Severity] = {}
    for number, components in enumerate([*scans, {}]):
        for device in (plain, shaken):
            if number == change:
                device.take(*after, derived=DERIVED)
        readings = [Reading(name, name, figures) for name, figures in components.items()]
        events = plain.judge(*readings).events
        shaken_events = shaken.judge(*readings).events
        changes = {t.id for t in (after if number >= change else before) if t.form is ThresholdForm.CHANGE}
        for event in events:
            if event.severity is Severity.CLEAR:
                assert open_.pop(fingerprint(event)) > 0
            elif event.event_key.split(":")[1] not in changes:
                open_[fingerprint(event)] = event.severity
        if number in restarts:
            shaken.restart()
        rates = any("restarts" in t.points for t in (*before, *after))
        if not rates:  # a rate over a restart is one over a longer time
            assert [(one.event_key, one.severity) for one in events] == [
                (one.event_key, one.severity) for one in shaken_events
            ]
    assert open_ == {}
    assert plain.memory == {}

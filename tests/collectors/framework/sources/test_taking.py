"""What becomes of readings: samples, alarms, events; over restarts, full disks, and what operators decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.framework.judging.baselines import Learned, Look
from collectors.framework.sources.results import Measured, Problem, Result
from collectors.framework.sources.taking import SourceTaker, Taken
from common.configs import DeviceConfig
from common.errors import TransientError
from common.events import CLASS_CONFIG, CLASS_DAEMON, Event, Severity
from common.judged import BaselineConfig, DerivedConfig, Level, ThresholdConfig, ThresholdForm
from common.queries import Decision
from common.series import Baseline, Kind, Point, SeriesKey
from tests.fakes.kit import NOW, Kit, device, limit, reading, source
from tests.fakes.stores import done

STEP = int(NOW)


class Taking(Kit):
    """A taker of web1."""

    def __init__(self, config: DeviceConfig | None = None) -> None:
        super().__init__()
        self.config = config or device(source())
        self.restart()

    def restart(self) -> None:
        """The daemon is started again."""
        self.taker = SourceTaker("fake", "/Status/Fake", self.context, self.config)
        self.taker.update(self.config, ["", "a", "b"])

    def take(self, *results: Result, job: str = "", **fields: Any) -> Taken:
        """Take, and let a minute go by."""
        try:
            return done(self.taker.take(results, job, **fields))
        finally:
            self.clock.advance(60)

    def read(self, /, *more: Result, **lengths: Any) -> Taken:
        """Take the lengths of components in the step at hand."""
        return self.take(reading(self.wall(), **lengths), *more)

    def change(self, *sources: Any, jobs: Sequence[str] = ("", "a", "b")) -> None:
        self.config = device(*sources)
        self.taker.update(self.config, jobs)
        done(self.taker.settle())

    def decide(
        self, key: str, component: str = "", event_class: str = "/Perf", *, opened: bool, of_nobody: bool = False
    ) -> bool:
        return self.taker.decided(
            Decision(
                device="web1",
                component=component,
                event_class=event_class,
                event_key=key,
                severity=4,
                open=opened,
            ),
            of_nobody=of_nobody,
        )

    def kept(self) -> list[tuple[str, int, dict[str, Any]]]:
        return [(one.key.component, one.at, dict(one.values)) for one in self.samples.accepted]


HIGH = "threshold:queue/high:length"

# --- samples ----------------------------------------------------------------------------------------------------------


def test_readings_become_samples_of_their_step() -> None:
    taking = Taking()
    taken = taking.read(_=3, mail=4)
    (one, other) = taking.samples.accepted
    assert taken.samples == [one, other]
    assert one.key == SeriesKey("web1", "", "queue")
    assert other.key == SeriesKey("web1", "mail", "queue")
    assert one.layout.step_s == 60
    assert [point.name for point in one.layout.points] == ["length"]
    assert taking.kept() == [("", STEP, {"length": 3}), ("mail", STEP, {"length": 4})]
    assert taking.sink.sent == []


def test_a_second_reading_in_a_step_is_judged_and_not_written() -> None:
    taking = Taking()
    done(taking.taker.take([reading(NOW, mail=3)]))
    taken = done(taking.taker.take([reading(NOW, mail=99, news=1)]))
    assert taking.kept() == [("mail", STEP, {"length": 3}), ("news", STEP, {"length": 1})]
    assert taking.samples.dropped == 0
    assert [event.event_key for event in taken.events] == [HIGH]


def test_derived_points_are_written_and_judged() -> None:
    derived = (DerivedConfig(point="hours", expression="length / 10", unit="h"),)
    taking = Taking(device(source(derived=derived, thresholds=(limit("late", 2, "hours"),))))
    taking.read(mail=30)
    assert taking.kept() == [("mail", STEP, {"length": 30, "hours": 3})]
    assert taking.told() == [("error", "mail", "threshold:queue/late:hours")]
    assert taking.sink.sent[0].summary == "hours of mail is 3 h, over the limit of 2 h"


def test_counts_become_rates_in_what_is_judged_and_in_what_is_stored() -> None:
    counter = source(points=(Point(name="length", kind=Kind.COUNTER, unit="jobs"),))
    taking = Taking(device(counter))
    taking.take(
        Result(source="queue", step=STEP, rows=[Measured(component="x", values={"length": 1000}, taken=NOW + 7)])
    )
    later = Measured(component="x", values={"length": 7000}, taken=NOW + 67.0)
    taken = taking.take(Result(source="queue", step=STEP + 60, rows=[later]))
    assert taken.events[0].summary == "length of x is 100 jobs/s, over the limit of 50 jobs/s"
    assert taken.samples[0].taken == NOW + 67
    fresh = Measured(component="x", values={"length": 99_000}, taken=NOW + 127, discontinuity=3, uptime_s=1.0)
    assert taking.take(Result(source="queue", step=STEP + 120, rows=[fresh])).samples[0].uptime_s == 1.0
    assert taking.told() == [("error", "x", HIGH)]  # what was started anew has no rate, and ends nothing


def test_a_row_that_was_put_in_between_leaves_the_rates_of_the_others_alone() -> None:
    counter = source(points=(Point(name="length", kind=Kind.COUNTER),), thresholds=(limit("high", 1000),))
    taking = Taking(device(counter))
    for count, names in ((0, "ac"), (60, "abc"), (120, "abc")):
        taking.read(**{name: 10_000 * (1 + ord(name)) + count for name in names})
    rates = [latest.values for latest in taking.samples._intake.of_device("web1")]
    assert rates == [[1.0]] * 3
    assert taking.sink.sent == []


# --- alarms -----------------------------------------------------------------------------------------------------------


def test_an_alarm_opens_once_and_ends_once_over_restarts() -> None:
    taking = Taking()
    for length in (51, 60, 70):
        taken = taking.read(mail=length, news=1)
        taking.restart()
    assert [one.component for one in taken.violations] == ["mail"]
    assert taking.told() == [("error", "mail", HIGH)]
    assert taking.sink.sent[0].summary == "length of mail is 51 jobs, over the limit of 50 jobs"
    taking.read(mail=1, news=1)
    taking.read(mail=1, news=1)
    assert taking.told() == [("error", "mail", HIGH), ("clear", "mail", HIGH)]


def test_what_changed_since_it_was_kept_first_is_kept_as_well() -> None:
    taking = Taking(device(source(), source("other")))
    taking.read(mail=1)
    taking.read(mail=99)
    taking.restart()
    taking.read(mail=99)
    taking.read(mail=1)
    assert taking.told() == [("error", "mail", HIGH), ("clear", "mail", HIGH)]


def test_of_the_device_itself_nothing_more_is_said() -> None:
    taking = Taking()
    taking.read(_=51)
    assert taking.sink.sent[0].summary == "length is 51 jobs, over the limit of 50 jobs"
    assert taking.taker is not None


def test_sources_with_thresholds_of_one_id_and_components_of_one_name_do_not_meet() -> None:
    taking = Taking(device(source("one"), source("two")))
    taking.take(reading(NOW, "one", _=99), reading(NOW, "two", _=1))
    taking.take(reading(NOW + 60, "one", _=99), reading(NOW + 60, "two", _=99))
    taking.take(reading(NOW + 120, "one", _=1), reading(NOW + 120, "two", _=99))
    assert taking.told() == [
        ("error", "", "threshold:one/high:length"),
        ("error", "", "threshold:two/high:length"),
        ("clear", "", "threshold:one/high:length"),
    ]


def test_a_source_of_the_device_and_one_of_its_components_may_have_one_id() -> None:
    disks = source("usage", component="filesystem")
    whole = source("usage", points=(Point(name="load"),), thresholds=(limit("high", 5, "load"),))
    taking = Taking(device(whole, disks))
    own = Result(source="usage", step=STEP, rows=[Measured(component="", values={"load": 9})])
    taking.take(own, reading(NOW, "usage", mail=99))
    assert [(one.key.component, dict(one.values)) for one in taking.samples.accepted] == [
        ("", {"load": 9}),
        ("mail", {"length": 99}),
    ]
    assert taking.told() == [
        ("error", "", "threshold:usage/high:load"),
        ("error", "mail", "threshold:usage/high:length"),
    ]
    taking.restart()
    taking.decide("threshold:usage/high:load", opened=False)
    taking.take(replace(own, step=STEP + 60))
    assert taking.told()[2:] == [("error", "", "threshold:usage/high:load")]
    taking.change(disks)
    assert taking.told()[3:] == [("clear", "", "threshold:usage/high:load")]
    taking.take(reading(NOW + 120, "usage"))
    assert taking.told()[4:] == [("clear", "mail", "threshold:usage/high:length")]


def test_what_is_there_no_more_ends_its_alarm_if_all_was_read() -> None:
    taking = Taking()
    taking.read(mail=99, news=99)
    taking.take(replace(reading(taking.wall(), news=99), complete=False))
    assert len(taking.sink.sent) == 2
    taking.read(news=99)
    assert taking.told()[2:] == [("clear", "mail", HIGH)]
    assert taking.sink.sent[2].summary == "length of mail is judged no more: it is there no more"


def test_what_is_left_out_is_neither_written_nor_judged_and_its_alarm_ends() -> None:
    taking = Taking()
    taking.read(mail=99, news=1)
    taking.change(source(left_out=("mail",)))
    taking.take(replace(reading(taking.wall(), mail=99, news=1), complete=False))
    assert taking.sink.sent[-1].summary == "length of mail is judged no more: it is not to be monitored"
    assert [name for name, _, _ in taking.kept()] == ["mail", "news", "news"]


def test_a_source_that_is_gone_ends_its_alarms_without_a_reading() -> None:
    taking = Taking(device(source(), source("other")))
    taking.take(reading(NOW, mail=99), reading(NOW, "other", mail=99, _=1))
    taking.restart()
    taking.change(source("other"))
    assert taking.told()[2:] == [("clear", "mail", HIGH)]
    assert taking.sink.sent[2].summary == "length of mail is judged no more: source queue is read no more"
    taking.change()
    assert taking.told()[3:] == [("clear", "mail", "threshold:other/high:length")]
    assert len(taking.sink.states) == 1


def test_a_source_that_went_while_the_disk_was_full_ends_its_alarms_afterwards() -> None:
    taking = Taking(device(source(), source("other")))
    taking.take(reading(NOW, mail=99), reading(NOW, "other"))
    taking.sink.full = True
    with pytest.raises(TransientError):
        taking.change(source("other"))
    taking.sink.full = False
    taking.take(reading(NOW + 60, "other"))
    assert taking.told() == [("error", "mail", HIGH), ("clear", "mail", HIGH)]


def test_a_threshold_that_is_gone_ends_with_the_next_reading() -> None:
    taking = Taking()
    taking.read(mail=99)
    taking.change(source(thresholds=()))
    taking.read(mail=99)
    assert taking.told()[1:] == [("clear", "mail", HIGH)]


def test_while_the_disk_is_full_nothing_is_said_twice_or_never() -> None:
    taking = Taking()
    own = Event(device="web1", event_class="/Log", severity=Severity.INFO, summary="it was started", at=NOW)
    taking.sink.full = True
    with pytest.raises(TransientError):
        taking.take(replace(reading(NOW, mail=99), events=[own]))
    with pytest.raises(TransientError):
        taking.take(reading(NOW + 60, mail=99))
    taking.sink.full = False
    taking.take(reading(NOW + 120, mail=99))
    taking.take(reading(NOW + 180, mail=99))
    assert [event.summary for event in taking.sink.sent] == [
        "it was started",
        "length of mail is 99 jobs, over the limit of 50 jobs",
    ]
    assert len(taking.kept()) == 4  # what was measured is not lost


def test_another_hub_is_told_anew() -> None:
    taking = Taking()
    bad = Problem(key="stuck", summary="stuck")
    for hub in ("hub-1", "hub-1", "hub-2", "hub-2"):
        taking.hub = hub
        taking.take(replace(reading(taking.wall(), mail=99), problems=[bad]))
    assert taking.told() == [("error", "mail", HIGH), ("warning", "", "stuck")] * 2


def test_what_was_learned_goes_to_the_source_that_it_is_of() -> None:
    baseline = BaselineConfig(learn_s=0)
    unusual = ThresholdConfig(
        id="unusual",
        points=("length",),
        form=ThresholdForm.BASELINE,
        levels=(Level(severity=Severity.WARNING),),
        baseline=baseline,
    )
    taking = Taking(device(source(thresholds=(unusual,)), source("other")))
    taken = taking.take(reading(NOW, mail=5, news=5))
    assert taken.samples[0].layout.baselines == (Baseline(point="length"),)
    looks = [Look(STEP + 60, 500.0, 5.0, 1.0)]
    learned = Learned(SeriesKey("web1", "mail", "queue"), Baseline(point="length"), 0, looks)
    taking.context.lessons.put("web1", [learned])
    taking.take(reading(NOW + 60, "other", mail=5))
    taking.take(reading(NOW + 120, mail=5, news=5))
    assert taking.told() == [("warning", "mail", "threshold:queue/unusual:length")]


# --- what operators decide --------------------------------------------------------------------------------------------


def test_an_alarm_that_was_closed_by_hand_and_lasts_is_raised_anew() -> None:
    taking = Taking(device(source(), source("other")))
    taking.read(mail=99)
    assert taking.decide(HIGH, "mail", opened=False)
    taking.read(mail=99)
    assert taking.told() == [("error", "mail", HIGH)] * 2


def test_an_alarm_that_was_opened_by_hand_ends_when_there_is_no_cause() -> None:
    taking = Taking()
    taking.read(mail=1)
    assert taking.decide(HIGH, "mail", opened=True)
    taking.read(mail=1)
    assert taking.told() == [("clear", "mail", HIGH)]


@pytest.mark.parametrize("key", ["threshold:gone/high:length", "threshold:high:length"])
def test_an_alarm_of_what_is_gone_ends_when_it_is_opened_by_hand(key: str) -> None:
    taking = Taking()
    assert not taking.decide(key, "mail", opened=True)  # somebody else may have it
    taking.read(mail=1)
    assert taking.sink.sent == []
    assert taking.decide(key, "mail", opened=True, of_nobody=True)
    taking.read(mail=1)
    assert taking.told() == [("clear", "mail", key)]
    assert taking.decide(key, "mail", opened=False, of_nobody=True)
    taking.read(mail=1)
    assert len(taking.sink.sent) == 1


def test_problems_are_decided_upon_as_well() -> None:
    taking = Taking()
    stuck = Problem(key="stuck", summary="it is stuck", component="mail")
    taking.take(replace(reading(NOW), problems=[stuck]))
    assert taking.decide("stuck", "mail", "/Status/Fake", opened=False)
    taking.take(replace(reading(NOW + 60), problems=[stuck]))
    assert taking.told() == [("warning", "mail", "stuck")] * 2
    taking.take(reading(NOW + 120))
    taking.restart()
    assert taking.decide("stuck", "mail", "/Status/Fake", opened=True)
    taking.take(reading(NOW + 180))
    assert taking.told()[2:] == [("clear", "mail", "stuck")] * 2


def test_decisions_about_others_are_for_others() -> None:
    taking = Taking()
    assert not taking.decide("samples", event_class=CLASS_DAEMON, opened=False)
    assert not taking.decide("config_rejected", event_class=CLASS_CONFIG, opened=True)
    assert not taking.decide("stuck", event_class="/Status/Fake", opened=True)


def test_a_decision_that_could_not_be_kept_is_taken_again() -> None:
    taking = Taking()
    taking.read(mail=99)
    taking.decide(HIGH, "mail", opened=False)
    taking.sink.full = True
    with pytest.raises(TransientError):
        taking.read(mail=99)
    taking.sink.full = False
    taking.read(mail=99)
    assert taking.told() == [("error", "mail", HIGH)] * 2


# --- problems ---------------------------------------------------------------------------------------------------------


def test_a_problem_is_told_once_and_when_it_is_another_one() -> None:
    taking = Taking()
    for summary, severity in [
        ("line 3 is no number", Severity.WARNING),
        ("line 17 is no number", Severity.WARNING),
        ("line 17 is no number", Severity.ERROR),
        ("exit status 2", Severity.ERROR),
        ("exit status 2", Severity.CLEAR),
    ]:
        taking.take(replace(reading(taking.wall()), problems=[Problem(key="bad", summary=summary, severity=severity)]))
        taking.restart()
    assert [(event.severity.label, event.summary) for event in taking.sink.sent] == [
        ("warning", "line 3 is no number"),
        ("error", "line 17 is no number"),
        ("error", "exit status 2"),
        ("clear", "it is over: exit status 2"),
    ]
    first = taking.sink.sent[0]
    assert (first.event_class, first.group, first.device) == ("/Status/Fake", "Fake", "web1")


def test_a_problem_that_several_sources_have_is_one_event() -> None:
    taking = Taking(device(source("one"), source("two", 300)))
    silent = Problem(key="silent", summary="web1 does not answer", severity=Severity.ERROR)
    for bad in (("one", "two"), ("two",), ()):
        for name in ("one", "two"):
            found = [silent] if name in bad else []
            taking.take(replace(reading(taking.wall(), name), problems=found))
    assert taking.told() == [("error", "", "silent"), ("clear", "", "silent")]


def test_texts_of_problems_are_fit_to_be_seen() -> None:
    taking = Taking()
    rude = Problem(key="k\x1b[2J" + "x" * 999, summary="a\nb\x07" + "y" * 9999, component="\x00", message="1\n\x9b2\n")
    taking.take(replace(reading(NOW), problems=[rude]))
    (event,) = taking.sink.sent
    assert event.summary.startswith("a b\ufffdyyy")
    assert event.message == "1\n\ufffd2"
    assert all(one.isprintable() and len(one) <= 512 for one in (event.summary, event.event_key, event.component))


def test_points_that_cannot_be_computed_are_told() -> None:
    taking = Taking(device(source(derived=(DerivedConfig(point="x", expression="length +"),))))
    taken = taking.read(mail=1)
    assert taken.samples[0].values == {"length": 1, "x": None}
    (event,) = taking.sink.sent
    assert (event.event_key, event.event_class) == ("derived_points:queue", CLASS_CONFIG)
    assert event.summary.startswith("points of source queue cannot be computed, and are unknown: derived point x")
    taking.change(source())
    taking.read(mail=1)
    assert taking.told()[1:] == [("clear", "", "derived_points:queue")]


# --- what cannot be taken ---------------------------------------------------------------------------------------------

GOOD = Measured(component="good", values={"length": 1})


@pytest.mark.parametrize(
    ("bad", "said", "kept"),
    [
        (Measured(component="a\x00", values={}), "component 'a\\x00': its name has control characters", []),
        (Measured(component="a\x9b", values={}), "component 'a\\x9b': its name has control characters", []),
        (Measured(component="x" * 256, values={}), "its name has 256 characters, and at most 255 are taken", []),
        (Measured(component="a\ud800", values={}), "component 'a\\ud800': its name is no good UTF-8", []),
        (Measured(component="good", values={"length": 2}), "component 'good' comes twice", []),
        (Measured(component="b", values={"length": float("nan")}), "point 'length' of b: nan is no number", [{}]),
        (Measured(component="", values={"length": float("inf")}), "point 'length' of the device: inf", [{}]),
        (Measured(component="b", values={"length": 2**64}), "is no number that can be kept", [{}]),
        (Measured(component="b", values={"length": "7"}), "point 'length' of b: '7' is no number", [{}]),  # type: ignore[dict-item]
        (Measured(component="b", values={"length": True}), "point 'length' of b: True is no number", [{}]),
        (
            Measured(component="b", values={"length": 2, "x;rm": 1}),
            "point 'x;rm' of b: source queue has no such point",
            [{"length": 2}],
        ),
        (Measured(component="b", values={}, taken=NOW + 3600), "is from the future", []),
        (Measured(component="b", values={}, taken=NOW - 200_000), "hours old", []),
        (Measured(component="b", values={}, taken=float("nan")), "a reading of nan, which is no time", []),
        (Measured(component=["x"], values={}), "component ['x']: its name is no text", []),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_left_out_alone(bad: Measured, said: str, kept: list[Any]) -> None:
    taking = Taking()
    taken = taking.take(Result(source="queue", step=STEP, rows=[GOOD, bad]))
    assert [one.values for one in taken.samples] == [{"length": 1}, *kept]
    (event,) = taking.sink.sent
    assert (event.severity.label, event.event_key) == ("warning", "reading_refused:queue")
    assert event.summary.startswith("of what source queue reads, 1 was left out: ")
    assert said in event.summary
    taking.take(Result(source="queue", step=STEP + 60, rows=[GOOD]))
    assert taking.told()[1:] == [("clear", "", "reading_refused:queue")]


def test_more_than_is_taken_is_dropped_and_told() -> None:
    taking = Taking()
    rows = [Measured(component=f"c{number}", values={"length": 1}) for number in range(5_003)]
    taken = taking.take(Result(source="queue", step=STEP, rows=rows))
    assert len(taken.samples) == 5_000
    said = ": a source has at most 5000 components"
    assert taking.sink.sent[0].summary == (
        f"of what source queue reads, 3 were left out: "
        f"component 'c5000'{said}; component 'c5001'{said}; component 'c5002'{said}"
    )
    more = [Measured(component="c5000", values={}), Measured(component="c4999", values={})]
    assert len(taking.take(Result(source="queue", step=STEP + 60, rows=more)).samples) == 1
    taking.set_by = 90_000
    assert len(taking.take(Result(source="queue", step=STEP + 90_000, rows=more)).samples) == 2


def test_events_are_of_this_device_bounded_and_once() -> None:
    taking = Taking()
    own = Event(device="web1", event_class="/Log", severity=Severity.INFO, summary="x", at=NOW)
    events = [replace(own, summary=str(number)) for number in range(250)]
    events[:2] = [replace(own, device="other\x1b"), replace(own, at=NOW + 99_999)]
    taking.take(replace(reading(NOW), events=events))
    taking.take(reading(NOW + 60))
    logged = [event for event in taking.sink.sent if event.event_class == "/Log"]
    assert len(logged) == 199
    assert logged[0].at == NOW
    told = next(event for event in taking.sink.sent if event.event_key == "reading_refused:queue")
    assert "51 were left out: an event is about device 'other\ufffd', and not about web1; of 250 events" in told.summary


def test_problems_are_bounded() -> None:
    taking = Taking()
    problems = [Problem(key=f"p{number}", summary="x") for number in range(300)]
    taking.take(replace(reading(NOW), problems=problems))
    assert len(taking.sink.sent) == 201


# --- time -------------------------------------------------------------------------------------------------------------


def test_readings_of_steps_before_are_written_with_their_step_in_order() -> None:
    taking = Taking()
    steps = [STEP - 3600, STEP - 3540, STEP]
    taking.take(*(reading(step, mail=step % 7) for step in steps))
    assert [at for _, at, _ in taking.kept()] == steps
    taking.take(reading(STEP - 1800, mail=99))  # before what was judged: it is no news
    assert taking.sink.sent == []
    assert len(taking.kept()) == 3


def test_a_step_is_a_whole_one() -> None:
    taking = Taking()
    taking.take(reading(STEP + 13, mail=1))
    assert taking.kept() == [("mail", STEP, {"length": 1})]


@pytest.mark.parametrize(
    ("step", "said"), [(STEP + 3600, "is from the future: it is 1800000000"), (STEP - 90_000, "is 25 hours old")]
)
def test_readings_of_another_time_are_refused(step: int, said: str) -> None:
    taking = Taking()
    taken = taking.take(reading(step, mail=99, news=99))
    assert taken.samples == []
    (event,) = taking.sink.sent
    assert "of what source queue reads, 2 were left out" in event.summary
    assert said in event.summary


# --- sources that the config does not have, and parts -----------------------------------------------------------------


def test_a_source_of_ones_own_says_its_points() -> None:
    taking = Taking()
    points = (Point(name="a"), Point(name="b"))
    own = Result(source="my-probe", step=STEP, rows=[Measured(component="x", values={"a": 1})], points=points)
    (sample,) = taking.take(own, interval_s=30).samples
    assert sample.key.source == "my-probe"
    assert sample.layout.points == points
    assert sample.layout.step_s == 30
    (sample,) = taking.take(replace(own, step=STEP + 60, interval_s=20)).samples
    assert sample.layout.step_s == 20


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (Result(source="queue2", step=STEP), "the config has none of that id"),
        (Result(source="", step=STEP, points=(Point(name="a"),)), "readings of source '' are left out"),
        (Result(source="p", step=STEP, points=(Point(name="a b"),)), "readings of source 'p' are left out"),
        (Result(source="p", step=STEP, points=(Point(name="a"),) * 2), "each needs a name of its own"),
        (Result(source="p", step=STEP, points=(Point(name="a"),), interval_s=-1), "readings of source 'p'"),
    ],
)
def test_a_source_that_cannot_be_is_told(own: Result, said: str) -> None:
    taking = Taking()
    taken = taking.take(own, reading(NOW, mail=1), job="a")
    assert len(taken.samples) == 1
    (event,) = taking.sink.sent
    assert event.event_key == f"source_unknown:{own.source}".rstrip(":")
    assert said in event.summary
    taking.take(reading(NOW + 60, mail=1), job="b")
    taking.take(reading(NOW + 60, mail=1), job="a")
    assert taking.told()[1:] == [("clear", "", event.event_key)]


def test_what_ones_own_source_told_ends_with_its_job() -> None:
    taking = Taking()
    stuck = Problem(key="stuck", summary="stuck")
    taking.take(Result(source="own", step=STEP, points=(Point(name="a"),), problems=[stuck]), job="a")
    taking.change(source(), jobs=["b", "a"])
    assert len(taking.sink.sent) == 1
    taking.change(source(), jobs=["b"])
    assert taking.sink.sent[1].summary == "source own is read no more: stuck"


def test_several_read_one_source_and_each_speaks_for_its_part() -> None:
    taking = Taking()

    def part(name: str, *problems: Problem, **lengths: int) -> None:
        result = replace(reading(taking.wall(), **lengths), part=name, problems=list(problems))
        taking.take(result, job=name)

    part("a", mail=99)
    part("b", Problem(key="stuck", summary="stuck"), news=99)
    part("a", mail=99)
    assert taking.told() == [("error", "mail", HIGH), ("error", "news", HIGH), ("warning", "", "stuck")]
    taking.decide(HIGH, "news", opened=False)
    part("a")
    assert taking.told()[3:] == [("clear", "mail", HIGH)]
    part("b", news=99)
    assert taking.told()[4:] == [("error", "news", HIGH), ("clear", "", "stuck")]
    taking.change(source(), jobs=["a"])
    assert taking.told()[6:] == [("clear", "news", HIGH)]


# --- cost, and whatever may come --------------------------------------------------------------------------------------


def test_while_nothing_changes_nothing_is_stored() -> None:
    taking = Taking()
    stored: list[bytes] = []
    for _ in range(61):
        taking.read(mail=1, news=2)
        stored += [state for state in taking.sink.states.values() if not stored or state is not stored[-1]]
    assert len(stored) == 3  # the first one, and every thirtieth


names = st.one_of(st.sampled_from(["", "mail", "news", "../etc", "a" * 300, "\x00", "\ud800"]), st.text(max_size=5))
values = st.one_of(st.none(), st.integers(), st.floats(), st.booleans(), st.text(max_size=3))
rows = st.builds(
    Measured,
    component=names,
    values=st.dictionaries(st.sampled_from(["length", "x", ""]), values, max_size=3),
    taken=st.one_of(st.just(0.0), st.floats(), st.floats(NOW - 9e4, NOW + 100)),
    uptime_s=st.one_of(st.none(), st.floats(0, 1e9)),
)
results = st.builds(
    Result,
    source=st.sampled_from(["queue", "other", "own"]),
    step=st.one_of(st.integers(), st.integers(STEP - 90_000, STEP + 200)),
    rows=st.lists(rows, max_size=4),
    complete=st.booleans(),
    problems=st.lists(st.builds(Problem, key=st.text(max_size=5), summary=st.text(), component=names), max_size=3),
    points=st.sampled_from([(), (Point(name="length"),)]),
    part=st.sampled_from(["", "p"]),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(results, max_size=3), st.booleans(), st.booleans()), max_size=6))
def test_whatever_is_read_every_alarm_opens_once_and_all_end_when_all_is_well(runs: Any) -> None:
    counter = source("other", points=(Point(name="length", kind=Kind.COUNTER),))
    taking = Taking(device(source(), counter))
    for some, restarts, full in runs:
        taking.sink.full = full
        try:
            taking.take(*some)
        except TransientError:
            assert full
        if restarts:
            taking.restart()
    taking.sink.full = False
    taking.clock.advance(100_000)
    taking.change(jobs=())
    taking.take()
    state: dict[Any, int] = {}
    for event in taking.sink.sent:
        which = (event.component, event.event_class, event.event_key)
        assert event.severity != state.get(which, 0) or event.severity is not Severity.CLEAR
        state[which] = event.severity
        event.summary.encode()
    assert set(state.values()) <= {Severity.CLEAR}
    for one in taking.samples.accepted:
        assert one.key.component.encode() is not None
    if not any(restarts for _, restarts, _ in runs):  # after one, a step may be read again
        assert taking.samples.dropped == 0


# --- what nobody foresaw ----------------------------------------------------------------------------------------------


def test_a_reading_that_is_none_loses_no_alarm_of_the_others() -> None:
    taking = Taking()
    bad: Any = object()
    trouble = Result(source="queue", step=STEP, complete=False, problems=[Problem(key="silent", summary="no answer")])
    taking.decide("silent", event_class="/Status/Fake", opened=True)
    with pytest.raises(AttributeError):
        taking.take(trouble, bad)
    assert taking.told() == []
    taking.take(replace(trouble, step=STEP + 60))
    assert taking.told() == [("warning", "", "silent")]
    taking.read(mail=1)
    assert taking.told() == [("warning", "", "silent"), ("clear", "", "silent")]


def test_what_an_operator_decided_is_not_lost_with_a_reading_that_is_none() -> None:
    taking = Taking()
    bad: Any = object()
    taking.read(mail=60)
    assert taking.decide(HIGH, "mail", opened=False)
    with pytest.raises(AttributeError):
        taking.take(bad)
    taking.read(mail=60)
    assert taking.told() == [("error", "mail", HIGH)] * 2


def test_after_a_clock_that_was_far_ahead_samples_are_written_again() -> None:
    taking = Taking()
    taking.set_by = 3 * 86_400.0
    taking.read(mail=1)
    taking.set_by = 0.0
    taking.read(mail=2)
    taking.read(mail=3)
    assert [values["length"] for _, _, values in taking.kept()] == [1, 2, 3]


def test_sources_whose_names_are_made_up_anew_and_anew_take_bounded_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.framework.sources.memory.MOST_SOURCES", 10)
    taking = Taking()
    trouble = [Problem(key="bad", summary="it is bad")]
    taking.take(Result(source="free", step=STEP, points=(Point(name="x"),), part="first", problems=trouble))
    for number in range(100):
        row = Measured(component=f"c{number}", values={"x": 1})
        free = Result(
            source="free",
            step=int(taking.wall()),
            rows=[row],
            points=(Point(name="x"),),
            part=f"p{number}",
            interval_s=60,
        )
        taking.take(free)
    assert len(taking.taker._memory.sources) <= 11
    assert any(kept.problems for kept in taking.taker._memory.sources.values())  # what stands is not forgotten
    assert len(taking.kept()) == 100


def test_last_words_of_a_job_that_is_done_no_more_open_no_alarm() -> None:
    taking = Taking(device())
    wrong = Result(source="other", step=STEP, problems=[Problem(key="bad", summary="bad")], points=[Point(name="n")])
    taking.take(wrong, job="a")
    taking.change(jobs=["b"])
    assert taking.told() == [("warning", "", "bad"), ("clear", "", "bad")]
    taking.take(wrong, job="a")
    taking.take(job="a", failed="it was cancelled")
    assert taking.told() == [("warning", "", "bad"), ("clear", "", "bad")]

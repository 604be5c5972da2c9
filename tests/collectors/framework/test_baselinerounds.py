"""When it is asked what was learned of devices, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.framework.data.reading.baselinereading import LessonsQuery, LessonsTold
from collectors.framework.judging.baselinerounds import BaselineRounds
from collectors.framework.judging.baselines import Learned, Look
from common.configs import DeviceConfig, SourceKind
from common.errors import TransientError
from common.events import Severity
from common.judged import BaselineConfig, Level, ThresholdConfig, ThresholdForm
from common.series import Baseline, SeriesKey
from common.sources import PluginSource

START = 1_800_000_000
ODD = ThresholdConfig(
    id="odd",
    points=("cpu",),
    form=ThresholdForm.BASELINE,
    levels=(Level(severity=Severity.WARNING),),
    baseline=BaselineConfig(),
)


def config(device: str, *thresholds: ThresholdConfig) -> DeviceConfig:
    return DeviceConfig(device=device, address="", source=SourceKind.LOCAL, interval_s=60, thresholds=thresholds)


class Rounds:
    """The service, between a reader that answers as it is told and a runner that notes what it gets."""

    def __init__(self, *configs: DeviceConfig) -> None:
        self.clock = Clock()
        self.configs = list(configs)
        self.asked: list[dict[str, int]] = []
        self.told: list[Mapping[str, Sequence[Learned]]] = []
        self.answer: Any = lambda query: LessonsTold({device: [] for device in query.after})
        self.service = BaselineRounds(self.clock, self.wall, lambda: self.configs, self.ask, self.told.append)
        self.offset = 0.0
        self.service.startService()

    def wall(self) -> float:
        return START + self.clock.seconds() + self.offset

    async def ask(self, query: LessonsQuery) -> LessonsTold:
        self.asked.append(query.after)
        told = self.answer(query)
        if isinstance(told, Deferred):
            await told
        return told if isinstance(told, LessonsTold) else LessonsTold({})

    def pass_(self, seconds: int) -> None:
        self.clock.pump([1.0] * seconds)


@pytest.fixture
def rounds() -> Rounds:
    return Rounds(config("box", ODD), config("other"))


def learned(at: int) -> Learned:
    return Learned(SeriesKey("box", "web", "process"), Baseline(point="cpu"), START, [Look(at, 1.0, 2.0, 3.0)])


def test_of_sources_it_is_asked_when_the_slowest_that_learns_has_been_read() -> None:
    odd = PluginSource(service="fake", id="slow", template="t", interval_s=180, thresholds=(ODD,))
    plain = PluginSource(service="fake", id="plain", template="t", interval_s=3600)
    rounds = Rounds(msgspec.structs.replace(config("box"), sources=(odd, plain)), config("other"))
    rounds.pass_(180)
    assert rounds.asked == [{"box": 0}]
    rounds.pass_(20)
    assert len(rounds.asked) == 2
    assert rounds.service.figures()["baseline_devices"] == 1


def test_a_device_that_learns_is_asked_about_once_for_each_part_when_its_sample_is_there(rounds: Rounds) -> None:
    rounds.answer = lambda query: LessonsTold({"box": [learned(START + 300)]})
    rounds.pass_(60)
    assert rounds.asked == [{"box": 0}]  # as it begins
    rounds.pass_(20)
    assert rounds.asked == [{"box": 0}, {"box": START + 300}]
    rounds.pass_(280)
    assert len(rounds.asked) == 2
    rounds.pass_(20)
    assert len(rounds.asked) == 3
    rounds.pass_(900)
    assert len(rounds.asked) == 6
    assert len(rounds.told) == 6
    assert rounds.told[0] == {"box": [learned(START + 300)]}


def test_figures_tell_how_many_are_learned_and_of_how_many_nothing_is_said_yet(rounds: Rounds) -> None:
    assert rounds.service.figures() == {}
    old = msgspec.structs.replace(learned(START), begun=START - 3 * 86_400)
    rounds.answer = lambda _query: LessonsTold({"box": [learned(START), old]})
    rounds.pass_(20)
    assert rounds.service.figures() == {"baseline_devices": 1, "baselines": 2, "baselines_still_learning": 1}


def test_nothing_new_is_not_told(rounds: Rounds) -> None:
    rounds.pass_(400)
    assert len(rounds.asked) == 3
    assert rounds.told == []


def test_one_that_begins_to_learn_is_asked_about_and_one_that_ends_is_not(rounds: Rounds) -> None:
    rounds.configs = [config("other", ODD)]
    rounds.pass_(20)
    assert rounds.asked == [{"other": 0}]
    rounds.configs = [config("other")]
    rounds.pass_(900)
    assert len(rounds.asked) == 1


def test_a_reader_that_does_not_answer_is_asked_again(rounds: Rounds) -> None:
    def fail(_query: LessonsQuery) -> LessonsTold:
        raise TransientError("not now")

    rounds.answer = fail
    rounds.pass_(30)
    assert len(rounds.asked) == 3
    rounds.answer = lambda query: LessonsTold({"box": [learned(START)]})
    rounds.pass_(10)
    assert rounds.told == [{"box": [learned(START)]}]


def test_many_are_asked_about_some_at_a_time_and_one_question_waits_for_the_other() -> None:
    rounds = Rounds(*(config(f"box{number}", ODD) for number in range(45)))
    waiting: list[Deferred[None]] = []

    def wait(_query: LessonsQuery) -> Deferred[None]:
        waiting.append(Deferred())
        return waiting[-1]

    rounds.answer = wait
    rounds.pass_(60)
    assert [len(after) for after in rounds.asked] == [20]
    for number in range(3):
        waiting[number].callback(None)
    assert [len(after) for after in rounds.asked] == [20, 20, 5]


def test_those_that_the_answer_had_no_room_for_are_asked_about_again() -> None:
    rounds = Rounds(config("one", ODD), config("two", ODD))
    rounds.answer = lambda query: LessonsTold({next(iter(query.after)): []})
    rounds.pass_(30)
    assert rounds.asked == [{"one": 0, "two": 0}, {"two": 0}]


def test_after_the_end_nothing_is_asked_or_told(rounds: Rounds) -> None:
    waiting: Deferred[None] = Deferred()
    rounds.answer = lambda _query: waiting
    rounds.pass_(20)
    rounds.service.stopService()
    waiting.callback(None)
    rounds.pass_(900)
    assert len(rounds.asked) == 1
    assert rounds.told == []


def test_a_clock_that_was_set_back_is_followed(rounds: Rounds) -> None:
    rounds.pass_(20)
    rounds.offset = -86_400.0
    rounds.pass_(10)
    assert rounds.asked == [{"box": 0}, {"box": 0}]

"""Asks the reader process what is new of what was learned of devices, and hands it to their tasks.

A device is asked about once for each part of a season: when the first sample after its end has had time to come.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from collectors.framework.data.baselinefiles import PART_S
from collectors.framework.data.reading.baselinereading import MOST_DEVICES, LessonsQuery, LessonsTold
from collectors.framework.judging.baselines import Learned, baseline_of, learns
from common.configs import DeviceConfig
from common.errors import TocsinError
from common.judged import ThresholdConfig
from common.series import Baseline

LOOK_S = 10.0
LATE_S = 5.0
"""So long after a scan should have begun its sample is there."""

_log = Logger()


class _Student(Struct):
    """A device of which something is learned.

    Attributes:
        config: by which that was found out.
        learns: whether something is.
        interval_s: after which the last sample of a part is there.
        asked: epoch second of the end of the last part that was asked for.
        told: of the last part that was told.
        series: how many baselines there were in the last answer; `new` of which nothing is said yet.
    """

    config: DeviceConfig
    learns: bool
    interval_s: int
    asked: int = 0
    told: int = 0
    series: int = 0
    new: int = 0


class BaselineRounds(Service):
    """Goes from device to device.

    Args:
        clock: monotonic.
        wall: epoch seconds.
        configs: those that are live.
        ask: asks the reader process.
        tell: hands on what is new, by device.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        configs: Callable[[], Iterable[DeviceConfig]],
        ask: Callable[[LessonsQuery], Awaitable[LessonsTold]],
        tell: Callable[[Mapping[str, Sequence[Learned]]], None],
    ) -> None:
        self._wall = wall
        self._configs = configs
        self._ask = ask
        self._tell = tell
        self._students: dict[str, _Student] = {}
        self._ails = ""
        self._loop = LoopingCall(self._go)
        self._loop.clock = clock

    def figures(self) -> dict[str, int]:
        """Figures for `stats`; none while nothing is learned."""
        students = [student for student in self._students.values() if student.learns]
        if not students:
            return {}
        return {
            "baseline_devices": len(students),
            "baselines": sum(student.series for student in students),
            "baselines_still_learning": sum(student.new for student in students),
        }

    def startService(self) -> None:
        """Begin."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._loop.start(LOOK_S, now=False).addErrback(lambda failure: _log.failure("baselines", failure))

    def stopService(self) -> None:
        """End; an answer that is on its way is not told any more."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._loop.running:
            self._loop.stop()

    def _go(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._round())

    async def _round(self) -> None:
        """Ask about those whose part is over."""
        self._enrol()
        due: list[tuple[str, _Student, int]] = []
        for device, student in self._students.items():
            if not student.learns:
                continue
            end = int(self._wall() - student.interval_s - LATE_S) // PART_S * PART_S
            if end < student.asked:  # the clock was set back
                student.asked = student.told = 0
            if end > student.asked:
                due.append((device, student, end))
        for first in range(0, len(due), MOST_DEVICES):
            if not await self._some(due[first : first + MOST_DEVICES]):
                return

    async def _some(self, due: Sequence[tuple[str, _Student, int]]) -> bool:
        """Ask about some devices; False when it makes no sense to ask about more now."""
        try:
            told = await self._ask(LessonsQuery({device: student.told for device, student, _ in due}))
        except TocsinError as error:
            if str(error) != self._ails:
                _log.warn("baselines are not judged: {error}", error=str(error))
            self._ails = str(error)
            return False
        self._ails = ""
        for device, student, end in due:
            if device not in told.learned:
                continue
            student.asked = end
            student.series = len(told.learned[device])
            student.new = _new(student.config, told.learned[device], self._wall())
            ends = [look.at for learned in told.learned[device] for look in learned.looks[-1:]]
            student.told = max([student.told, *ends])
        news = {device: learned for device, learned in told.learned.items() if learned}
        if news and self.running:
            self._tell(news)
        return bool(self.running)

    def _enrol(self) -> None:
        """Find out of which devices something is learned."""
        known, self._students = self._students, {}
        for config in self._configs():
            student = known.get(config.device)
            if student is None:
                student = _Student(config, learns(_thresholds(config)), _slowest_s(config))
            elif student.config is not config:
                student.config, student.learns = config, learns(_thresholds(config))
                student.interval_s = _slowest_s(config)
            self._students[config.device] = student


def _thresholds(config: DeviceConfig) -> list[ThresholdConfig]:
    """Those of the device, and of its sources."""
    return [*config.thresholds, *(one for source in config.sources for one in source.thresholds)]


def _slowest_s(config: DeviceConfig) -> int:
    """The longest interval of what is learned of."""
    slow: list[int] = [source.interval_s for source in config.sources if learns(source.thresholds)]
    own = [config.interval_s] if learns(config.thresholds) or not slow else []
    return max(slow + own)


def _new(config: DeviceConfig, learned: Iterable[Learned], now: float) -> int:
    """How many are so new that no threshold says anything of them."""
    learn_s: dict[Baseline, int] = {}
    for threshold in _thresholds(config):
        for point in threshold.points:
            wanted, rule = baseline_of(threshold, point), threshold.baseline
            if wanted is not None and rule is not None:
                learn_s[wanted] = min(learn_s.get(wanted, rule.learn_s), rule.learn_s)
    return sum(one.begun + learn_s.get(one.baseline, 0) > now for one in learned)

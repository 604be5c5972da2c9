"""All thresholds of a device: the samples of its components in, events out (pure; docs/process-rules.md).

What is remembered is kept with the events that were decided from it, so that nothing is said twice, or never, when a
daemon dies between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from collectors.framework import absence
from collectors.framework.judgedfigures import CounterBases, Figures, JudgedFigures
from collectors.framework.rates import Moment
from collectors.framework.thresholdmistakes import mistakes
from collectors.framework.thresholdrules import rules
from collectors.framework.thresholds import Verdict, judge
from collectors.framework.thresholdwords import KEY_PREFIX, Rule, end_event, verdict_event, violation_line
from collectors.framework.trend import Window, outlook
from collectors.framework.trendrules import follow, window_s
from collectors.framework.watches import CALM, Watch, silent
from common.configs import DeviceConfig, ThresholdConfig, ThresholdForm
from common.errors import PermanentError
from common.events import Event
from common.queries import Decision
from common.series import Number, Point

PARTS_AT_RISK = 10
"""So many parts of a trend's window at most are not on disk yet."""


_NOTHING: dict[str, Any] = {}
"""What most components have of watches and of trends: one object for all of them, which nobody changes."""


def _nothing() -> Mapping[str, Any]:
    return _NOTHING


class ComponentWatches(Struct, gc=False):
    """What is remembered of a component; `watches` is by event key, and has nothing that is calm.

    Attributes:
        trends: by event key, what values were over the window of a trend.
    """

    watches: Mapping[str, Watch] = field(default_factory=_nothing)
    counters: CounterBases = field(default_factory=CounterBases)
    trends: Mapping[str, Window] = field(default_factory=_nothing)


Watches = dict[str, ComponentWatches]
"""What is remembered of a device, by component."""


class Reading(Struct, frozen=True):
    """The sample of a component; a point that is left out is unknown.

    Attributes:
        born: epoch second since when that is there which is measured; None when it is not known.
        there: whether that is there which is measured; of what is not, no value is missed.
        moment: when it was read, and what tells whether its counts go on; None for that of the scan.
    """

    component: str
    definition: str
    values: Figures
    born: float | None = None
    there: bool = True
    moment: Moment | None = None


class Violation(Struct, frozen=True):
    """A threshold that a component violates now, whether or not that has been said."""

    component: str
    rule: Rule
    watch: Watch
    value: Number | None
    window: Window | None = None

    def line(self) -> str:
        """In words."""
        seen = outlook(self.window, self.window.at) if self.window is not None else None
        return violation_line(self.component, self.rule, self.watch, self.value, seen)


class Judgement(Struct):
    """What one scan means.

    Attributes:
        changed: whether what is remembered has changed in more than figures, and so has to be on disk.
        figures: by component, what was judged, derived points among it; empty where none are derived.
    """

    events: list[Event] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    changed: bool = False
    figures: dict[str, Figures] = field(default_factory=dict)


def share(memory: Watches) -> None:
    """Let what was read from the disk have in common what it had in common before."""
    for kept in memory.values():
        kept.watches, kept.trends = kept.watches or _NOTHING, kept.trends or _NOTHING


def forget_alarms(memory: Watches) -> None:
    """Nothing has been said: whatever is wrong is to be said anew."""
    for kept in memory.values():
        for key, watch in list(kept.watches.items()):
            _put(kept, key, silent(watch))


class ThresholdBook:
    """The thresholds and derived points of a config, ready to judge by; it remembers nothing itself.

    Args:
        points: what is measured.

    Raises:
        PermanentError: the config has `mistakes`.
    """

    def __init__(self, config: DeviceConfig, points: Iterable[Point]) -> None:
        if wrong := mistakes(config):
            raise PermanentError(f"the thresholds of {config.device} cannot be judged: {wrong[0]}", wrong)
        self.device = config.device
        self.interval_s = config.interval_s
        self._rules = rules(config.thresholds, config.derived, tuple(points))

    @property
    def is_empty(self) -> bool:
        """Whether it judges and computes nothing."""
        return not self._rules.all and not self.figures.derived.points

    @property
    def figures(self) -> JudgedFigures:
        """Makes what is judged of what is measured."""
        return self._rules.figures

    def rules_of(self, definition: str) -> dict[str, Rule]:
        """What judges the sets of a definition, by event key."""
        return self._rules.of(definition)

    def decide(self, memory: Watches, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; False when it is no alarm of a threshold.

        The next scan says what differs: an alarm that was closed while its cause goes on is raised anew, and one that
        was opened again ends when its cause is over, or when there is no such threshold or component. A change merely
        happened: nothing of it lasts.
        """
        key = decision.event_key
        if not key.startswith(KEY_PREFIX):
            return False
        # A template and a process set may each have one of that id.
        forms = {rule.threshold.form for rule in self._rules.all if rule.key == key}
        if forms == {ThresholdForm.CHANGE}:
            return True
        kept = memory.setdefault(decision.component, ComponentWatches())
        watch = kept.watches.get(key, CALM)
        if not decision.open:
            watch = silent(watch) if watch.event_class == decision.event_class else watch
        elif not watch.severity:
            watch = msgspec.structs.replace(watch, severity=decision.severity, event_class=decision.event_class)
        _put(kept, key, watch)
        return True

    def judge(
        self,
        memory: Watches,
        readings: Sequence[Reading],
        at: float,
        step: int,
        gone: Mapping[str, str] | None = None,
        *,
        on_turn: bool = True,
    ) -> Judgement:
        """Judge one scan of all components, and bring `memory` up to date.

        Args:
            memory: of the device.
            readings: one for each component that there is. The alarms of any other close.
            at: epoch seconds of the scan.
            step: epoch second of its step. Of two scans in a step the second counts no violation, and knows no rates.
            gone: why a component is not among the readings.
            on_turn: not because something happened in between; only then rates are known.
        """
        scan = _Scan(self, memory, at, step, on_turn=on_turn)
        if memory or not self.is_empty:
            for reading in readings:
                scan.judge(reading)
            for component in sorted(memory.keys() - {reading.component for reading in readings}):
                scan.end_all(component, (gone or {}).get(component, "it is watched no more"))
        return scan.result


class _Scan:
    """One scan being judged."""

    def __init__(self, book: ThresholdBook, memory: Watches, at: float, step: int, *, on_turn: bool) -> None:
        self._book = book
        self._memory = memory
        self._at = at
        self._now = Moment(at)
        self._step = step
        self._on_turn = on_turn
        self._derives = bool(book.figures.derived.points)
        self.result = Judgement()

    def judge(self, reading: Reading) -> None:
        """Judge the sample of one component."""
        rules = self._book.rules_of(reading.definition)
        kept = self._memory.get(reading.component)
        if kept is None:
            if not rules and not self._derives:
                return
            kept = ComponentWatches()
        for key in kept.watches.keys() - rules.keys():
            self._end(reading.component, kept, key, "there is no such threshold any more")
        again = not self._on_turn or (bool(kept.counters.values) and kept.counters.step == self._step)
        now = reading.moment or self._now
        figures = self._book.figures.judged(reading.values, kept.counters, now, self._step, on_turn=self._on_turn)
        if self._derives:
            self.result.figures[reading.component] = figures
        for key, rule in rules.items():
            value = figures.get(rule.point)
            watch = kept.watches.get(key, CALM)
            if value is None and rule.of_absence:
                if again or not reading.there:
                    continue  # of a second scan in a step no rates are known
            elif watch is CALM and (value is None or rule.calm_from <= value <= rule.calm_to):
                continue  # as nearly always
            self._judge_one(reading, kept, rule, watch, value)
        if kept.trends.keys() - rules.keys():
            kept.trends = {key: window for key, window in kept.trends.items() if key in rules} or _NOTHING
        if kept.watches or kept.counters.values or kept.trends:
            self._memory[reading.component] = kept
        else:
            self._memory.pop(reading.component, None)

    def _judge_one(
        self, reading: Reading, kept: ComponentWatches, rule: Rule, watch: Watch, value: Number | None
    ) -> None:
        threshold, component = rule.threshold, reading.component
        if watch.severity and (watch.event_class != threshold.event_class or threshold.form is ThresholdForm.CHANGE):
            self._end(component, kept, rule.key, "the threshold was changed")
            watch = silent(watch)
        if threshold.form is ThresholdForm.TREND:
            after, verdict = self._followed(reading, kept, rule, watch, value)
        elif rule.of_absence:
            after, verdict = absence.follow(threshold, watch, value, self._at, self._step, self._book.interval_s)
        else:
            after, verdict = judge(threshold, watch, value, self._at, self._step)
        if after is not kept.watches.get(rule.key, CALM):
            _put(kept, rule.key, after)
            # Violations that make no difference any more need not be on disk.
            self.result.changed |= verdict is not None or after is CALM or _matters(threshold, watch, after)
        if verdict is not None:
            told = after if after.severity else watch
            said = verdict_event(self._book.device, component, rule, told, verdict, self._at)
            self.result.events.append(said)
        if after.violations or after.severity:
            self.result.violations.append(Violation(component, rule, after, value, kept.trends.get(rule.key)))

    def _followed(
        self, reading: Reading, kept: ComponentWatches, rule: Rule, watch: Watch, value: Number | None
    ) -> tuple[Watch, Verdict | None]:
        """Let a trend go on by a sample."""
        length_s = window_s(rule.threshold, self._book.interval_s)
        window = kept.trends.get(rule.key)
        if window is None or window.length_s != length_s:
            window = Window(length_s=length_s)
            kept.trends = {**kept.trends, rule.key: window}
        part = window.last
        found = follow(rule.threshold, window, watch, value, reading.born, self._at, self._step)
        # A crash loses at most a sixth of the window.
        self.result.changed |= window.last // PARTS_AT_RISK != part // PARTS_AT_RISK
        return found

    def end_all(self, component: str, why: str) -> None:
        """Forget a component."""
        kept = self._memory.pop(component)
        for key in list(kept.watches):
            self._end(component, kept, key, why)

    def _end(self, component: str, kept: ComponentWatches, key: str, why: str) -> None:
        watch = kept.watches[key]
        _put(kept, key, CALM)
        self.result.changed = True
        if watch.severity:
            self.result.events.append(end_event(self._book.device, component, key, watch, why, self._at))


def _put(kept: ComponentWatches, key: str, watch: Watch) -> None:
    if watch != CALM:
        kept.watches = {**kept.watches, key: watch}
    elif key in kept.watches:
        kept.watches = {one: other for one, other in kept.watches.items() if one != key} or _NOTHING


def _matters(threshold: ThresholdConfig, before: Watch, after: Watch) -> bool:
    """Whether a crash would lose a violation that makes a difference."""
    enough = threshold.scans if isinstance(threshold.scans, int) else threshold.scans.needed
    if before.recent != after.recent or before.violations < max(enough, threshold.escalate_after or 0):
        return True
    return threshold.form is ThresholdForm.ABSENCE and absence.is_worth_keeping(threshold, before, after)

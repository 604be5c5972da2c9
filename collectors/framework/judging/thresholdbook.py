"""All thresholds of a device: the samples of its components in, events out (pure; docs/process-rules.md).

What is remembered is kept with the events that were decided from it, so that nothing is said twice, or never, when a
daemon dies between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from collectors.framework.data.spool.intake import AHEAD_S
from collectors.framework.judging import absence, baselinerules
from collectors.framework.judging.baselinerules import Part
from collectors.framework.judging.baselines import Learned
from collectors.framework.judging.componentwatches import ComponentWatches, Watches, put
from collectors.framework.judging.judgedfigures import CounterBases, Figures, JudgedFigures
from collectors.framework.judging.rates import Moment
from collectors.framework.judging.thresholdmistakes import mistakes
from collectors.framework.judging.thresholdrules import rules
from collectors.framework.judging.thresholds import Verdict, judge
from collectors.framework.judging.thresholdwords import KEY_PREFIX, Rule, end_event, verdict_event, violation_line
from collectors.framework.judging.trend import Window, outlook
from collectors.framework.judging.trendrules import follow, window_s
from collectors.framework.judging.watches import CALM, Watch, resumed, silent
from common.configs import DeviceConfig
from common.errors import PermanentError
from common.events import Event
from common.judged import ThresholdConfig, ThresholdForm
from common.queries import Decision
from common.series import Number, Point

PARTS_AT_RISK = 10
"""So many parts of a trend's window at most are not on disk yet."""


_NO_BASES = CounterBases()
"""Of what counts nothing; nobody changes it."""


class Reading(Struct, frozen=True):
    """The sample of a component; a point that is left out is unknown.

    Attributes:
        born: epoch second since when that is there which is measured; None when it is not known.
        learned: what is new of its baselines.
        there: whether that is there which is measured; of what is not, no value is missed.
        moment: when it was read, and what tells whether its counts go on; None for that of the scan.
    """

    component: str
    definition: str
    values: Figures
    born: float | None = None
    there: bool = True
    learned: Sequence[Learned] = ()
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
        put(kept, key, watch)
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
            if not rules and not self._book.figures.counts:  # nothing is to be remembered
                self._figures_of(reading, _NO_BASES)
                return
            kept = ComponentWatches()
        for key in kept.watches.keys() - rules.keys():
            self._end(reading.component, kept, key, "there is no such threshold any more")
        again = not self._on_turn or (bool(kept.counters.values) and kept.counters.step == self._step)
        figures = self._figures_of(reading, kept.counters)
        for key, rule in rules.items():
            if rule.baseline is not None:
                self._judge_parts(reading, kept, rule)
                continue
            value = figures.get(rule.point)
            watch = kept.watches.get(key, CALM)
            if value is None and rule.of_absence:
                if again or not reading.there:
                    continue  # of a second scan in a step no rates are known
            elif watch is CALM and (value is None or rule.calm_from <= value <= rule.calm_to):
                continue  # as nearly always
            self._judge_one(reading, kept, rule, watch, value)
        kept.keep_only(rules.keys())
        if kept.is_nothing:
            self._memory.pop(reading.component, None)
        else:
            self._memory[reading.component] = kept

    def _figures_of(self, reading: Reading, bases: CounterBases) -> Figures:
        """What is judged of a sample; what is derived of it is written, too."""
        now = reading.moment or self._now
        figures = self._book.figures.judged(
            reading.values, bases, now, self._step, on_turn=self._on_turn, step_s=self._book.interval_s
        )
        if self._derives:
            self.result.figures[reading.component] = figures
        return figures

    def _judge_parts(self, reading: Reading, kept: ComponentWatches, rule: Rule) -> None:
        """Judge what is new of a baseline."""
        if rule.key in kept.watches and rule.key not in kept.looked:
            self._end(reading.component, kept, rule.key, "the threshold was changed")
        if kept.looked.get(rule.key, 0) > self._at + AHEAD_S:  # the clock was wrong, and has been set since
            kept.looked = {**kept.looked, rule.key: 0}
        for learned in reading.learned:
            if learned.baseline != rule.baseline:
                continue
            for look in learned.looks:
                if not kept.looked.get(rule.key, 0) < look.at <= self._at:
                    continue
                kept.looked = {**kept.looked, rule.key: look.at}
                watch = kept.watches.get(rule.key, CALM)
                self._judge_one(reading, kept, rule, watch, look.value, Part(look, learned.begun))

    def _judge_one(
        self,
        reading: Reading,
        kept: ComponentWatches,
        rule: Rule,
        watch: Watch,
        value: Number | None,
        part: Part | None = None,
    ) -> None:
        threshold, component = rule.threshold, reading.component
        if watch.severity and (watch.event_class != threshold.event_class or threshold.form is ThresholdForm.CHANGE):
            self._end(component, kept, rule.key, "the threshold was changed")
            watch = silent(watch)
        if threshold.form is ThresholdForm.TREND:
            after, verdict = self._followed(reading, kept, rule, watch, value)
        elif part is not None:
            after, verdict = baselinerules.follow(threshold, watch, part)
        elif rule.of_absence:
            after, verdict = absence.follow(threshold, watch, value, self._at, self._step, self._book.interval_s)
        else:
            known = watch if value is None else resumed(watch, self._step, self._book.interval_s)
            after, verdict = judge(threshold, known, value, self._at, self._step)
        if after is not kept.watches.get(rule.key, CALM):
            put(kept, rule.key, after)
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
        put(kept, key, CALM)
        self.result.changed = True
        if watch.severity:
            self.result.events.append(end_event(self._book.device, component, key, watch, why, self._at))


def _matters(threshold: ThresholdConfig, before: Watch, after: Watch) -> bool:
    """Whether a crash would lose a violation that makes a difference."""
    enough = threshold.scans if isinstance(threshold.scans, int) else threshold.scans.needed
    if before.recent != after.recent or before.violations < max(enough, threshold.escalate_after or 0):
        return True
    return threshold.form is ThresholdForm.ABSENCE and absence.is_worth_keeping(threshold, before, after)

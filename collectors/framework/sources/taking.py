"""What becomes of the readings of a device's sources: samples, alarms, events.

A reading is taken row by row: what cannot be taken is left out alone, and told; all else is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field
from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from collectors.framework.interfaces import CollectorContext
from collectors.framework.judging.baselines import Learned
from collectors.framework.judging.rates import Moment
from collectors.framework.judging.thresholdbook import Judgement, Reading, Violation
from collectors.framework.judging.thresholdwords import KEY_PREFIX
from collectors.framework.sources.checking import MAX_COMPONENTS, Sound, check
from collectors.framework.sources.endings import decide, end_of, gone_of, source_of
from collectors.framework.sources.memory import DeviceMemory, Memories, SourceMemory, Standing, key_of
from collectors.framework.sources.plans import SourcePlan, SourcePlans, free_mistake
from collectors.framework.sources.problems import event_of, follow
from collectors.framework.sources.results import Measured, Problem, Result
from collectors.framework.sources.written import Written
from common.configs import DeviceConfig
from common.errors import TocsinError
from common.events import CLASS_CONFIG, CLASS_DAEMON, Event, Severity
from common.queries import Decision
from common.series import Baseline, Sample

PERSIST_EVERY = 30
"""Readings without a change after which the memory is kept all the same."""
MOST_UNSENT = 1_000
JOBS = "\n\n"
"""What is remembered under this is of the jobs of the device together."""

_log = Logger()


class Taken(Struct):
    """What was made of some readings.

    Attributes:
        samples: that were written.
        events: that were sent.
        violations: thresholds that are violated now, whether or not that has been said.
        refused: what was left out, each a sentence.
    """

    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class SourceTaker:
    """Takes what is read of one device.

    Args:
        service: of the collector; with the device it names what is remembered.
        event_class: of problems that have none of their own.
        config: of the device.
    """

    def __init__(self, service: str, event_class: str, context: CollectorContext, config: DeviceConfig) -> None:
        self._service = service
        self._event_class = event_class
        self._group = service[:1].upper() + service[1:]
        self._context = context
        self._config = config
        self._plans = SourcePlans(config)
        self._free: dict[tuple[object, ...], SourcePlan] = {}
        self._jobs: frozenset[str] | None = None
        self._mistakes: tuple[str, ...] | None = None
        self._lock = DeferredLock()
        self._memories = Memories()
        self._memory = self._load()
        self._written = Written()
        self._learned: dict[str, dict[tuple[str, Baseline], Learned]] = {}  # by source
        self._decisions: list[Decision] = []
        self._unsent: list[Event] = []
        self._takes = 0
        self._stale = True  # what is remembered may be of another config
        self._changed = False

    # --- what others tell ---------------------------------------------------------------------------------------------

    def update(self, config: DeviceConfig, jobs: Iterable[str], mistakes: Iterable[str] = ()) -> None:
        """Go by another config, and by jobs of these ids; `settle` has alarms of what is gone end.

        Args:
            config: of the device.
            jobs: ids of those that are done.
            mistakes: why others are not, each a sentence.
        """
        if config is not self._config:
            self._plans = SourcePlans(config)
            self._free.clear()
        self._config = config
        self._jobs = frozenset(jobs)
        self._mistakes = tuple(mistakes)
        self._stale = True

    def decided(self, decision: Decision, *, of_nobody: bool = False) -> bool:
        """Take note of what an operator made of an alarm; False when it is none of a source.

        Args:
            decision: of the device.
            of_nobody: nobody else has such a source: take alarms of thresholds of any.
        """
        if decision.event_class == CLASS_DAEMON:
            return False
        mine = self._memory.knows(decision.event_class, decision.event_key)
        if decision.event_key.startswith(KEY_PREFIX):
            source = source_of(decision)
            mine = of_nobody or self._plans.at(source, of_device=False) is not None
            mine = mine or any(kept.source == source for kept in self._memory.sources.values())
        if mine:
            self._decisions.append(decision)
        return mine

    # --- taking -------------------------------------------------------------------------------------------------------

    async def settle(self) -> list[Event]:
        """Have alarms end of what is gone, also if nothing is read any more.

        Raises:
            TransientError: the disk refused; it is done with the next reading.
        """
        return (await self.take((), job=None)).events

    async def take(
        self, results: Sequence[Result], job: str | None = "", failed: str = "", interval_s: int = 60
    ) -> Taken:
        """Take what a job has read, or the sentence why it could not.

        Args:
            results: in order of time.
            job: id of the job; None where nothing was done.
            failed: why it could not; empty where it could.
            interval_s: of sources that the config does not have, where their readings do not say.

        Raises:
            TransientError: the disk refused; what was decided is decided anew by the next reading.
        """
        await self._lock.acquire()
        try:
            if job is not None and self._jobs is not None and job not in self._jobs:
                return Taken()  # the last words of a job that is done no more: nobody would ever say that it is over
            return await self._take(results, job, failed, interval_s)
        finally:
            self._lock.release()

    async def _take(self, results: Sequence[Result], job: str | None, failed: str, interval_s: int) -> Taken:
        now, taken = self._context.wall(), Taken()
        unsent, decisions = self._unsent, self._decisions
        self._unsent, self._decisions = [], []
        once: list[Event] = []
        try:
            events = [*unsent, *self._begin(decisions, now)]
            events += self._decide(results, job, failed, interval_s, now, once, taken)
            taken.events = [*events, *once]
            await self._keep(taken.events)
        except BaseException as error:
            # Nothing was stored: decide again from what was, or the events would be lost.
            self._memory, self._stale = self._load(), True
            self._decisions[:0] = decisions
            self._unsent = [*unsent, *(once if isinstance(error, TocsinError) else ())][-MOST_UNSENT:]
            raise
        return taken

    def _decide(
        self,
        results: Sequence[Result],
        job: str | None,
        failed: str,
        interval_s: int,
        now: float,
        once: list[Event],
        taken: Taken,
    ) -> list[Event]:
        """What is to be told of readings; what happened once goes to `once`. Their samples are written."""
        events: list[Event] = []
        problems: list[Problem] = []
        if failed:
            problems.append(Problem(key=_key("job_failed", job or ""), summary=failed, severity=Severity.ERROR))
        for result in results:
            plan = self._plan(result, interval_s)
            if isinstance(plan, str):
                taken.refused.append(plan)
                problems.append(Problem(key=_key("source_unknown", result.source), summary=plan))
                continue
            events += self._one(plan, result, job or "", now, once, taken)
        if job is not None:
            events += self._troubles(key_of("", job) or "\n", job, problems, now)
        self._context.samples.write(taken.samples)
        return events

    def _plan(self, result: Result, interval_s: int) -> SourcePlan | str:
        """What a reading is judged by, or why there is nothing."""
        found = self._plans.of(result)
        if found is not None:
            return found
        if not result.points:
            return f"readings of source {result.source!r:.80} are left out: the config has none of that id"
        step_s = result.interval_s or interval_s
        if wrong := free_mistake(result, step_s):
            return f"readings of source {result.source!r:.80} are left out: {wrong}"
        key = (result.source, tuple(result.points), step_s)
        plan = self._free.get(key)
        if plan is None:
            if len(self._free) >= MAX_COMPONENTS:
                self._free.clear()
            plan = SourcePlan(self._config, id=result.source, interval_s=step_s, points=result.points)
            self._free[key] = plan
        return plan

    def _one(
        self, plan: SourcePlan, result: Result, job: str, now: float, once: list[Event], taken: Taken
    ) -> list[Event]:
        """Take one reading; what happened once goes to `once`."""
        key = key_of(plan.source, result.part, of_device=plan.of_device)
        kept = self._source(key, plan, result.part, job)
        device = self._config.device
        sound = check(result, plan, self._written.components(plan.source, now), device, now)
        events: list[Event] = []
        if sound.step is not None:
            judged = self._judge(plan, kept, sound, result, now)
            events += judged.events
            self._changed |= judged.changed
            taken.violations += judged.violations
            taken.samples += self._written.samples(device, plan, sound, sound.step, judged.figures, now)
        taken.refused += sound.refused
        once += sound.events
        told = follow(self._memory, kept, self._problems(plan, sound), self._event_class)
        self._changed |= bool(told)
        self._memories.changed(key)
        return events + [self._event(one, now, stands=stands) for one, stands in told]

    def _judge(self, plan: SourcePlan, kept: SourceMemory, sound: Sound, result: Result, now: float) -> Judgement:
        step = sound.step
        assert step is not None
        if (plan.book.is_empty and not kept.thresholds) or step < kept.step <= now:
            return Judgement()
        kept.step = step
        at = now if now < step + 2 * plan.interval_s else float(step + plan.interval_s)
        waiting = self._learned if not self._plans.both(plan.source) else {}
        learned = tuple((waiting.pop(plan.source, None) or self._learned.get(plan.source, {})).values())
        readings = [
            Reading(name, "", row.values, learned=learned and _of(name, learned), moment=_moment(row, step))
            for name, row in sound.rows.items()
        ]
        gone = {name: "it is not to be monitored" for name in kept.thresholds if name in plan.left_out}
        if result.complete:
            judged = kept.thresholds.keys() - sound.rows.keys() - gone.keys()
            gone |= dict.fromkeys(judged, "it is there no more")
            return plan.book.judge(kept.thresholds, readings, at, step, gone)
        # Of those that were not read nothing is concluded.
        some = {name: kept.thresholds.pop(name) for name in [*sound.rows, *gone] if name in kept.thresholds}
        found = plan.book.judge(some, readings, at, step, gone)
        kept.thresholds |= some
        return found

    def _problems(self, plan: SourcePlan, sound: Sound) -> list[Problem]:
        """What a reading says is wrong, and what is wrong with it."""
        found = list(sound.problems)
        if sound.left:
            count = f"{sound.left} were" if sound.left > 1 else "1 was"
            text = f"of what source {plan.source} reads, {count} left out: {sound.words()}"
            found.append(Problem(key=_key("reading_refused", plan.source), summary=text))
        flaws = plan.book.figures.derived.flaws
        if flaws:
            cure = "correct the template, or bring the collector up to the version of the hub"
            text = f"points of source {plan.source} cannot be computed, and are unknown: {'; '.join(flaws[:5])}; {cure}"
            key = _key("derived_points", plan.source)
            found.append(Problem(key=key, summary=text, event_class=CLASS_CONFIG))
        return found

    def _troubles(self, key: str, job: str, problems: Sequence[Problem], now: float) -> list[Event]:
        """What is to be told that is of no source."""
        if not problems and key not in self._memory.sources:
            return []
        kept = self._memory.sources.setdefault(key, SourceMemory(part=job, job=job))
        told = follow(self._memory, kept, problems, self._event_class)
        self._changed |= bool(told)
        self._memories.changed(key)
        if not kept.problems:
            del self._memory.sources[key]
        return [self._event(one, now, stands=stands) for one, stands in told]

    def _source(self, key: str, plan: SourcePlan, part: str, job: str) -> SourceMemory:
        kept = self._memory.sources.get(key)
        if kept is None:
            self._memory.make_room()
            kept = self._memory.sources[key] = SourceMemory(source=plan.source, part=part)
            self._changed = True
        kept.job, kept.configured, kept.of_device = job, plan.configured, plan.of_device
        return kept

    # --- before anything is taken -------------------------------------------------------------------------------------

    def _begin(self, decisions: Sequence[Decision], now: float) -> list[Event]:
        """Bring what is remembered to what the hub has open, and to the config."""
        memory, hub = self._memory, self._context.hub_epoch()
        if hub and memory.hub != hub:
            if memory.hub:
                memory.forget_alarms()
                self._memories = Memories()
            memory.hub = hub
            self._changed = True
        for one in self._context.lessons.take(self._config.device):
            self._learned.setdefault(one.series.source, {})[one.series.component, one.baseline] = one
        events = [event for decision in decisions for event in self._take_decision(decision, now)]
        if self._stale:
            events += self._end_what_is_gone(now)
            if self._mistakes is not None:
                wrong = "; ".join(self._mistakes)
                events += self._troubles(JOBS, "", [Problem(key="job_refused", summary=wrong)] if wrong else [], now)
            self._stale = False
        return events

    def _take_decision(self, decision: Decision, now: float) -> list[Event]:
        """The next reading says what differs: what was closed and goes on is raised anew."""
        self._changed = True
        changed, has_cause = decide(self._memory, self._plans, decision)
        for key in changed:
            self._memories.changed(key)
        if has_cause or not decision.open:
            return []
        one = Standing(
            component=decision.component, event_class=decision.event_class, key=decision.event_key, severity=0
        )
        return [self._event(one, now, stands=False, over="there is no cause for it")]

    def _end_what_is_gone(self, now: float) -> list[Event]:
        """Alarms of what is read no more end."""
        events: list[Event] = []
        for key in gone_of(self._memory, self._plans, self._jobs):
            if key == JOBS:
                continue
            kept = self._memory.sources.pop(key)
            self._changed = True
            events += end_of(kept, self._memory, self._config.device, self._group, now)
            if not any(other.source == kept.source for other in self._memory.sources.values()):
                self._written.forget(kept.source)
        return events

    # --- keeping ------------------------------------------------------------------------------------------------------

    async def _keep(self, events: Sequence[Event]) -> None:
        self._takes += 1
        if not events and not self._changed and self._takes % PERSIST_EVERY:
            return
        self._changed = False
        await self._context.events.send(events, state_key(self._service, self._config.device), self._dump())

    def _dump(self) -> bytes:
        return self._memories.dump(self._memory)

    def _load(self) -> DeviceMemory:
        return self._memories.load(self._context.states.load(state_key(self._service, self._config.device)))

    def _event(self, one: Standing, now: float, *, stands: bool, over: str = "it is over") -> Event:
        return event_of(self._config.device, one, now, self._group, stands=stands, over=over)


def state_key(service: str, device: str) -> str:
    """Name of what is remembered of a device, in the state store."""
    return f"sources:{service}:{device}"


def _key(word: str, what: str) -> str:
    return f"{word}:{what}" if what else word


def _moment(row: Measured, step: int) -> Moment:
    return Moment(row.taken or float(step), row.uptime_s, row.discontinuity)


def _of(component: str, learned: Sequence[Learned]) -> Sequence[Learned]:
    return [one for one in learned if one.series.component == component]

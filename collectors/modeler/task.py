"""One device: model it when it is due, or when somebody asks; tell the hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, ITask
from collectors.framework.timing import delay_s, phase
from collectors.modeler.facts import Facts, Plugin
from collectors.modeler.memory import dump, essence, load
from collectors.modeler.modelling import Modelled, fitted, modelled
from collectors.modeler.outbox import Outbox
from collectors.modeler.plugins.catalogue import chosen
from common.configs import DeviceConfig, SourceKind
from common.errors import TocsinError, TransientError
from common.events import CLASS_MODEL, Event, Severity
from common.queries import Decision
from common.wire import MAX_REASON, ModelReport, PluginOutcome

LOOK_EVERY_S = 600
"""How often a device is looked at, whether it is due; also how soon one is tried again that was silent."""
TIMEOUT_S = 120.0
MAX_ASKED = 20
GROUP = "Model"
FAILED, REFUSED = "model_failed", "model_refused"
OUR_ERROR = "an error of ours; the traceback is in the log of the modeler"
ENDED = "the modelling was ended before it was done: the device has left this modeler, or the modeler stops"

_log = Logger()


class Reader(Protocol):
    """Reads one device."""

    async def read(self, plugins: Sequence[Plugin[Any]]) -> Facts:
        """Read what these plugins need.

        Raises:
            TocsinError: nothing can be read; the sentence says why.
        """


class Ask(Struct, frozen=True):
    """Somebody wants the device modelled, and waits."""

    run: str
    dry_run: bool


class _Reading(Struct, frozen=True):
    """When, in epoch and in monotonic seconds, and by what, a device was last modelled."""

    at: float
    essence: str
    began: float = 0.0


def state_key(device: str) -> str:
    """Name of a device's memory in the state store."""
    return f"model:{device}"


@implementer(ITask)
class ModelTask:
    """Models one device.

    The scheduler runs it far more often than a device is modelled: a run in which nothing is due costs nothing, and
    so neither a restart models all devices at once, nor does a device that was away wait for its next turn.
    """

    def __init__(
        self,
        config: DeviceConfig,
        context: CollectorContext,
        make_reader: Callable[[DeviceConfig], Reader],
        outbox: Outbox,
        choose: Callable[[DeviceConfig], list[Plugin[Any]]] = chosen,
    ) -> None:
        self._config = config
        self._choose = choose
        self._context = context
        self._make_reader = make_reader
        self._outbox = outbox
        self._memory = load(context.states.load(state_key(config.device)))
        at = self._memory.modelled_at
        self._last = None if at is None else _Reading(at, self._memory.essence)
        self._failed = False
        self._in_vain = 0  # modellings in a row that read much and brought less than all
        self._again_at = 0.0  # monotonic seconds; before that it is not tried again of itself
        self._tried = ""  # the essence of the last try
        self._told = ""
        self._asked: list[Ask] = []
        self._serving: list[Ask] = []
        self._decisions: list[Decision] = []
        self.name = f"model:{config.device}"
        self.timeout_s = TIMEOUT_S
        self.rests = False

    @property
    def interval_s(self) -> int:
        """Seconds from look to look."""
        return min(self._config.interval_s, LOOK_EVERY_S)

    def ask(self, ask: Ask) -> None:
        """Take note that somebody waits; the next run that begins is theirs.

        Raises:
            TransientError: too many wait already.
        """
        if any(other.run == ask.run for other in (*self._asked, *self._serving)):
            return
        if len(self._asked) >= MAX_ASKED:
            raise TransientError(
                f"{len(self._asked)} modellings of {self._config.device} wait already; try again later"
            )
        self._asked.append(ask)

    def decided(self, decision: Decision) -> None:
        """Take note of what an operator made of an alarm."""
        self._decisions.append(decision)

    @property
    def lane(self) -> str:
        """The network of the device."""
        here = self._config.source is SourceKind.LOCAL
        return "" if here else self._context.networks.of(self._config.address)

    def update(self, config: DeviceConfig) -> None:
        """Work by another config from the next run on."""
        self._config = config

    async def close(self) -> None:
        """End for good; whoever waits is told."""
        asked, self._asked = self._asked, []
        if asked:
            self._tell(asked, self._reading(), [], ENDED)

    async def run(self, _slot: int) -> None:
        """Model the device if it is due, or if somebody asked."""
        await self._heed_hub()
        asked, self._asked = self._asked, []
        if asked or self._is_due():
            await self._judge(await self._serve(asked, self._reading()))

    def _reading(self) -> _Reading:
        return _Reading(self._context.wall(), essence(self._config), self._context.clock.seconds())

    # --- modelling ----------------------------------------------------------------------------------------------------

    async def _serve(self, asked: list[Ask], reading: _Reading) -> Modelled:
        """Model, and answer everybody who asked, whatever comes of it."""
        began, found, problem = reading.began, None, OUR_ERROR
        self._serving, self._failed, self._tried = asked, True, reading.essence
        self._again_at = 0.0
        try:
            found, problem = await self._model(), ""
            if not asked or not all(ask.dry_run for ask in asked):
                self._last = reading
        except CancelledError:
            problem = self._too_long(began) or ENDED
            self._put_off()
            raise
        except TocsinError as error:
            problem = self._too_long(began) or error.message
            if self._too_long(began):
                self._put_off()
            raise
        except Exception:
            self._put_off()
            raise
        finally:
            self._serving = []
            self._tell(asked, reading, found.outcomes if found is not None else [], problem)
        self._failed = False
        return found

    async def _model(self) -> Modelled:
        config, plugins = self._config, self._choose(self._config)
        try:
            facts = await self._make_reader(config).read(plugins)
        except TocsinError as error:
            await self._say(FAILED, Severity.ERROR, f"{config.device} cannot be modelled: {error.message}")
            raise
        return modelled(plugins, facts, config)

    async def _judge(self, found: Modelled) -> None:
        if not found.problem:
            await self._say(FAILED, Severity.CLEAR, "the device can be modelled")
            self._settle()
            return
        self._put_off()
        severity, how = (Severity.WARNING, "in part") if found.is_partial else (Severity.ERROR, "not at all")
        await self._say(FAILED, severity, f"{self._config.device} could be modelled {how}: {found.problem}")

    def _too_long(self, began: float) -> str:
        if self._context.clock.seconds() - began < TIMEOUT_S:
            return ""
        return f"{self._config.device} could not be modelled within {TIMEOUT_S:g} s"

    def _put_off(self) -> None:
        """Reading all that in vain again and again would be a burden: 10 minutes, 20, 40, … up to the interval."""
        wait_s = min(LOOK_EVERY_S * 2 ** min(self._in_vain, 20), self._config.interval_s)
        self._in_vain += 1
        self._again_at = self._context.clock.seconds() + wait_s - LOOK_EVERY_S / 2  # looks are not quite regular

    def _settle(self) -> None:
        """Nothing is wrong any more, as far as is known."""
        if not self._memory.alarms:
            self._in_vain, self._again_at = 0, 0.0

    def _is_due(self) -> bool:
        last, interval_s, now = self._last, self._config.interval_s, self._context.wall()
        looks_for = essence(self._config)
        if self._context.clock.seconds() < self._again_at and self._tried == looks_for:
            return False
        if self._failed or self._memory.alarms or last is None or last.essence != looks_for:
            return True
        if last.at > now + interval_s:
            return True  # the clock was wrong then
        return now >= last.at + delay_s(last.at, interval_s, phase(self.name))

    # --- telling the hub ----------------------------------------------------------------------------------------------

    def _tell(self, asked: list[Ask], reading: _Reading, outcomes: list[PluginOutcome], problem: str) -> None:
        """A report for everybody who asked, or one of the cycle; the same failure is not told again and again."""
        if not asked and problem and problem == self._told:
            return
        self._told = problem
        for ask in asked or [Ask("", dry_run=False)]:
            report = ModelReport(
                device=self._config.device,
                at=reading.at,
                age_s=self._context.clock.seconds() - reading.began,
                run=ask.run,
                dry_run=ask.dry_run,
                outcomes=outcomes,
                problem=problem[:MAX_REASON],
            )
            self._outbox.put(*fitted(report))

    async def taken(self, report: ModelReport) -> None:
        """The hub has it: a restart need not model the device again before it is due."""
        last = self._last
        if last is not None and last.at == report.at and not report.dry_run:
            self._memory.modelled_at, self._memory.essence = last.at, last.essence
            await self._keep([])
        await self._say(REFUSED, Severity.CLEAR, "the hub takes the model of this device")
        self._settle()

    async def refused(self, reason: str) -> None:
        """The hub will not have it."""
        self._put_off()
        await self._say(REFUSED, Severity.ERROR, f"the hub refuses the model of {self._config.device}: {reason}")

    def dropped(self, report: ModelReport) -> None:
        """It never came to the hub: the device is due again."""
        if self._last is not None and self._last.at == report.at:
            self._wants_it()

    # --- events -------------------------------------------------------------------------------------------------------

    async def _heed_hub(self) -> None:
        """Bring what is thought of the hub to what it is: another one knows nothing, operators may decide otherwise.

        It is kept at once: what a full disk takes back later must not take this with it.
        """
        memory, hub = self._memory, self._context.hub_epoch()
        is_other = bool(hub and memory.hub and memory.hub != hub)
        if is_other:
            memory.alarms.clear()
            memory.modelled_at = None
            self._wants_it()
        memory.hub = hub or memory.hub
        decisions, self._decisions = self._decisions, []
        for decision in decisions:
            if decision.open:
                memory.alarms.setdefault(decision.event_key, decision.severity)
            else:
                memory.alarms.pop(decision.event_key, None)
            self._wants_it()  # an alarm whose cause goes on is raised anew, one whose cause is over ends
        if not decisions and not is_other:
            return
        try:
            await self._keep([])
        except TransientError as error:
            self._decisions[:0] = decisions
            _log.error("what was decided of {device} is not kept yet: {error}", device=self._config.device, error=error)

    def _wants_it(self) -> None:
        """The device is due with the next look."""
        self._last, self._again_at = None, 0.0

    async def _say(self, key: str, severity: Severity, text: str) -> None:
        """Open or close an alarm; nothing when it is as it was."""
        alarms = self._memory.alarms
        if alarms.get(key, Severity.CLEAR) == severity:
            return
        if severity is Severity.CLEAR:
            del alarms[key]
        else:
            alarms[key] = int(severity)
        await self._keep([self._event(key, severity, text)])

    async def _keep(self, events: list[Event]) -> None:
        key = state_key(self._config.device)
        try:
            await self._context.events.send(events, key, dump(self._memory))
        except TocsinError:
            self._memory = load(self._context.states.load(key))  # nothing was stored: it is decided again from what was
            raise

    def _event(self, key: str, severity: Severity, text: str) -> Event:
        return Event(
            device=self._config.device,
            event_class=CLASS_MODEL,
            event_key=key,
            severity=severity,
            summary=text[:512],
            message=text[:8192],
            at=self._context.wall(),
            group=GROUP,
        )

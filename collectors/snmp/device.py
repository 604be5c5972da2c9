"""One device: what is due is asked of it in one pass, and every source makes its reading of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from twisted.logger import Logger

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Due
from collectors.framework.networks import SILENT
from collectors.framework.snmp.backoff import NO_ANSWER, Backoff, within
from collectors.framework.snmp.interfaces import ISnmpClient, SnmpClientFactory
from collectors.framework.snmp.sizing import Sizing
from collectors.framework.sources.results import Measured, Problem, Result
from collectors.snmp.echosocket import PingImpossibleError
from collectors.snmp.flaws import flaws, unreadable
from collectors.snmp.gate import Gate
from collectors.snmp.join import join
from collectors.snmp.naming import Names
from collectors.snmp.ping import Pinger
from collectors.snmp.reading import AgentReader
from collectors.snmp.readings import Readings
from collectors.snmp.recipe import Asked, Key, Recipe, recipe_of
from collectors.snmp.resting import Resting
from common.configs import DeviceConfig, SnmpConfig
from common.errors import TocsinError
from common.sources import PingSource, SnmpSource

LEAST_PASS_S, MOST_PASS_S = 10.0, 300.0
"""How long a pass may take, whatever the interval."""
READING_SHARE = 0.9
"""Of that, for asking."""
SILENCE_SHARE = 0.5
"""Of that again, after which it is known that a device does not answer."""

_log = Logger()


class Learnt(Struct, frozen=True):
    """What is kept of a device over restarts."""

    sizing: Sizing
    down: tuple[str, ...] = ()


def state_key(device: str) -> str:
    """Name of what is kept of a device, in the state store."""
    return f"snmp:{device}"


class Device:
    """Reads one device, from config to config.

    Args:
        clients: makes them.
        pinger: of all devices.
    """

    def __init__(
        self, config: DeviceConfig, context: CollectorContext, clients: SnmpClientFactory, pinger: Pinger
    ) -> None:
        self._context = context
        self._clients = clients
        self._pinger = pinger
        self._reader = AgentReader(context.clock, context.wall)
        self._backoff = Backoff(context.networks.settings.silent_s, context.rng)
        self._resting: dict[Key, Resting] = {}
        self._open: ISnmpClient | None = None
        learnt = self._load(config.device)
        self._kept = (learnt.sizing.learnt(), learnt.down)
        self._sizing = learnt.sizing
        self._gate = Gate(learnt.down)
        self._config = config
        self._recipes: dict[Key, Recipe] = {}
        self._names: dict[Key, Names] = {}
        self._take(config)

    # --- config -------------------------------------------------------------------------------------------------------

    def update(self, config: DeviceConfig) -> None:
        """Work by another config from now on; of what it has in common with the one before nothing is forgotten."""
        before = self._config
        same = (config.address, self._snmp_of(config)) == (before.address, self._snmp_of(before))
        self._config = config
        self._take(config)
        if not same:
            self._hang_up()
        if config.address != before.address:
            self._reader.forget()
            self._resting.clear()
        if config != before:
            self._backoff.again()

    def _take(self, config: DeviceConfig) -> None:
        before = self._recipes
        recipes = [recipe_of(one) for one in config.sources if isinstance(one, SnmpSource)]
        self._recipes = {recipe.key: recipe for recipe in recipes}
        self._names.clear()
        self._pings = [one for one in config.sources if isinstance(one, PingSource)]
        self._gate.keep(self._pings)
        for key in list(self._resting):
            if key not in self._recipes or self._recipes[key].objects != before[key].objects:
                del self._resting[key]  # other objects have its numbers now

    @property
    def interval_s(self) -> int:
        """The shortest of its sources."""
        return min((one.interval_s for one in self._config.sources), default=self._config.interval_s)

    @property
    def timeout_s(self) -> float:
        """How long a pass may take."""
        return min(max(float(self.interval_s), LEAST_PASS_S), MOST_PASS_S)

    @property
    def lane(self) -> str:
        """Its network; those that do not answer are in a lane of their own."""
        return SILENT if self._backoff.silent else self._context.networks.of(self._config.address)

    @property
    def rests(self) -> bool:
        """Whether it is to be left alone, because it does not answer."""
        if self._pings:  # these are to see when it does
            return False
        return self._silent_now()

    def _silent_now(self) -> bool:
        back_at = self._context.networks.back_at(self._config.address)
        return self._backoff.rests(self._context.clock.seconds(), back_at)

    def close(self) -> None:
        """End for good."""
        self._hang_up()

    # --- a pass -------------------------------------------------------------------------------------------------------

    async def run(self, due: Due) -> Sequence[Result]:
        """Read what is due."""
        began = self._context.clock.seconds()
        results: list[Result] = []
        unanswered = False
        for source in self._pings:
            if source.interval_s in due.steps:
                result, answered = await self._ping(source, due.steps[source.interval_s])
                results.append(result)
                unanswered = unanswered or (source.gates and not answered)
        wanted = [one for one in self._recipes.values() if one.source.interval_s in due.steps]
        if wanted and not self._gate.closed and not self._silent_now():
            left_s = READING_SHARE * self.timeout_s - (self._context.clock.seconds() - began)
            results += await self._read(wanted, due, max(left_s, 1.0), unanswered=unanswered)
        await self._keep()
        return results

    async def _ping(self, source: PingSource, step: int) -> tuple[Result, bool]:
        try:
            reading = await self._pinger.reading(source, self._config.address)
        except PingImpossibleError as error:
            problems = tuple(self._gate.cannot(source, error.message))
            return Result(source=source.id, step=step, complete=False, problems=problems), True
        except TocsinError as error:
            problems = (unreadable(error), *self._gate.problems(source.id))
            return Result(source=source.id, step=step, complete=False, problems=problems), True
        problems = tuple(self._gate.heed(source, reading, self._config.address))
        row = Measured(component="", values=reading.values(), taken=self._context.wall())
        return Result(source=source.id, step=step, rows=(row,), problems=problems), bool(reading.answered)

    async def _read(self, wanted: Sequence[Recipe], due: Due, limit_s: float, *, unanswered: bool) -> Sequence[Result]:
        """Read sources over SNMP.

        Args:
            wanted: the sources.
            due: what the run is for.
            limit_s: after which it is ended.
            unanswered: it has just not answered to a ping: if it does not answer now either, the ping says so.
        """
        began = self._context.clock.seconds()
        asked = {one.key: self._asked(one, due.steps[one.source.interval_s]) for one in wanted}
        objects = [[recipe.objects[place - 1] for place in sorted(asked[recipe.key])] for recipe in wanted]
        if not any(objects):
            return [self._result(recipe, Readings(at=due.at), due, asked[recipe.key]) for recipe in wanted]
        try:
            readings = await self._pass(objects, limit_s)
        except TocsinError as error:
            if not isinstance(error, NO_ANSWER):
                raise
            self._backoff.failed(began, self.interval_s)
            if unanswered:
                return ()
            return [self._unread(recipe, due, unreadable(error)) for recipe in wanted]
        if self._backoff.silent:
            self._context.networks.is_back(self._config.address, began)
        self._backoff.answered()
        return [self._result(recipe, readings, due, asked[recipe.key]) for recipe in wanted]

    async def _pass(self, objects: Sequence[Sequence[Asked]], limit_s: float) -> Readings:
        if self._open is None:
            snmp = within(self._snmp_of(self._config), SILENCE_SHARE * READING_SHARE * self.timeout_s)
            make: SnmpClientFactory = self._context.tap.clients(self._config, self._clients)
            self._open = make(self._config.address, snmp)
            self._open.sizing = self._sizing
        return await self._reader.read(self._open, objects, limit_s, silent=self._backoff.silent)

    def _asked(self, recipe: Recipe, step: int) -> frozenset[int]:
        """What is asked for a source now: all but what rests; nothing where its rows would have no names."""
        used = recipe.figures | recipe.named
        resting = self._resting.setdefault(recipe.key, Resting()).now(step)
        rows = recipe.walked & used
        nameless = bool(recipe.named) and recipe.named <= resting
        return frozenset() if nameless or (rows and rows <= resting) else used - resting

    def _result(self, recipe: Recipe, readings: Readings, due: Due, asked: frozenset[int]) -> Result:
        step = due.steps[recipe.source.interval_s]
        joined = join(recipe, readings, asked, self._names.setdefault(recipe.key, Names()))
        resting = self._resting[recipe.key]
        known = recipe.figures | recipe.named
        bad = {place: came for place, came in joined.bad.items() if place in asked}
        resting.heed(step, recipe.source.interval_s, bad, joined.good & known)
        return Result(
            source=recipe.source.id,
            step=step,
            rows=joined.rows,
            complete=bool(asked) and not joined.cut and not joined.left,
            problems=flaws(recipe, joined, resting.came()),
        )

    def _unread(self, recipe: Recipe, due: Due, problem: Problem) -> Result:
        return Result(
            source=recipe.source.id, step=due.steps[recipe.source.interval_s], complete=False, problems=(problem,)
        )

    # --- session and memory -------------------------------------------------------------------------------------------

    @staticmethod
    def _snmp_of(config: DeviceConfig) -> SnmpConfig:
        return config.snmp or SnmpConfig()

    def _hang_up(self) -> None:
        if self._open is not None:
            self._sizing = self._open.sizing
            self._open.close()
            self._open = None

    def _load(self, device: str) -> Learnt:
        kept: Any = self._context.states.load(state_key(device))
        if kept is not None:
            try:
                return msgspec.msgpack.decode(kept, type=Learnt)
            except msgspec.MsgspecError:
                _log.warn("what was kept of {device} cannot be read; it is learnt anew", device=device)
        return Learnt(Sizing())

    async def _keep(self) -> None:
        """Keep what was learnt, when that is something else than what is kept."""
        sizing = self._open.sizing if self._open is not None else self._sizing
        down = tuple(sorted(self._gate.down))
        kept = (sizing.learnt(), down)
        if kept != self._kept:
            learnt = msgspec.msgpack.encode(Learnt(sizing, down))
            await self._context.events.send((), state_key(self._config.device), learnt)
            self._kept = kept

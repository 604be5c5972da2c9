"""Takes figures that came to the hub's API, row by row.

A row that names a handler is a reading of that handler's source. One that names none has a file for each of its points,
because whoever pushes one figure at a time would otherwise give a file's step to the first of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from collectors.framework.interfaces import CollectorContext
from collectors.framework.sources.results import Measured, Result
from collectors.framework.sources.taking import SourceTaker, state_key
from collectors.probes.pushed.book import PushSettings, SeriesBook
from common.configs import DeviceConfig
from common.events import CLASS_PROBE
from common.pushed import Pushed, PushedRow, PushQuery
from common.queries import Decision
from common.series import PUSHED, Number, Point, snap
from common.sources import DEVICE

SERVICE = "push"
BOOK_KEY = "pushed-series"
"""Name of the book in the state store."""
MAX_DEVICES = 5_000
MAX_SERIES = 100_000
MAX_REASON = 500

K = TypeVar("K")
V = TypeVar("V")
Series = tuple[str, str, str]
"""Device, component and source."""


class _Last(Struct, frozen=True):
    """What was taken of a series last."""

    step: int
    values: Mapping[str, Number | None]


class _Reading(Struct, frozen=True):
    """What a row comes to, with the points that there may be, and the step of its source."""

    result: Result
    points: Sequence[Point]
    step_s: int


class PushDesk:
    """Takes figures of any device. Of what was not heard of for long it knows nothing any more."""

    def __init__(self, context: CollectorContext, settings: PushSettings = PushSettings()) -> None:  # noqa: B008 - it is frozen
        self._context = context
        self._book = SeriesBook(settings, context.states.load(BOOK_KEY))
        self._takers: OrderedDict[str, tuple[DeviceConfig, SourceTaker]] = OrderedDict()
        self._last: OrderedDict[Series, _Last] = OrderedDict()
        self.taken = 0
        self.refused = 0

    async def answer(self, query: PushQuery) -> Pushed:
        """Take rows in order of time. What was taken is durable within a second, as all samples are.

        Raises:
            TransientError: the disk refuses. Who sends all of it again has nothing twice.
        """
        now = self._context.wall()
        taker = self._taker(query.config)
        refused: list[tuple[int, str]] = []
        for place, row in sorted(enumerate(query.rows), key=lambda one: one[1].at or now):
            wrong = await self._take(taker, query.config, row, row.at or now)
            if wrong:
                refused.append((place, wrong[:MAX_REASON]))
        if self._book.is_due(now):
            try:
                await self._context.events.send((), BOOK_KEY, self._book.dump(now))
            except BaseException:
                self._book.lost()
                raise
        taken = len(query.rows) - len(refused)
        self.taken += taken
        self.refused += len(refused)
        return Pushed(taken=taken, refused=sorted(refused))

    def forget(self, device: str) -> None:
        """The device has left."""
        self._takers.pop(device, None)
        self._book.forget(device)
        self._context.states.forget(state_key(SERVICE, device))

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; False when it is none of figures that were pushed."""
        known = self._takers.get(decision.device)
        return known is not None and known[1].decided(decision)

    def _taker(self, config: DeviceConfig) -> SourceTaker:
        known = self._takers.pop(config.device, None)
        if known is None:
            known = config, SourceTaker(SERVICE, CLASS_PROBE, self._context, config)
        elif known[0] != config:
            known[1].update(config, ("",))
            known = config, known[1]
        _put(self._takers, config.device, known, MAX_DEVICES)
        return known[1]

    async def _take(self, taker: SourceTaker, config: DeviceConfig, row: PushedRow, at: float) -> str:
        """Take one row; give the sentence why it cannot be taken, or nothing."""
        readings = list(_readings(config, row, at))
        if not readings:
            return f"there is no template {row.handler!r:.80} that says what the points of a probe are"
        strange = set(row.values) - {point.name for reading in readings for point in reading.points}
        if strange:
            return f"template {row.handler} has no point {', '.join(sorted(strange))[:200]}"
        fresh: list[Result] = []
        for reading in readings:
            result = reading.result
            key = config.device, row.component, result.source
            last, values = self._last.get(key), result.rows[0].values
            if last is not None and result.step <= last.step:
                if result.step == last.step and values == last.values:
                    continue  # it was sent again
                return (
                    f"there are figures of {last.step} or later already; of each step of {reading.step_s} s "
                    "one is taken, in order of time"
                )
            if wrong := self._book.refusal(*key, at):
                return wrong
            fresh.append(result)
        taken = await taker.take(fresh) if fresh else None
        if taken is not None and taken.refused:
            return taken.refused[0]
        for result in fresh:
            key = config.device, row.component, result.source
            _put(self._last, key, _Last(result.step, result.rows[0].values), MAX_SERIES)
            self._book.taken(*key, at)
        return ""


def _readings(config: DeviceConfig, row: PushedRow, at: float) -> Iterator[_Reading]:
    """A row as readings; none where its handler is unknown."""
    if row.handler:
        fitting = [one for one in config.sources if one.template == row.handler]
        of_kind = [one for one in fitting if (one.component == DEVICE) == (not row.component)]
        for source in (of_kind or fitting)[:1]:
            result = _result(source.id, row.component, row.values, at, source.interval_s)
            yield _Reading(result, source.points, source.interval_s)
        return
    step_s = row.interval_s or config.interval_s
    for name, value in row.values.items():
        points = (Point(name=name),)
        result = _result(f"{PUSHED}{name}", row.component, {name: value}, at, step_s, points)
        yield _Reading(result, points, step_s)


def _result(
    source: str,
    component: str,
    values: Mapping[str, Number | None],
    at: float,
    step_s: int,
    points: Sequence[Point] = (),
) -> Result:
    measured = Measured(component=component, values=values, taken=at)
    return Result(
        source=source,
        step=snap(at, step_s),
        rows=[measured],
        complete=False,
        points=points,
        interval_s=step_s if points else 0,
    )


def _put(kept: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    """Keep the newest."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)

"""What may enter the spool: guards, counts made rates, and the last value of every point (pure)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from collectors.framework.data.spool.frames import Definition, Entry, check
from collectors.framework.judging.rates import Conversion, Counted, Moment
from common import rrd
from common.series import Layout, Number, Sample, SeriesKey

SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Whole numbers beyond have no place in 64 bits."""
MAX_WAITING = 100_000
AHEAD_S = 86_400
"""What is stamped later than now by more than this was taken under a clock that was wrong, and has been set since: its
series, or its file, would take nothing until then. What is less is waited for, because the history is worth more."""


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Number | None]).decode


class Grid:
    """What all series of a layout have alike.

    Attributes:
        names: of the points, in order.
        earliest_s: what is stamped before cannot be stored.
        conversion: makes of what was read what is stored.
    """

    __slots__ = ("conversion", "earliest_s", "layout", "names", "step_s")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.names = tuple(point.name for point in layout.points)
        self.step_s = layout.step_s
        self.earliest_s = rrd.EARLIEST + layout.step_s
        self.conversion = Conversion(layout.points, layout.step_s)


class Latest:
    """A series that samples arrive for, and the newest of them.

    Attributes:
        number: stands for key and layout in the spool.
        at: stamp of the newest sample.
        counted: the counts of the newest sample; None where nothing is counted.
    """

    __slots__ = ("_packed", "at", "counted", "grid", "key", "number")

    def __init__(self, number: int, key: SeriesKey, grid: Grid, at: int) -> None:
        self.number = number
        self.key = key
        self.grid = grid
        self.at = at
        self.counted: Counted | None = None
        self._packed = b""  # hardly ever asked for; as a list it would take four times as much

    @property
    def layout(self) -> Layout:
        """What a sample of it holds."""
        return self.grid.layout

    @property
    def values(self) -> list[Number | None]:
        """What is stored of the newest sample, in the order of the layout."""
        return _unpack(self._packed) if self._packed else [None] * len(self.grid.names)

    @values.setter
    def values(self, values: list[Number | None]) -> None:
        self._packed = _pack(values)

    @property
    def measured(self) -> list[Number | None]:
        """The same, with the counts that rates were made of in the place of these."""
        return self.grid.conversion.with_counts(self.values, self.counted)


class Definitions(Mapping[int, Definition]):
    """Series by number: what a list of them says, in order of their numbers from 1 on."""

    def __init__(self, numbered: Sequence[Latest]) -> None:
        self._numbered = numbered

    def __getitem__(self, number: int) -> Definition:
        if not 1 <= number <= len(self._numbered):
            raise KeyError(number)
        one = self._numbered[number - 1]
        return one.number, one.key, one.layout

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self._numbered) + 1))

    def __len__(self) -> int:
        return len(self._numbered)


Row = tuple[Latest, int, list[Number | None]]


class Intake:
    """Judges samples and holds those that wait for the spool.

    Attributes:
        series: definitions by number, for the spool.
        waiting: accepted, not yet spooled.
        drops: samples not accepted or lost, by reason.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._latest: dict[SeriesKey, Latest] = {}
        self._grids: dict[Layout, Grid] = {}
        self._numbered: list[Latest] = []
        self.series: Mapping[int, Definition] = Definitions(self._numbered)
        self.waiting: list[Entry] = []
        self.drops: Counter[str] = Counter()

    def accept(self, samples: Sequence[Sample], now: float) -> None:
        """Take in what is sound; count the rest.

        Args:
            samples: in any order of series, in order of time within each.
            now: epoch seconds.
        """
        known, waiting = self._latest, self.waiting
        for sample in samples:
            latest = known.get(sample.key)
            if latest is None or (latest.grid.layout is not sample.layout and latest.grid.layout != sample.layout):
                latest = self._define(sample.key, sample.layout, latest)
                if latest is None:
                    continue
            grid = latest.grid
            step_s = grid.step_s
            at = int(sample.at)
            if at % step_s:  # else it stays the same object for all series of a device
                at -= at % step_s
            if latest.at > now + AHEAD_S:
                latest.at = 0  # the clock was wrong, and has been set since
            if at <= latest.at or at < grid.earliest_s:
                self.drops["past"] += 1
                continue
            if at > now + step_s:
                self.drops["future"] += 1
                continue
            values = sample.values
            row = list(map(values.get, grid.names))
            if not _sound(row):
                self.drops["not finite"] += _make_unknown(row)
            if len(values) > len(row):
                self.drops["malformed"] += 1  # points that the layout does not have
                continue
            conversion = grid.conversion
            if conversion.counts:
                moment = Moment(sample.taken or at, sample.uptime_s, sample.discontinuity)
                counted = conversion.counted(row, moment)
                conversion.rates(row, latest.counted, counted)
                latest.counted = counted
            conversion.turn(row)
            latest.at = at
            latest.values = row
            waiting.append((latest.number, at, row))
        if len(waiting) > self._max_waiting:
            self._trim()

    def series_of(self, key: SeriesKey, layout: Layout) -> Latest | None:
        """What rows of a series are accepted under; None when there cannot be such a series."""
        latest = self._latest.get(key)
        return latest if latest is not None and latest.layout == layout else self._define(key, layout, latest)

    def accept_rows(self, rows: Iterable[Row], now: float) -> None:
        """Take in rows that another intake has judged; what that cannot know is judged here.

        A process that was started anew reads all its devices at once, also those that were read in this step already:
        such a row is left out, as a task leaves out what it reads twice in a step, and is no loss.

        Args:
            rows: series, epoch second, values in the order of the layout.
            now: epoch seconds.
        """
        waiting = self.waiting
        for latest, at, values in rows:
            if latest.at > now + AHEAD_S:
                latest.at = 0  # as above
            if at <= latest.at:
                self.drops["past"] += at < latest.at
                continue
            latest.at = at
            latest.values = values
            waiting.append((latest.number, at, values))
        if len(waiting) > self._max_waiting:
            self._trim()

    def take(self) -> list[Entry]:
        """All that waits; it is the caller's from now on."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def give_back(self, entries: Sequence[Entry]) -> None:
        """Put back what could not be spooled, before what has come since; the oldest go when it is too much."""
        self.waiting[:0] = entries
        self._trim()

    def of_device(self, device: str) -> list[Latest]:
        """Series of a device that have had a sample since the start, in order of component and source."""
        return sorted(
            (latest for key, latest in self._latest.items() if key.device == device), key=lambda latest: latest.key
        )

    def counted(self, entries: Iterable[Entry]) -> list[tuple[int, Counted]]:
        """The newest counts of those of these series that count, by number."""
        some = (self._numbered[number - 1] for number, _, _ in entries)
        return [(latest.number, latest.counted) for latest in some if latest.counted is not None]

    def all(self) -> list[Latest]:
        """All series that have had a sample since the start."""
        return list(self._latest.values())

    def numbered(self, after: int, limit: int) -> tuple[list[Latest], int, bool]:
        """Series with a greater number that have had a sample; the number that it came to; whether there are others.

        What a series was before it got another layout has a number, too, and is left out: `limit` is of numbers.
        """
        some = self._numbered[after : after + limit]
        found = [latest for latest in some if latest.at and self._latest.get(latest.key) is latest]
        return found, after + len(some), after + limit < len(self._numbered)

    def devices(self) -> set[str]:
        """Devices that have had a sample since the start."""
        return {key.device for key in self._latest}

    def _define(self, key: SeriesKey, layout: Layout, before: Latest | None) -> Latest | None:
        number = len(self._numbered) + 1
        if check((number, key, layout)):
            self.drops["malformed"] += 1
            return None
        grid = self._grids.get(layout)
        if grid is None:
            grid = self._grids[layout] = Grid(layout)
        latest = Latest(number, key, grid, before.at if before is not None else 0)
        if before is not None and grid.conversion.goes_on(before.grid.conversion):
            latest.counted = before.counted
        self._numbered.append(latest)
        self._latest[latest.key] = latest
        return latest

    def _trim(self) -> None:
        surplus = len(self.waiting) - self._max_waiting
        if surplus > 0:
            del self.waiting[:surplus]
            self.drops["spool cannot be written"] += surplus


def _sound(row: list[Number | None]) -> bool:
    for value in row:
        if type(value) is float:
            if not math.isfinite(value):
                return False
        elif type(value) is int:
            if not SMALLEST <= value <= LARGEST:
                return False
        elif value is not None:
            return False
    return True


def _make_unknown(row: list[Number | None]) -> int:
    """Have what is no number that a series may hold be unknown; nothing is guessed from a text."""
    bad = [place for place, value in enumerate(row) if not _sound([value])]
    for place in bad:
        row[place] = None
    return len(bad)

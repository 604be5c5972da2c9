"""What a source makes of what an agent answered: rows of components with their points (pure).

Walks are joined by index, and what is got is repeated for each of their rows. A row that lacks an object lacks the
points that need it, and no others; where its name needs it, it is no row. Of one point nothing harms another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from zlib import crc32

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import number, row_name, told
from collectors.framework.sources.checking import MAX_COMPONENTS
from collectors.framework.sources.results import Measured
from collectors.snmp.naming import Named, Names, index_text, named
from collectors.snmp.readings import Column, Readings, Uptime, Value
from collectors.snmp.recipe import Made, Recipe
from common.series import Number

MOST_ROWS = MAX_COMPONENTS
"""Of one source on a device; what is more is left out, and said."""
NO_ROWS = "no row"

Numbers = list[Number | None]
_WHOLES: dict[str, Callable[[list[Number]], Number]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "count": len,
    "lowest": min,
    "highest": max,
}


class Odd(Struct, frozen=True):
    """Values of an object that are no numbers, in some rows.

    Attributes:
        index, came: of the first one.
    """

    count: int
    index: Oid
    came: str


class Joined(Struct, frozen=True, kw_only=True):
    """What became of a source.

    Attributes:
        bad: what came of objects that say nothing at all, by number: they are to be asked less often.
        good: numbers of the objects that say something.
        odd: of objects that are no numbers in some rows.
        cut: why not all rows were read; empty when they were.
        twice: names that several rows have.
        left: so many rows are too many.
        several: so many rows came where one was expected.
    """

    rows: list[Measured]
    bad: dict[int, str]
    good: frozenset[int]
    odd: dict[int, Odd]
    cut: str = ""
    twice: dict[str, list[Oid]] = {}
    left: int = 0
    several: int = 0


def join(recipe: Recipe, readings: Readings, asked: Collection[int], names: Names | None = None) -> Joined:
    """Make rows of what was read.

    Args:
        recipe: of the source.
        readings: of one pass over the device.
        asked: numbers of the objects that were asked for; others may have been read for other sources.
        names: of the rows of this source, as they were last.
    """
    state = _State(recipe, readings)
    if readings.stopped and not state.has(asked):
        state.cut = state.cut or readings.stopped
    indexes = state.indexes()
    left = max(len(indexes) - MOST_ROWS, 0)
    indexes = indexes[:MOST_ROWS]
    several, found = 0, Named([""], {})
    if recipe.walked and recipe.name is None:
        alone = any(recipe.objects[place - 1].walk for made in recipe.made for place in made.operands.values())
        several = len(indexes) if alone and len(indexes) > 1 else 0
        indexes = indexes[:1]
        found = Named([""] * len(indexes), {})
    elif recipe.name is not None:
        name = recipe.name

        def make() -> Named:
            return named(name, recipe.only, recipe.left_out, indexes, state.shown)

        found = (names or Names()).of((indexes, state.labels()), make)
    rows = state.rows(indexes, found.names) if indexes else []
    return Joined(
        rows=rows,
        bad=state.bad,
        good=frozenset(state.good),
        odd=state.odd,
        cut=state.cut,
        twice=found.twice,
        left=left,
        several=several,
    )


class _State:
    """One join, while it is made."""

    def __init__(self, recipe: Recipe, readings: Readings) -> None:
        self._recipe = recipe
        self._at = readings.at
        self.bad: dict[int, str] = {}
        self.good: set[int] = set()
        self.odd: dict[int, Odd] = {}
        self.cut = ""
        self._values: dict[int, Value] = {}
        self._columns: dict[int, Column] = {}
        for place, asked in enumerate(recipe.objects, 1):
            if asked.walk and asked.oid in readings.columns:
                self._take_column(place, readings.columns[asked.oid])
            elif not asked.walk and asked.oid in readings.values:
                self._take_value(place, readings.values[asked.oid])

    def _take_value(self, place: int, value: Value) -> None:
        self._values[place] = value
        if value.problem or value.value is None:
            self.bad[place] = value.problem or told(None)
        elif place in self._recipe.figures and number(value.value) is None:
            self.bad[place] = f"{told(value.value)}, which is no number"
        else:
            self.good.add(place)

    def _take_column(self, place: int, column: Column) -> None:
        self._columns[place] = column
        if column.problem:
            self.cut = self.cut or column.problem
            if column.refused:
                self.bad[place] = column.problem
        elif not column.rows:
            self.bad[place] = NO_ROWS
        else:
            self.good.add(place)

    def has(self, asked: Collection[int]) -> bool:
        """Whether all that was asked for was read, however that ended."""
        return all(place in self._columns or place in self._values for place in asked)

    def indexes(self) -> list[Oid]:
        """The rows: those of all columns that points are made of; of a source of the device its only one."""
        if not self._recipe.walked:
            return [()]
        columns = [column for place, column in self._columns.items() if place in self._recipe.figures]
        keys = [column.rows.keys() for column in columns or self._columns.values()]
        if not keys:
            return []
        if all(one == keys[0] for one in keys):
            return sorted(keys[0])
        return sorted(set().union(*keys))

    def labels(self) -> list[object]:
        """All that names are made of."""
        columns = (self._columns.get(place) for place in sorted(self._recipe.named))
        values = (self._values.get(place) for place in sorted(self._recipe.named))
        return [*(column and column.rows for column in columns), *(value and value.value for value in values)]

    def shown(self, place: int, index: Oid) -> str | None:
        """An object as a part of a name."""
        column = self._columns.get(place)
        if column is not None:
            return row_name(column.rows[index]) if index in column.rows else None
        value = self._values.get(place)
        return None if value is None or value.value is None else row_name(value.value)

    def rows(self, indexes: Sequence[Oid], names: Sequence[str | None]) -> list[Measured]:
        """The rows that have a name."""
        kept = [(index, one) for index, one in zip(indexes, names, strict=True) if one is not None]
        indexes = [index for index, _ in kept]
        numbers = {place: self._numbers(place, indexes) for place in self._recipe.figures}
        points = [(made.point, _made(made, numbers, self._wholes(made), len(indexes))) for made in self._recipe.made]
        labels = [point for point, _ in points]
        columns = zip(*(values for _, values in points), strict=True) if points else iter([()] * len(indexes))
        moments, uptime = self._moments(indexes)
        fresh = self._discontinuities(indexes, numbers)
        return [
            Measured(
                component=one,
                values=dict(zip(labels, values, strict=True)),
                taken=at,
                uptime_s=uptime.when(at),
                discontinuity=began,
            )
            for (_, one), values, at, began in zip(kept, columns, moments, fresh, strict=True)
        ]

    def _numbers(self, place: int, indexes: Sequence[Oid]) -> Numbers:
        """An object in each of these rows."""
        column = self._columns.get(place)
        if column is None:
            value = self._values.get(place)
            return [None if value is None else number(value.value)] * len(indexes)
        rows = column.rows
        same = list(rows) == indexes  # mostly: then no row has to be looked up
        found = list(rows.values()) if same else [rows.get(index) for index in indexes]
        if set(map(type, found)) <= {int}:
            return found  # type: ignore[return-value]  # as has just been seen
        return self._read(place, rows, indexes)

    def _read(self, place: int, values: Mapping[Oid, SnmpValue], indexes: Sequence[Oid]) -> Numbers:
        """The same of a column of which not all values are there, and integers."""
        numbers: Numbers = []
        odd: list[Oid] = []
        for index in indexes:
            value = values.get(index)
            numbers.append(number(value))
            if numbers[-1] is None and index in values:
                odd.append(index)
        if odd:
            if len(odd) == len(values) and place not in self.bad and not self._columns[place].problem:
                self.bad[place] = f"{told(values[odd[0]])}, which is no number, as in all rows"
                self.good.discard(place)
            else:
                self.odd[place] = Odd(len(odd), odd[0], told(values[odd[0]]))
        return numbers

    def _wholes(self, made: Made) -> dict[str, Number | None]:
        """What is of all rows, also of those without a name."""
        return {name: self._whole(function, place) for name, (function, place) in made.wholes.items()}

    def _whole(self, function: str, place: int) -> Number | None:
        column = self._columns.get(place)
        if column is None or column.problem:
            return None
        known = [one for one in map(number, column.rows.values()) if one is not None]
        return _WHOLES[function](known) if known or function == "count" else None

    def _moments(self, indexes: Sequence[Oid]) -> tuple[list[float], Uptime]:
        """When the rows were read, and what sysUpTime was."""
        for place in sorted(self._columns):
            if place in self._recipe.figures:
                column = self._columns[place]
                return column.taken(indexes, self._at), column.uptime
        for place in sorted(self._values):
            if place in self._recipe.figures:
                value = self._values[place]
                return [value.at or self._at] * len(indexes), value.uptime
        return [self._at] * len(indexes), Uptime()

    def _discontinuities(self, indexes: Sequence[Oid], numbers: Mapping[int, Numbers]) -> Sequence[Number | None]:
        """What says that the counts of a component are those of before: its row, and what the agent tells of it."""
        if not self._recipe.counts:
            return [None] * len(indexes)
        began = numbers.get(self._recipe.source.discontinuity)
        if not self._recipe.walked:
            return [None] if began is None else began
        if began is None:
            return [_began(index, None) for index in indexes]
        return [_began(index, one) for index, one in zip(indexes, began, strict=True)]


@lru_cache(65_536)
def _began(index: Oid, began: Number | None) -> int:
    return crc32(f"{index_text(index)} {began}".encode())


def _made(made: Made, numbers: Mapping[int, Numbers], fixed: dict[str, Number | None], rows: int) -> Numbers:
    if made.bare:
        return numbers[made.bare]
    evaluate = made.expression.evaluate
    if not made.operands:
        return [evaluate(fixed)] * rows
    seen: dict[tuple[Number | None, ...], Number | None] = {}  # of states, speeds and sizes rows have few
    for values in zip(*(numbers[place] for place in made.operands.values()), strict=True):
        if values not in seen:
            seen[values] = evaluate(dict(zip(made.operands, values, strict=True)) | fixed)
    return [seen[values] for values in zip(*(numbers[place] for place in made.operands.values()), strict=True)]

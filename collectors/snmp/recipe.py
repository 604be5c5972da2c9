"""A source, ready to be read: its objects as numbers, its formulas and its names compiled (pure)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2
from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid
from common.expressions import Expression, ExpressionError
from common.formulas import name_of, parse_formula, places_of, wholes_of
from common.rownames import RowName, RowNameError, parse_row_name
from common.series import Kind
from common.sources import DEVICE, SnmpSource

_BARE = re.compile(r"\s*\$([1-9][0-9]{0,2})\s*")
_options = re2.Options()
_options.log_errors = False


class Asked(Struct, frozen=True):
    """An object of a source: what is asked of the agent."""

    oid: Oid
    walk: bool


class Made(Struct, frozen=True):
    """How a point is made.

    Attributes:
        bare: number of the object that it is, when it is nothing else; 0 otherwise.
        expression: what it is otherwise.
        operands: the objects that it needs, by what the expression calls them.
        wholes: functions of all rows of an object, in the same way: (function, number of the object).
    """

    point: str
    bare: int
    expression: Expression
    operands: dict[str, int]
    wholes: dict[str, tuple[str, int]]

    @property
    def numbers(self) -> frozenset[int]:
        """The objects that it needs."""
        return frozenset(self.operands.values()) | {place for _, place in self.wholes.values()}


Key = tuple[str, str]
"""Id of a source, and kind of its components."""


class Recipe(Struct, frozen=True):
    """What a source says.

    Attributes:
        objects: in their order; the first one is `$1`.
        made: the points that can be made.
        flaws: why the others cannot, by point.
        name: of rows; None where the source is of the device.
        only: has to be found in a name; None takes all.
        walked: numbers of the objects that are walked; empty for a source of one row.
        named: numbers of the objects that names are made of.
        figures: numbers of the objects that have to be numbers.
        counts: any of the points is a counter.
    """

    source: SnmpSource
    objects: tuple[Asked, ...]
    made: tuple[Made, ...]
    flaws: dict[str, str]
    name: RowName | None
    only: Any
    left_out: frozenset[str]
    walked: frozenset[int]
    named: frozenset[int]
    figures: frozenset[int]
    counts: bool

    @property
    def key(self) -> Key:
        """What tells it from others of its device: one of the device and one of components may share an id."""
        return self.source.id, self.source.component


@lru_cache(4096)
def recipe_of(source: SnmpSource) -> Recipe:
    """Compile a source; a formula that is none harms its own point alone."""
    objects = tuple(Asked(oid_of(one.oid), one.walk) for one in source.oids)
    walked = frozenset(number for number, one in enumerate(objects, 1) if one.walk)
    formulas = {formula.point: formula.expression for formula in source.formulas}
    made, flaws = [], {}
    for place, point in enumerate(source.points, 1):
        try:
            made.append(_made(point.name, formulas.get(point.name, f"${place}"), len(objects)))
        except ExpressionError as wrong:
            flaws[point.name] = str(wrong)
    name, only = _name_of(source, walked)
    numbers = frozenset(place for one in made for place in one.numbers)
    return Recipe(
        source=source,
        objects=objects,
        made=tuple(made),
        flaws=flaws,
        name=name,
        only=only,
        left_out=frozenset(source.left_out),
        walked=walked,
        named=frozenset() if name is None else name.numbers,
        figures=numbers | ({source.discontinuity} if 1 <= source.discontinuity <= len(objects) else frozenset()),
        counts=any(point.kind is Kind.COUNTER for point in source.points),
    )


def mistakes(source: SnmpSource) -> list[str]:
    """Why a source cannot be read at all, each a sentence."""
    try:
        _name_of(source, frozenset({1}))
    except (RowNameError, re2.error) as wrong:
        return [f"source {source.id}: {wrong}"]
    return []


def oid_of(text: str) -> Oid:
    """An OID as numbers."""
    return tuple(map(int, text.strip(".").split(".")))


def _made(point: str, text: str, objects: int) -> Made:
    expression = parse_formula(text)
    last = max(places_of(expression))
    if last > objects:
        raise ExpressionError(f"there is no ${last}; the source has {objects} objects")
    bare = _BARE.fullmatch(text)
    wholes = wholes_of(expression)
    operands = {name_of(place): place for place in range(1, last + 1) if name_of(place) in expression.names}
    return Made(point, int(bare[1]) if bare is not None else 0, expression, operands, wholes)


def _name_of(source: SnmpSource, walked: frozenset[int]) -> tuple[RowName | None, Any]:
    text = source.name or ("{index}" if walked and source.component != DEVICE else "")
    name = parse_row_name(text, len(source.oids)) if text else None
    return name, re2.compile(source.only, _options) if source.only else None

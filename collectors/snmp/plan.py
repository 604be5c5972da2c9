"""What is asked of an agent for the sources that are due: each object once, in few requests (pure).

Tables that are joined, and columns of one table, are walked side by side: a request with many columns costs little more
than one with few. Small tables go together, too, as long as less is asked for in vain because of it than a request of
its own would cost. What a walk brings anyway is not asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid
from collectors.snmp.recipe import Asked

GET_AT_ONCE = 50
"""Values in one request; the client takes fewer where an agent cannot answer so many."""
MOST_BESIDE = 20
"""Values that ride in the first request of a walk."""
REQUEST_VARBINDS = 20
"""What a request costs, in values that are read: those of a table that is not asked for by itself may be in vain."""
MOST_COLUMNS = 30
"""Columns side by side: a row of more does not fit into one Ethernet frame."""


class Walk(Struct, frozen=True):
    """Columns that are walked side by side; the longest first, as far as that is known."""

    columns: tuple[Oid, ...]


class Plan(Struct, frozen=True):
    """All that is asked for.

    Attributes:
        beside: values that ride with the first walk.
        gets: values that are asked for by themselves, request by request.
        below: columns that lie within one that is walked, each with that one.
        within: values that lie within a column that is walked, each with that one.
    """

    walks: tuple[Walk, ...] = ()
    beside: tuple[Oid, ...] = ()
    gets: tuple[tuple[Oid, ...], ...] = ()
    below: dict[Oid, Oid] = {}
    within: dict[Oid, Oid] = {}


def table_of(column: Oid) -> Oid:
    """What the columns of a table have in common: the object of its rows."""
    return column[:-1]


def plan(sources: Iterable[Sequence[Asked]], rows: Mapping[Oid, int], apart: Collection[Oid] = ()) -> Plan:
    """Plan a pass.

    Args:
        sources: the objects of each source that is due.
        rows: how many rows tables had, by column.
        apart: columns that are walked by themselves, because something was wrong with them.
    """
    sources = [tuple(objects) for objects in sources]
    wanted = dict.fromkeys(one.oid for objects in sources for one in objects if one.walk)
    below = {oid: top for oid in wanted if (top := _top(oid, wanted)) is not None}
    columns = [oid for oid in wanted if oid not in below]
    values = dict.fromkeys(one.oid for objects in sources for one in objects if not one.walk)
    tops = frozenset(columns)
    within = {oid: top for oid in values if (top := _top(oid, tops)) is not None}
    alone = [oid for oid in values if oid not in within]
    walks = _walks(columns, sources, rows, apart)
    beside = tuple([oid for oid in alone if oid[-1] == 0][:MOST_BESIDE]) if walks else ()
    rest = [oid for oid in alone if oid not in beside]
    gets = tuple(tuple(rest[at : at + GET_AT_ONCE]) for at in range(0, len(rest), GET_AT_ONCE))
    return Plan(walks, beside, gets, below, within)


def _top(oid: Oid, columns: Collection[Oid]) -> Oid | None:
    """The shortest of some columns that an object lies within."""
    for size in range(2, len(oid)):
        if oid[:size] in columns:
            return oid[:size]
    return None


def _walks(
    columns: Sequence[Oid], sources: Iterable[Sequence[Asked]], rows: Mapping[Oid, int], apart: Collection[Oid]
) -> tuple[Walk, ...]:
    single = [Walk((column,)) for column in columns if column in apart]
    together = [column for column in columns if column not in apart]
    found: list[Walk] = []
    unknown = [column for column in together if column not in rows]
    for group in _joined(unknown, sources):
        found += _cut(group)
    known = sorted((column for column in together if column in rows), key=lambda one: (-rows[one], one))
    for group in _alike(known, rows):
        found += _cut(group)
    return (*found, *single)


def _joined(columns: Sequence[Oid], sources: Iterable[Sequence[Asked]]) -> list[list[Oid]]:
    """Columns of which nothing is known: those of one table, or of one source, are of about as many rows."""
    group_of: dict[Oid, list[Oid]] = {}
    groups: list[list[Oid]] = []
    for column in columns:
        table = table_of(column)
        if table not in group_of:
            groups.append([])
            group_of[table] = groups[-1]
        group_of[table].append(column)
    for objects in sources:
        tables = {table_of(one.oid) for one in objects if one.walk} & group_of.keys()
        several = list({id(group_of[table]): group_of[table] for table in sorted(tables)}.values())
        for other in several[1:]:
            several[0].extend(other)
            groups.remove(other)
            for column in other:
                group_of[table_of(column)] = several[0]
    return groups


def _alike(columns: Sequence[Oid], rows: Mapping[Oid, int]) -> list[list[Oid]]:
    """Columns, the longest first, in groups of about as many rows."""
    groups: list[list[Oid]] = []
    vain = 0
    for column in columns:
        if groups:
            lost = rows[groups[-1][0]] - rows[column]
            if vain + lost < REQUEST_VARBINDS:
                groups[-1].append(column)
                vain += lost
                continue
        groups.append([column])
        vain = 0
    return groups


def _cut(group: Sequence[Oid]) -> list[Walk]:
    """Walks of not too many columns; the columns of a table stay together."""
    ordered = list(group)
    return [Walk(tuple(ordered[at : at + MOST_COLUMNS])) for at in range(0, len(ordered), MOST_COLUMNS)]

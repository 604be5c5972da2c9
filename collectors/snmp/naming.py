"""Which component a row is: names made of columns, cleaned, each given once (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid
from common.components import MAX_NAME
from common.matching import component_name
from common.rownames import RowName

Shown = Callable[[int, Oid], str | None]
"""(number of an object, index) -> the object as text; None where the row does not have it."""


class Named(Struct, frozen=True):
    """Rows that have a name.

    Attributes:
        names: of each row, in their order; None for those that are not watched.
        twice: names that several rows have, each with the indexes of these rows.
    """

    names: list[str | None]
    twice: dict[str, list[Oid]]


class Names:
    """The names of a source's rows as they were last: mostly they are the same again, and need not be made anew."""

    def __init__(self) -> None:
        self._of: object = None
        self._found = Named([], {})

    def of(self, told: object, make: Callable[[], Named]) -> Named:
        """The names that are made of what the agent told; it is compared with what it told last."""
        if self._of is None or told != self._of:
            self._found = make()
            self._of = told
        return self._found


def index_text(index: Oid) -> str:
    """An index with dots."""
    return ".".join(map(str, index))


def named(name: RowName, only: Any, left_out: frozenset[str], indexes: Sequence[Oid], shown: Shown) -> Named:
    """The names of rows whose indexes are in order.

    A row of which a name needs what it does not have is none. Of several rows with one name the first keeps it, the
    others get their index in parentheses, so that a name says the same however the rows are told.
    """
    plain = [_plain(name, index, shown) for index in indexes]
    if only is not None:
        plain = [one if one is not None and only.search(one) else None for one in plain]
    rows = [one for one in plain if one is not None]
    twice: dict[str, list[Oid]] = {}
    if len(set(rows)) < len(rows):
        plain, twice = _apart(plain, indexes)
    if left_out:
        plain = [None if one in left_out else one for one in plain]
    return Named(plain, twice)


def _plain(name: RowName, index: Oid, shown: Shown) -> str | None:
    text = index_text(index)
    filled = name.fill(text, lambda number: shown(number, index))
    return None if filled is None else component_name(filled) or text[:MAX_NAME]


def _apart(plain: list[str | None], indexes: Sequence[Oid]) -> tuple[list[str | None], dict[str, list[Oid]]]:
    holders: dict[str, list[Oid]] = {}
    for one, index in zip(plain, indexes, strict=True):
        if one is not None:
            holders.setdefault(one, []).append(index)
    taken = set(holders)
    given: list[str | None] = []
    for one, index in zip(plain, indexes, strict=True):
        if one is not None and holders[one][0] != index:
            given.append(_free(one, f" ({index_text(index)})", taken))
        else:
            given.append(one)
    return given, {one: rows for one, rows in holders.items() if len(rows) > 1}


def _free(name: str, suffix: str, taken: set[str]) -> str:
    while name in taken:
        longer = name[: max(MAX_NAME - len(suffix), 0)] + suffix[-MAX_NAME:]
        if longer == name:
            suffix += "'"
        name = longer
    taken.add(name)
    return name

"""Formulas: expressions over the objects of an SNMP source, which are called `$1` to `$N` in them (pure).

    $1 * 8
    if($2 > 0, 100 * $1 / $2, 0)
    avg($1)

`sum`, `avg`, `count`, `lowest` and `highest` of one object that is walked are of all its rows.
"""

from __future__ import annotations

import re

from common.expressions import Expression, ExpressionError, parse

WHOLES = ("sum", "avg", "count", "lowest", "highest")
"""Functions of all rows of an object."""

_WHOLE = re.compile(rf"(?<![$0-9A-Za-z_])({'|'.join(WHOLES)})\([ \t\r\n]*\$([1-9][0-9]{{0,2}})[ \t\r\n]*\)")
_OPERAND = re.compile(r"\$([1-9][0-9]{0,2})(?![0-9A-Za-z_])")
_NAME = re.compile(rf"(?:({'|'.join(WHOLES)})_)?v([1-9][0-9]{{0,2}})")
_BARE = re.compile(r"(?<![$0-9A-Za-z_])v[0-9]+(?![0-9A-Za-z_])")


def name_of(place: int) -> str:
    """What the expression of a formula calls an object; the first is 1."""
    return f"v{place}"


def parse_formula(text: str) -> Expression:
    """Read a formula; its expression has names as `name_of` gives them, and no others.

    Raises:
        ExpressionError: it is none, refers to something else, or is the same for all values.
    """
    if (bare := _BARE.search(text)) is not None:
        raise ExpressionError(_strange(bare[0]))
    # What stands in the place of an object, and of a function of its rows, is as long as it was: positions stay.
    read = _WHOLE.sub(lambda found: f"{found[1]}_{name_of(int(found[2]))}".ljust(len(found[0])), text)
    expression = parse(_OPERAND.sub(lambda found: name_of(int(found[1])), read))
    for name in sorted(expression.names):
        if not _NAME.fullmatch(name):
            raise ExpressionError(_strange(name))
    if not expression.names:
        raise ExpressionError("it refers to no object of the source; these are called $1, $2 and so on")
    return expression


def places_of(expression: Expression) -> frozenset[int]:
    """The places of the objects that the expression of a formula refers to."""
    return frozenset(_split(name)[1] for name in expression.names)


def wholes_of(expression: Expression) -> dict[str, tuple[str, int]]:
    """What is of all rows in it: by name the function, and the place of the object."""
    found = {name: _split(name) for name in sorted(expression.names)}
    return {name: one for name, one in found.items() if one[0]}


def _split(name: str) -> tuple[str, int]:
    known = _NAME.fullmatch(name)
    assert known is not None
    return known[1] or "", int(known[2])


def _strange(name: str) -> str:
    return f"{name!r} is no object of the source; these are called $1, $2 and so on, in their order"

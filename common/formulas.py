"""Formulas: expressions over the objects of an SNMP source, which are called `$1` to `$N` in them (pure).

$1 * 8
if($2 > 0, 100 * $1 / $2, 0)
"""

from __future__ import annotations

import re

from common.expressions import Expression, ExpressionError, parse

_OPERAND = re.compile(r"\$([1-9][0-9]{0,2})(?![0-9A-Za-z_])")
_NAME = re.compile(r"v([1-9][0-9]{0,2})")
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
    expression = parse(_OPERAND.sub(lambda found: name_of(int(found[1])), text))  # as long as it was: places stay
    for name in sorted(expression.names):
        if not _NAME.fullmatch(name):
            raise ExpressionError(_strange(name))
    if not expression.names:
        raise ExpressionError("it refers to no object of the source; these are called $1, $2 and so on")
    return expression


def places_of(expression: Expression) -> frozenset[int]:
    """The places of the objects that the expression of a formula refers to."""
    return frozenset(int(name.removeprefix("v")) for name in expression.names)


def _strange(name: str) -> str:
    return f"{name!r} is no object of the source; these are called $1, $2 and so on, in their order"

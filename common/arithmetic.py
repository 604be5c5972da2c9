"""Arithmetic that gives a finite number or none, in bounded time (pure).

Integers stay integers as far as they can: a sum is exact, a quotient when nothing is left over. Everything else follows
Python: `%` has the sign of the divisor, `round` takes halves to the even neighbour.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import cast

from common.series import Number

LARGEST = sys.float_info.max
_BITS = sys.float_info.max_exp
_DIGITS = 330
"""Decimal places of a float on either side of its point, and a few."""


class UnknownError(ArithmeticError):
    """There is no finite number to give."""


def finite(value: Number | None) -> Number:
    """The number itself.

    Raises:
        UnknownError: it is none, is no number, or lies beyond what a float can hold.
    """
    if value is None or not -LARGEST <= value <= LARGEST:
        raise UnknownError
    return value


def quotient(a: Number, b: Number) -> Number:
    """A divided by b."""
    if type(a) is int and type(b) is int and a % b == 0:
        return a // b
    return a / b


def power(a: Number, b: Number) -> Number:
    """A to the power of b; 0 to the power of 0 is 1.

    Raises:
        UnknownError: it would be too large, or no real number.
    """
    if isinstance(a, int) and isinstance(b, int) and b > 0 and (abs(a).bit_length() - 1) * b > _BITS:
        raise UnknownError
    result = a**b
    if isinstance(result, complex):
        raise UnknownError
    return cast("Number", result)


def rounded(value: Number, places: Number = 0) -> Number:
    """To so many decimal places; to none, an integer.

    Raises:
        UnknownError: the number of places is no whole number.
    """
    if places != int(places):
        raise UnknownError
    if not places:
        return round(value)
    return round(value, max(-_DIGITS, min(int(places), _DIGITS)))


def logarithm(value: Number, base: Number = math.e) -> Number:
    """To a base; the natural one without."""
    return math.log(value) if base == math.e else math.log(value, base)


OPERATORS: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": quotient,
    "%": operator.mod,
    "^": power,
}
"""Of two numbers; each may raise ArithmeticError or ValueError, and its result is to be made `finite`."""

COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

FUNCTIONS: dict[str, tuple[int, int, Callable[..., Number]]] = {
    "min": (1, 100, lambda *values: min(values)),
    "max": (1, 100, lambda *values: max(values)),
    "abs": (1, 1, abs),
    "round": (1, 2, rounded),
    "log": (1, 2, logarithm),
    "sqrt": (1, 1, math.sqrt),
}
"""Least and most arguments, and what it does; it may raise as an operator may."""

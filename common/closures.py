"""What an expression is made into, part by part: functions of values here, other things elsewhere (pure).

The reader of expressions (`common.expressions`) knows the grammar alone. What becomes of a sum or a function is said by
an `Algebra`, so that one grammar serves for numbers and for the language of rrdtool (`common.rpn`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from common.arithmetic import COMPARISONS, FUNCTIONS, LARGEST, OPERATORS, UnknownError, finite
from common.series import Number

Values = Mapping[str, int | float | None]
Closure = Callable[[Values], Number]

T = TypeVar("T")


class Algebra(Protocol[T]):
    """Makes the parts of an expression."""

    def number(self, value: Number) -> T:
        """A number that is written down."""

    def point(self, name: str) -> T:
        """The value of a point."""

    def chain(self, first: T, rest: Sequence[tuple[str, T]]) -> T:
        """Operands with operators of `common.arithmetic.OPERATORS` between them, reckoned from the left."""

    def negative(self, node: T) -> T:
        """The same with the other sign."""

    def comparison(self, sign: str, left: T, right: T) -> T:
        """1 when it holds, 0 when not."""

    def choice(self, condition: T, then: T, otherwise: T) -> T:
        """One of two."""

    def call(self, name: str, arguments: Sequence[T]) -> T:
        """A function of `common.arithmetic.FUNCTIONS`."""


class Closures:
    """Functions that give a number, or raise where there is none; made of numbers alone, they are reckoned at once."""

    def __init__(self) -> None:
        self._numbers: dict[Closure, Number] = {}

    def number(self, value: Number) -> Closure:
        """Always this."""

        def number(_values: Values) -> Number:
            return value

        self._numbers[number] = value
        return number

    def point(self, name: str) -> Closure:
        """What is known of it."""

        def point(values: Values) -> Number:
            value = values.get(name)
            if value is None or not -LARGEST <= value <= LARGEST:
                raise UnknownError
            return value

        return point

    def chain(self, first: Closure, rest: Sequence[tuple[str, Closure]]) -> Closure:
        """From the left."""
        steps = [(OPERATORS[sign], node) for sign, node in rest]
        parts = [first, *(node for _, node in rest)]
        if len(steps) == 1:
            return self._reckoned(_pair(*steps[0], first), parts)

        def chain(values: Values) -> Number:
            result = first(values)
            for operate, node in steps:
                result = finite(operate(result, node(values)))
            return result

        return self._reckoned(chain, parts)

    def negative(self, node: Closure) -> Closure:
        """The other sign."""
        return self._reckoned(lambda values: -node(values), [node])

    def comparison(self, sign: str, left: Closure, right: Closure) -> Closure:
        """An integer, 0 or 1."""
        holds = COMPARISONS[sign]
        return lambda values: 1 if holds(left(values), right(values)) else 0

    def choice(self, condition: Closure, then: Closure, otherwise: Closure) -> Closure:
        """Only the one that is taken has to be known."""
        return lambda values: then(values) if condition(values) else otherwise(values)

    def call(self, name: str, arguments: Sequence[Closure]) -> Closure:
        """All arguments have to be known."""
        function = FUNCTIONS[name][2]
        if len(arguments) == 1:
            (only,) = arguments
            return self._reckoned(lambda values: finite(function(only(values))), arguments)
        return self._reckoned(lambda values: finite(function(*[argument(values) for argument in arguments])), arguments)

    def _reckoned(self, node: Closure, parts: Iterable[Closure]) -> Closure:
        """The number that a part is, if it is always the same one."""
        if not all(part in self._numbers for part in parts):
            return node
        try:
            return self.number(node({}))
        except (ArithmeticError, ValueError):
            return node


def _pair(operate: Callable[[Number, Number], Number], right: Closure, left: Closure) -> Closure:
    def pair(values: Values) -> Number:
        result = operate(left(values), right(values))
        if not -LARGEST <= result <= LARGEST:
            raise UnknownError
        return result

    return pair


class Needs:
    """Names of the points without which an expression is never known."""

    def number(self, _value: Number) -> frozenset[str]:
        """None."""
        return frozenset()

    def point(self, name: str) -> frozenset[str]:
        """This one."""
        return frozenset({name})

    def chain(self, first: frozenset[str], rest: Sequence[tuple[str, frozenset[str]]]) -> frozenset[str]:
        """All of them."""
        return first.union(*(node for _, node in rest))

    def negative(self, node: frozenset[str]) -> frozenset[str]:
        """The same."""
        return node

    def comparison(self, _sign: str, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
        """Those of both sides."""
        return left | right

    def choice(self, condition: frozenset[str], then: frozenset[str], otherwise: frozenset[str]) -> frozenset[str]:
        """Those of the condition, and those that are needed whichever is taken."""
        return condition | (then & otherwise)

    def call(self, _name: str, arguments: Sequence[frozenset[str]]) -> frozenset[str]:
        """All of them."""
        return frozenset().union(*arguments)

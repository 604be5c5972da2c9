"""What an expression is made into, part by part: functions of values here, other things elsewhere (pure).

The reader of expressions (`common.expressions`) knows the grammar alone. What becomes of a sum or a function is said by
an `Algebra`, so that one grammar serves for numbers and for the language of rrdtool (`common.rpn`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from common.arithmetic import COMPARISONS, FUNCTIONS, OPERATORS, finite
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
    """Functions that give a number, or raise where there is none."""

    def number(self, value: Number) -> Closure:
        """Always this."""
        return lambda _values: value

    def point(self, name: str) -> Closure:
        """What is known of it."""
        return lambda values: finite(values.get(name))

    def chain(self, first: Closure, rest: Sequence[tuple[str, Closure]]) -> Closure:
        """From the left."""
        steps = [(OPERATORS[sign], node) for sign, node in rest]

        def chain(values: Values) -> Number:
            result = first(values)
            for operate, node in steps:
                result = finite(operate(result, node(values)))
            return result

        return chain

    def negative(self, node: Closure) -> Closure:
        """The other sign."""
        return lambda values: -node(values)

    def comparison(self, sign: str, left: Closure, right: Closure) -> Closure:
        """An integer, 0 or 1."""
        holds = COMPARISONS[sign]
        return lambda values: int(holds(left(values), right(values)))

    def choice(self, condition: Closure, then: Closure, otherwise: Closure) -> Closure:
        """Only the one that is taken has to be known."""
        return lambda values: then(values) if condition(values) else otherwise(values)

    def call(self, name: str, arguments: Sequence[Closure]) -> Closure:
        """All arguments have to be known."""
        function = FUNCTIONS[name][2]
        return lambda values: finite(function(*[argument(values) for argument in arguments]))

"""Expressions over data points in the language of rrdtool, with the same meaning (pure).

rrdtool reckons from a stack, in C doubles. Where it goes another way than `common.expressions`, the difference is made
good: what is beyond a double is unknown, `%` has the sign of the divisor, the condition of an `if` has to be known,
halves are rounded to the even neighbour, numbers are read to the last bit. Only `round(x, places)` may differ, by one
in the last place, where a value lies within the grain of a double at a half.

Of rrdtool's words for its stack, ROLL is left out: 1.7.2 leaves other things on it than it says.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from common.arithmetic import LARGEST
from common.closures import Closure, Closures
from common.expressions import read
from common.series import Number

_EXACT = 2**53
_EXACT_TENS = 22
_PLACES = 300
"""Ten to the power of more than this is beyond a double."""

_FINITE = "DUP,0,*,+"
"""An infinite number becomes unknown: 0 times it is."""
_DROP_TWO = "EXC,POP,EXC,POP"
"""The two below the top of the stack go away."""
_MODULO = f"2,COPY,%,DUP,0,NE,2,INDEX,0,LT,4,INDEX,0,LT,NE,*,3,INDEX,0,IF,+,{_DROP_TWO}"
"""a, b, the remainder of C; with the other sign than b, b more."""
_POWER = f"2,INDEX,0,*,2,INDEX,0,*,+,3,INDEX,3,INDEX,POW,+,{_DROP_TWO},{_FINITE}"
"""C knows 1 to the power of what is unknown; here nothing comes of it."""
_ROUND = "DUP,FLOOR,EXC,2,INDEX,-,DUP,0.5,GT,EXC,0.5,EQ,3,INDEX,2,%,0,NE,*,+,+"
"""x; its floor and the rest; one more when the rest is over a half, or a half and the floor is odd."""
_OR_ITSELF = f"DUP,0,*,UN,3,INDEX,3,INDEX,IF,{_DROP_TWO}"
"""x, x rounded: what is beyond a double when it is multiplied has no such places, and stays."""
_OPERATORS = {"+": f"+,{_FINITE}", "-": f"-,{_FINITE}", "*": f"*,{_FINITE}", "/": f"/,{_FINITE}"}
_COMPARISONS = {"<": "LT", "<=": "LE", ">": "GT", ">=": "GE", "==": "EQ", "!=": "NE"}


class _Part(Struct, frozen=True):
    """A part of an expression: what rrdtool reckons it with; `constant` is there when it names no point."""

    rpn: str
    constant: Closure | None = None


def compile_rpn(text: str, names: Mapping[str, str]) -> str:
    """An expression as the right side of a CDEF.

    Args:
        text: the expression.
        names: of each point the variable of rrdtool that has its values; a point that is not there is unknown. There is
            one at least, because rrdtool takes the rows from it.

    Raises:
        ExpressionError: the text is no expression.
    """
    part, _ = read(text, _Rpn(names))
    if not set(names.values()).isdisjoint(part.rpn.split(",")):
        return part.rpn
    return f"{next(iter(names.values()))},POP,{part.rpn},0,+"  # a number may not be the last word


def number_rpn(value: float) -> str:
    """A number; rrdtool's own reading of one is off by some bits where it has an exponent or many digits."""
    if not math.isfinite(value):
        return "UNKN"
    if value < 0:
        return f"0,{number_rpn(-value)},-"
    if value == int(value) and value < _EXACT:
        return str(int(value))
    _, digits, exponent = Decimal(repr(float(value))).as_tuple()
    whole = int("".join(str(digit) for digit in digits))
    tens = int(exponent)
    if whole < _EXACT and -_EXACT_TENS <= tens <= _EXACT_TENS:
        return f"{whole},{10 ** abs(tens)},{'*' if tens > 0 else '/'}"
    fraction, twos = math.frexp(value)
    half = (twos - 53) // 2  # 2 to the power of all of it may be beyond a double where the number is not
    return f"{int(fraction * _EXACT)},2,{_signed(half)},POW,*,2,{_signed(twos - 53 - half)},POW,*"


def _signed(value: int) -> str:
    return str(value) if value >= 0 else f"0,{-value},-"


class _Rpn:
    """Text for rrdtool; whatever names no point is reckoned out at once."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._closures = Closures()

    def number(self, value: Number) -> _Part:
        return self._constant(self._closures.number(value))

    def point(self, name: str) -> _Part:
        variable = self._names.get(name)
        return _Part(f"{variable},{_FINITE}" if variable is not None else "UNKN")

    def chain(self, first: _Part, rest: Sequence[tuple[str, _Part]]) -> _Part:
        result = first
        for sign, part in rest:
            operation = _MODULO if sign == "%" else _POWER if sign == "^" else _OPERATORS[sign]
            reckon = _chained(self._closures, sign)
            result = self._made(reckon, (result, part), f"{result.rpn},{part.rpn},{operation}")
        return result

    def negative(self, node: _Part) -> _Part:
        return self._made(lambda parts: self._closures.negative(parts[0]), (node,), f"0,{node.rpn},-")

    def comparison(self, sign: str, left: _Part, right: _Part) -> _Part:
        text = f"{left.rpn},{right.rpn},{_COMPARISONS[sign]}"
        return self._made(lambda parts: self._closures.comparison(sign, *parts), (left, right), text)

    def choice(self, condition: _Part, then: _Part, otherwise: _Part) -> _Part:
        # The condition stays on the stack below the result, and makes it unknown where it is itself.
        text = f"{condition.rpn},DUP,{then.rpn},{otherwise.rpn},IF,EXC,0,*,+"
        return self._made(lambda parts: self._closures.choice(*parts), (condition, then, otherwise), text)

    def call(self, name: str, arguments: Sequence[_Part]) -> _Part:
        text = _CALLS[name](arguments)
        return self._made(lambda parts: self._closures.call(name, parts), arguments, text)

    def _made(self, make: Callable[[list[Closure]], Closure], parts: Sequence[_Part], text: str) -> _Part:
        constants = [part.constant for part in parts if part.constant is not None]
        return self._constant(make(constants)) if len(constants) == len(parts) else _Part(text)

    @staticmethod
    def _constant(closure: Closure) -> _Part:
        try:
            value = closure({})
        except (ArithmeticError, ValueError):
            return _Part("UNKN", closure)
        return _Part(number_rpn(value) if abs(value) <= LARGEST else "UNKN", closure)


def _chained(closures: Closures, sign: str) -> Callable[[list[Closure]], Closure]:
    return lambda parts: closures.chain(parts[0], [(sign, parts[1])])


def _folded(operation: str) -> Callable[[Sequence[_Part]], str]:
    def fold(arguments: Sequence[_Part]) -> str:
        rest = "".join(f",{argument.rpn},{operation}" for argument in arguments[1:])
        return f"{arguments[0].rpn}{rest}"

    return fold


def _round(arguments: Sequence[_Part]) -> str:
    value = arguments[0].rpn
    if len(arguments) == 1:
        return f"{value},{_ROUND}"
    places = arguments[1]
    if places.constant is None:
        # Unknown where the number of places is no whole number.
        whole = f"{places.rpn},DUP,DUP,FLOOR,EQ,EXC,UNKN,IF"
        tens = f"10,{whole},{_PLACES},MIN,0,{_PLACES},-,MAX,POW"
        known = f"{value},{tens},DUP,0,*,3,INDEX,+,EXC"  # the value, unknown where the places are
        return f"{known},2,COPY,*,{_ROUND},EXC,/,{_OR_ITSELF},EXC,POP"
    try:
        count = places.constant({})
    except (ArithmeticError, ValueError):
        return "UNKN"
    if count != int(count):
        return "UNKN"
    if count > _PLACES:
        return value
    if count < -sys.float_info.max_10_exp:
        return f"{value},0,*"
    tens = str(10 ** int(abs(count))) if abs(count) <= _EXACT_TENS else f"10,{int(abs(count))},POW"
    if count < 0:
        return f"{value},{tens},/,{_ROUND},{tens},*,{_FINITE}"
    return f"{value},DUP,{tens},*,{_ROUND},{tens},/,{_OR_ITSELF}"


def _log(arguments: Sequence[_Part]) -> str:
    value = f"{arguments[0].rpn},LOG,{_FINITE}"
    return value if len(arguments) == 1 else f"{value},{arguments[1].rpn},LOG,{_FINITE},/,{_FINITE}"


_CALLS: dict[str, Callable[[Sequence[_Part]], str]] = {
    "min": _folded("MIN"),
    "max": _folded("MAX"),
    "abs": lambda arguments: f"{arguments[0].rpn},ABS",
    "round": _round,
    "log": _log,
    "sqrt": lambda arguments: f"{arguments[0].rpn},SQRT",
}

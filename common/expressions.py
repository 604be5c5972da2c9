"""Expressions over data points: a text is parsed once, and evaluated for each sample (pure).

    memory / 1024 ^ 2
    if(count > 0, memory / count, 0)
    {read-ops} + {write-ops}

Operators, from the loosest: one of `< <= > >= == !=` (1 when it holds, 0 when not), `+ -`, `* / %`, the minus sign,
`^` (from the right, as in mathematics). Functions: `if(condition, then, else)`, `min`, `max`, `abs`, `round(x)`,
`round(x, places)`, `log(x)`, `log(x, base)`, `sqrt`. A name of letters, digits and `_` that begins with no digit stands
for a point; any other name stands in braces, because `a-b` is a difference. A number is as in `2`, `0.5`, `1.5e3`.

A value that is not known makes the whole unknown, and so do a division by zero, a number beyond 1.8e308, and the root
or the logarithm of what has none. Of `if`, only the branch that is taken has to be known.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Struct

from common.arithmetic import COMPARISONS, FUNCTIONS, LARGEST
from common.closures import Algebra, Closure, Closures, Needs, Values
from common.series import MAX_POINT_NAME, Number, is_point_name

MAX_LENGTH = 1000
MAX_DEPTH = 30
"""Parentheses, functions and powers within each other."""

T = TypeVar("T")

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<braced>[^{}]*)\}"
    r"|(?P<sign><=|>=|==|!=|[-+*/%^<>(),])"
)
_SPACE = re.compile(r"[ \t\r\n]*")
_REST = re.compile(r"[A-Za-z0-9_.]*")


class ExpressionError(ValueError):
    """A text that is no expression; the message says what is wrong, and at which character, counted from 1."""


class Expression(Struct, frozen=True):
    """An expression that is ready to be evaluated.

    Attributes:
        names: points that it refers to.
        needs: those of them without which it is never known; what only one branch of an `if` refers to is not among
            them.
    """

    text: str
    names: frozenset[str]
    needs: frozenset[str]
    _root: Closure

    def evaluate(self, values: Values) -> int | float | None:
        """The result for these values; None when it is unknown. Names that are not there are unknown."""
        try:
            return self._root(values)
        except (ArithmeticError, ValueError):
            return None


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ExpressionError: it is none, is longer than 1000 characters, or goes more than 30 levels deep.
    """
    root, names = read(text, Closures())
    return Expression(text, names, read(text, Needs())[0], root)


def read(text: str, algebra: Algebra[T]) -> tuple[T, frozenset[str]]:
    """What an algebra makes of an expression, and the points that it refers to.

    Raises:
        ExpressionError: as with `parse`.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(text)} characters; at most {MAX_LENGTH} may be")
    parser = _Parser(_tokens(text), algebra)
    root = parser.whole()
    return root, frozenset(parser.names)


class _Token(Struct, frozen=True):
    """A piece of the text; `kind` is number, name, braced, sign or end, `at` counts from 1."""

    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = _end(_SPACE, text, 0)
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ExpressionError(_strange(text, position))
        kind = found.lastgroup or ""
        if kind == "number" and (end := _end(_REST, text, found.end())) > found.end():
            word = text[position:end]
            raise ExpressionError(
                f"{word[:50]!r} at character {position + 1} is neither a number nor a name; a point's name that begins "
                "with a digit is written in braces"
            )
        tokens.append(_Token(kind, found[kind], position + 1))
        position = _end(_SPACE, text, found.end())
    return [*tokens, _Token("end", "", len(text) + 1)]


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found is not None else position


def _strange(text: str, position: int) -> str:
    sign = text[position]
    hint = {"{": "; the brace is not closed", "=": "; equality is written =="}.get(sign, "")
    return f"{sign!r} at character {position + 1} has no meaning in an expression{hint}"


class _Parser(Generic[T]):
    """Reads one list of tokens from left to right; each method reads what its name says, and gives what it became."""

    def __init__(self, tokens: list[_Token], algebra: Algebra[T]) -> None:
        self._tokens = tokens
        self._algebra = algebra
        self._next = 0
        self._depth = 0
        self.names: set[str] = set()

    # --- tokens -------------------------------------------------------------------------------------------------------

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._token
        self._next += 1
        return token

    def _sign(self, *signs: str) -> str:
        """The sign that comes next, if it is one of these; it is then taken."""
        token = self._token
        return self._take().text if token.kind == "sign" and token.text in signs else ""

    def _expect(self, sign: str, after: str) -> None:
        if not self._sign(sign):
            raise self._surprise(f"{sign!r} {after}")

    def _surprise(self, wanted: str) -> ExpressionError:
        token = self._token
        what = f"there is {token.text!r}" if token.kind != "end" else "the expression ends"
        return ExpressionError(f"at character {token.at} {what}, where {wanted} was expected")

    def _deeper(self, read: Callable[[], T]) -> T:
        if self._depth >= MAX_DEPTH:
            raise ExpressionError(
                f"at character {self._token.at} the expression goes more than {MAX_DEPTH} levels deep"
            )
        self._depth += 1
        node = read()
        self._depth -= 1
        return node

    # --- grammar, from the loosest ------------------------------------------------------------------------------------

    def whole(self) -> T:
        node = self._comparison()
        if self._token.kind == "sign" and self._token.text in COMPARISONS:
            raise ExpressionError(
                f"at character {self._token.at} a comparison follows another; put one of them in parentheses"
            )
        if self._token.kind != "end":
            raise self._surprise("an operator or the end")
        return node

    def _comparison(self) -> T:
        left = self._sum()
        sign = self._sign(*COMPARISONS)
        if not sign:
            return left
        return self._algebra.comparison(sign, left, self._sum())

    def _sum(self) -> T:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> T:
        return self._chain(("*", "/", "%"), self._signed)

    def _chain(self, signs: tuple[str, ...], operand: Callable[[], T]) -> T:
        """Operands with operators between them."""
        first = operand()
        rest: list[tuple[str, T]] = []
        while sign := self._sign(*signs):
            rest.append((sign, operand()))
        return self._algebra.chain(first, rest) if rest else first

    def _signed(self) -> T:
        negative = False
        while self._sign("-"):
            negative = not negative
        node = self._power()
        return self._algebra.negative(node) if negative else node

    def _power(self) -> T:
        base = self._atom()
        if not self._sign("^"):
            return base
        return self._algebra.chain(base, [("^", self._deeper(self._signed))])

    def _atom(self) -> T:
        token = self._token
        if token.kind == "number":
            return self._number(self._take())
        if token.kind in {"name", "braced"}:
            self._take()
            called = token.kind == "name" and self._sign("(")
            return self._call(token) if called else self._point(token)
        if self._sign("("):
            node = self._deeper(self._comparison)
            self._expect(")", f"for the '(' at character {token.at}")
            return node
        raise self._surprise("a number, a point, a function or '('")

    # --- the smallest parts -------------------------------------------------------------------------------------------

    def _number(self, token: _Token) -> T:
        value: Number = int(token.text) if token.text.isdigit() else float(token.text)
        if value > LARGEST:
            raise ExpressionError(f"the number at character {token.at} is larger than any that can be reckoned with")
        return self._algebra.number(value)

    def _point(self, token: _Token) -> T:
        name = token.text
        if not is_point_name(name):
            raise ExpressionError(
                f"{name[:50]!r} at character {token.at} is no name of a point: 1 to {MAX_POINT_NAME} of A-Z a-z 0-9 _ -"
            )
        self.names.add(name)
        return self._algebra.point(name)

    def _call(self, token: _Token) -> T:
        """A function, its opening parenthesis taken."""
        least, most = (3, 3) if token.text == "if" else FUNCTIONS.get(token.text, (0, 0, None))[:2]
        if not most:
            raise ExpressionError(_no_function(token))
        arguments = [self._deeper(self._comparison)]
        while self._sign(","):
            arguments.append(self._deeper(self._comparison))
        self._expect(")", f"or ',' for {token.text}( at character {token.at}")
        if not least <= len(arguments) <= most:
            many = str(least) if least == most else f"{least} to {most}"
            raise ExpressionError(
                f"{token.text} at character {token.at} has {len(arguments)} arguments; it takes {many}"
            )
        return self._algebra.choice(*arguments) if token.text == "if" else self._algebra.call(token.text, arguments)


def _no_function(token: _Token) -> str:
    known = ["if", *FUNCTIONS]
    near = difflib.get_close_matches(token.text.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no function {token.text[:50]!r}, at character {token.at}; {hint}"

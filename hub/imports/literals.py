"""Settings written as keyword arguments of Python, read as literals: nothing is ever called or looked up."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

_OPENING = "f("
_ELSEWHERE = re.compile(r" \(detected at line \d+\)| on line \d+")
_HINT = re.compile(r"\. Perhaps you forgot a comma\?| Maybe you meant.*")


class Stamp(Struct, frozen=True):
    """A moment, as dumps write it: `DateTime('…')`."""

    text: str


class Setting(Struct, frozen=True):
    """A keyword and its value.

    Attributes:
        value: None, bool, int, float, str, Stamp, and lists and dicts of these.
        line, column: of the value, from 1.
    """

    name: str
    value: Any
    line: int
    column: int


class BadSettingsError(Exception):
    """Something that cannot be read as settings, and where; line and column count from 1."""

    def __init__(self, line: int, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.column = column
        self.sentence = sentence


def read_settings(lines: Sequence[str], first_line: int, indent: int) -> list[Setting]:
    """Read `a=1, b='x'`.

    Args:
        lines: the text; one that ends in a backslash goes on in the next.
        first_line: number of the first one in its file.
        indent: how many characters the first one has before what is given here.

    Raises:
        BadSettingsError: it is anything else.
    """
    return _Reading(lines, first_line, indent).settings()


class _Reading:
    def __init__(self, lines: Sequence[str], first_line: int, indent: int) -> None:
        self._lines = lines
        self._first = first_line
        self._indent = indent

    def settings(self) -> list[Setting]:
        call = self._parsed()
        if call.args:
            raise self._refusal(call.args[0], "expected settings of the form name=value, with commas between them")
        found: dict[str, Setting] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                raise self._refusal(keyword.value, "expected settings of the form name=value, not **")
            if keyword.arg in found:
                raise self._refusal(keyword.value, f"{_cut(keyword.arg)} is set twice")
            line, column = self._place(keyword.value.lineno, self._characters(keyword.value))
            found[keyword.arg] = Setting(keyword.arg, self._literal(keyword.value), line, column)
        return list(found.values())

    def _parsed(self) -> ast.Call:
        text = _OPENING + "\n".join(self._lines) + "\n)"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            reason = _HINT.sub("", _ELSEWHERE.sub("", str(error.msg)))
            line, column = self._place(error.lineno or 1, (error.offset or 1) - 1)
            raise BadSettingsError(line, column, f"cannot be read as settings name=value, …: {reason}") from None
        except (ValueError, RecursionError, MemoryError):
            raise BadSettingsError(self._first, self._indent + 1, "is nested too deeply to be read") from None
        if not isinstance(body, ast.Call) or not isinstance(body.func, ast.Name):
            raise BadSettingsError(
                self._first, self._indent + 1, "expected settings of the form name=value, with commas between them"
            )
        return body

    def _literal(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
            return node.value
        if isinstance(node, ast.List | ast.Tuple):
            return [self._literal(part) for part in node.elts]
        if isinstance(node, ast.Dict):
            return {self._key(key, node): self._literal(part) for key, part in zip(node.keys, node.values, strict=True)}
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and _is_number(node.operand):
            return -node.operand.value  # type: ignore[attr-defined]  # checked in the line above
        if isinstance(node, ast.Call) and _is_stamp(node):
            return Stamp(node.args[0].value)  # type: ignore[attr-defined]  # checked in the line above
        raise self._refusal(
            node, f"{_what(node)} is not evaluated here; write a text in quotes, a number, True, False, None or a list"
        )

    def _key(self, node: ast.expr | None, outer: ast.expr) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise self._refusal(node or outer, "expected a name in quotes before the colon")
        return node.value

    def _refusal(self, node: ast.expr, sentence: str) -> BadSettingsError:
        line, column = self._place(node.lineno, self._characters(node))
        return BadSettingsError(line, column, sentence)

    def _characters(self, node: ast.expr) -> int:
        """Where a node begins in its line, in characters; the parser counts bytes."""
        number = min(node.lineno, len(self._lines)) - 1
        text = (_OPENING if number == 0 else "") + self._lines[number]
        return len(text.encode()[: node.col_offset].decode(errors="replace"))

    def _place(self, line: int, character: int) -> tuple[int, int]:
        """Line and column in the file, of a character in a line of the text that was parsed."""
        number = min(line, len(self._lines)) - 1
        length = len(self._lines[number])
        if line > len(self._lines):
            character = length + (len(_OPENING) if number == 0 else 0)
        shift = self._indent - len(_OPENING) if number == 0 else 0
        return self._first + number, max(1, shift + character + 1)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_stamp(node: ast.Call) -> bool:
    return (
        isinstance(node.func, ast.Name)
        and node.func.id == "DateTime"
        and len(node.args) == 1
        and not node.keywords
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    )


def _what(node: ast.expr) -> str:
    """What stands there, but not its words: a secret without quotes is a name to the parser."""
    if isinstance(node, ast.Call):
        return "a call"
    if isinstance(node, ast.Name):
        return "a name without quotes"
    return "an expression" if not isinstance(node, ast.Constant) else "a value of this kind"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"

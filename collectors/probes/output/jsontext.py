"""JSON that knows where each of its parts stands (RFC 8259), and goes on where only a part is wrong (pure).

A number that is none (`NaN`, `1e400`) and a key that stands twice harm themselves alone; where the text is no JSON at
all, nothing of it is taken.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

MAX_DEPTH = 32
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[+-]?(?:NaN|nan|Infinity|inf)\b")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_WORD = re.compile(r"[A-Za-z0-9_.+-]+")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS = {"true": True, "false": False, "null": None}


class JsonError(ValueError):
    """The text is no JSON.

    Attributes:
        offset: where, in characters.
    """

    def __init__(self, offset: int, sentence: str) -> None:
        super().__init__(sentence)
        self.offset = offset


class Text(Struct, frozen=True):
    """A text, or a key."""

    value: str
    offset: int


class Digits(Struct, frozen=True):
    """A number as it was written; also what is none."""

    value: str
    offset: int


class Word(Struct, frozen=True):
    """`true`, `false` or `null`."""

    value: bool | None
    offset: int


class Items(Struct, frozen=True):
    """An array."""

    value: list[Any]
    offset: int


class Table(Struct, frozen=True):
    """An object: all its pairs as they stand, also those with the same key."""

    value: list[tuple[Text, Any]]
    offset: int

    def get(self, key: str) -> Any:
        """The node under a key; None when there is none."""
        return next((node for name, node in self.value if name.value == key), None)


Node = Text | Digits | Word | Items | Table


def read(text: str) -> Node:
    """Read a whole text.

    Raises:
        JsonError: it is no JSON, or goes too deep.
    """
    reader = _Reader(text)
    node = reader.node(0)
    at = reader.skip()
    if at < len(text):
        raise JsonError(at, "there is something behind the end of the JSON; a probe prints one value and nothing else")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def skip(self) -> int:
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._at

    def node(self, depth: int) -> Node:
        at = self.skip()
        text = self._text
        if at >= len(text):
            raise JsonError(at, "the text ends where a value was expected; was it cut short?")
        if depth > MAX_DEPTH:
            raise JsonError(at, f"it is nested more than {MAX_DEPTH} levels deep")
        sign = text[at]
        if sign == "{":
            return self._table(depth)
        if sign == "[":
            return self._items(depth)
        if sign == '"':
            return self._string()
        for pattern in (_NO_NUMBER, _NUMBER):
            found = pattern.match(text, at)
            if found is not None:
                self._at = found.end()
                return Digits(found.group(), at)
        word = _WORD.match(text, at)
        if word is not None and word.group() in _WORDS:
            self._at = word.end()
            return Word(_WORDS[word.group()], at)
        raise JsonError(at, "a value was expected: a number, a text in double quotes, an object or an array")

    def _table(self, depth: int) -> Table:
        begin = self._at
        self._at += 1
        pairs: list[tuple[Text, Any]] = []
        while True:
            at = self.skip()
            if self._sign() == "}" and not pairs:
                break
            if self._sign() != '"':
                raise JsonError(at, "a key in double quotes was expected")
            key = self._string()
            self._expect(":", "a colon was expected behind the key")
            pairs.append((key, self.node(depth + 1)))
            if not self._goes_on("}"):
                return Table(pairs, begin)
        self._at += 1
        return Table(pairs, begin)

    def _items(self, depth: int) -> Items:
        begin = self._at
        self._at += 1
        nodes: list[Any] = []
        self.skip()
        if self._sign() == "]":
            self._at += 1
            return Items(nodes, begin)
        while True:
            nodes.append(self.node(depth + 1))
            if not self._goes_on("]"):
                return Items(nodes, begin)

    def _goes_on(self, end: str) -> bool:
        """Step over the comma, or over the end."""
        at = self.skip()
        sign = self._sign()
        if sign not in {",", end}:
            raise JsonError(at, f"a comma or {end} was expected")
        self._at += 1
        return sign == ","

    def _expect(self, sign: str, sentence: str) -> None:
        at = self.skip()
        if self._sign() != sign:
            raise JsonError(at, sentence)
        self._at += 1

    def _sign(self) -> str:
        return self._text[self._at : self._at + 1]

    def _string(self) -> Text:
        begin = self._at
        self._at += 1
        parts: list[str] = []
        while True:
            found = _PLAIN.match(self._text, self._at)
            assert found is not None
            parts.append(found.group())
            self._at = found.end()
            sign = self._sign()
            if sign == '"':
                self._at += 1
                return Text("".join(parts), begin)
            if not sign:
                raise JsonError(begin, "the text that begins here has no end")
            if sign != "\\":
                raise JsonError(self._at, "a control character stands in a text; write it as \\n, \\t or \\u00XX")
            parts.append(self._escape())

    def _escape(self) -> str:
        at = self._at
        sign = self._text[at + 1 : at + 2]
        if sign in _ESCAPES and sign:
            self._at += 2
            return _ESCAPES[sign]
        unit = self._unit(at)
        self._at = at + 6
        if 0xD800 <= unit < 0xDC00 and self._text.startswith("\\u", self._at):
            low = self._unit(self._at)
            if 0xDC00 <= low < 0xE000:
                self._at += 6
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        return chr(unit)

    def _unit(self, at: int) -> int:
        digits = self._text[at + 2 : at + 6]
        if self._text[at + 1 : at + 2] != "u" or not re.fullmatch(r"[0-9A-Fa-f]{4}", digits):
            raise JsonError(at, "behind the backslash stands no escape of JSON")
        return int(digits, 16)

"""Banana, read within limits: the few expressions that a hardened broker takes, counted as their bytes arrive.

Twisted's own reader bounds each string and each list but not their sum nor their depth, so that 8 MB of opening lists
cost half a gigabyte before anybody has logged in. This one knows lists, integers, byte strings and the vocabulary of
dialect `pb`; what is announced is held against the limits before it is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from twisted.spread.banana import Banana

Expression = Any
"""An int, bytes, or a list of expressions."""

_LIST = 0x80
_INT = 0x81
_STRING = 0x82
_LONGINT = 0x85
_VOCABULARY = 0x87
_MAX_PREFIX_BYTES = 9  # 63 bits

_WORDS: dict[int, bytes] = Banana.incomingVocabulary
_NUMBERS: dict[bytes, int] = Banana.outgoingVocabulary
_LARGEST_INT = 2**31 - 1


class Refused(Exception):  # noqa: N818 - it is not an error of ours
    """Bytes that no well-meaning peer sends; the text never quotes them."""


class Limits(Struct, frozen=True, kw_only=True):
    """What one expression may be.

    Attributes:
        size_bytes: from its first byte to its last.
        items: lists, strings and numbers in it, all told.
        depth: lists within lists.
    """

    size_bytes: int
    items: int = 64
    depth: int = 6


def encode(expression: Expression) -> bytes:
    """Write an expression of lists (or tuples), bytes and integers from 0 to 2**63 - 1, in dialect `pb`."""
    parts: list[bytes] = []
    _encode(expression, parts.append)
    return b"".join(parts)


def _encode(expression: Expression, put: Callable[[bytes], None]) -> None:
    if isinstance(expression, bytes):
        word = _NUMBERS.get(expression)
        if word is not None:
            put(_token(word, _VOCABULARY))
        else:
            put(_token(len(expression), _STRING))
            put(expression)
    elif isinstance(expression, int):
        put(_token(expression, _INT if expression <= _LARGEST_INT else _LONGINT))
    else:
        put(_token(len(expression), _LIST))
        for item in expression:
            _encode(item, put)


def _token(number: int, kind: int) -> bytes:
    digits = bytearray()
    while True:
        digits.append(number & 0x7F)
        number >>= 7
        if not number:
            break
    digits.append(kind)
    return bytes(digits)


class ExpressionReader:
    """Cuts a stream of bytes into expressions.

    Attributes:
        limits: hold from the next token on, so that a broker may widen them once it knows its peer.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buffer = bytearray()
        self._wanted = 1
        self._lists: list[tuple[int, list[Expression]]] = []
        self._size = 0
        self._items = 0

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their token."""
        return len(self._buffer)

    def clear(self) -> None:
        """Let go of everything that is held; no more will be fed."""
        self._buffer.clear()
        self._lists.clear()

    def feed(self, data: bytes) -> Iterator[Expression]:
        """Take bytes; give each expression that they complete.

        Raises:
            Refused: an expression is, or will be, beyond the limits, or is none at all.
        """
        self._buffer += data
        position = 0
        try:
            while len(self._buffer) - position >= self._wanted:
                token = self._token(position)
                if token is None:
                    break
                position, value = token
                if value is not None and (done := self._place(value)) is not None:
                    yield done
        except Refused:
            self.clear()
            raise
        finally:
            del self._buffer[:position]

    def _token(self, start: int) -> tuple[int, Expression | None] | None:
        """Read one token: the position after it and its value; None for the value of an opened list.

        None as a whole says that bytes are missing, and `_wanted` how many there must be.
        """
        prefix = self._prefix(start)
        if prefix is None:
            return None
        number, at = prefix
        kind, after = self._buffer[at], at + 1
        if kind == _STRING:
            self._spend(after - start + number)
            if len(self._buffer) - after < number:
                self._unspend(after - start + number)
                self._wanted = after - start + number
                return None
            self._wanted = 1
            return after + number, bytes(self._buffer[after : after + number])
        self._wanted = 1
        self._spend(after - start)
        if kind == _LIST:
            return after, self._open(number)
        if kind in {_INT, _LONGINT}:
            return after, number
        if kind == _VOCABULARY and number in _WORDS:
            return after, _WORDS[number]
        raise Refused("a token of a kind that is not spoken here")

    def _prefix(self, start: int) -> tuple[int, int] | None:
        """Read a token's number: its value and the position of the type byte."""
        number = 0
        for at in range(start, min(len(self._buffer), start + _MAX_PREFIX_BYTES + 1)):
            byte = self._buffer[at]
            if byte >= 0x80:
                return number, at
            number |= byte << (7 * (at - start))
        if len(self._buffer) - start > _MAX_PREFIX_BYTES:
            raise Refused("a number of more than 63 bits")
        self._wanted = len(self._buffer) - start + 1
        return None

    def _open(self, count: int) -> Expression | None:
        if len(self._lists) >= self.limits.depth:
            raise Refused(f"lists nested deeper than {self.limits.depth}")
        if self._items + count > self.limits.items:
            raise Refused(f"more than {self.limits.items} items")
        if count == 0:
            return []
        self._items += 1
        self._lists.append((count, []))
        return None

    def _place(self, value: Expression) -> Expression | None:
        """Put a value where it belongs; give the expression when that completes it."""
        self._items += 1
        if self._items > self.limits.items:
            raise Refused(f"more than {self.limits.items} items")
        while self._lists:
            count, items = self._lists[-1]
            items.append(value)
            if len(items) < count:
                return None
            self._lists.pop()
            value = items
        self._size = self._items = 0
        return value

    def _spend(self, size: int) -> None:
        self._size += size
        if self._size > self.limits.size_bytes:
            raise Refused(f"more than {self.limits.size_bytes} bytes in one expression")

    def _unspend(self, size: int) -> None:
        self._size -= size

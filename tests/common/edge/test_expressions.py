"""Banana within limits: what Twisted writes is read, and what would hurt is refused before it is held."""

# mypy: allow-untyped-calls
# (trial's assertions and twisted.spread have no types)
from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.spread import banana

from common.edge.expressions import ExpressionReader, Limits, Refused, encode

WIDE = Limits(size_bytes=100_000, items=2000, depth=8)
LEAVES = st.integers(0, 2**63 - 1) | st.binary(max_size=40) | st.sampled_from([b"tuple", b"message", b"answer"])
EXPRESSIONS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=5), max_leaves=30)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted({n % (len(data) + 1) for n in at}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def read(reader: ExpressionReader, *chunks: bytes) -> list[Any]:
    return [expression for chunk in chunks for expression in reader.feed(chunk)]


def stock_encode(expression: Any) -> bytes:
    writer: Any = banana.Banana()
    sent: list[bytes] = []
    writer.transport = type("T", (), {"write": staticmethod(sent.append)})
    writer.setPrefixLimit(64)
    writer.currentDialect = b"pb"
    writer.sendEncoded(expression)
    return b"".join(sent)


@given(st.lists(EXPRESSIONS, max_size=4), st.lists(st.integers(0, 1000), max_size=6))
def test_what_twisted_writes_is_read_however_it_is_cut(expressions: list[Any], at: list[int]) -> None:
    data = b"".join(stock_encode(expression) for expression in expressions)
    reader = ExpressionReader(WIDE)
    assert read(reader, *cut(data, at)) == expressions
    assert reader.held_bytes == 0


@given(EXPRESSIONS)
def test_what_we_write_is_what_twisted_writes(expression: Any) -> None:
    assert encode(expression) == stock_encode(expression)


@given(st.binary(max_size=200), st.lists(st.integers(0, 1000), max_size=4))
def test_any_bytes_are_read_or_refused(data: bytes, at: list[int]) -> None:
    reader = ExpressionReader(Limits(size_bytes=128, items=8, depth=3))
    with contextlib.suppress(Refused):
        read(reader, *cut(data, at))
    assert reader.held_bytes <= 200


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x01\x80" * 7, "nested deeper than 6"),
        (b"\x00\x08\x82", "more than 1000 bytes"),  # a string of 1024 bytes is announced
        (b"\x7f" * 8 + b"\x7f\x82", "more than 1000 bytes"),
        (b"\x65\x80", "more than 64 items"),  # a list of 101 is announced
        (b"\x40\x80" + b"\x01\x81" * 64, "more than 64 items"),
        (b"\x01" * 10, "63 bits"),
        (b"\x01" * 10 + b"\x81", "63 bits"),
        (b"\x84" + b"\x00" * 8, "kind"),
        (b"\x01\x83", "kind"),
        (b"\x01\x86", "kind"),
        (b"\x7f\x87", "kind"),
        (b"\xff", "kind"),
    ],
    ids=["deep", "long", "huge", "wide", "many", "prefix", "number", "float", "negative", "longneg", "word", "unknown"],
)
def test_what_is_beyond_the_limits_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says):
        read(ExpressionReader(Limits(size_bytes=1000)), data)


def test_small_strings_add_up() -> None:
    data = b"\x32\x80" + (b"\x1e\x82" + b"x" * 30) * 50
    with pytest.raises(Refused, match="more than 1000 bytes"):
        read(ExpressionReader(Limits(size_bytes=1000)), data)


def test_each_expression_has_a_budget_of_its_own() -> None:
    one = encode([b"x" * 900])
    assert len(read(ExpressionReader(Limits(size_bytes=1000)), one * 20)) == 20


def test_a_string_that_comes_in_pieces_is_counted_once() -> None:
    data = encode([b"x" * 900])
    reader = ExpressionReader(Limits(size_bytes=1000))
    assert read(reader, *(data[n : n + 10] for n in range(0, len(data), 10))) == [[b"x" * 900]]


def test_wider_limits_hold_from_the_next_token_on() -> None:
    reader = ExpressionReader(Limits(size_bytes=10))
    reader.limits = Limits(size_bytes=10_000)
    assert read(reader, encode(b"x" * 5000)) == [b"x" * 5000]

"""Expressions for rrdtool: on rows of a real file, each gives what `common.expressions` gives."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rrdtool
from hypothesis import given, settings
from hypothesis import strategies as st

from common.expressions import ExpressionError, parse
from common.rpn import compile_rpn, number_rpn

START = 1_000_000_000
_ROWS: list[tuple[float | None, float | None]] = [
    (7.5, 2), (-7.5, 2), (7.5, -2), (-7.5, -2), (7, 0), (0, 0), (0, -1), (2.5, 3), (3.5, 1), (-2.5, 2), (-0.5, 1),
    (0.5, 0.1), (1e200, 1e200), (-1e200, 3), (1e-200, -3), (None, 2), (2, None), (None, None), (1, 0.5), (-8, 1 / 3),
    (4503599627370497.5, 2), (123456.789, 12), (0.001, 7), (1024, 1000), (1, 1), (-1, -1), (10, 3),
]  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = str(tmp_path_factory.mktemp("rpn") / "a.rrd")
    rrdtool.create(
        path, "--start", str(START - 1), "--step", "1", "DS:a:GAUGE:2:U:U", "DS:b:GAUGE:2:U:U", "RRA:AVERAGE:0.5:1:100"
    )
    texts = ["U" if value is None else repr(value) for row in _ROWS for value in row]
    rrdtool.update(path, *[f"{START + i}:{texts[2 * i]}:{texts[2 * i + 1]}" for i in range(len(_ROWS))])
    held = rrdtool.fetch(path, "AVERAGE", "--start", str(START - 1), "--end", str(START + len(_ROWS) - 2))[2]
    assert len(held) == len(_ROWS)
    return path, held


def _by_rrdtool(path: str, rpn: str) -> list[float | None]:
    sources = [f"DEF:{name}={path}:{name}:AVERAGE" for name in "ab"]
    span = ["--start", str(START - 1), "--end", str(START + len(_ROWS) - 1), "--step", "1"]
    found = rrdtool.xport(*span, *sources, f"CDEF:x={rpn}", "XPORT:x")
    return [row[0] for row in found["data"]][: len(_ROWS)]


def _check(rows: Any, text: str, tolerance: float = 0.0) -> None:
    path, held = rows
    expression = parse(text)
    wanted = [expression.evaluate({"a": a, "b": b}) for a, b in held]
    got = _by_rrdtool(path, compile_rpn(text, {"a": "a", "b": "b"}))
    for row, want, have in zip(held, wanted, got, strict=True):
        assert (want is None) == (have is None), (text, row, want, have)
        if want is not None and have is not None:
            assert math.isclose(want, have, rel_tol=tolerance), (text, row, want, have)


@pytest.mark.parametrize(
    "text",
    [
        "a", "-a", "a + b", "a - b", "a * b", "a / b", "a % b", "a ^ b", "a ^ 0", "1 ^ a", "-a ^ 2", "a % -3", "-a % 3",
        "a < b", "a <= b", "a > b", "a >= b", "a == b", "a != b", "a == 0.1 + 0.4", "b == 0.1", "a == 123456.789",
        "if(a > b, a, b)", "if(a, 1, 2)", "if(b, a / b, 0)", "if(a > 0, 1, b)", "if(if(a, b, 1), if(b, 1, a), a - b)",
        "min(a, b)", "max(a, b, 1)", "min(a)", "abs(a)", "round(a)", "round(a / 10)", "log(a)", "log(a, 10)",
        "log(a, b)", "log(a, 1)", "sqrt(a)", "1 / 0", "a + 1 / 0", "missing", "if(a > 0, a, missing)", "2 ^ 0.5 * a",
        "10 ^ 30 % 7 + a", "0.1 + a", "1e300 * a", "1e-300 * a * 0.1", "9007199254740993 - a", "a * 1e308 * 10",
        "a ^ b ^ 2", "round(a, 0.5)", "round(a, 400)", "round(a, -400)", "round(5, -1) + a", "a * 1.797e308",
    ],
)  # fmt: skip
def test_an_expression_means_the_same_to_rrdtool(rows: Any, text: str) -> None:
    _check(rows, text, 1e-14 if "log" in text or "^" in text else 0.0)


@pytest.mark.parametrize("text", ["round(a, 2)", "round(a, -1)", "round(a / 7, b)", "round(a, b / 2)", "round(a, -3)"])
def test_rounding_to_places_means_the_same_to_a_few_bits(rows: Any, text: str) -> None:
    _check(rows, text, 1e-12)


_leaves = st.sampled_from(["a", "b", "0", "1", "2", "3", "0.5", "10", "0.001", "1e30"])


def _called(parts: tuple[str, str]) -> str:
    return f"{parts[0]}({parts[1]})"


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def joined(sign: str) -> st.SearchStrategy[str]:
        return st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) {sign} ({pair[1]})")

    signs = ["+", "-", "*", "/", "%", "^", "<", "<=", ">", ">=", "==", "!="]
    return st.one_of(
        *[joined(sign) for sign in signs],
        inner.map(lambda text: f"-({text})"),
        *[st.tuples(st.just(name), inner).map(_called) for name in ("abs", "round", "sqrt", "log")],
        st.tuples(inner, inner).map(lambda pair: f"min({pair[0]}, {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"max({pair[0]}, {pair[1]})"),
        st.tuples(inner, inner, inner).map(lambda three: f"if({', '.join(three)})"),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(_leaves, _grown, max_leaves=6).filter(lambda text: len(text) < 900))
def test_any_expression_is_known_where_it_is_known(rows: Any, text: str) -> None:
    """Which rows are known is the same; and so is the number, but for what the last bits of a power lead to."""
    path, held = rows
    expression = parse(text)
    wanted = [expression.evaluate({"a": a, "b": b}) for a, b in held]
    got = _by_rrdtool(path, compile_rpn(text, {"a": "a", "b": "b"}))
    if "^" in text or "log" in text:
        assert all(have is None or math.isfinite(have) for have in got)
        return
    assert [want is None for want in wanted] == [have is None for have in got], text
    pairs = [(w, h) for w, h in zip(wanted, got, strict=True) if w is not None and h is not None]
    assert all(math.isclose(w, h, rel_tol=1e-13) for w, h in pairs), text


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=60, deadline=None)
def test_a_number_is_read_to_the_last_bit(rows: Any, value: float) -> None:
    assert _by_rrdtool(rows[0], f"a,POP,{number_rpn(value)},0,+")[0] == value


def test_what_is_no_expression_is_said_to_be_none() -> None:
    with pytest.raises(ExpressionError, match="no function"):
        compile_rpn("sin(a)", {"a": "a"})


def test_a_condition_within_conditions_does_not_grow_beyond_its_text() -> None:
    text = "a"
    for _ in range(25):
        text = f"if({text}, 1, b)"
    assert len(compile_rpn(text, {"a": "a", "b": "b"})) < 2000

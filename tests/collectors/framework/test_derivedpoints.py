"""Derived points, held against an evaluator that walks a tree of its own and knows nothing of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.judging.derivedpoints import MOST, DerivedPoints, derived_points
from common.judged import DerivedConfig
from common.series import Kind, Number, Point

MEASURED = (Point(name="a"), Point(name="b", unit="bytes"), Point(name="read-ops", kind=Kind.DERIVE), Point(name="2xx"))
NAMES = [point.name for point in MEASURED]
Tree = tuple[Any, ...]
Values = Mapping[str, Number | None]

# --- the other evaluator ----------------------------------------------------------------------------------------------


def _divided(one: Number, other: Number) -> Number:
    if isinstance(one, int) and isinstance(other, int) and divmod(one, other)[1] == 0:
        return divmod(one, other)[0]
    return one / other


def _rounded(value: Number, places: Number = 0) -> Number:
    return round(value, int(places)) if places else round(value)


TWO: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divided,
    "%": lambda a, b: a % b,
    "^": lambda a, b: a**b,
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
}
CALLS: dict[str, Callable[..., Any]] = {
    "min": lambda *some: min(some),
    "max": lambda *some: max(some),
    "abs": abs,
    "round": _rounded,
    "log": math.log,
    "sqrt": math.sqrt,
}


def reckoned(tree: Tree, values: Values) -> Number | None:
    """What a tree comes to; None is unknown."""
    kind, *parts = tree
    if kind == "number":
        written: Number = parts[0]
        return written
    if kind == "point":
        return values.get(parts[0])
    if kind == "if":
        condition = reckoned(parts[0], values)
        return None if condition is None else reckoned(parts[1] if condition else parts[2], values)
    found: list[Any] = [reckoned(part, values) for part in parts]
    if None in found:
        return None
    try:
        number: Number = -found[0] if kind == "minus" else {**TWO, **CALLS}[kind](*found)
        if isinstance(number, complex) or not math.isfinite(number):
            return None
    except (ArithmeticError, ValueError):
        return None
    return number


def text(tree: Tree) -> str:
    """A tree as an expression."""
    kind, *parts = tree
    if kind == "number":
        return repr(parts[0])
    if kind == "point":
        return parts[0] if parts[0].isidentifier() else f"{{{parts[0]}}}"
    if kind == "minus":
        return f"-({text(parts[0])})"
    if kind in TWO:
        return f"({text(parts[0])}) {kind} ({text(parts[1])})"
    return f"{kind}({', '.join(map(text, parts))})"


# --- trees ------------------------------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 1000) | st.sampled_from([0.5, 1.25, 1e9, 1e300])
VALUES = st.none() | st.integers(-5, 2**64 - 1) | st.integers(-3, 3) | st.floats(-1e9, 1e9)


def trees(names: list[str]) -> st.SearchStrategy[Tree]:
    atoms: st.SearchStrategy[Tree] = NUMBERS.map(lambda x: ("number", x)) | st.sampled_from(names).map(
        lambda name: ("point", name)
    )

    def compound(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        signs = st.sampled_from([sign for sign in TWO if sign != "^"])
        power = st.tuples(st.just("^"), inner, st.sampled_from([-2, -1, 0, 0.5, 1, 2, 3]).map(_exponent))
        some = st.sampled_from(["min", "max"]).flatmap(
            lambda name: st.lists(inner, min_size=1, max_size=3).map(lambda parts: (name, *parts))
        )
        one = st.tuples(st.sampled_from(["minus", "abs", "round", "log", "sqrt"]), inner)
        places = st.tuples(st.just("round"), inner, st.integers(0, 3).map(lambda x: ("number", x)))
        return (
            st.tuples(signs, inner, inner)
            | power
            | some
            | one
            | places
            | st.tuples(st.just("log"), inner, st.sampled_from([2, 10]).map(lambda x: ("number", x)))
            | st.tuples(st.just("if"), inner, inner, inner)
        )

    return st.recursive(atoms, compound, max_leaves=6)


def _exponent(number: float) -> Tree:
    return ("number", number) if number >= 0 else ("minus", ("number", -number))


@st.composite
def collections(draw: st.DrawFn) -> list[tuple[DerivedConfig, Tree | None]]:
    """Derived points, each of those before it and of what is measured, and some that are wrong."""
    made: list[tuple[DerivedConfig, Tree | None]] = []
    names = list(NAMES)
    for number in range(draw(st.integers(1, 4))):
        name = f"d{number}"
        tree = draw(trees(names)) if draw(st.integers(0, 4)) else None
        low, high = sorted(draw(st.tuples(st.integers(-100, 10), st.integers(0, 10**6))))
        limits: dict[str, Any] = {"minimum": float(low), "maximum": float(high)} if draw(st.booleans()) else {}
        expression = "a +" if tree is None else text(tree)
        if len(expression) > 1000:
            tree, expression = ("point", "a"), "a"
        made.append((DerivedConfig(point=name, expression=expression, **limits), tree))
        names.append(name)
    return made


@given(collections(), st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_each_is_what_its_tree_comes_to_whatever_the_others_are(
    made: list[tuple[DerivedConfig, Tree | None]], values: dict[str, Number | None]
) -> None:
    points = DerivedPoints(MEASURED, [config for config, _ in made])
    figures = dict(values)
    points.add_to(figures)
    wanted = dict(values)
    for config, tree in made:
        found = None if tree is None else reckoned(tree, wanted)
        if found is not None and config.minimum is not None and config.maximum is not None:
            found = found if config.minimum <= found <= config.maximum else None
        if found is not None and not -(2**63) <= found < 2**64:
            found = float(found)
        wanted[config.point] = found
    assert figures == wanted
    assert [point.name for point in points.points] == [config.point for config, _ in made]
    assert len(points.flaws) == sum(tree is None for _, tree in made)
    assert all(type(figures[name]) is type(value) for name, value in wanted.items())


# --- what is not to be computed ---------------------------------------------------------------------------------------


def one(point: str, expression: str, **fields: Any) -> DerivedConfig:
    return DerivedConfig(point=point, expression=expression, **fields)


@pytest.mark.parametrize(
    ("bad", "kept", "flaw"),
    [
        (one("bad", "a +"), True, "derived point bad: at character 4 the expression ends"),
        (one("bad", "nofunction(a)"), True, "derived point bad: there is no function 'nofunction'"),
        (one("a", "b"), False, "derived point a: there is another point of that name"),
        (one("good", "b"), False, "derived point good: there is another point of that name"),
        (one("b a d", "b"), False, "derived point 'b a d': a name is 1 to 19 of"),
        (one("bad\n", "b"), False, "a name is 1 to 19 of"),
        (one("x" * 20, "b"), False, "a name is 1 to 19 of"),
    ],
)
def test_what_is_wrong_is_told_and_hurts_itself_alone(bad: DerivedConfig, kept: bool, flaw: str) -> None:
    points = DerivedPoints(MEASURED, [one("good", "a * 2"), bad, one("later", "good + 1")])
    figures: dict[str, Number | None] = {"a": 3, "b": 4}
    points.add_to(figures)
    assert figures == {"a": 3, "b": 4, "good": 6, "later": 7} | ({bad.point: None} if kept else {})
    assert flaw in points.flaws[0]
    assert len(points.flaws) == 1


def test_what_a_source_can_never_know_is_no_point_of_it() -> None:
    points = DerivedPoints(
        MEASURED,
        [
            one("never", "threads + a"),
            one("nor", "never * 2"),
            one("sometimes", "if(a > 1, a, threads)"),
            one("most", "{2xx} + 1", unit="n", minimum=0.0),
        ],
    )
    assert [point.name for point in points.points] == ["sometimes", "most"]
    assert points.flaws == ()
    assert points.needs == {"a", "threads", "2xx"}
    assert points.points[1] == Point(name="most", unit="n", minimum=0.0)


def test_there_is_a_bound_to_what_is_derived() -> None:
    points = DerivedPoints(MEASURED, [one(f"d{number}", "a") for number in range(MOST + 2)])
    assert len(points.points) == MOST
    assert points.flaws == tuple(f"derived point d{MOST + more}: a source has at most {MOST}" for more in (0, 1))


def test_devices_of_a_template_share_what_computes() -> None:
    assert derived_points(MEASURED, (one("d", "a"),)) is derived_points(MEASURED, (one("d", "a"),))

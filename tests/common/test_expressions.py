"""Expressions: what they mean, held against Python's own arithmetic; what is refused; what is hostile."""

from __future__ import annotations

import ast
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.expressions import MAX_DEPTH, MAX_LENGTH, ExpressionError, parse

VALUES: dict[str, int | float | None] = {"a": 7, "b": 2.5, "zero": 0, "none": None, "read-ops": 5, "2xx": 11, "min": 3}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("2 ^ -1", 0.5),
        ("--3", 3),
        ("-7 % 3", 2),
        ("1.5e3 + .5", 1500.5),
        ("1e2", 100.0),
        ("a < b", 0),
        ("a >= 7", 1),
        ("a == 7", 1),
        ("a != 7", 0),
        ("1 + a > b * 2", 1),
        ("(a > 1) + (b > 1)", 2),
        ("if(a > b, a, b)", 7),
        ("if(zero, none, 4)", 4),
        ("if(1, 3, 1 / zero)", 3),
        ("min(a, b, 9)", 2.5),
        ("max(a)", 7),
        ("abs(-a)", 7),
        ("round(b)", 2),
        ("round(2.346, 2)", 2.35),
        ("round(1234, -2)", 1200),
        ("log(1)", 0.0),
        ("log(8, 2)", 3.0),
        ("sqrt(16)", 4.0),
        ("a-b", 4.5),
        ("{read-ops} - a", -2),
        ("{2xx}+1", 12),
        ("min + min(min, 9)", 6),
        ("0 ^ 0", 1),
        ("\n a \t+ 1 ", 8),
    ],
)
def test_what_an_expression_gives(text: str, result: float) -> None:
    assert parse(text).evaluate(VALUES) == pytest.approx(result, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "none",
        "missing",
        "none + 1",
        "-none",
        "none > 1",
        "if(none, 1, 2)",
        "min(1, none)",
        "none * 0",
        "none ^ 0",
        "1 / zero",
        "1 % zero",
        "1.5 / (a - 7)",
        "1e308 * 10",
        "1 / (1e308 * 10)",
        "1e308 + 1e308 - 1e308",
        "(-8) ^ 0.5",
        "0 ^ -1",
        "10 ^ 309",
        "(0 - 10) ^ 309",
        "sqrt(-1)",
        "log(0)",
        "log(2, 1)",
        "round(1, 0.5)",
        "9 ^ 9 ^ 9 ^ 9",
        "2 ^ 1e300",
        "(10 ^ 300) ^ (10 ^ 300)",
    ],
)
def test_what_is_unknown(text: str) -> None:
    assert parse(text).evaluate(VALUES) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_a_value_that_is_no_finite_number_is_unknown(value: float) -> None:
    assert parse("a").evaluate({"a": value}) is None


def test_integers_stay_exact() -> None:
    large = 2**63
    assert parse("a * a + 1").evaluate({"a": large}) == large**2 + 1
    quotient = parse("a * 3 / 3").evaluate({"a": large + 1})
    assert (quotient, type(quotient)) == (large + 1, int)
    assert parse("1 ^ (10 ^ 300)").evaluate({}) == 1
    assert parse("round(a, -1000000000)").evaluate({"a": 7}) == 0


def test_names_are_the_points_alone() -> None:
    assert parse("max(memory, {read-ops}) / if(count, count, 1e3)").names == {"memory", "read-ops", "count"}
    assert parse("1 + 1").names == frozenset()


def test_a_point_is_needed_when_the_expression_is_never_known_without_it() -> None:
    assert parse("max(a, {b-c}) / d ^ 2 - -e > 1").needs == {"a", "b-c", "d", "e"}
    assert parse("if(a > 1, b / c, c) + 1").needs == {"a", "c"}
    assert parse("1 + 1").needs == frozenset()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at character 1 the expression ends, where a number, a point, a function or '(' was expected"),
        ("1 +", "at character 4 the expression ends, where a number, a point, a function or '(' was expected"),
        ("1 2", "at character 3 there is '2', where an operator or the end was expected"),
        ("+1", "at character 1 there is '+', where a number"),
        ("(1 + 2", "at character 7 the expression ends, where ')' for the '(' at character 1 was expected"),
        ("1)", "at character 2 there is ')'"),
        ("a = 1", "'=' at character 3 has no meaning in an expression; equality is written =="),
        ("a; b", "';' at character 2 has no meaning"),
        ("{a", "'{' at character 1 has no meaning in an expression; the brace is not closed"),
        ("{a b}", "'a b' at character 1 is no name of a point"),
        ("{}", "'' at character 1 is no name of a point"),
        ("a_name_of_20_letters", "at character 1 is no name of a point: 1 to 19 of"),
        ("2xx + 1", "'2xx' at character 1 is neither a number nor a name; a point's name that begins with a digit"),
        ("1.2.3", "'1.2.3' at character 1 is neither"),
        ("1 < a < 3", "at character 7 a comparison follows another; put one of them in parentheses"),
        ("maxx(1)", "there is no function 'maxx', at character 1; did you mean max?"),
        ("exec(1)", "there is no function 'exec', at character 1; there are if, min"),
        ("if(1, 2)", "if at character 1 has 2 arguments; it takes 3"),
        ("round(1, 2, 3)", "round at character 1 has 3 arguments; it takes 1 to 2"),
        ("abs()", "at character 5 there is ')'"),
        ("9e999", "the number at character 1 is larger than any"),
        ("9" * 400, "the number at character 1 is larger than any"),
        ("__import__('os')", "at character 12 has no meaning"),
        ("a.b", "'.' at character 2 has no meaning"),
        ("a\x00", "'\\x00' at character 2 has no meaning"),
        ("²", "'²' at character 1 has no meaning"),
        ("(" * 10_000, "the expression has 10000 characters; at most 1000 may be"),
        ("(" * 500 + "1" + ")" * 500, "the expression has 1001 characters"),
        ("(" * 499 + "1" + ")" * 499, f"at character {MAX_DEPTH + 2} the expression goes more than 30 levels deep"),
        ("abs(" * 200 + "1" + ")" * 190, "the expression goes more than 30 levels deep"),
        ("2^" * 400 + "2", "the expression goes more than 30 levels deep"),
    ],
)
def test_what_is_refused_and_with_which_words(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse(text)
    assert message in str(refused.value)


def test_the_longest_and_the_deepest_can_be_evaluated() -> None:
    assert parse("+".join(["1"] * (MAX_LENGTH // 2))).evaluate({}) == MAX_LENGTH // 2
    assert parse("-" * (MAX_LENGTH - 1) + "1").evaluate({}) == -1
    assert parse("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH).evaluate({}) == 1
    assert parse("2^" * MAX_DEPTH + "1").evaluate({}) is None
    assert parse("1-if(1<2,-(" * 15 + "1" + "),0)" * 15).evaluate({}) == 16


# --- against Python ---------------------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 10**6) | st.integers(0, 10**8).map(lambda thousandths: thousandths / 1000)
"""So that nothing overflows on the way: Python would go on with infinity."""
ATOMS = st.sampled_from(["a", "b"]) | NUMBERS.map(repr)
SIGNS = st.sampled_from(["+", "-", "*", "/", "%"])
COMPARED = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    wrapped = st.tuples(st.sampled_from(["{}", "({})", "-{}", "abs({})", "round({})"]), inner).map(
        lambda pair: pair[0].format(pair[1])
    )
    small = wrapped | ATOMS | st.tuples(ATOMS, st.integers(0, 3)).map(lambda pair: f"{pair[0]} ^ {pair[1]}")
    rest = st.lists(st.tuples(SIGNS, small).map(" ".join), min_size=1, max_size=4).map(" ".join)
    chain = st.tuples(small, rest).map(" ".join)
    compared = st.tuples(chain, COMPARED, small).map(lambda parts: "(({}) {} ({}))".format(*parts))
    smallest = st.tuples(chain, small).map(lambda pair: f"min({pair[0]}, {pair[1]})")
    return chain | compared | smallest


@given(st.recursive(ATOMS, compound, max_leaves=8), NUMBERS, NUMBERS)
@example("a - b - -b ^ 2 % 3", 5, 3)
def test_it_reckons_as_python_does(text: str, a: float, b: float) -> None:
    expected = python(text, a=a, b=b)
    result = parse(text).evaluate({"a": a, "b": b})
    assert result == expected
    assert type(result) is type(expected)


def python(text: str, **values: float) -> Any:
    """What Python makes of it; a division without remainder is one of integers there too."""

    class Whole(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
            self.generic_visit(node)
            if not isinstance(node.op, ast.Div):
                return node
            return ast.Call(ast.Name("divide", ast.Load()), [node.left, node.right], [])

    def divide(a: Any, b: Any) -> Any:
        return a // b if isinstance(a, int) and isinstance(b, int) and divmod(a, b)[1] == 0 else a / b

    tree = ast.fix_missing_locations(Whole().visit(ast.parse(text.replace("^", "**"), mode="eval")))
    names = {"min": min, "abs": abs, "round": round, "divide": divide, **values}
    try:
        result = eval(compile(tree, "text", "eval"), {"__builtins__": {}}, names)  # a text of this test alone
    except ArithmeticError:
        return None
    return int(result) if isinstance(result, bool) else result


@given(st.text(alphabet="ab09.eE+-*/%^<>=!(),{} ifmnx\n\x00é", max_size=60))
def test_any_text_is_an_expression_or_is_refused_with_a_sentence(text: str) -> None:
    assert judged(text)


def judged(text: str) -> bool:
    """Whether a text is refused with a place, or gives a finite number or none."""
    try:
        expression = parse(text)
    except ExpressionError as error:
        return "character" in str(error)
    result = expression.evaluate(dict.fromkeys(expression.names, 3))
    return result is None or math.isfinite(result)


@given(st.recursive(ATOMS, compound, max_leaves=8))
def test_an_unknown_point_makes_everything_unknown_that_needs_it(text: str) -> None:
    expression = parse(f"({text}) + a")
    assert expression.evaluate({"a": None, "b": 1}) is None
    assert all(expression.evaluate({**dict.fromkeys("ab", 1), name: None}) is None for name in expression.needs)

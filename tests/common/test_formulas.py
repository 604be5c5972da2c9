"""Formulas over the objects of an SNMP source."""

from __future__ import annotations

import pytest

from common.expressions import ExpressionError
from common.formulas import name_of, parse_formula, places_of, wholes_of


@pytest.mark.parametrize(
    ("text", "places", "result"),
    [("$1", {1}, 1.0), ("$1 * 8 + $12", {1, 12}, 20.0), ("if($2 > 0, 100*$1/$2, 0)", {1, 2}, 50.0)],
)
def test_objects_are_called_by_their_places(text: str, places: set[int], result: float) -> None:
    formula = parse_formula(text)
    assert places_of(formula) == places
    assert formula.evaluate({name_of(1): 1.0, name_of(2): 2.0, name_of(12): 12.0}) == result


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$1 +", "at character 5"),
        ("$0", "'$' at character 1 has no meaning"),
        ("$1x", "'$' at character 1 has no meaning"),
        ("load * 8", "'load' is no object of the source; these are called $1, $2 and so on"),
        ("v1 * 8", "'v1' is no object of the source"),
        ("8 * 2", "refers to no object"),
    ],
)
def test_what_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_formula(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["100 * $2 / sum($1)", "100 * $2 / sum( $1 )"])
def test_what_is_of_all_rows_has_a_name_of_its_own(text: str) -> None:
    formula = parse_formula(text)
    assert places_of(formula) == {1, 2}
    assert wholes_of(formula) == {"sum_v1": ("sum", 1)}
    assert formula.evaluate({"v2": 5, "sum_v1": 20}) == 25


@pytest.mark.parametrize("text", ["sum($1, $2)", "sum($1 + 1)", "total($1)"])
def test_all_rows_are_of_one_object(text: str) -> None:
    with pytest.raises(ExpressionError, match="there is no function"):
        parse_formula(text)

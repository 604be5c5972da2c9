from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.components.names import is_fixed, possible


@pytest.mark.parametrize(
    ("moves", "left"),
    [
        ("", ""),
        ("ax", "ax"),
        ("ab ba", "ab ba"),
        ("ab bc ca", "ab bc ca"),
        ("ab bx", "ab bx"),
        ("ab", ""),
        ("ab bc", ""),
        ("ax bx", ""),
        ("ab bc cx dx", ""),
    ],
)
def test_names_may_be_swapped_and_passed_on_but_not_taken(moves: str, left: str) -> None:
    pairs = {pair[0]: pair[1] for pair in moves.split()}
    assert possible(pairs, "abcd") == {pair[0]: pair[1] for pair in left.split()}


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("abcdxy")))
def test_no_two_have_the_same_name(moves: dict[str, str]) -> None:
    left = possible(moves, "abcd")
    assert left.items() <= moves.items()
    assert len({left.get(name, name) for name in "abcd"}) == 4


def test_a_name_of_groups_is_not_fixed() -> None:
    assert (is_fixed("nginx"), is_fixed("java {1}")) == (True, False)

"""What hosts call things, made fit to be kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.modeler.words import Ignored, distinct, figure, name, phrase
from common.components import MAX_NAME


@given(st.text(max_size=600))
def test_a_name_is_short_and_printable_whatever_a_host_says(text: str) -> None:
    called = name(text)
    assert len(called) <= MAX_NAME
    assert called.isprintable()
    assert called == called.strip()
    called.encode()  # no half of a surrogate pair is left


@given(st.text(max_size=3000))
def test_a_phrase_is_one_line(text: str) -> None:
    assert phrase(text).isprintable()
    assert len(phrase(text)) <= 500


def test_what_ends_lines_becomes_a_space_in_a_phrase() -> None:
    assert phrase("Cisco IOS\r\n  Software\tX") == "Cisco IOS Software X"


@given(st.lists(st.sampled_from(["a", "b", "a #2", "a #3", "x" * 255, "x" * 252 + " #2"]), max_size=12))
def test_no_name_is_given_twice_and_single_ones_stay(wanted: list[str]) -> None:
    given_names = distinct(wanted)
    assert len(set(given_names)) == len(wanted)
    assert all(len(one) <= MAX_NAME for one in given_names)
    assert set(wanted) <= set(given_names)
    assert distinct(given_names) == given_names


def test_doubles_get_numbers_that_nobody_has() -> None:
    assert distinct(["a", "a", "a #2", "a"]) == ["a", "a #3", "a #2", "a #4"]


@pytest.mark.parametrize("value", [None, b"5", -1, 2**63, (1, 3)])
def test_what_is_no_figure(value: object) -> None:
    assert figure(value) is None


def test_figures_are_those_that_a_database_holds() -> None:
    assert (figure(0), figure(2**63 - 1)) == (0, 2**63 - 1)


def test_a_pattern_is_searched_and_none_ignores_nothing() -> None:
    assert "veth01" in Ignored("^veth")
    assert "eth0" not in Ignored("^veth")
    assert "anything" not in Ignored("")

"""A column of words is as the list of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.process import words
from collectors.process.words import MOST_WORDS, Words


@given(st.lists(st.sampled_from(["running", "runnable", "unknown", "invalid"]), max_size=30))
def test_they_are_what_the_list_is(told: list[str]) -> None:
    column = Words(told)
    assert (list(column), len(column), column[1:3]) == (told, len(told), told[1:3])
    assert [column[at] for at in range(len(told))] == told
    assert ["running" in column, "no word of it" in column] == ["running" in told, False]
    assert (column == Words(column), column == Words([*told, "invalid"])) == (True, False)


def test_more_words_than_a_byte_can_tell_are_unknown() -> None:
    before = len(words._WORDS)
    try:
        told = [f"word {number}" for number in range(MOST_WORDS + 5)]
        column = list(Words(told))
        assert column[:10] == told[:10]
        assert column[-5:] == ["unknown"] * 5
    finally:  # other tests have words of their own
        del words._WORDS[before:]
        for word in [word for word, code in words._CODES.items() if code >= before]:
            del words._CODES[word]

"""Tokens as texts: what is not whole is told from what is wrong, and nothing repeats the secret."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from common.edge.tokens import MAX_TOKEN_CHARS, PREFIX, Token, read_token, write_token
from common.errors import SettingsError

names = some.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", fullmatch=True)
tokens = some.builds(
    Token,
    id=some.binary(min_size=8, max_size=8),
    name=names,
    ca=some.binary(min_size=32, max_size=32),
    secret=some.binary(min_size=24, max_size=24),
)
ONE = Token(id=bytes(8), name="far", ca=b"c" * 32, secret=b"s" * 24)


@given(tokens)
def test_what_is_written_is_read(token: Token) -> None:
    text = write_token(token)
    assert read_token(f" {text}\n") == token
    assert len(text) <= MAX_TOKEN_CHARS


@given(some.data())
def test_a_letter_wrong_or_missing_is_seen(data: some.DataObject) -> None:
    text = write_token(ONE)
    at = data.draw(some.integers(len(PREFIX), len(text) - 1))
    letter = data.draw(some.sampled_from("ABab01_-"))
    for wrong in (text[:at] + letter + text[at + 1 :], text[:at], text[:at] + text[at + 1 :]):
        if wrong == text:
            continue
        with contextlib.suppress(SettingsError):
            assert read_token(wrong) == ONE, "only bits that pad the last letter may differ"


def test_a_refusal_does_not_repeat_what_was_read() -> None:
    for text in (write_token(ONE)[:-3], "hunter2-hunter2"):
        with pytest.raises(SettingsError) as raised:
            read_token(text)
        assert text not in raised.value.message


@pytest.mark.parametrize(
    "text", ["", "x", "tocsin_enrol_", "tocsin_enrol_é", "tocsin_enrol_" + "A" * 1000, "Bearer x", "\0", PREFIX + "="]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        read_token(text)


def test_a_token_of_a_later_form_says_so() -> None:
    import base64
    import binascii

    body = bytes([2]) + bytes(64) + b"far"
    text = PREFIX + base64.urlsafe_b64encode(body + binascii.crc32(body).to_bytes(4, "big")).decode().rstrip("=")
    with pytest.raises(SettingsError, match="another version"):
        read_token(text)

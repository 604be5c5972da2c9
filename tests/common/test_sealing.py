from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import SettingsError
from common.sealing import (
    Sealer,
    SealKey,
    UnsealableError,
    add_key,
    drop_old_keys,
    ensure_sealer,
    read_sealer,
)

ONE = SealKey(b"\x01\x02\x03\x04", b"k" * 32)
TWO = SealKey(b"\x05\x06\x07\x08", b"l" * 32)


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens_in_its_place_and_nowhere_else(secret: bytes, context: bytes) -> None:
    sealer = Sealer([ONE])
    sealed = sealer.seal(secret, context)
    assert sealer.open(sealed, context) == secret
    assert sealer.seal(secret, context) != sealed
    with pytest.raises(UnsealableError, match="moved"):
        sealer.open(sealed, context + b"x")


@given(st.integers(0, 60), st.integers(1, 255))
def test_a_changed_bit_is_told(place: int, change: int) -> None:
    sealer = Sealer([ONE])
    sealed = bytearray(sealer.seal(b"a secret", b"here"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(UnsealableError):
        sealer.open(bytes(sealed), b"here")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x01\x02\x03\x04short", b"plain text of some length here"])
def test_what_is_no_sealed_secret_does_not_open(sealed: bytes) -> None:
    with pytest.raises(UnsealableError):
        Sealer([ONE]).open(sealed, b"")


def test_the_first_key_seals_and_all_open() -> None:
    old = Sealer([ONE]).seal(b"x", b"")
    both = Sealer([TWO, ONE])
    assert both.open(old, b"") == b"x"
    assert (both.is_current(old), both.is_current(both.seal(b"x", b""))) == (False, True)
    with pytest.raises(UnsealableError, match="key 01020304, which is not in the key file"):
        Sealer([TWO]).open(old, b"")


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    with pytest.raises(SettingsError, match="is gone"):
        read_sealer(path)
    first = ensure_sealer(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_sealer(path).keys == read_sealer(path).keys == first.keys
    assert first.keys[0].key.hex() not in repr(first.keys)
    assert [one.name for one in tmp_path.iterdir()] == ["secret.key"]


def test_keys_are_added_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    first = ensure_sealer(path)
    second = add_key(path, first)
    assert second.keys[1:] == first.keys
    assert read_sealer(path).keys == second.keys
    third = drop_old_keys(path, second)
    assert read_sealer(path).keys == third.keys == second.keys[:1]
    assert drop_old_keys(path, third) is third


@pytest.mark.parametrize("text", ["", "hello\n", "tocsin-key 01020304 AAAA\n", "tocsin-key 0102 " + "A" * 43 + "=\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="holds no keys"):
        ensure_sealer(path)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    ensure_sealer(path)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        ensure_sealer(path)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        ensure_sealer(tmp_path / "missing" / "secret.key")

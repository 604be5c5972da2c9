"""Secrets at rest: sealed with AES-256-GCM (NIST SP 800-38D) under keys that lie apart from what they seal.

A sealed secret is bound to its context, for example the device and property it belongs to: put in another place it does
not open. The key file holds one key a line; the first seals, all open. It may be a credential of systemd
(`LoadCredential=`), which is read-only and so cannot be rotated by us.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from common.durable import sync
from common.errors import PermanentError, SettingsError

FORM = b"\x01"
ID_BYTES = 4
NONCE_BYTES = 12
KEY_BYTES = 32
WORD = "tocsin-key"
MAX_FILE_BYTES = 64 * 1024


class UnsealableError(PermanentError):
    """What was sealed cannot be opened: its key is not there, or it was changed or moved."""


class SealKey(Struct, frozen=True):
    """A key, and the id that what it has sealed bears."""

    id: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"SealKey({self.id.hex()})"


class Sealer:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[SealKey]) -> None:
        self.keys = tuple(keys)
        self._ciphers = {key.id: AESGCM(key.key) for key in keys}

    def seal(self, secret: bytes, context: bytes) -> bytes:
        """Seal; the result is different each time."""
        first = self.keys[0]
        nonce = secrets.token_bytes(NONCE_BYTES)
        return FORM + first.id + nonce + self._ciphers[first.id].encrypt(nonce, secret, FORM + first.id + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Open.

        Raises:
            UnsealableError: the key is not there, or it was sealed for another context, or it is damaged.
        """
        form, id_ = sealed[:1], sealed[1 : 1 + ID_BYTES]
        rest = sealed[1 + ID_BYTES :]
        cipher = self._ciphers.get(id_)
        if form != FORM or cipher is None or len(rest) < NONCE_BYTES:
            raise UnsealableError(
                f"a secret was sealed with the key {id_.hex() or 'unknown'}, which is not in the key file"
            )
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], form + id_ + context)
        except InvalidTag:
            raise UnsealableError("a sealed secret is damaged, or was moved from where it belongs") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals now."""
        return sealed[1 : 1 + ID_BYTES] == self.keys[0].id


def key_of(sealed: bytes) -> str:
    """Id of the key that has sealed it, as the key file writes it."""
    return sealed[1 : 1 + ID_BYTES].hex()


def ensure_sealer(path: Path) -> Sealer:
    """Read the key file; make one with a new key where there is none.

    Raises:
        SettingsError: it can be read by others, or holds no keys, or cannot be made.
    """
    try:
        return Sealer(_read(path))
    except FileNotFoundError:
        keys = [_new_key()]
        _write(path, keys)
        return Sealer(keys)


def read_sealer(path: Path) -> Sealer:
    """Read the key file.

    Raises:
        SettingsError: it is not there, can be read by others, or holds no keys.
    """
    try:
        return Sealer(_read(path))
    except FileNotFoundError:
        raise SettingsError(
            f"the key file {path} is gone. Put it back from its backup: what it has sealed cannot be read without it"
        ) from None


def add_key(path: Path, sealer: Sealer) -> Sealer:
    """Put a new key in front of the others, durable on return; what they have sealed still opens.

    Raises:
        SettingsError: the file cannot be written.
    """
    keys = [_new_key(), *sealer.keys]
    _write(path, keys)
    return Sealer(keys)


def drop_old_keys(path: Path, sealer: Sealer) -> Sealer:
    """Keep only the key that seals; nothing may be sealed with another one any more.

    Raises:
        SettingsError: the file cannot be written.
    """
    if len(sealer.keys) == 1:
        return sealer
    _write(path, sealer.keys[:1])
    return Sealer(sealer.keys[:1])


def _new_key() -> SealKey:
    return SealKey(secrets.token_bytes(ID_BYTES), secrets.token_bytes(KEY_BYTES))


def _read(path: Path) -> list[SealKey]:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise SettingsError(f"the key file {path} can be read by others; run: chmod 600 {path}")
            lines = file.read(MAX_FILE_BYTES).decode("ascii").split("\n")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the key file {path} cannot be read: {error}") from None
    try:
        keys = [_key(line) for line in lines if line.strip()]
    except (ValueError, binascii.Error):
        keys = []
    if not keys:
        raise SettingsError(f"the key file {path} holds no keys, or is damaged. Put it back from its backup")
    return keys


def _key(line: str) -> SealKey:
    word, id_, key = line.split()
    found = SealKey(bytes.fromhex(id_), base64.b64decode(key, validate=True))
    if word != WORD or len(found.id) != ID_BYTES or len(found.key) != KEY_BYTES:
        raise ValueError(word)
    return found


def _write(path: Path, keys: Sequence[SealKey]) -> None:
    text = "".join(f"{WORD} {key.id.hex()} {base64.b64encode(key.key).decode()}\n" for key in keys)
    partial = path.with_name(f".{path.name}.new")
    try:
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync(path.parent)
    except OSError as error:
        raise SettingsError(f"the key file {path} cannot be written: {error.strerror or error}") from None

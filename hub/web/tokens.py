"""Tokens, each in a file that its owner alone can read: the operator's, and that of those who push figures."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path

from msgspec import Struct

from common.errors import SettingsError

TOKEN_BYTES = 32
SHORTEST = 16


class Tokens(Struct, frozen=True):
    """Who may ask what.

    Attributes:
        operator: for everything.
        push: for pushing figures, and nothing else.
    """

    operator: str
    push: str

    def is_operator(self, header: str | None) -> bool:
        """Whether an Authorization header bears the operator's token."""
        return is_right(header, self.operator)

    def may_push(self, header: str | None) -> bool:
        """Whether it bears the token of those who push."""
        return is_right(header, self.push)


def ensure_token(path: Path) -> str:
    """Read the token; make one on the first start.

    Raises:
        SettingsError: the file can be read by others, or holds no token.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise SettingsError(f"the token file {path} cannot be made: {error.strerror}") from None
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(token + "\n")
        file.flush()
        os.fsync(file.fileno())
    return token


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise SettingsError(f"the token file {path} can be read by others; run: chmod 600 {path}")
            token = file.read(1024).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the token file {path} cannot be read: {error}") from None
    if len(token) < SHORTEST or not token.isprintable() or " " in token:
        raise SettingsError(f"the token file {path} holds no token; remove it, and a new one is made at the next start")
    return token


def is_right(header: str | None, token: str) -> bool:
    """Compare an `Authorization: Bearer` header with the token, in a time that does not depend on how wrong it is."""
    scheme, _, given = (header or "").partition(" ")
    return hmac.compare_digest(given.strip().encode(), token.encode()) and scheme.lower() == "bearer"

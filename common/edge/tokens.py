"""The token that lets a host ask for its first certificate: a text to be copied by hand.

It names the collector, carries the fingerprint of the site's authority, by which the new host knows the hub before it
tells it anything, and a secret that is good once. A checksum tells a copy that is not whole from a token that is wrong.
"""

from __future__ import annotations

import base64
import binascii
import re

from msgspec import Struct

from common.edge.certificate import check_collector_name
from common.errors import SettingsError

DEFAULT_ENROL_PORT = 8790
PREFIX = "tocsin_enrol_"
MAX_TOKEN_CHARS = 400
ID_BYTES, SECRET_BYTES, FINGERPRINT_BYTES, CHECK_BYTES = 8, 24, 32, 4

_FORM = 1
_TEXT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Token(Struct, frozen=True, kw_only=True):
    """What a token says.

    Attributes:
        id: by which the hub finds it; no secret.
        name: of the collector.
        ca: SHA-256 of the authority's certificate.
        secret: what only its holder knows.
    """

    id: bytes
    name: str
    ca: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"Token({self.name!r}, secret hidden)"


def write_token(token: Token) -> str:
    """A token as text."""
    body = bytes([_FORM]) + token.id + token.secret + token.ca + token.name.encode("ascii")
    whole = body + _checksum(body)
    return PREFIX + base64.urlsafe_b64encode(whole).decode("ascii").rstrip("=")


def read_token(text: str) -> Token:
    """Read a token; nothing is said of whether it counts.

    Raises:
        SettingsError: it is none, or not whole; the text is not repeated.
    """
    stripped = text.strip()
    if not stripped.startswith(PREFIX):
        raise SettingsError(
            f"that is no token: one begins with {PREFIX}; `tocsin collector token` on the hub prints it"
        )
    rest = stripped.removeprefix(PREFIX)
    if len(stripped) > MAX_TOKEN_CHARS or not _TEXT.fullmatch(rest):
        raise _damaged()
    try:
        whole = base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
    except (binascii.Error, ValueError):
        raise _damaged() from None
    body, check = whole[:-CHECK_BYTES], whole[-CHECK_BYTES:]
    fixed = 1 + ID_BYTES + SECRET_BYTES + FINGERPRINT_BYTES
    if len(body) <= fixed or check != _checksum(body):
        raise _damaged()
    if body[0] != _FORM:
        raise SettingsError("the token is of another version of Tocsin; update this host, or the hub")
    id_, secret, ca = (
        body[1 : 1 + ID_BYTES],
        body[1 + ID_BYTES : fixed - FINGERPRINT_BYTES],
        body[fixed - FINGERPRINT_BYTES : fixed],
    )
    name = body[fixed:].decode("ascii", "replace")
    check_collector_name(name)
    return Token(id=id_, name=name, ca=ca, secret=secret)


def _damaged() -> SettingsError:
    return SettingsError("the token is not whole, or has a letter wrong; copy it again, all of it")


def _checksum(body: bytes) -> bytes:
    return binascii.crc32(body).to_bytes(CHECK_BYTES, "big")

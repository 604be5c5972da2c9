"""Takes secrets out of what a capture keeps: process arguments have passwords in them more often than not."""

from __future__ import annotations

import re
from collections.abc import Iterable

from common.configs import SnmpConfig

MASK = "***"
SHORTEST = 6
"""A secret that is shorter would take ordinary words out, too."""
_COMMON = frozenset({"public", "private"})
_WORDS = r"pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|(?:api|access|private|auth)[_-]?key"
_PATTERNS = (
    # --password=x, --db-password x, PGPASSWORD=x, -Dtoken=x, password: x
    re.compile(rf"((?:[\w.-]*[-_.])?(?:\w*(?:{_WORDS}))(?:\s*[=:]\s*|\s+))([^\s-]\S*)", re.IGNORECASE),
    # scheme://user:x@host
    re.compile(r"(://[^/\s:@]*:)([^\s@/]+)(?=@)"),
    # Authorization: Bearer x
    re.compile(r"(\b(?:bearer|basic)\s+)(\S+)", re.IGNORECASE),
)


def own_secrets(config: SnmpConfig | None) -> tuple[str, ...]:
    """The secrets that a device is read with, for they may stand in the arguments of its own processes."""
    if config is None:
        return ()
    known = (config.community, config.auth_password, config.priv_password)
    return tuple(secret for secret in known if len(secret) >= SHORTEST and secret not in _COMMON)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """The text, with `***` where something follows that looks like a secret, and for each of these secrets."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def mask_bytes(content: bytes, secrets: Iterable[str] = ()) -> bytes:
    """As `mask`; bytes that are no UTF-8 stay as they are."""
    text = content.decode("utf-8", "surrogateescape")
    return mask(text, secrets).encode("utf-8", "surrogateescape")

"""What the values of an agent mean; all of it may be anything, for hosts are not trusted."""

from __future__ import annotations

from functools import lru_cache

from collectors.framework.snmp.interfaces import SnmpValue

MOST_TEXT_BYTES = 4096
"""Of a text that is kept. MIBs allow some hundred; what is longer is cut."""
MOST_32_BITS = 2**32 - 1
SHARED_TEXTS = 16_384
MOST_SHARED_BYTES = 128


def text(value: SnmpValue) -> str:
    """An OCTET STRING as text, not too long; bytes that are no UTF-8 become U+FFFD."""
    return value[:MOST_TEXT_BYTES].decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else ""


def shared_text(value: SnmpValue) -> str:
    """The same for texts that are alike on many hosts: each is decoded, and kept in memory, once."""
    return _shared(value) if isinstance(value, bytes) and len(value) <= MOST_SHARED_BYTES else text(value)


_shared = lru_cache(SHARED_TEXTS)(text)


def count(value: SnmpValue) -> int | None:
    """A number that cannot be negative, and has 32 bits; None for what cannot be one."""
    return value if isinstance(value, int) and 0 <= value <= MOST_32_BITS else None

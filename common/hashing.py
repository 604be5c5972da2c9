"""Numbers and names that are made of a text, the same in every process (pure)."""

from __future__ import annotations

import hashlib


def number_of(text: str) -> int:
    """64 bits."""
    return int.from_bytes(_hashed(text, 8), "big")


def name_of(text: str) -> str:
    """32 hex digits, fit for a file whatever the text holds."""
    return _hashed(text, 16).hex()


def _hashed(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()

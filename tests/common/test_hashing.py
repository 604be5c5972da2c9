"""Numbers and names made of texts: the same for ever, because files and shares go by them."""

from __future__ import annotations

import hashlib

from common.hashing import name_of, number_of


def test_they_are_the_same_for_ever() -> None:
    for text in ("web1", "", "grün", "\udcff"):
        data = text.encode("utf-8", "surrogatepass")
        assert name_of(text) == hashlib.blake2b(data, digest_size=16).hexdigest()
        assert number_of(text) == int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")

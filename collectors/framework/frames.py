"""Frames of an append-only file: each stands for itself, so that damage costs what it hits and nothing else.

A frame is the marker, the length of its body (4 bytes, big-endian), the BLAKE2b checksum of length and body (16 bytes),
and the body. Behind damage the next marker that begins an intact frame is searched for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from msgspec import Struct

MARKER = b"\xf5TocsinFrame\n\x00\xf5\x1a"
_HEAD = len(MARKER) + 4 + 16
MAX_BODY = 16 * 1024 * 1024


class Damage(Struct, frozen=True):
    """Bytes that are no frame."""

    start: int
    end: int


class Frame(Struct, frozen=True):
    """An intact body, and where its frame ends."""

    body: bytes
    end: int


def frame(body: bytes) -> bytes:
    """Wrap a body."""
    length = len(body).to_bytes(4, "big")
    return MARKER + length + _checksum(length + body) + body


def frames(data: bytes) -> Iterator[Frame | Damage]:
    """Read a file from its beginning: intact frames, and what lies between them."""
    position = lost = 0
    while position < len(data):
        body = _body_at(data, position)
        if body is None:
            found = data.find(MARKER, position + 1)
            position = found if found >= 0 else len(data)
            continue
        if lost < position:
            yield Damage(lost, position)
        position += _HEAD + len(body)
        lost = position
        yield Frame(body, position)
    if lost < len(data):
        yield Damage(lost, len(data))


def _body_at(data: bytes, position: int) -> bytes | None:
    if not data.startswith(MARKER, position) or len(data) < position + _HEAD:
        return None
    after = position + len(MARKER)
    length = data[after : after + 4]
    size = int.from_bytes(length, "big")
    body = data[position + _HEAD : position + _HEAD + size]
    if size > MAX_BODY or len(body) < size or data[after + 4 : position + _HEAD] != _checksum(length + body):
        return None
    return body


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()

"""What is kept of a modelling for those who asked for it: what changed, not all that is held, in few bytes (pure)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import zstandard
from msgspec import Struct

from common.wire import ModelReport
from hub.components.merged import Merged, Note
from hub.model.diff import FieldChange

_RAW, _ZSTD = b"\x00", b"\x01"
_SHORT_BYTES = 256

_encoder = msgspec.msgpack.Encoder()


class Finding(Struct, frozen=True, kw_only=True):
    """The part of `Merged` that somebody reads."""

    notes: tuple[Note, ...] = ()
    attributes: tuple[FieldChange, ...] = ()
    problems: dict[str, str] = {}
    left_out: int = 0


_decoder = msgspec.msgpack.Decoder(Finding)


def pack(merged: Merged) -> bytes:
    """As bytes, to be kept until nobody asks any more."""
    found = Finding(
        notes=merged.notes, attributes=merged.attributes, problems=merged.problems, left_out=merged.left_out
    )
    data = _encoder.encode(found)
    return _RAW + data if len(data) < _SHORT_BYTES else _ZSTD + zstandard.ZstdCompressor(level=1).compress(data)


def unpack(data: bytes) -> Finding:
    """From such bytes."""
    body = data[1:]
    return _decoder.decode(body if data[:1] == _RAW else zstandard.ZstdDecompressor().decompress(body))


def packed(take: Callable[[ModelReport], Awaitable[Merged]]) -> Callable[[ModelReport], Awaitable[bytes]]:
    """The same taking of reports, with its results as bytes."""

    async def taken(report: ModelReport) -> bytes:
        return pack(await take(report))

    return taken

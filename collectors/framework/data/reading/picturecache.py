"""Pictures as answers: drawn once for all who ask for the same within a step, and in parts where they are large."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import rrdtool
from msgspec import Struct

from collectors.framework.data.reading.pictures import draw
from common import wire
from common.errors import PermanentError
from common.queries import MAX_PAGE_BYTES, GraphQuery, Picture

MAX_HELD = 64
MAX_HELD_BYTES = 16 * 1024 * 1024
MAX_FILES = 200
"""A picture of more files is drawn anew each time: to look whether they have changed would take as long."""
MAX_PICTURE_BYTES = 8 * 1024 * 1024
PARTS_WITHIN_S = 120.0
"""So long the parts of a picture are of one drawing, whatever has come since."""

_encoder = msgspec.msgpack.Encoder()


class _Held(Struct, frozen=True):
    data: bytes
    files: dict[str, int]
    at: float


class Pictures:
    """Draws, and remembers what was drawn last."""

    def __init__(self) -> None:
        self._held: dict[bytes, _Held] = {}
        self.drawn = 0

    def answer(self, query: GraphQuery, root: Path, now: float) -> Picture:
        """A picture, or a part of it.

        Raises:
            NotFoundError: a device, component, graph or point that there is not.
            PermanentError: it makes no sense, or is too large.
        """
        key = _encoder.encode(msgspec.structs.replace(query, part=None))
        held = self._held.get(key)
        if held is None or not _is_good(held, query, now):
            held = self._draw(key, query, root, now)
        return _part(held.data, query)

    def _draw(self, key: bytes, query: GraphQuery, root: Path, now: float) -> _Held:
        data, files = draw(query, root)
        self.drawn += 1
        held = _Held(data, files, now)
        self._held.pop(key, None)
        self._held[key] = held
        size = sum(len(one.data) for one in self._held.values())
        while len(self._held) > MAX_HELD or (size > MAX_HELD_BYTES and len(self._held) > 1):
            size -= len(self._held.pop(next(iter(self._held))).data)
        return held


def _is_good(held: _Held, query: GraphQuery, now: float) -> bool:
    """Whether nothing has come since it was drawn, or it is the rest of what was begun."""
    if query.part:
        return now - held.at <= PARTS_WITHIN_S
    if len(held.files) > MAX_FILES:
        return False
    try:
        return all(int(rrdtool.last(file)) == last for file, last in held.files.items())
    except (rrdtool.OperationalError, rrdtool.ProgrammingError):
        return False


def _part(data: bytes, query: GraphQuery) -> Picture:
    drawn = query.drawing is not None
    whole = Picture(form=query.form, data=data, drawn=drawn)
    if not query.part and len(data) < wire.MAX_DECODED_BYTES:
        try:
            wire.encode(whole)
        except wire.WireError:
            pass
        else:
            return whole
    if query.part is None or len(data) > MAX_PICTURE_BYTES:
        raise PermanentError(f"The picture has {len(data)} bytes, too many to send; ask for a smaller one")
    parts = -(-len(data) // MAX_PAGE_BYTES)
    if query.part >= parts:
        raise PermanentError(f"The picture has {parts} parts now; ask for it anew")
    begin = query.part * MAX_PAGE_BYTES
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    part = data[begin : begin + MAX_PAGE_BYTES]
    return Picture(form=query.form, data=part, parts=parts, digest=digest, drawn=drawn)

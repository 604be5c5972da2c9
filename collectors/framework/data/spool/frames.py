"""Frames: how batches of samples lie in a segment of the spool.

A segment is a file that is only appended to. Each frame has a header (number of its first sample, count of samples,
length, checksum) and a MessagePack body of two lists: definitions of the series that this segment has not named before,
and samples that refer to them by number. A layout that a series shares with one before it in the segment is told by the
number of that one: many series have few layouts. A segment can be read without any other.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from common.series import Layout, Number, SeriesKey, is_point_name

Definition = tuple[int, SeriesKey, Layout]
Named = tuple[int, SeriesKey, Layout | int]
"""A definition as it lies in a segment: the layout, or the number of a series before that has the same one."""
Entry = tuple[int, int, list[Number | None]]
"""Number of the series, epoch second, values in the order of the layout."""

SUFFIX = ".seg"
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_NAME_CHARACTERS = 4096

_HEADER = struct.Struct(">QIII")
_PROGRESS = struct.Struct(">QI")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[list[Named], list[Entry]])


class Frame(Struct, frozen=True):
    """One frame as it was read.

    Attributes:
        first: number of the first sample; numbers rise by one over all segments.
        end: offset in the segment after the frame.
    """

    first: int
    definitions: list[Named]
    entries: list[Entry]
    end: int

    @property
    def last(self) -> int:
        """Number of the last sample."""
        return self.first + len(self.entries) - 1


def pack(first: int, definitions: Sequence[Named], entries: Sequence[Entry]) -> bytes:
    """A frame as bytes."""
    body = _encoder.encode((definitions, entries))
    head = _HEADER.pack(first, len(entries), len(body), 0)[:16]
    return head + zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "big") + body


def size_of(definitions: Sequence[Named]) -> int:
    """How many bytes of a frame are its definitions, about."""
    return len(_encoder.encode(definitions)) if definitions else 0


def unpack(data: bytes, offset: int = 0) -> Iterator[Frame]:
    """The frames that lie whole and undamaged one after the other from an offset on."""
    while (end := _checked_end(data, offset)) is not None:
        first = _HEADER.unpack_from(data, offset)[0]
        try:
            definitions, entries = _decoder.decode(data[offset + _HEADER.size : end])
        except msgspec.MsgspecError:
            return
        yield Frame(first, definitions, entries, end)
        offset = end


def scan(data: bytes) -> tuple[int, int | None]:
    """Where the undamaged frames end, and the number of their last sample (None without any)."""
    offset, last = 0, None
    while (end := _checked_end(data, offset)) is not None:
        first, count, _, _ = _HEADER.unpack_from(data, offset)
        offset, last = end, first + count - 1
    return offset, last


def _checked_end(data: bytes, offset: int) -> int | None:
    if len(data) - offset < _HEADER.size:
        return None
    _, _, length, checksum = _HEADER.unpack_from(data, offset)
    start, end = offset + _HEADER.size, offset + _HEADER.size + length
    if length > MAX_BODY_BYTES or end > len(data):
        return None
    view = memoryview(data)
    return end if zlib.crc32(view[start:end], zlib.crc32(view[offset : offset + 16])) == checksum else None


def check(definition: Definition) -> str:
    """What keeps a series from being spooled, as a sentence; empty when nothing does."""
    _, key, layout = definition
    if not all(isinstance(part, str) for part in (key.device, key.component, key.source)):
        return "its key is not text"
    if max(len(key.device), len(key.component), len(key.source)) > MAX_NAME_CHARACTERS:
        return f"its name is longer than {MAX_NAME_CHARACTERS} characters"
    names = [point.name for point in layout.points]
    if not names or len(set(names)) != len(names):
        return "it has no points, or two of one name"
    if not all(is_point_name(name) for name in names):
        return "a point's name is not 1 to 19 of A-Z a-z 0-9 _ -"
    try:
        _decoder.decode(_encoder.encode(([definition], [])))
    except (msgspec.MsgspecError, UnicodeError, OverflowError, TypeError) as error:
        return str(error)
    return ""


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Segments of a folder in order, each with the number of its first sample."""
    found = []
    for path in folder.glob("*" + SUFFIX):
        try:
            found.append((int(path.stem, 16), path))
        except ValueError:
            continue
    return sorted(found)


def segment_path(folder: Path, first: int) -> Path:
    """Path of the segment that begins with a sample."""
    return folder / f"{first:016x}{SUFFIX}"


def pack_progress(done: int) -> bytes:
    """The number of the last sample that needs no more work, as it lies on disk."""
    return _PROGRESS.pack(done, zlib.crc32(done.to_bytes(8, "big")))


def read_progress(path: Path) -> int:
    """What `pack_progress` wrote; 0, which is always safe, when it cannot be read."""
    try:
        done, checksum = _PROGRESS.unpack(path.read_bytes()[: _PROGRESS.size])
    except (OSError, struct.error):
        return 0
    return int(done) if zlib.crc32(done.to_bytes(8, "big")) == checksum else 0

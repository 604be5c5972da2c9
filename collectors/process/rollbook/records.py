"""What a segment of a roll book holds (pure): records, and how they become bytes.

A record is its length and its CRC-32 (4 bytes each, big-endian), then MessagePack. Most of them are a few dozen bytes,
which is why they do not have the frames of the config cache, whose heads alone are 36. Nothing is written behind a
record that is not whole, so reading ends at the first one of these: it is where a crash or a full disk has cut it.

Stamps are milliseconds: in `Begin` since 1970, in all others since the segment began.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

VERSION = 1
_HEAD = 8
MAX_RECORD = 32 * 1024 * 1024


class Row(Struct, frozen=True, array_like=True):
    """A process.

    Attributes:
        line: its command line, masked, and fit to be seen.
        name: None where it is the last part of the line's first word.
        set: the process set that took it; None when none did.
        age: milliseconds from its start to the stamp of the record; None where the agent does not tell.
    """

    pid: int
    line: str
    name: str | None = None
    set: str | None = None
    age: int | None = None


class Begin(Struct, frozen=True, array_like=True, tag=0):
    """The first record of each segment.

    Attributes:
        days: how long the book was kept when it was written.
    """

    version: int
    device: str
    at: int
    days: int


class Table(Struct, frozen=True, array_like=True, tag=1):
    """All processes.

    Attributes:
        joined: it is where the segment before has ended, with nothing between them.
        why: what has kept the book from knowing what was before; empty when the daemon did not run, or it is `joined`.
        more: the rest of the table is in the next record.
    """

    at: int
    rows: list[Row]
    joined: bool
    why: str = ""
    more: bool = False


class Scan(Struct, frozen=True, array_like=True, tag=2):
    """What differs from the scan before.

    Attributes:
        since: stamp of the scan before.
        gone, new, other: pids that ended; processes that started; that go on with another command line or set.
        why: what has kept the book from knowing what was between the two scans; empty when nothing has.
    """

    at: int
    since: int
    gone: list[int]
    new: list[Row]
    other: list[Row]
    why: str = ""


class Still(Struct, frozen=True, array_like=True, tag=3):
    """Until then nothing has changed."""

    at: int


class Stop(Struct, frozen=True, array_like=True, tag=4):
    """What comes after this stamp is not known, and why."""

    at: int
    why: str


Record = Begin | Table | Scan | Still | Stop

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def pack(record: Record) -> bytes:
    """A record as bytes."""
    body = _encoder.encode(record)
    return len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body


class Read(Struct):
    """How far a segment was read.

    Attributes:
        end: of the last whole record.
    """

    end: int = 0


def unpack(data: bytes, read: Read | None = None) -> Iterator[Record]:
    """The records of a segment, up to the first one that is not whole."""
    position = 0
    while position + _HEAD <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        body = data[position + _HEAD : position + _HEAD + size]
        checksum = int.from_bytes(data[position + 4 : position + _HEAD], "big")
        if size > MAX_RECORD or len(body) < size or zlib.crc32(body) != checksum:
            return
        try:
            record = _decoder.decode(body)
        except msgspec.MsgspecError:
            return
        if (position == 0) != isinstance(record, Begin):
            return
        position += _HEAD + size
        if read is not None:
            read.end = position
        yield record

"""Rows of a file that wait to be written, as one `bytes` (pure): there are so many files that all else is too much.

It has the number of the first row (8 bytes, big-endian), then the rows as a list in MessagePack. So the least of some
is the one that has waited longest.
"""

from __future__ import annotations

import msgspec

from collectors.framework.data.writing.seriesfile import Row

Waiting = bytes | bytearray

_NUMBER = 8
_LIST = b"\xdd"
"""Begins a list in MessagePack, and is followed by how many there are in it: 4 bytes, big-endian."""
_HEAD = _NUMBER + len(_LIST) + 4

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[Row]).decode


def begin(number: int, row: Row) -> bytes:
    """The first row, and its number."""
    return number.to_bytes(_NUMBER, "big") + _LIST + b"\0\0\0\1" + _pack(row)


def more(waiting: Waiting, row: Row) -> bytearray:
    """One row more; `waiting` is used up. A backlog may be of thousands: it grows in place."""
    grown = waiting if isinstance(waiting, bytearray) else bytearray(waiting)
    count = int.from_bytes(grown[_HEAD - 4 : _HEAD], "big") + 1
    grown[_HEAD - 4 : _HEAD] = count.to_bytes(4, "big")
    grown += _pack(row)
    return grown


def number_of(waiting: Waiting) -> int:
    """The number of the first row."""
    return int.from_bytes(waiting[:_NUMBER], "big")


def rows_of(waiting: Waiting) -> list[Row]:
    """All rows."""
    return _unpack(memoryview(waiting)[_NUMBER:])

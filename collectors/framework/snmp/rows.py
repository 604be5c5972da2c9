"""Varbinds of a table walk -> rows, by position in a known table.

Most answers hold whole rows: the same index in each column, one column after the other. Of such a row only the first
varbind's index is looked at; the others must carry the very bytes that follow from it, so that no OID is ever built.
What does not fit that pattern is decoded one varbind at a time, each column by its own cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from collectors.framework.snmp import ber
from collectors.framework.snmp.errors import BadAnswer, oid_text
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.prints import Comparing

MAX_CACHED_INDEXES = 100_000


class Indexes(dict[bytes, Oid]):
    """Row indexes by their encoding; one for all clients of a daemon, because process ids are alike everywhere."""

    def __missing__(self, suffix: bytes) -> Oid:
        if len(self) >= MAX_CACHED_INDEXES:
            self.clear()
        index = self[suffix] = ber.decode_sub_identifiers(suffix)
        return index


_encoded = lru_cache(1024)(ber.encode_oid)
"""Columns as they are encoded: the same few again and again."""


class Cursor:
    """How far the walk has come in one column.

    Attributes:
        prefix: content of the column's encoded OID.
        values: what was read, by row index.
        last: index of the last row, () before the first; `suffix` is its encoding.
        done: the column was read to its end.
        read: when the rows up to which index came, in the order of answers.
    """

    __slots__ = ("column", "done", "last", "prefix", "read", "suffix", "values")

    def __init__(self, column: Oid) -> None:
        self.column = column
        self.prefix = _encoded(column)
        self.values: dict[Oid, SnmpValue] = {}
        self.last: Oid = ()
        self.suffix = b""
        self.done = False
        self.read: list[tuple[Oid, float]] = []

    def take(self, oid: Oid, tag: int, value: SnmpValue) -> None:
        """Accept the next varbind of this column.

        Raises:
            BadAnswer: its OID does not increase, or its type cannot stand in a table.
        """
        if self.done:
            return
        if tag == ber.END_OF_MIB_VIEW:
            self.done = True
            return
        if oid <= self.column + self.last:
            raise BadAnswer(f"OIDs that do not increase: {oid_text(oid)} after {oid_text(self.column + self.last)}")
        size = len(self.column)
        if oid[:size] != self.column:
            self.done = True
            return
        if tag in ber.EXCEPTIONS:
            raise BadAnswer(f"noSuchObject or noSuchInstance at {oid_text(oid)} where the next row was asked")
        self.last = oid[size:]
        self.suffix = ber.encode_sub_identifiers(self.last)
        self.values[self.last] = value


def take_rows(
    cursors: Sequence[Cursor],
    data: bytes,
    start: int,
    stop: int,
    indexes: Indexes,
    against: Comparing | None = None,
) -> int:
    """Accept the varbinds in `data[start:stop]`, which came round and round for these cursors.

    Reading ends when all cursors are done; what stands behind the table's end is not looked at. A row that is as it was
    is passed over: its values are in no cursor.

    Returns:
        Number of varbinds read.

    Raises:
        BadAnswer: one of them is malformed, or not in its place; those before it are taken.
    """
    at, count = start, 0
    while at < stop:
        at, whole = _whole_rows(cursors, data, at, stop, indexes, against)
        count += whole
        for cursor in cursors:
            if at >= stop:
                return count
            at = _one(cursor, data, at, stop)
            count += 1
        if all(cursor.done for cursor in cursors):
            return count
    return count


def _one(cursor: Cursor, data: bytes, at: int, end: int) -> int:
    """Accept the varbind at `at` for a cursor; return where the next one starts."""
    start, stop = ber.expect(data, at, end, ber.SEQUENCE)
    name, name_end = ber.expect(data, start, stop, ber.OBJECT_IDENTIFIER)
    tag, value, value_end = ber.read_tlv(data, name_end, stop)
    if value_end != stop:
        raise BadAnswer("bytes after a varbind's value")
    cursor.take(ber.decode_oid(data[name:name_end]), tag, ber.decode_value(tag, data[value:stop]))
    return stop


def _whole_rows(  # noqa: C901, PLR0912, PLR0915  one loop without calls is what makes it fast
    cursors: Sequence[Cursor], data: bytes, at: int, stop: int, indexes: Indexes, against: Comparing | None = None
) -> tuple[int, int]:
    """Accept whole rows from `at` on, until something is out of the ordinary.

    The row that is out of the ordinary is left to be read again from its start: what it has stored so far was right.

    Returns:
        Where that row starts, and how many varbinds were taken.
    """
    first = cursors[0]
    last, suffix = first.last, first.suffix
    for cursor in cursors:
        if cursor.done or cursor.last != last:
            return at, 0
    if against is not None:
        if against.width == len(cursors):
            against.stand(last)
        else:
            against = None
    prefix_size = len(first.prefix)
    from_bytes = int.from_bytes
    unsigned = ber.UNSIGNED
    suffix_size = -1
    heads: list[tuple[bytes, int, dict[Oid, SnmpValue]]] = []
    rows, row_at, passed = 0, at, 0 if against is None else against.same
    try:
        while at < stop:
            if against is not None:
                at = against.skip(data, row_at, stop)
                if at > row_at:
                    last, suffix, row_at = against.last, b"", at
                    if at == stop:
                        break
            body = at + 2 if data[at + 1] < 0x80 else at + data[at + 1] - 0x7E
            found = data[body + 2 + prefix_size : body + 2 + data[body + 1]]
            index = indexes[found]
            if len(found) != suffix_size:
                suffix_size = len(found)
                heads = _heads(cursors, suffix_size)
            if index <= last or not heads:
                break
            for head, size, values in heads:
                wide = data[at + 1]
                if wide < 0x80:
                    body = at + 2
                    end = body + wide
                elif wide == 0x81:
                    body = at + 3
                    end = body + data[at + 2]
                elif wide == 0x82:
                    body = at + 4
                    end = body + (data[at + 2] << 8 | data[at + 3])
                else:
                    break
                value_at = body + size
                if data[body:value_at] != head + found or data[at] != 0x30 or end > stop:
                    break
                tag, length = data[value_at], data[value_at + 1]
                if length != end - value_at - 2 or length > 0x7F:
                    values[index] = _value(data, value_at, end)
                elif tag == 0x04:
                    values[index] = data[value_at + 2 : end]
                elif tag == 0x02 and 0 < length < 9:
                    values[index] = from_bytes(data[value_at + 2 : end], "big", signed=True)
                elif tag in unsigned and 0 < length <= ber.MAX_INTEGER_BYTES:
                    values[index] = from_bytes(data[value_at + 2 : end], "big")
                else:
                    values[index] = _value(data, value_at, end)
                at = end
            else:
                if against is not None:
                    against.took(index, data, row_at, at)
                last, suffix, row_at = index, found, at
                rows += 1
                continue
            break
    except (IndexError, BadAnswer):
        pass  # the careful way reads this row again, and finds what is wrong with it
    if against is not None:
        rows += against.same - passed
        suffix = suffix or ber.encode_sub_identifiers(last)
    for cursor in cursors:
        cursor.last, cursor.suffix = last, suffix
    return row_at, rows * len(cursors)


def _heads(cursors: Sequence[Cursor], suffix_size: int) -> list[tuple[bytes, int, dict[Oid, SnmpValue]]]:
    """For each column, what a varbind's OID looks like up to its row index, and its size with the index.

    Empty when an OID is too long for the fast way.
    """
    if max(len(cursor.prefix) for cursor in cursors) + suffix_size > 0x7F:
        return []
    heads = []
    for cursor in cursors:
        size = len(cursor.prefix) + suffix_size
        heads.append((bytes((ber.OBJECT_IDENTIFIER, size)) + cursor.prefix, size + 2, cursor.values))
    return heads


def _value(data: bytes, at: int, end: int) -> SnmpValue:
    """The value that fills `data[at:end]`, of a type that may stand in a table."""
    tag, start, stop = ber.read_tlv(data, at, end)
    if stop != end or tag in ber.EXCEPTIONS:
        raise BadAnswer("no value of a row")
    return ber.decode_value(tag, data[start:stop])

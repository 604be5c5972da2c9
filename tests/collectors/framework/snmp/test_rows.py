from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.snmp import ber, rows
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.rows import Cursor, Indexes, take_rows
from tests.fakes.snmp_agent import tlv, varbind

COLUMNS: list[Oid] = [
    (1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 2),
    (1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 7),
    (1, 3, 6, 1, 2, 1, 25, 5, 1, 1, 1),
]
BEHIND: Oid = (1, 3, 6, 1, 2, 1, 26, 1, 0)

VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.binary(max_size=20),
    st.integers(100, 300).map(lambda size: b"s" * size),
    st.just((1, 3, 6)),
)
INDEX_NUMBERS = st.one_of(st.integers(1, 300), st.integers(16_000, 17_000), st.integers(2_000_000, 2**32 - 1))
INDEXES = st.one_of(
    st.sets(INDEX_NUMBERS.map(lambda number: (number,)), max_size=30),
    st.sets(st.lists(INDEX_NUMBERS, min_size=1, max_size=4).map(tuple), max_size=30),
)


def take_slowly(cursors: list[Cursor], found: list[tuple[Oid, int, SnmpValue]]) -> None:
    for number, (oid, tag, value) in enumerate(found):
        cursors[number % len(cursors)].take(oid, tag, value)


def state(cursors: list[Cursor]) -> list[tuple[dict[Oid, SnmpValue], Oid, bytes, bool]]:
    return [(cursor.values, cursor.last, cursor.suffix, cursor.done) for cursor in cursors]


@given(st.data())
def test_rows_by_position_are_those_found_one_by_one(data: st.DataObject) -> None:
    columns: list[dict[Oid, SnmpValue]] = []
    for _ in COLUMNS:
        indexes = data.draw(INDEXES) if not columns or data.draw(st.booleans()) else set(columns[0])
        columns.append({index: data.draw(VALUES) for index in sorted(indexes)})
    longest = max(map(len, columns)) + 1
    wire = b""
    found: list[tuple[Oid, int, SnmpValue]] = []
    for row in range(longest):
        for column, values in zip(COLUMNS, columns, strict=True):
            index = sorted(values)[row] if row < len(values) else None
            oid: Oid = BEHIND if index is None else (*column, *index)
            value = 1 if index is None else values[index]
            wire += varbind(oid, tlv(value))
            found.append((oid, tlv(value)[0], value))
    fast, slow = [Cursor(column) for column in COLUMNS], [Cursor(column) for column in COLUMNS]
    take_rows(fast, wire, 0, len(wire), Indexes())
    take_slowly(slow, found)
    assert state(fast) == state(slow)
    assert [cursor.values for cursor in fast] == columns


def whole_rows(count: int) -> bytes:
    return b"".join(
        varbind((*column, number * 50), tlv(number if column[-1] != 2 else b"n%d" % number))
        for number in range(1, count + 1)
        for column in COLUMNS
    )


def test_whole_rows_are_all_taken_the_fast_way() -> None:
    cursors = [Cursor(column) for column in COLUMNS]
    wire = whole_rows(400)  # indexes of one, two and three bytes
    assert rows._whole_rows(cursors, wire, 0, len(wire), Indexes()) == (len(wire), 1200)


@given(st.integers(0, 2000), st.integers(0, 255))
def test_changed_byte_is_judged_alike_both_ways(place: int, byte: int) -> None:
    wire = bytearray(whole_rows(20))
    place %= len(wire)
    wire[place] = byte
    data = bytes(wire)
    fast, slow = [Cursor(column) for column in COLUMNS], [Cursor(column) for column in COLUMNS]
    failures: list[str] = []
    for cursors, way in ((fast, "fast"), (slow, "slow")):
        try:
            if way == "fast":
                take_rows(cursors, data, 0, len(data), Indexes())
            else:
                at = number = 0
                while at < len(data) and not all(cursor.done for cursor in cursors):
                    for cursor in cursors:
                        if at < len(data):
                            at = rows._one(cursor, data, at, len(data))
                        number += 1
        except BadAnswer as wrong:
            failures.append(wrong.message)
        else:
            failures.append("")
    assert failures[0] == failures[1]
    assert state(fast) == state(slow)


@pytest.mark.parametrize("size", [*range(118, 140), *range(245, 262), 65_000])
def test_strings_whose_length_takes_more_bytes(size: int) -> None:
    """A string of 128 bytes, where agents cut arguments, looks at its first byte as if it had a short length."""
    column = COLUMNS[0]
    wire = varbind((*column, 1), tlv(b"y" * size)) + varbind((*column, 2), tlv(b"z"))
    cursor = Cursor(column)
    assert take_rows([cursor], wire, 0, len(wire), Indexes()) == 2
    assert cursor.values == {(1,): b"y" * size, (2,): b"z"}


def test_bytes_behind_the_varbinds_are_not_read() -> None:
    wire = whole_rows(5)
    cursors = [Cursor(column) for column in COLUMNS]
    stop = len(whole_rows(4)) + 3
    with pytest.raises(BadAnswer):
        take_rows(cursors, wire, 0, stop, Indexes())
    assert [len(cursor.values) for cursor in cursors] == [4, 4, 4]


def test_columns_that_lose_step_are_followed_each_by_its_own_cursor() -> None:
    first, second = COLUMNS[:2]
    wire = b""
    for left, right in ((1, 1), (2, 3), (3, 4), (5, 5), (6, 6)):
        wire += varbind((*first, left), tlv(left)) + varbind((*second, right), tlv(right))
    cursors = [Cursor(first), Cursor(second)]
    assert take_rows(cursors, wire, 0, len(wire), Indexes()) == 10
    assert [[index for (index,) in cursor.values] for cursor in cursors] == [[1, 2, 3, 5, 6], [1, 3, 4, 5, 6]]


@pytest.mark.parametrize("tag", [ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE])
def test_exception_in_a_row_is_refused(tag: int) -> None:
    wire = varbind((*COLUMNS[0], 1), bytes((tag, 0)))
    with pytest.raises(BadAnswer, match="noSuch"):
        take_rows([Cursor(COLUMNS[0])], wire, 0, len(wire), Indexes())


def test_end_of_mib_ends_a_column() -> None:
    wire = varbind(COLUMNS[0], bytes((ber.END_OF_MIB_VIEW, 0)))
    cursor = Cursor(COLUMNS[0])
    take_rows([cursor], wire, 0, len(wire), Indexes())
    assert cursor.done
    assert not cursor.values


def test_cache_of_indexes_is_bounded() -> None:
    indexes = Indexes()
    for number in range(rows.MAX_CACHED_INDEXES + 10):
        assert indexes[ber.encode_sub_identifiers((number,))] == (number,)
    assert len(indexes) <= rows.MAX_CACHED_INDEXES

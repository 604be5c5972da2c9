"""Rows that come again as they were need not be decoded; what is known of the table is the same all the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.framework.snmp import prints
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpValue, Table
from collectors.framework.snmp.prints import NO_PRINT, Comparing, Prints
from collectors.framework.snmp.rows import Cursor, Indexes, take_rows
from common.configs import SnmpConfig, SnmpVersion
from tests.fakes.snmp import AGENT, FakeUdpReactor
from tests.fakes.snmp_agent import Agent, tlv, varbind

COLUMNS: list[Oid] = [
    (1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 2),
    (1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 7),
    (1, 3, 6, 1, 2, 1, 25, 5, 1, 1, 1),
]
MORE: list[Oid] = [*COLUMNS, (1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 5)]
VALUES: tuple[SnmpValue, ...] = (1, -7, 2**31, b"", b"name", b"n" * 130, b"n" * 300, (1, 3, 6))
INDEXES: tuple[Oid, ...] = (*((pid,) for pid in (1, 2, 3, 90, 127, 128, 300, 20_000, 3_000_000)), (90, 1), (90, 2))

State = dict[tuple[int, Oid], SnmpValue]
"""Values by number of the column and index of the row."""


class Walker:
    """Walks a table again and again, as one who knows what the rows looked like."""

    def __init__(self, config: SnmpConfig, max_bytes: int) -> None:
        self.agent = Agent({}, max_bytes=max_bytes)
        self.reactor = FakeUdpReactor(self.through)
        self.client: ISnmpClient = client_factory(self.reactor, self.reactor, random.Random(1))(AGENT[0], config)
        self.known = Prints(COLUMNS)
        self.rows: list[dict[Oid, SnmpValue]] = []

    def through(self, datagram: bytes) -> list[bytes]:
        answer = self.agent.answer(datagram, self.reactor.seconds())
        return [] if answer is None else [answer]

    def table(self, columns: list[Oid], known: Prints | None) -> Table:
        found: Table = self.reactor.finish(self.client.table(columns, 1000, (), known))
        assert found.complete
        return found

    def walk(self, state: State, columns: list[Oid]) -> Table:
        """Read the table both ways, and check that it is the same."""
        self.agent.replace({(*columns[c], *i): tlv(value) for (c, i), value in state.items() if c < len(columns)})
        whole = self.table(columns, None)
        found = self.table(columns, self.known)
        merged = [dict(column) for column in found.columns]
        if found.differ is not None:
            same = set(range(len(self.known.indexes))) - set(found.differ)
            assert found.same == len(same)
            for place in same:
                index = (self.known.indexes[place],)
                for column, before in zip(merged, self.rows, strict=True):
                    assert index not in column
                    column[index] = before[index]
        else:
            assert found.same == 0
        assert merged == list(whole.columns)
        assert found.prints is not None
        assert list(found.prints.indexes) == sorted(found.prints.indexes)
        self.rows, self.known = merged[: len(COLUMNS)], found.prints
        return found


STATES = st.dictionaries(
    st.tuples(st.integers(0, len(MORE) - 1), st.sampled_from(INDEXES)), st.sampled_from(VALUES), max_size=12
)
"""What is put into a table, cell by cell."""


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[State, list[Oid]]]:
    """How a table goes on: rows come and go, cells change or are missing, and sometimes more columns are walked."""
    state: State = {}
    found = []
    for _ in range(draw(st.integers(2, 6))):
        for index in draw(st.sets(st.sampled_from(INDEXES))):
            state |= {(c, index): VALUES[(c + index[0]) % len(VALUES)] for c in range(len(MORE))}
        for index in draw(st.sets(st.sampled_from(INDEXES), max_size=3)):
            state = {key: value for key, value in state.items() if key[1] != index}
        state |= draw(
            st.dictionaries(st.sampled_from(sorted(state)), st.sampled_from(VALUES)) if state else st.just({})
        )
        if draw(st.integers(0, 3)) == 0:
            state |= draw(STATES)  # cells that stand alone
        if draw(st.integers(0, 3)) == 0:
            state = {key: value for key, value in state.items() if draw(st.integers(0, 9))}
        found.append((dict(state), MORE if draw(st.integers(0, 3)) == 0 else COLUMNS))
    return found


@settings(max_examples=60, deadline=None)
@given(steps(), st.sampled_from([SnmpVersion.V1, SnmpVersion.V2C]), st.sampled_from([400, 900, 60_000]))
def test_table_is_the_same_whether_its_rows_are_known_or_not(
    walks: list[tuple[State, list[Oid]]], version: SnmpVersion, max_bytes: int
) -> None:
    walker = Walker(SnmpConfig(version=version, max_repetitions=4), max_bytes)
    for state, columns in walks:
        walker.walk(state, columns)


def table_of(pids: Any, cpu: Any = lambda pid: pid) -> State:
    return {(c, (pid,)): (b"name", 2, cpu(pid), b"args")[c] for pid in pids for c in range(len(MORE))}


@pytest.mark.parametrize("version", [SnmpVersion.V1, SnmpVersion.V2C])
def test_rows_as_they_were_are_passed_over(version: SnmpVersion) -> None:
    walker = Walker(SnmpConfig(version=version), 60_000)
    walker.walk(table_of(range(100)), MORE)
    assert walker.walk(table_of(range(100)), COLUMNS).same == 100
    found = walker.walk(table_of(range(100), lambda pid: pid + (pid % 10 == 0)), COLUMNS)
    assert (found.same, len(found.columns[0])) == (90, 10)
    assert found.differ == list(range(0, 100, 10))
    found = walker.walk(table_of([*range(20), *range(30, 100), 105]), COLUMNS)
    assert found.same == 81  # of 91; nine have their CPU time of before again
    assert walker.walk(table_of([*range(20), *range(30, 100), 105]), COLUMNS).same == 91


def test_many_that_are_new_are_put_in_at_once() -> None:
    walker = Walker(SnmpConfig(), 60_000)
    walker.walk(table_of(range(0, 900, 3)), COLUMNS)
    assert walker.walk(table_of(range(900)), COLUMNS).same == 300
    assert prints.MANY < 600
    assert walker.walk(table_of(range(900)), COLUMNS).same == 900


def test_walk_of_other_columns_heeds_no_prints() -> None:
    walker = Walker(SnmpConfig(), 60_000)
    walker.walk(table_of(range(20)), COLUMNS)
    found = walker.table([COLUMNS[1]], walker.known)
    assert (found.same, found.differ, len(found.columns[0])) == (0, None, 20)
    assert found.prints is not None
    assert found.prints.indexes == ()


def test_prints_are_put_over_the_rows_that_somebody_keeps() -> None:
    known = Prints(COLUMNS, (1, 2, 3), (10, 20, 30), (7, 8, 9))
    for kept, expected in (((1, 2, 3), (10, 20, 30)), ((1, 3, 4), (10, 30, 0)), ((), ())):
        assert tuple(known.over(kept).sizes) == expected
    without = known.over((1, 2, 3), {2})
    assert (without.sizes[1], without.hashes[1]) == NO_PRINT
    assert tuple(known.sizes) == (10, 20, 30)


def test_row_that_ends_behind_the_varbinds_is_not_passed_over() -> None:
    wire = b"".join(varbind((*column, 5), tlv(1)) for column in COLUMNS)
    cursors = [Cursor(column) for column in COLUMNS]
    against = Comparing(Prints(COLUMNS), COLUMNS)
    take_rows(cursors, wire, 0, len(wire), Indexes(), against)
    again = Comparing(against.prints(), COLUMNS)
    assert again.skip(wire, 0, len(wire) - 1) == 0
    assert again.skip(wire, 0, len(wire)) == len(wire)


@given(st.integers(0, 2000), st.integers(0, 255))
def test_changed_byte_is_judged_alike_by_who_knows_the_rows(place: int, byte: int) -> None:
    wire = b"".join(varbind((*column, pid * 50), tlv(pid)) for pid in range(1, 21) for column in COLUMNS)
    first = Comparing(Prints(COLUMNS), COLUMNS)
    take_rows([Cursor(column) for column in COLUMNS], wire, 0, len(wire), Indexes(), first)
    known = first.prints()
    changed = bytearray(wire)
    changed[place % len(wire)] = byte
    outcomes = []
    for against in (None, Comparing(known, COLUMNS)):
        cursors = [Cursor(column) for column in COLUMNS]
        problem = ""
        try:
            count = take_rows(cursors, bytes(changed), 0, len(changed), Indexes(), against)
        except BadAnswer as wrong:
            problem, count = wrong.message, 0
        same = 0 if against is None else against.same
        stand = [(cursor.last, cursor.suffix, cursor.done, len(cursor.values) + same) for cursor in cursors]
        outcomes.append((problem, count, stand))
    assert outcomes[0] == outcomes[1]

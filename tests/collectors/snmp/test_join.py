"""Joining by index, against an oracle that knows no tricks."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import number, row_name
from collectors.snmp.join import join
from collectors.snmp.naming import index_text
from collectors.snmp.readings import Column, Readings, Value
from collectors.snmp.recipe import recipe_of
from collectors.snmp.resting import MOST_REST_S, Resting
from common.components import MAX_NAME
from common.matching import component_name
from tests.collectors.snmp.bench import source

A, B, C, D = ((1, 3, 6, 1, 9, number) for number in (1, 2, 3, 4))
SOURCE = source(
    walks=(A, B, C), gets=(D,), points={"a": "$1", "both": "$1 + $2 * 2", "share": "$1 / $4"}, name="x{$3|$2}"
)
indexes = st.lists(st.integers(0, 4), min_size=1, max_size=2).map(tuple)
cells = st.one_of(
    st.integers(-5, 2**64), st.binary(max_size=4), st.sampled_from([b"7", b" 2.5", b"eth0", b"", b"\xff\x00", (1, 3)])
)
tables = st.dictionaries(indexes, cells, max_size=6)


def oracle(a: Mapping[Oid, SnmpValue], b: Mapping[Oid, SnmpValue], c: Mapping[Oid, SnmpValue], d: SnmpValue):  # type: ignore[no-untyped-def]
    """Rows by component, one after the other."""
    found: dict[str, dict[str, object]] = {}
    plain: dict[Oid, str] = {}
    for index in sorted({*a, *b}):
        shown = [row_name(column[index]) for column in (c, b) if index in column]
        if not shown:
            continue
        plain[index] = component_name("x" + next((one for one in shown if one), "")) or index_text(index)
    names: dict[Oid, str] = {}
    for index, called in plain.items():
        name, suffix = called, f" ({index_text(index)})"
        while (
            name in names.values()
            or (name in plain.values() and name != plain[index])
            or (name == plain[index] and any(plain[other] == name for other in plain if other < index))
        ):
            name = name + suffix
        assert len(name) <= MAX_NAME
        names[index] = name
    for index, name in names.items():
        one, two, three = number(a.get(index)), number(b.get(index)), number(d)
        found[name] = {
            "a": one,
            "both": None if one is None or two is None else one + two * 2,
            "share": None
            if one is None or not three
            else (one // three if type(one) is type(three) is int and one % three == 0 else one / three),
        }
    return found


@given(tables, tables, tables, cells)
@settings(deadline=None)
def test_rows_are_what_the_oracle_says(
    a: dict[Oid, SnmpValue], b: dict[Oid, SnmpValue], c: dict[Oid, SnmpValue], d: SnmpValue
) -> None:
    readings = Readings(1000.0, {D: Value(d, 1000.0)}, {A: Column(a), B: Column(b), C: Column(c)})
    joined = join(recipe_of(SOURCE), readings, {1, 2, 3, 4})
    assert {row.component: dict(row.values) for row in joined.rows} == oracle(a, b, c, d)


@given(tables, st.randoms())
@settings(deadline=None)
def test_order_never_matters(a: dict[Oid, SnmpValue], rng) -> None:  # type: ignore[no-untyped-def]
    rows = list(a.items())
    rng.shuffle(rows)
    recipe = recipe_of(source(walks=(A,), points={"a": "$1"}, name="{index}"))
    one, other = (join(recipe, Readings(1.0, {}, {A: Column(table)}), {1}).rows for table in (a, dict(rows)))
    assert one == other


def test_rows_have_the_time_at_which_they_came() -> None:
    column = Column({(n,): n for n in range(1, 7)}, [((2,), 10.0), ((5,), 11.0), ((6,), 12.5)])
    recipe = recipe_of(source(walks=(A,), points={"a": "$1"}, name="{index}"))
    rows = join(recipe, Readings(20.0, {}, {A: column}), {1}).rows
    assert [row.taken for row in rows] == [10.0, 10.0, 11.0, 11.0, 11.0, 12.5]


@given(st.integers(1, 86_400), st.integers(1, 40))
@settings(deadline=None)
def test_what_says_nothing_is_asked_less_and_less_often_but_once_an_hour(interval_s: int, failures: int) -> None:
    resting, step, waits = Resting(), 1_800_000_000 // interval_s * interval_s, []
    for _ in range(failures):
        resting.heed(step, interval_s, {1: "nothing"}, ())
        wait = 0
        while 1 in resting.now(step):
            step, wait = step + interval_s, wait + 1
        waits.append(wait)
    longest = max(MOST_REST_S // interval_s, 1)
    assert waits == [min(2 ** (n + 1), longest) for n in range(failures)]
    resting.heed(step, interval_s, {}, {1})
    assert not resting.now(step + 1)
    assert not resting.came()

"""Readings to text and back; what is no reading is told by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.captures.parsing import parse
from collectors.framework.captures.reading import Failure, Got, Origin, Probed, Reading, Scanned, Typed, Walked
from collectors.framework.captures.text import heading, lines_of
from collectors.framework.captures.words import NAMES, WrongWordError, read_oid, read_word, word_of
from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from common.errors import SettingsError

Rows = dict[Oid, Typed]
HEADING = '{"capture":1,"device":"box","source":"snmp","at":"2026-11-20T03:00:00Z"}\n'


def text_of(reading: Reading) -> str:
    return heading(reading) + "".join(line for section in reading.sections for line in lines_of(section))


def reading(*sections: Got | Walked | Scanned | Probed, origin: Origin = Origin.SNMP) -> Reading:
    return Reading(
        device="box", origin=origin, at=1_800_000_000.25, monotonic_s=77.5, engine="own", version="2c",
        sections=list(sections),
    )  # fmt: skip


def mistakes(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text, "f")
    return list(caught.value.details)


def row(pid: int, **changes: object) -> ProcessRow:
    fields = {
        "name": "web", "path": "/web", "parameters": "-n 1", "started": 5.5, "cpu_s": 1.25, "memory_bytes": 4096,
        "status": "running", "alive": True,
    }  # fmt: skip
    return ProcessRow(pid=pid, **(fields | changes))  # type: ignore[arg-type]  # a table of fields


# --- round trips ------------------------------------------------------------------------------------------------------


def test_every_section_comes_back_as_it_was() -> None:
    names: Rows = {(17,): Typed(ber.OCTET_STRING, b"nginx"), (5, 300): Typed(ber.OCTET_STRING, b'\xff\x00"\n')}
    figures: Rows = {(17,): Typed(ber.INTEGER, -5), (9,): Typed(ber.COUNTER64, 1 << 63)}
    before = reading(
        Got(values={(1, 3, 6, 1): Typed(ber.TIMETICKS, 512), (1, 3, 6, 2): None}),
        Walked(columns=((1, 3), (1, 4)), rows=(names, figures), problem="a loop", varbinds=4, requests=2),
        Got(values={(1, 3): None}, failure=Failure("SnmpTimeout", "No answer")),
        Walked(columns=((1, 3),), rows=({},), failure=Failure("SnmpAuthError", "no")),
    )
    assert parse(text_of(before), "f") == before


def test_a_scan_of_this_host_comes_back_as_it_was() -> None:
    rows = (
        row(1, extra={"threads": 3}, parent=0, user="web", replaced=True),
        row(2, started=None, cpu_s=None, memory_bytes=None, alive=False),
    )
    before = reading(
        Scanned(rows=rows, full=False, problem="half"), Probed(alive={1: True, 2: False}), origin=Origin.LOCAL
    )
    assert parse(text_of(before), "f") == before


def typed_values() -> st.SearchStrategy[Typed]:
    whole = {ber.INTEGER: st.integers(-(1 << 31), (1 << 31) - 1), ber.COUNTER64: st.integers(0, (1 << 64) - 1)}
    oids = st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=128).map(tuple)

    def of(tag: int) -> st.SearchStrategy[Typed]:
        if tag == ber.NULL:
            return st.just(Typed(tag, None))
        if tag == ber.OBJECT_IDENTIFIER:
            return st.builds(Typed, st.just(tag), oids)
        if tag in ber.BYTES:
            return st.builds(Typed, st.just(tag), st.binary())
        return st.builds(Typed, st.just(tag), whole.get(tag, st.integers(0, (1 << 32) - 1)))

    return st.sampled_from(sorted(NAMES)).flatmap(of)


@given(typed_values(), st.sampled_from([None, *sorted(NAMES)]))
def test_any_value_comes_back_with_its_type_whatever_its_column_has(typed: Typed, usual: int | None) -> None:
    assert read_word(word_of(typed, usual), usual) == typed


@given(st.text() | st.lists(st.text()).map("\n".join))
def test_whatever_stands_in_a_file_only_sentences_come_out(text: str) -> None:
    for begin in ("", HEADING, HEADING + '{"table":["1.3"],"types":["string"]}\n', HEADING + '{"processes":1}\n'):
        try:
            parse(begin + text, "f")
        except SettingsError as error:
            strange = [line for line in error.details if not line.startswith(("f:", "and "))]
        else:
            strange = []
        assert not strange


def test_rows_are_one_line_each_and_bare_where_the_type_is_the_usual_one() -> None:
    names: Rows = {(n,): Typed(ber.OCTET_STRING, b"a") for n in (1, 2)}
    figures: Rows = {(1,): Typed(ber.INTEGER, 3), (2,): Typed(ber.INTEGER, 4), (3,): Typed(ber.GAUGE32, 5)}
    lines = list(lines_of(Walked(columns=((1, 3), (1, 4)), rows=(names, figures), varbinds=5, requests=1)))
    assert lines[1:] == ['["1","a",3]\n', '["2","a",4]\n', '["3",null,{"gauge32":5}]\n']


# --- editing ----------------------------------------------------------------------------------------------------------


def test_lines_may_be_taken_out_commented_and_spaced() -> None:
    text = HEADING + '\n# the one that died\n{"table":["1.3"],"types":["string"]}\n  ["7","x"]  \n#["8","y"]\n'
    (section,) = parse(text, "f").sections
    assert isinstance(section, Walked)
    assert section.rows == ({(7,): Typed(ber.OCTET_STRING, b"x")},)


def test_every_mistake_is_told_with_its_line() -> None:
    text = HEADING + (
        '{"get":{"1.3.x":{"ticks":1}}}\n'
        '{"get":{"1.3":{"ticks":-1}}}\n'
        '{"table":["1.3"],"types":["string"]}\n'
        '["7",5]\n'
        '["8","a","b"]\n'
        '["9","a"]\n'
        '["9","a"]\n'
        "{\n"
        '{"nothing":1}\n'
        '{"table":["1.3"],"types":["sting"]}\n'
    )
    found = mistakes(text)
    assert [line.split(":")[1] for line in found] == ["2", "3", "5", "6", "8", "9", "10", "11"]
    assert "no OID" in found[0]
    assert "from 0 to 4294967295" in found[1]
    assert "no text" in found[2]
    assert "and 1 values" in found[3]
    assert "twice" in found[4]
    assert "not JSON" in found[5]
    assert "wanted one of: get, table, processes, answered" in found[6]
    assert "there are: integer, string" in found[7]


@pytest.mark.parametrize(
    "first",
    [
        "",
        "[]",
        '{"capture":2}',
        *(HEADING.replace(a, b) for a, b in (("snmp", "smoke"), ("T03", "Tea"), ('"box"', "5"))),
    ],
)
def test_a_file_without_its_first_line_is_told_so(first: str) -> None:
    (said,) = mistakes(first + '{"get":{}}\n' if first else "")
    assert said.startswith("f:1: ")


def test_a_process_that_lacks_a_field_is_told() -> None:
    (said,) = mistakes(HEADING + '{"processes":1,"full":true}\n{"pid":1}\n')
    assert "missing required field" in said


@pytest.mark.parametrize("word", ["", "1..3", "1.-3", "a", "1.4294967296", 5, None, "1." * 128 + "1", "١.3"])
def test_what_is_no_oid(word: object) -> None:
    with pytest.raises(WrongWordError):
        read_oid(word)

"""Lines of a batch file become entries; whatever the file holds, there is an answer with lines and columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.imports.zenbatch import MAX_ENTRY, Batch, read_batch


def names(batch: Batch) -> list[tuple[str, int]]:
    return [(entry.name, entry.line) for entry in batch.entries]


def places(data: bytes) -> list[tuple[int, int]]:
    return [(mistake.line, mistake.column) for mistake in read_batch(data).mistakes]


def test_entries_with_their_lines() -> None:
    batch = read_batch(
        b"# told\n\n/Server zA=1\nweb1 zA=1, \\\n  zB='x', \\   \n  zC=[]\n"
        b"\"a b\"  zD=2 # why\n'c'\n  d zE=3\ne\\\n zF=4\n"
    )
    assert names(batch) == [("/Server", 3), ("web1", 4), ("a b", 7), ("c", 8), ("d", 9), ("e", 10)]
    assert [entry.is_organizer for entry in batch.entries] == [True, *[False] * 5]
    assert [[setting.name for setting in entry.settings] for entry in batch.entries] == [
        ["zA"], ["zA", "zB", "zC"], ["zD"], [], ["zE"], ["zF"],
    ]  # fmt: skip
    assert batch.mistakes == ()


@pytest.mark.parametrize("data", [b"web1 zA=1 \\", b"web1 zA=1, \\\n\n", b"web1 zA=1 \\\n# told \\"])
def test_what_goes_on_may_end_with_the_file(data: bytes) -> None:
    batch = read_batch(data)
    assert (names(batch), len(batch.entries[0].settings), batch.mistakes) == ([("web1", 1)], 1, ())


def test_a_text_may_go_on_in_the_next_line() -> None:
    (entry,) = read_batch(b"web1 zA='one \\\ntwo'").entries
    assert entry.settings[0].value == "one two"


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks_make_no_difference(ends: bytes, mark: bytes) -> None:
    batch = read_batch(mark + ends.join([b"a zA=1, \\", b" zB=2", b"b"]) + ends)
    assert (names(batch), batch.mistakes) == ([("a", 1), ("b", 3)], ())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb \xc3\xa4\xff\n", [(2, 4)]),
        ("\x00".encode("utf-16"), [(1, 1)]),
        (b"a\nb zA=\0\n", [(2, 6)]),
        (b"a\n'b zA=1\nc", [(2, 1)]),
        (b"'' zA=1", [(1, 1)]),
        (b"\x1b[31m", [(1, 1)]),
        (b"a zA=1,\nb zB=c\nd zC=)\n", [(2, 6), (3, 7)]),
        (b"a zA=" + b"'\\\n'" * (MAX_ENTRY // 2), [(1, 1)]),
        (b"a zA='" + b"x" * MAX_ENTRY + b"'\nb zB=c", [(1, 1), (2, 6)]),
        (b"a \\\n" * MAX_ENTRY, [(1, 1)]),
    ],
    ids=["bytes", "utf16", "nul", "quote", "noname", "escape", "several", "endless", "long", "continued"],
)
def test_every_mistake_has_its_place(data: bytes, expected: list[tuple[int, int]]) -> None:
    assert places(data) == expected


def test_fifty_megabytes_in_one_line_are_one_mistake() -> None:
    batch = read_batch(b"a zA='" + b"x" * 50_000_000 + b"'\nb zB=1\n")
    assert (names(batch), len(batch.mistakes)) == ([("b", 2)], 1)


@given(st.binary(max_size=200) | st.text(alphabet="a=/'\"\\\n#(){}[],: \t1", max_size=200).map(str.encode))
def test_no_input_fails(data: bytes) -> None:
    batch = read_batch(data)
    lines = data.count(b"\n") + 1
    assert all(1 <= mistake.line <= lines and mistake.column >= 1 for mistake in batch.mistakes)
    assert all(1 <= entry.line <= lines for entry in batch.entries)

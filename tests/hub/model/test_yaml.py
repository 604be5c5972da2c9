from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.yaml import MAX_BYTES, Item, Odd, plain_item, read_items


def read(text: str) -> tuple[list[Item], list[tuple[int, str]]]:
    notes: list[tuple[int, str]] = []
    return read_items(text, lambda line, sentence: notes.append((line, sentence))), notes


def plain(item: Item) -> Any:
    if isinstance(item.value, list):
        return [plain(part) for part in item.value]
    if isinstance(item.value, dict):
        return {key: plain(part) for key, part in item.value.items()}
    return item.value


def values(text: str) -> list[Any]:
    items, notes = read(text)
    assert notes == []
    return [plain(item) for item in items]


def test_values_and_their_lines() -> None:
    (item,), notes = read("a: 1\nb:\n  - x\n  - {c: true}\n\nd: |\n  two\n  lines\n")
    assert notes == []
    assert plain(item) == {"a": 1, "b": ["x", {"c": True}], "d": "two\nlines\n"}
    assert {key: part.line for key, part in item.value.items()} == {"a": 1, "b": 2, "d": 6}
    assert [part.line for part in item.value["b"].value] == [3, 4]


def test_several_documents() -> None:
    assert values("---\na: 1\n---\n---\n- 2\n...\n") == [{"a": 1}, None, [2]]
    assert values("") == []
    assert values("# only a comment\n") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", "x"), ("'1'", "1"), ('"yes"', "yes"), ("1", 1), ("-17", -17), ("+3", 3), ("0", 0), ("1.5", 1.5),
        ("true", True), ("No", False), ("off", False), ("~", None), ("", None), ("null", None), ("!!str 5", "5"),
        ("!!int '5'", 5), ("2c", "2c"), ("1e3", "1e3"), ("^(?:a|b)$", "^(?:a|b)$"), ("'{1}'", "{1}"),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    (found,) = values(f"k: {text}")
    assert found == {"k": value}
    assert type(found["k"]) is type(value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2024-01-01", "a date"), ("010", "decimal digits"), ("0x1F", "decimal digits"), ("12:30", "decimal digits"),
        ("1_000", "decimal digits"), ("9" * 30, "decimal digits"), ("190:20:30.15", "a form that is not known"),
        ("!secret x", "nobody has read"), ("!!python/name:os.system x", "not known"), ("!!binary aGk=", "binary"),
    ],
)  # fmt: skip
def test_what_is_easily_misread_is_odd(text: str, what: str) -> None:
    ((item,), notes) = read(f"k: {text}")
    assert notes == []
    odd = item.value["k"].value
    assert isinstance(odd, Odd)
    assert what in odd.what


def test_aliases_stand_for_what_they_name() -> None:
    assert values("a: &x [1, 2]\nb: *x\n") == [{"a": [1, 2], "b": [1, 2]}]


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("a: [1,\nb: }", 2, "is no valid YAML"),
        ("a:\n\tb: 1", 2, "is no valid YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands there twice; the first is in line 1"),
        ("a: *nobody", 1, "the alias \\*nobody stands for nothing"),
        ("a: &x\n  b: *x\n", 2, "or for what it is a part of"),
        ("? [1, 2]\n: 3", 1, "cannot be the name of a field"),
        ("? {a: 1}\n: 3", 1, "cannot be the name of a field"),
        ("a: &x b\n? *x\n: 3", 2, "an alias cannot be the name of a field"),
        ("a: !secret [a]", 1, "!secret stands before file:NAME or env:NAME, not before a list"),
        ("a: !!set {b, c}", 1, "the tag .*set is not known"),
        ("!!python/object/apply:os.system ['x']", 1, "the tag .* is not known"),
        ("a: ok\nb: \x07", 2, "control characters"),
        ("a: ok\nb: \ud800", 2, "is no UTF-8 text"),
        # The name of a test is in its environment, and with a longer one it could begin no process.
        pytest.param("[" * 100_000, 1, "nested deeper than 32 levels", id="lists"),
        pytest.param("- " * 50_000, 1, "nested deeper than 32 levels", id="items"),
        pytest.param("{a: " * 50_000, 1, "nested deeper than 32 levels", id="mappings"),
        pytest.param("x" * (MAX_BYTES + 1), 1, "has 8388609 bytes; a file may have 8388608", id="large"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, sentence: str) -> None:
    _, notes = read(text)
    assert len(notes) == 1
    assert notes[0][0] == line
    assert re.search(sentence, notes[0][1])


def test_a_bomb_of_aliases_ends_in_a_sentence() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    items, notes = read("\n".join(lines))
    assert items == []
    assert len(notes) == 1
    assert "counting what its aliases repeat" in notes[0][1]


def test_a_bomb_over_several_documents_ends_too() -> None:
    one = "a: &a [" + ", ".join(["x"] * 1000) + "]\nb: &b [" + ", ".join(["*a"] * 500) + "]\n"
    _, notes = read(f"{one}---\n{one}---\n{one}")
    assert "counting what its aliases repeat" in notes[0][1]


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    read(text)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3),
    max_leaves=9,
)


@given(VALUES)
def test_plain_values_become_items(value: Any) -> None:
    assert plain(plain_item(value)) == value


def test_other_values_become_odd() -> None:
    assert plain_item(b"x").value == Odd("a bytes")

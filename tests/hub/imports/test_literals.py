"""Settings are read as literals, and nothing else is done with them."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.imports.literals import BadSettingsError, Stamp, read_settings

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.from_regex(r"[a-z][A-Za-z0-9_]{0,9}", fullmatch=True).filter(lambda name: not _is_keyword(name))


def _is_keyword(name: str) -> bool:
    try:
        ast.parse(f"f({name}=1)")
    except SyntaxError:
        return True
    return False


def values(text: str) -> dict[str, Any]:
    return {setting.name: setting.value for setting in read_settings(text.split("\n"), 1, 0)}


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=5))
def test_every_literal_comes_back_as_it_was(settings: dict[str, Any]) -> None:
    assert values(", ".join(f"{name}={value!r}" for name, value in settings.items())) == settings


def test_what_dumps_write() -> None:
    assert values("a=-1.5, b=('x', 2), c=DateTime('2011/10/16'), d=u'\\xe4', e='x' 'y', # told") == {
        "a": -1.5,
        "b": ["x", 2],
        "c": Stamp("2011/10/16"),
        "d": "ä",
        "e": "xy",
    }


@pytest.mark.parametrize(
    "text", ["zSnmpCommunity=hush1", "a=['x', hush1]", "a=hush1('x')", "a=hush1.hush1", "a={hush1: 1}"]
)
def test_what_stands_there_without_quotes_is_not_repeated(text: str) -> None:
    with pytest.raises(BadSettingsError) as caught:
        values(text)
    assert "hush1" not in caught.value.sentence


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("a=__import__('os').system('touch /tmp/x')", 3, "a call is not evaluated here"),
        ("a=1, b=open('/etc/passwd')", 8, "a call is not evaluated here"),
        ("a=DateTime(x)", 3, "a call is not evaluated here"),
        ("a=b.c", 3, "an expression is not evaluated here"),
        ("a=[x for x in y]", 3, "an expression"),
        ("a=f'{b}'", 3, "an expression"),
        ("a=lambda: 1", 3, "an expression"),
        ("a=(b := 1)", 4, "an expression"),
        ("a=10**10**10", 3, "an expression"),
        ("a=[1, [2, b]]", 11, "a name without quotes is not evaluated here"),
        ("a=b'x'", 3, "a value of this kind"),
        ("a=...", 3, "a value of this kind"),
        ("a={1: 2}", 4, "expected a name in quotes"),
        ("a={**b}", 3, "expected a name in quotes"),
        ("a=1, a=2", 8, "a is set twice"),
        ("1", 1, "of the form name=value"),
        ("a", 1, "of the form name=value"),
        ("*a", 1, "of the form name=value"),
        ("**{'a': 1}", 3, "of the form name=value"),
        ("a=1)(b=2", 1, "of the form name=value"),
        ("a=1).b(c=2", 1, "of the form name=value"),
        ("a=1), f(b=2", 1, "of the form name=value"),
        ("a=1) or f(b=2", 1, "of the form name=value"),
        ("a=1) \\\nf(b=2", 1, "invalid syntax"),
        ("a='b", 3, "unterminated string literal"),
        ("a=[1", 5, "does not match opening parenthesis"),
        ("a=1 b=2", 3, "invalid syntax"),
        ("ä='ö', b=c", 10, "a name without quotes"),
    ],
)
def test_everything_else_is_a_mistake_with_its_place(text: str, column: int, said: str) -> None:
    with pytest.raises(BadSettingsError) as caught:
        values(text)
    assert said in caught.value.sentence
    assert (caught.value.column, "line" in caught.value.sentence) == (column, False)


def test_places_are_those_of_the_file() -> None:
    first, second = read_settings(["a=1, \\", "   b=2"], 7, 10)
    assert (first.line, first.column) == (7, 13)
    assert (second.line, second.column) == (8, 6)


@pytest.mark.parametrize(
    "value",
    ["-" * 100_000 + "1", "1" + "+1" * 50_000, "[" * 5000 + "]" * 5000, "a" + ".b" * 50_000, "9" * 100_000],
    ids=["signs", "sums", "brackets", "attributes", "digits"],
)
def test_bombs_are_mistakes(value: str) -> None:
    with pytest.raises(BadSettingsError):
        values(f"a={value}")

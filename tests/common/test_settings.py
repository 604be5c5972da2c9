"""Settings: what a file may say, and what its mistakes are told as."""

from __future__ import annotations

import enum
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from common.errors import SettingsError
from common.settings import descriptions, genconf, load_settings, read_settings


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct, frozen=True, kw_only=True):
    """Where the inner thing is.

    Attributes:
        port: of the listener,
            on all addresses.
        password: nobody may see it.
    """

    port: Annotated[int, Meta(ge=1, le=65535)] = 80
    password: str = ""
    level: Literal["debug", "info"] = "info"


class Outer(Struct, frozen=True, kw_only=True):
    """All of it.

    Attributes:
        folder: for data.
        low, high: bounds of it.
    """

    folder: Path = Path("var/x")
    low: float = 0.5
    high: Annotated[float, Meta(gt=0)] = 1.0
    names: tuple[str, ...] = ("a", 'b "c"')
    colour: Colour = Colour.RED
    limit: int | None = None
    on: bool = True
    inner: Inner = Inner()

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


class Needy(Struct, frozen=True, kw_only=True):
    name: str
    inner: Inner = Inner()


def mistakes(text: str, type_: type[Any] = Outer) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings(text, type_, "x.toml")
    assert "x.toml" in caught.value.message
    return list(caught.value.details)


def test_nothing_is_all_defaults() -> None:
    assert read_settings("", Outer, "x") == Outer()


def test_values_are_taken_with_their_types() -> None:
    text = 'folder="/d"\nlow=0\nnames=["x"]\ncolour="blue"\nlimit=3\non=false\n[inner]\nport=9\n'
    assert read_settings(text, Outer, "x") == Outer(
        folder=Path("/d"), low=0.0, names=("x",), colour=Colour.BLUE, limit=3, on=False, inner=Inner(port=9)
    )


def test_all_mistakes_are_told_together() -> None:
    found = mistakes(
        'foldr="/d"\nlow="much"\nhigh=0\ncolour="green"\non=1\nnames="a"\n'
        '[inner]\nport=99999\nlevel="loud"\npassword=17\n[more]\n'
    )
    assert found == [
        "foldr: unknown; did you mean folder?",
        "more: unknown; there are folder, low, high, names, colour, limit, on, inner",
        'low: got "much", wanted a number',
        "high: got 0, wanted a number, more than 0",
        'names: got "a", wanted a list, each text',
        'colour: got "green", wanted one of "red", "blue"',
        "on: got 1, wanted true or false",
        "inner.port: got 99999, wanted a whole number from 1 to 65535",
        "inner.password: got what is not shown here, wanted text",
        'inner.level: got "loud", wanted one of "debug", "info"',
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("database = ['postgresql://tocsin:hush@db/tocsin']", "database"),
        ("names = 'postgresql://tocsin:hush@db/tocsin'", "names"),
        ("low = {password = 'hush'}", "low"),
    ],
)
def test_what_may_be_a_secret_is_not_shown(text: str, key: str) -> None:
    class Secretive(Outer, frozen=True, kw_only=True):
        database: str = ""

    with pytest.raises(SettingsError) as caught:
        read_settings(text, Secretive, "f")
    assert f"{key}: got what is not shown here" in caught.value.details[0]
    assert "hush" not in str(caught.value.details)


def test_a_section_that_is_a_value_and_what_must_be_set() -> None:
    assert mistakes("inner = 3") == ["inner: got 3, wanted a section [inner]"]
    assert mistakes("[inner]\nport=0\n", Needy) == [
        "name: missing, wanted text",
        "inner.port: got 0, wanted a whole number from 1 to 65535",
    ]


def test_rules_over_several_values() -> None:
    assert mistakes("low = 3") == ["settings: low is above high"]


def test_no_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"x\.toml is not TOML: .*line 2"):
        read_settings("a = 1\nb = = 2\n", Outer, "x.toml")
    path = tmp_path / "x.toml"
    with pytest.raises(SettingsError, match="there is no such settings file"):
        load_settings(path, Outer)
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(path, Outer)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path, Outer)


def test_genconf_has_every_value_at_its_default_with_what_it_means() -> None:
    text = genconf(Outer, "tocsin-x")
    assert read_settings(text, Outer, "x") == Outer()
    document = tomllib.loads(text)
    assert set(document) == {"folder", "low", "high", "names", "colour", "on", "inner"}
    assert document["names"] == ["a", 'b "c"']
    assert "# limit =      # not set\n" in text
    assert "# Where the inner thing is.\n[inner]\n" in text
    assert "# port: of the listener, on all addresses. (a whole number from 1 to 65535)\nport = 80\n" in text
    assert "# high: bounds of it. (a number, more than 0)\n" in text
    assert "# name =      # must be set\n" in genconf(Needy, "x")


def test_descriptions_come_from_bases_too() -> None:
    class Derived(Inner, frozen=True, kw_only=True):
        """More.

        Attributes:
            port: another one.
        """

    assert descriptions(Derived) == {"port": "another one.", "password": "nobody may see it."}


@given(st.text(max_size=40))
def test_any_text_is_settings_or_a_sentence(text: str) -> None:
    try:
        read_settings(text, Outer, "x")
    except SettingsError as error:
        assert "x" in error.message  # noqa: PT017 - either is right


@given(
    st.dictionaries(
        st.sampled_from(["folder", "low", "names", "inner", "zzz"]),
        st.one_of(st.integers(), st.booleans(), st.just("text"), st.just({"port": 1}), st.just([1, "a"])),
    )
)
def test_wrong_types_never_raise_anything_else(document: dict[str, Any]) -> None:
    import json

    lines = [f"{key} = {json.dumps(value).replace(':', ' =')}" for key, value in document.items()]
    try:
        read_settings("\n".join(lines), Outer, "x")
    except SettingsError as error:
        assert error.details  # noqa: PT017 - either is right

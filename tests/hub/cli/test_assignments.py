"""What `--set` says, and what it must not say."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from hub.cli.assignments import Sources, Value, assign
from hub.cli.catalogue import property_kinds
from hub.cli.exits import CommandError, Exit

SECRET = "correct-horse"


def read(*texts: str, answer: str = SECRET, interactive: bool = True) -> dict[str, Value]:
    return assign(texts, property_kinds(), Sources(lambda _name: answer, lambda: interactive))


def test_values_have_the_type_of_their_property() -> None:
    assert read("interval_s=30", "snmp_timeout_s=1.5", "source=snmp", "snmp_version=3") == {
        "interval_s": 30,
        "snmp_timeout_s": 1.5,
        "source": "snmp",
        "snmp_version": "3",
    }


def test_a_value_may_hold_equals_signs() -> None:
    assert read("snmp_user=a=b") == {"snmp_user": "a=b"}


def test_a_secret_is_asked_for() -> None:
    assert read("snmp_community") == {"snmp_community": SECRET}


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    assert read(f"snmp_auth_password=@{file}") == {"snmp_auth_password": SECRET}


def test_a_secret_is_read_from_standard_input_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
    assert read("snmp_community=-") == {"snmp_community": SECRET}
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
    with pytest.raises(CommandError, match="was read for snmp_auth_password already"):
        read("snmp_auth_password=-", "snmp_priv_password=-")


@pytest.mark.parametrize("name", ["snmp_community", "snmp_auth_password", "snmp_priv_password"])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(CommandError, match="does not belong on the command line") as caught:
        read(f"{name}={SECRET}")
    assert caught.value.exit_code is Exit.USAGE
    assert SECRET not in str(caught.value)


def test_a_secret_cannot_be_asked_for_where_nobody_sits() -> None:
    with pytest.raises(CommandError, match="snmp_community=@FILE"):
        read("snmp_community", interactive=False)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("nosuch=1", "no such property"),
        ("interval_s", "value is missing"),
        ("interval_s=soon", "interval_s=soon: wanted a whole number from 1 to 86400 s"),
        ("interval_s=0", "wanted a whole number from 1 to"),
        ("snmp_timeout_s=nan", "wanted a number from"),
        ("snmp_version=4", "wanted one of 1, 2c, 3"),
        ("snmp_community=@/nonexistent/file", "No such file"),
    ],
)
def test_a_mistake_is_named(text: str, word: str) -> None:
    with pytest.raises(CommandError, match=word) as caught:
        read(text)
    assert caught.value.exit_code is Exit.USAGE


@pytest.mark.parametrize(("content", "word"), [("", "empty"), ("\n", "empty"), ("a\nb\n", "more than one line")])
def test_a_secret_file_holds_one_line(tmp_path: Path, content: str, word: str) -> None:
    file = tmp_path / "secret"
    file.write_text(content)
    with pytest.raises(CommandError, match=word):
        read(f"snmp_community=@{file}")


def test_a_property_stands_there_once() -> None:
    with pytest.raises(CommandError, match="twice"):
        read("interval_s=1", "interval_s=2")

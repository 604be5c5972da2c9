"""The names in a request's path."""

from __future__ import annotations

import pytest

from hub.cli.client import path_of
from hub.cli.exits import CommandError, Exit
from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_lead_elsewhere_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(CommandError, match="expected letters, digits") as refused:
        path_of("devices", name)
    assert refused.value.exit_code is Exit.USAGE


@pytest.mark.parametrize("name", ["...", "a..b", ".x", "/", "../..", "%2e%2e", "a/b?c#d"])
def test_other_names_are_quoted_and_stay_one_part(name: str) -> None:
    assert path_of("devices", name).count("/") == "/api/v1/devices/".count("/")


@pytest.mark.parametrize(
    "command",
    [
        ("device", "show", "."),
        ("device", "show", ""),
        ("device", "show", "..", "--templates"),
        ("device", "add", "..", "--address", "10.0.0.1"),
        ("device", "remove", ".."),
        ("device", "change", ".", "--address", "10.0.0.1"),
        ("config", "show", "process", ".."),
        ("data", "last", ".."),
        ("component", "show", "web1", "process_set/.."),
        ("component", "show", "..", "process_set/nginx"),
    ],
    ids=" ".join,
)
def test_dots_are_no_name_to_any_command(run: Run, fake: FakeApi, command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.code == Exit.USAGE
    assert "expected letters, digits" in done.err
    assert done.out == ""
    assert "Traceback" not in done.err

"""Which token goes to which hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.exits import CommandError
from hub.cli.tokens import LOCAL_TOKEN, find_token, is_loopback, token_file, write_token


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_the_option_wins_then_the_environment_then_the_file_of_the_hub(environ: dict[str, str]) -> None:
    write_token(token_file("127.0.0.1", 8080, environ), "from-file")
    assert find_token(None, "127.0.0.1", 8080, environ).token == "from-file"
    environ["TOCSIN_TOKEN"] = "from-environment"
    assert find_token(None, "127.0.0.1", 8080, environ).token == "from-environment"
    assert find_token("from-option", "127.0.0.1", 8080, environ).token == "from-option"


def test_each_hub_has_its_own_token_and_all_names_of_the_loopback_share_one(environ: dict[str, str]) -> None:
    write_token(token_file("127.0.0.1", 8080, environ), "here")
    assert find_token(None, "localhost", 8080, environ).token == "here"
    assert find_token(None, "::1", 8080, environ).token == "here"
    assert find_token(None, "127.0.0.1", 8081, environ).token == ""
    assert find_token(None, "hub.example", 8080, environ).token == ""


def test_the_token_in_the_working_folder_is_never_shown_to_another_host(environ: dict[str, str]) -> None:
    write_token(LOCAL_TOKEN, "local-secret")
    assert find_token(None, "127.0.0.1", 8080, environ).token == "local-secret"
    assert find_token(None, "hub.example", 8080, environ).token == ""


def test_where_a_missing_token_was_looked_for_is_told(environ: dict[str, str]) -> None:
    origin = find_token(None, "127.0.0.1", 8080, environ).origin
    assert "tokens/127.0.0.1_8080" in origin
    assert "operator.token" in origin


def test_a_token_is_kept_for_its_owner_alone(environ: dict[str, str]) -> None:
    path = token_file("127.0.0.1", 8080, environ)
    write_token(path, "one")
    write_token(path, "two")
    assert path.read_text() == "two\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_a_token_that_cannot_be_one_is_refused_without_showing_it(environ: dict[str, str]) -> None:
    with pytest.raises(CommandError, match="TOCSIN_TOKEN") as caught:
        find_token(None, "127.0.0.1", 8080, environ | {"TOCSIN_TOKEN": "geheim\nx: y"})
    assert "geheim" not in str(caught.value)


def test_a_secret_has_no_repr(environ: dict[str, str]) -> None:
    assert "from-option" not in repr(find_token("from-option", "127.0.0.1", 8080, environ))


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
    ],
)
def test_only_the_loopback_is_the_loopback(host: str, wanted: bool) -> None:
    assert is_loopback(host) is wanted

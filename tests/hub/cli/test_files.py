"""Secrets that files refer to, read where the command runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.exits import CommandError
from hub.cli.files import read_files, with_secrets


def write(folder: Path, reference: str) -> list[dict[str, str]]:
    path = folder / "sub" / "d.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"kind: Group\nid: g\nproperties:\n  snmp_community: !secret {reference}\n")
    return read_files([str(path)])


def test_a_file_is_looked_for_beside_the_yaml_file(tmp_path: Path) -> None:
    files = write(tmp_path, "file:../c.txt")
    (tmp_path / "c.txt").write_text("geheim\n")
    assert with_secrets(files)[0]["secrets"] == {"file:../c.txt": "geheim"}


def test_a_file_of_fifty_megabytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)
    with pytest.raises(CommandError, match=r"big\.yaml is larger than 4 MiB; split it"):
        read_files([str(path)])


def test_a_variable_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_COMMUNITY", "geheim")
    assert with_secrets(write(tmp_path, "env:MY_COMMUNITY"))[0]["secrets"] == {"env:MY_COMMUNITY": "geheim"}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("file:nosuch.txt", "No such file"),
        ("file:two.txt", "has 2 lines; the secret alone should stand in it"),
        ("file:empty.txt", "has 0 lines"),
        ("file:bytes.txt", "no UTF-8"),
        ("env:NO_SUCH_VARIABLE_HERE", "no such variable in the environment"),
        ("vault:x", "expected file:NAME or env:NAME"),
        ("plain", "expected file:NAME or env:NAME"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, reference: str, expected: str) -> None:
    files = write(tmp_path, reference)
    folder = tmp_path / "sub"
    (folder / "two.txt").write_text("one\ntwo\n")
    (folder / "empty.txt").write_text("")
    (folder / "bytes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match=r"d\.yaml:4: !secret") as caught:
        with_secrets(files)
    assert expected in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_without_secrets_needs_none(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("kind: Group\nid: g\n# !secret file:nosuch\n")
    assert with_secrets(read_files([str(path)]))[0]["secrets"] == {}

"""The data folder of `tocsin up`."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.exits import CommandError
from hub.cli.folder import Folder, model_files, write_settings

TEXT = '# top\na = 1\n\n[http]\n# the page\nport = 8080 # old\nhost = "x"\n\n[broker]\nport = 1\n'


def test_an_existing_file_is_kept_but_for_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    write_settings(path, TEXT, {})
    write_settings(path, "other", {("http", "port"): "9"})
    assert path.read_text() == TEXT.replace("port = 8080 # old", "port = 9")


def test_a_second_up_on_the_same_folder_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    first, second = Folder(tmp_path / "var"), Folder(tmp_path / "var")
    with first.locked():
        first.hub.mkdir()
        first.run_file.write_text('{"url": "http://127.0.0.1:8123"}')
        wanted = r"already up on .*var \(pid \d+\); its page is http://127.0.0.1:8123"
        with pytest.raises(CommandError, match=wanted), second.locked():
            pass
    with second.locked():
        pass


def test_certificates_are_made_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.prepare()
    made = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.crt"))}
    assert {path.name for path in made} >= {"ca.crt", "collector.crt"}
    assert (folder.certificates / "collector.key").stat().st_mode & 0o777 == 0o600
    assert folder.hub.stat().st_mode & 0o777 == 0o700
    folder.prepare()
    assert {path: path.read_bytes() for path in sorted(tmp_path.rglob("*.crt"))} == made


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wanted = r"cannot be used: Not a directory.*--data"
    with pytest.raises(CommandError, match=wanted), Folder(tmp_path / "file" / "var").locked():
        pass


def test_what_the_hub_told_last_time_counts_no_longer(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.prepare()
    folder.run_file.write_text('{"url": "http://127.0.0.1:1"}')
    folder.prepare()
    assert folder.running() == {}


def test_model_files_are_yaml() -> None:
    assert all(path.suffix == ".yaml" for path in model_files())

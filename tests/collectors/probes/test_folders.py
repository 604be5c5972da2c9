"""Which files of the folders are probes, and why others are not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.probes.found.commands import probe_of
from collectors.probes.found.folders import PYCHILD, Folders
from collectors.probes.found.saying import Said, said_in
from collectors.probes.found.users import check_user, user_of
from common.entrypoints import Found
from common.errors import PermanentError, SettingsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "probes"
    path.mkdir(mode=0o755)
    return path


def put(folder: Path, name: str, text: str = "#!/bin/sh\necho '{}'\n", mode: int = 0o755) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def look(*folders: Path) -> Folders:
    found = Folders(folders, dict)
    found.look()
    return found


def refusal(folder: Path) -> str:
    (one,) = look(folder).found.refused
    assert look(folder).found.probes == {}
    return one.why


def test_programs_and_functions_are_found_by_their_names(folder: Path) -> None:
    put(folder, "lines.sh")
    put(folder, "disk")
    put(folder, "tracking.py", "def probe():\n    return {}\n", 0o644)
    put(folder, "script.py", "#!/usr/bin/python3\n")
    put(folder, "README.md", "", 0o644)
    found = look(folder).found
    assert found.refused == ()
    assert {name: probe.program[0] for name, probe in found.probes.items()} == {
        "disk": str(folder / "disk"),
        "lines": str(folder / "lines.sh"),
        "script": str(folder / "script.py"),
        "tracking": sys.executable,
    }


def test_what_comes_changes_and_goes_is_noticed(folder: Path) -> None:
    folders = Folders([folder], dict)
    assert folders.look() is False
    path = put(folder, "a.sh", "#!/bin/sh\n# tocsin: interval_s = 10\n")
    assert folders.look() is True
    assert folders.look() is False
    assert folders.found.probes["a"].said.interval_s == 10
    put(folder, "a.toml", "interval_s = 20\n", 0o644)
    assert folders.look() is True
    assert folders.found.probes["a"].said.interval_s == 20
    path.unlink()
    assert folders.look() is True
    assert folders.found.probes == {}


def test_what_cannot_be_looked_at_for_now_is_not_taken_to_be_gone(folder: Path) -> None:
    put(folder, "a.sh")
    folders = look(folder)
    away = folder.rename(folder.with_name("away"))
    folder.symlink_to(folder)  # leads nowhere, for ever
    assert folders.look() is True
    assert set(folders.found.probes) == {"a"}
    assert "cannot be read, and its probes go on as they are" in folders.found.refused[0].why
    folder.unlink()
    away.rename(folder)
    assert folders.look() is True
    assert (set(folders.found.probes), folders.found.refused) == ({"a"}, ())


@pytest.mark.parametrize(
    ("mode", "word"),
    [(0o644, "chmod +x"), (0o757, "everybody may write to it"), (0o777, "everybody may write to it")],
)
def test_files_that_others_may_change_or_that_nobody_can_run_are_refused(folder: Path, mode: int, word: str) -> None:
    path = put(folder, "a.sh", mode=mode)
    assert refusal(folder).startswith(f"{path} is not run: ")
    assert word in refusal(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_of_strangers_and_in_their_folders_are_refused(folder: Path) -> None:
    path = put(folder, "a.sh")
    os.chown(path, 65534, 65534)
    assert "belongs to user 65534; it has to belong to root" in refusal(folder)
    os.chown(path, 0, 0)
    os.chown(folder, 65534, 65534)
    assert refusal(folder).startswith(f"no probe of {folder} is run: the folder {folder} belongs to user 65534")


def test_a_folder_that_everybody_may_write_to_is_refused(folder: Path) -> None:
    put(folder, "a.sh")
    folder.chmod(0o777)
    assert "everybody may write to the folder" in refusal(folder)


def test_hidden_files_and_copies_are_left_out_quietly(folder: Path) -> None:
    for name in (".hidden.sh", "a.sh~", "a.sh.bak", "#a.sh#", ".a.sh.swp"):
        put(folder, name)
    found = look(folder).found
    assert found.probes == {}
    assert {one.told for one in found.refused} == {False}
    assert len(found.refused) == 5


def test_of_one_name_there_is_one_probe(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    first = put(folder, "a.sh")
    second = put(other, "a.py", "def probe(): pass\n", 0o644)
    found = look(folder, other).found
    assert found.probes["a"].path == str(first)
    assert found.refused[0].why == f"{second} is not run: the probe a is {first} already"


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path, folder: Path) -> None:
    (folder / "a.sh").symlink_to(put(tmp_path, "real.sh", mode=0o757))
    assert "everybody may write" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("# tocsin: interval_s = 0\n", "interval_s: got 0, wanted a whole number from 1 to 86400"),
        ("# tocsin: intervall_s = 5\n", "did you mean interval_s?"),
        ("# tocsin: interval 5\n", "line 2: behind `tocsin:` stand settings as TOML has them"),
        ('# tocsin: arguments = "x"\n', "arguments: got"),
    ],
)
def test_a_head_that_cannot_be_understood_is_told(folder: Path, text: str, word: str) -> None:
    put(folder, "a.sh", f"#!/bin/sh\n{text}")
    assert word in refusal(folder)


def test_what_a_head_says_in_any_language() -> None:
    head = (
        '#!/usr/bin/lua\n-- tocsin: interval_s = 30, user = "nobody"\n  // tocsin: arguments = ["a \\"b", "c\'\\n"]\n'
    )
    assert said_in(head, "x") == Said(interval_s=30, user="nobody", arguments=('a "b', "c'\n"))
    assert said_in("\n" * 40 + "# tocsin: interval_s = 30\n", "x") == Said()
    with pytest.raises(SettingsError):
        said_in("# tocsin: interval_s = {a = 1}", "x")


# --- what templates may have run --------------------------------------------------------------------------------------


def test_templates_run_what_lies_in_the_folders_and_what_is_allowed(tmp_path: Path, folder: Path) -> None:
    put(folder, "a.sh")
    probes = look(folder).found.probes
    assert probe_of(["a", "x"], probes, ()).name == "a"
    with pytest.raises(PermanentError, match="there is no probe 'b' in this host's folders of probes; there are: a"):
        probe_of(["b"], probes, ())
    program = put(tmp_path, "check_x")
    allow = [f"{tmp_path}/*"]
    assert probe_of([str(program)], probes, allow).program == (str(program),)
    for bad in ("/bin/sh", f"{tmp_path}/probes/a.sh", f"{tmp_path}/../{tmp_path.name}/check_x"):
        with pytest.raises(PermanentError, match="do not allow"):
            probe_of([bad], probes, allow)
    with pytest.raises(PermanentError, match="do not allow"):
        probe_of([f"{tmp_path}/../check_x"], probes, [f"{tmp_path.parent}/*/*/check_x"])
    with pytest.raises(PermanentError, match="there is no program"):
        probe_of([f"{tmp_path}/gone"], probes, allow)
    program.chmod(0o777)
    with pytest.raises(PermanentError, match="everybody may write"):
        probe_of([str(program)], probes, allow)


def test_users() -> None:
    assert user_of("") is None
    with pytest.raises(PermanentError, match="whom this host does not know"):
        user_of("no-such-user-here")
    check_user("nobody", {"nobody"})
    with pytest.raises(PermanentError, match="do not allow"):
        check_user("root", {"nobody"})
    if os.geteuid() == 0:
        nobody = user_of("nobody")
        assert nobody is not None
        assert nobody.uid == 65534
    else:
        with pytest.raises(PermanentError, match="only a collector that runs as root"):
            user_of("root")


def test_probes_of_packages_run_by_their_names_and_a_second_one_of_a_name_does_not(folder: Path) -> None:
    brought = [Found("mail", "mailpack:probe", "mailpack 1.0"), Found("mail", "b:probe", "b 2", "mailpack has it")]
    folders = Folders([folder], lambda: brought)
    for _ in range(2):
        found = folders.found
        folders.look()
        assert found.probes["mail"].program[0] == sys.executable
        assert found.probes["mail"].program[-1] == "mailpack:probe"
        assert [one.why for one in found.refused] == ["the probe of the package b 2 is not run: mailpack has it"]
    put(folder, "mail.sh")
    folders.look()
    assert folders.found.probes["mail"].path == str(folder / "mail.sh")  # who has the host has the last word


@pytest.mark.parametrize(
    ("origin", "code", "told"),
    [
        ("platform:python_implementation", 0, '"CPython"'),
        ("platform:nothing.there", 1, "the package has no platform:nothing.there"),
        ("string:digits", 1, "string:digits of the package is no function"),
        ("nosuchpackage:probe", 1, "ModuleNotFoundError: No module named 'nosuchpackage'"),
    ],
)
def test_a_probe_of_a_package_is_imported_by_the_child_alone(origin: str, code: int, told: str) -> None:
    child = subprocess.run(
        [sys.executable, "-I", PYCHILD, origin], check=False, capture_output=True, text=True, timeout=30
    )
    assert child.returncode == code
    assert told in child.stdout + child.stderr

"""What somebody wants to be watched, as settings files and files of odin-control say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.status.passes import ProcessName
from collectors.status.settings import StatusCollectorSettings, StatusSettings
from collectors.status.wishes import FURTHER
from common.errors import SettingsError
from common.settings import read_settings
from common.sources import Follow, Match

ODIN = """\
[server]
http_port = 8888
adapters = status

[adapter.status]
module = odin.adapters.system_status.SystemStatusAdapter
disks = /home, /
interfaces = eth0, lo
processes = worker.sh, nginx
rate = 0.5
"""


def read(text: str) -> StatusSettings:
    return read_settings(f"[status]\n{text}", StatusCollectorSettings, "status.toml").status


def refused(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(text)
    return " ".join(caught.value.details)


@pytest.mark.parametrize(
    "text",
    [
        'disks = "/home, /"\ninterfaces = "eth0, lo"\nprocesses = "worker.sh, nginx"\nrate = 1.0',
        'disks = ["/home", "/"]\ninterfaces = ["eth0", "lo"]\nprocesses = ["worker.sh", "nginx"]\nrate = 1',
        'disks = " /home,/, "\ninterfaces = "eth0,lo"\nprocesses = "worker.sh , nginx,"',
    ],
)
def test_a_text_with_commas_and_a_list_say_the_same(text: str) -> None:
    wishes = read(text).wishes()
    assert (wishes.disks, wishes.interfaces) == (("/home", "/"), ("eth0", "lo"))
    assert wishes.processes == ("worker.sh", "nginx")
    assert wishes.rate == 1.0
    wanted = wishes.wanted()
    assert wanted.disks == ("/home", "/")
    assert wanted.processes == (ProcessName(name="worker.sh"), ProcessName(name="nginx"))
    assert wanted.further == frozenset(FURTHER) - {"cpus"}


def test_a_star_is_all_that_there_are_and_what_is_named_beside_it_is_watched_whatever_comes() -> None:
    wanted = read('disks = "*, /mnt/usb"\ninterfaces = "*"\nmore = ""').wishes().wanted()
    assert (wanted.disks, wanted.interfaces) == (("/mnt/usb",), ())
    assert wanted.further == {"disks", "interfaces"}


def test_how_processes_are_found_is_said_for_all_names() -> None:
    wishes = read('processes = "^w"\nmatch = "regex"\nfollow = "tree"').wishes()
    assert wishes.wanted().processes == (ProcessName(name="^w", match=Match.REGEX, follow=Follow.TREE),)


@pytest.mark.parametrize("rate", ["0", "-1", "0.0", "nan", "inf", "-inf"])
def test_a_rate_that_is_no_positive_number_is_refused_with_a_sentence(rate: str) -> None:
    assert "is no positive number" in refused(f"rate = {rate}")


@pytest.mark.parametrize("rate", ['"fast"', '"1.0"', "true", "[1]"])
def test_a_rate_that_is_no_number_is_refused_with_a_sentence(rate: str) -> None:
    assert "status.rate: got" in refused(f"rate = {rate}")


@pytest.mark.parametrize("rate", ["21", "1e300", "1e-9"])
def test_a_rate_that_nothing_could_keep_is_refused(rate: str) -> None:
    assert "from 0.0001 to 20 are" in refused(f"rate = {rate}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('disks = "/a_b, /a/b"', "/a_b and /a/b would both be called _a_b"),
        ('disks = "home"', "home is no absolute path"),
        ('disks = "/, /"', "/ is there twice"),
        ('disks = ["/", ""]', "an empty text names nothing"),
        ('disks = "/\\u0007"', "characters that cannot be shown"),
        ('interfaces = "a/b"', "cannot be the name of an interface"),
        ('processes = "nginx, nginx"', "nginx is there twice"),
        ('processes = "("\nmatch = "regex"', "is no RE2 pattern"),
        ('more = "load, moon"', "moon is not known; there are load"),
        ('disk = "/"', "did you mean disks?"),
        ('match = "glob"', 'one of "substring"'),
        ("http_port = 70000", "from 0 to 65535"),
        ('file = "odin.cfg"\ndisks = "/"', "either there or here"),
    ],
)
def test_what_cannot_be_watched_is_refused_at_load_with_a_sentence(text: str, sentence: str) -> None:
    assert sentence in refused(text)


def of_file(path: Path, text: str) -> StatusSettings:
    path.write_text(text)
    return read(f'file = "{path}"')


def test_the_file_of_an_odin_control_server_says_what_is_watched_as_it_is(tmp_path: Path) -> None:
    wishes = of_file(tmp_path / "odin.cfg", ODIN).wishes()
    assert (wishes.disks, wishes.interfaces) == (("/home", "/"), ("eth0", "lo"))
    assert (wishes.processes, wishes.rate) == (("worker.sh", "nginx"), 0.5)


def test_a_key_that_the_file_does_not_have_is_nothing_to_be_watched(tmp_path: Path) -> None:
    wishes = of_file(tmp_path / "odin.cfg", "[adapter.status]\n").wishes()
    assert (wishes.disks, wishes.interfaces, wishes.processes, wishes.rate) == ((), (), (), 1.0)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("rate = 0.5", "rate = fast", "'fast' is no number"),
        ("rate = 0.5", "rate = 0", "0 is no positive number"),
        ("rate = 0.5", "rate = nan", "nan is no positive number"),
        ("disks = /home, /", "disks = /a_b, /a/b", "/a_b and /a/b would both be called _a_b"),
        ("disks = /home, /", "disc = /", "did you mean disks?"),
        ("[adapter.status]", "[adapter.other]", "has no section [adapter.status]"),
        ("[server]", "server", "is no settings file of odin-control"),
        ("rate = 0.5", "rate = 1\nrate = 2", "is no settings file of odin-control"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_name(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "odin.cfg"
    settings = of_file(path, ODIN.replace(old, new))
    with pytest.raises(SettingsError) as caught:
        settings.wishes()
    assert str(path) in caught.value.message
    assert sentence in " ".join([caught.value.message, *caught.value.details])


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read(f'file = "{tmp_path / "none"}"').wishes()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read(f'file = "{tmp_path / "binary"}"').wishes()

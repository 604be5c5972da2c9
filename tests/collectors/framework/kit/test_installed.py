"""`tocsin-collector`: runs what packages bring, lists it, and says why something cannot be used."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.framework.kit.command import main
from collectors.framework.kit.installed import spec_of
from common.entrypoints import COLLECTORS, PLUGINS, PROBES
from common.errors import NotFoundError, SettingsError
from tests.fakes.packages import install

GOOD = """
from collectors.framework.kit import Collector
class Queue(Collector):
    name = "newt"
    def jobs(self, config):
        return ()
"""
MODULE = "made_up_queue_pack"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop(MODULE, None)


def bring(here: Path, code: str, name: str = "newt", what: str = "Queue") -> None:
    install(here, "newt-pack", COLLECTORS, {name: f"{MODULE}:{what}"}, {MODULE: code})


def test_an_installed_collector_is_a_daemon_with_all_verbs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring(here, GOOD)
    assert (spec_of("newt").service, spec_of("newt").program) == ("newt", "tocsin-newt")
    assert main(["newt", "genconf"]) == 0
    assert 'folder = "var/newt"' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["newt", "--help"])
    assert "usage: tocsin-collector newt" in capsys.readouterr().out
    settings = here / "newt.toml"
    settings.write_text(f'folder = "{here / "var"}"\n')
    assert main(["newt", "status", "--config", str(settings)]) == 3
    assert capsys.readouterr().out == "tocsin-newt is stopped\n"


def test_a_spec_may_be_brought_in_place_of_a_class(here: Path) -> None:
    bring(here, GOOD + "from collectors.framework.kit import spec\nSPEC = spec(Queue, title='Queues')\n", what="SPEC")
    assert spec_of("newt").title == "Queues"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("1 / 0", "cannot be loaded from made_up_queue_pack:Queue: ZeroDivisionError"),
        ("Queue = 7", "is neither a collector of the kit"),
        (GOOD.replace('"newt"', '"lions"'), "calls itself lions"),
        (GOOD.replace('"newt"', '"../x"'), "it has to be a word of a-z"),
    ],
)
def test_what_is_broken_says_why_and_harms_no_other(
    here: Path, code: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(here, code)
    install(
        here,
        "lion-pack",
        COLLECTORS,
        {"lion": "lion_pack_made_up:Queue"},
        {"lion_pack_made_up": GOOD.replace('"newt"', '"lion"')},
    )
    with pytest.raises(SettingsError, match=r"newt of the package newt-pack 1\.2") as told:
        spec_of("newt")
    assert why in told.value.message
    assert main(["newt", "run"]) == 2
    assert why in capsys.readouterr().err
    assert main(["list", "--json"]) == 1
    rows = {row["name"]: row["problem"] for row in json.loads(capsys.readouterr().out)["installed"]}
    assert rows["lion"] == ""
    assert why in rows["newt"]
    assert spec_of("lion").service == "lion"


def test_names_that_nobody_brings_and_those_of_tocsin_are_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotFoundError, match="snmp comes with Tocsin, and has a program of its own: type tocsin-snmp"):
        spec_of("snmp")
    assert main(["nosuch", "run"]) == 3
    assert "pip install one" in capsys.readouterr().err
    bring(here, GOOD)
    assert main(["netw", "run"]) == 3
    assert "there are: " in capsys.readouterr().err
    assert main([]) == 2
    assert main(["--nosuch"]) == 2
    assert main(["--help"]) == 0


def test_the_list_has_what_all_bring(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring(here, GOOD)
    install(here, "more", PROBES, {"mail": "platform:node", "gone": "made_up_and_gone:probe"})
    install(here, "more", PLUGINS, {"zone": "platform:node", "../x": "platform:node"})
    assert main(["list"]) == 1
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["WHAT", "NAME", "PACKAGE", "STATE"]
    told = {tuple(line.split()) for line in lines}
    assert told >= {("collector", "newt", "newt-pack", "1.2", "ok"), ("probe", "mail", "more", "1.2", "ok")}
    assert ("modeler", "plugin", "zone", "more", "1.2", "ok") in told
    assert any("../x" in line and "is no name for it" in line for line in lines)
    assert any("gone" in line and "No module named 'made_up_and_gone'" in line for line in lines)

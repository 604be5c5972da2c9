# mypy: allow-untyped-calls
from __future__ import annotations

import json
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from common.daemon import main as run_program
from common.errors import SettingsError, TransientError
from common.settings import genconf, load_settings, read_settings
from hub.app import PROGRAM
from hub.life import Life
from hub.runfile import RunFile
from hub.settings import HubSettings

ETC = Path(__file__).parents[2] / "etc" / "hub.toml"


def test_the_settings_file_that_comes_with_it_is_every_default() -> None:
    """When this fails, write it anew: `tocsin-hub genconf > etc/hub.toml`."""
    assert ETC.read_text(encoding="utf-8") == genconf(HubSettings, "tocsin-hub")
    assert load_settings(ETC, HubSettings) == HubSettings()
    assert tomllib.loads(ETC.read_text(encoding="utf-8"))["http"]["host"] == "127.0.0.1"


def test_files_lie_in_the_folder() -> None:
    settings = read_settings('folder = "/srv/hub"\n[http]\nport = 0\n', HubSettings, "x")
    assert settings.database_url == "sqlite:////srv/hub/hub.db"
    assert (settings.pki, settings.run_file) == (Path("/srv/hub/pki"), Path("/srv/hub/run.json"))
    assert settings.events.policy.after_s == 4 * 3600
    other = read_settings('database = "postgresql://db/tocsin"', HubSettings, "x")
    assert other.database_url == "postgresql://db/tocsin"


def test_every_mistake_in_the_settings_is_told() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings('[http]\nport = 99999\nhots = "x"\n[events]\nkeep_closed_days = 0\n', HubSettings, "hub.toml")
    assert len(refused.value.details) == 3


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    settings = HubSettings(folder=tmp_path / "a" / "hub")
    settings.prepare()
    assert stat.S_IMODE(settings.folder.stat().st_mode) == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be used"):
        HubSettings(folder=tmp_path / "file").prepare()


def test_an_operator_asks_for_a_new_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "hub.toml"
    settings.write_text(f'folder = "{tmp_path}"\n')
    assert run_program(PROGRAM, ["new-epoch", "--config", str(settings)]) == 0
    assert (tmp_path / "epoch.new").exists()
    told = capsys.readouterr().out
    assert "when the hub starts the next time" in told
    assert f"remove {tmp_path / 'epoch.new'} to take it back" in told
    settings.write_text(f'folder = "{tmp_path}/no/such"\n')
    assert run_program(PROGRAM, ["new-epoch", "--config", str(settings)]) == 2
    assert "cannot be made: No such file or directory" in capsys.readouterr().err


def test_the_run_file_is_there_while_the_hub_answers(tmp_path: Path) -> None:
    run_file = RunFile(tmp_path / "run.json")
    run_file.write(url="http://127.0.0.1:1")
    assert json.loads((tmp_path / "run.json").read_text())["url"] == "http://127.0.0.1:1"
    run_file.remove()
    run_file.remove()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError, match="cannot be written"):
        RunFile(tmp_path / "missing" / "run.json").write()


def test_importing_the_hub_chooses_no_reactor() -> None:
    code = "import sys, hub.app; sys.exit('twisted.internet.reactor' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ETC.parents[1]).returncode == 0


class LifeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.done: list[str] = []
        self.gate: Deferred[None] = Deferred()

    def life(self, fails: Exception | None = None) -> Life:
        async def begin(life: Life) -> Callable[[], dict[str, Any]]:
            for name in ("first", "second"):
                life.at_end(lambda name=name: self.done.append(name))  # type: ignore[misc]  # a name each
            await self.gate
            if fails is not None:
                raise fails
            return lambda: {"fares": "well"}

        return Life(begin)

    def ready(self, life: Life) -> Deferred[None]:
        return Deferred.fromCoroutine(life.ready())

    def test_it_is_ready_when_it_is_up_and_stops_in_reverse(self) -> None:
        life = self.life()
        life.startService()
        waiting = self.ready(life)
        self.assertNoResult(waiting)
        self.gate.callback(None)
        self.successResultOf(waiting)
        self.successResultOf(self.ready(life))
        self.assertEqual(life.figures(), {"fares": "well"})
        self.successResultOf(life.stopService())
        self.assertEqual(self.done, ["second", "first"])

    def test_a_start_that_fails_says_why_and_leaves_nothing_behind(self) -> None:
        life = self.life(SettingsError("the port is taken"))
        life.startService()
        waiting = self.ready(life)
        self.gate.callback(None)
        self.failureResultOf(waiting, SettingsError)
        self.failureResultOf(self.ready(life), SettingsError)
        self.assertEqual(self.done, ["second", "first"])
        self.successResultOf(life.stopService())
        self.assertEqual(self.done, ["second", "first"])

    def test_it_can_be_stopped_while_it_starts(self) -> None:
        life = self.life()
        life.startService()
        waiting = self.ready(life)
        self.successResultOf(life.stopService())
        self.failureResultOf(waiting, TransientError)
        self.assertEqual(self.done, ["second", "first"])

    def test_what_fails_at_the_end_stops_nothing_else(self) -> None:
        life = self.life()
        life.startService()
        self.gate.callback(None)
        life.at_end(lambda: 1 / 0)
        self.successResultOf(life.stopService())
        self.assertEqual(self.done, ["second", "first"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

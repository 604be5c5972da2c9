"""The command: a probe is tried, probes are listed, and `run` alone stays the daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.configcache import ConfigCache
from collectors.probes.main import main
from collectors.probes.settings import ProbeSettings
from common.configs import DeviceConfig, SourceKind
from common.judged import DerivedConfig
from common.series import Point
from common.settings import genconf
from common.sources import ProbeSource

ETC = Path(__file__).parents[3] / "etc"
TRACKING = ProbeSource(
    id="tracking",
    template="tracking",
    component="process",
    interval_s=60,
    points=(Point(name="data", unit="kB"), Point(name="stack", unit="kB")),
    derived=(DerivedConfig(point="used", expression="data + stack", unit="kB"),),
)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "etc" / "probes").mkdir(parents=True)
    (tmp_path / "probe").mkdir()
    path = tmp_path / "probe.toml"
    path.write_text(f'folder = "{tmp_path}/probe"\n[probes]\nfolders = ["etc/probes"]\n')
    return path


def put(settings: Path, name: str, text: str, mode: int = 0o755) -> Path:
    path = settings.parent / "etc" / "probes" / name
    path.write_text(text)
    path.chmod(mode)
    return path


def told(capsys: pytest.CaptureFixture[str], *words: str | Path, status: int = 0) -> str:
    assert main([str(word) for word in words]) == status
    return capsys.readouterr().out


def configured(settings: Path) -> None:
    config = DeviceConfig(device="web1", address="", source=SourceKind.LOCAL, interval_s=60, sources=(TRACKING,))
    ConfigCache(settings.parent / "probe" / "configs", None).replace([config], [])


def test_the_settings_file_in_etc_is_what_genconf_prints() -> None:
    """When this fails, write it anew: `tocsin-probe genconf > etc/probe.toml`."""
    assert (ETC / "probe.toml").read_text(encoding="utf-8") == genconf(ProbeSettings, "tocsin-probe")


def test_a_dry_run_shows_figures_units_and_what_is_derived(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(settings)
    put(
        settings,
        "tracking.sh",
        '#!/bin/sh\necho "{\\"$1\\": {\\"data\\": 476, \\"stack\\": \\"136\\", \\"x\\": NaN}}"\n',
    )
    out = told(capsys, "run", "tracking", "a b", "--dry-run", "--config", settings, status=1)
    lines = out.splitlines()
    assert lines[0].startswith("probe tracking for web1, as the user of the collector: ")
    assert "handler tracking" in lines
    at = lines.index("series tracking of a b")
    assert [line.split() for line in lines[at + 1 : at + 4]] == [
        ["data", "476", "kB"],
        ["stack", "136", "kB"],
        ["used", "612", "kB", "=", "data", "+", "stack"],
    ]
    assert "warning, probe_output: output of probe tracking, line 1, column 44: the point 'x' of" in out
    assert out.splitlines()[-1].strip() == "^"


def test_the_same_as_json(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(settings)
    put(settings, "tracking.py", "def probe():\n    return {'a': {'data': 1, 'stack': 2}}\n", 0o644)
    found: dict[str, Any] = json.loads(told(capsys, "run", "tracking", "--dry-run", "--json", "--config", settings))
    assert [(one["component"], one["point"], one["value"], one["unit"]) for one in found["figures"]] == [
        ("a", "data", 1, "kB"),
        ("a", "stack", 2, "kB"),
        ("a", "used", 3, "kB"),
    ]
    assert (found["device"], found["handler"], found["handler_known"]) == ("web1", "tracking", True)
    assert (found["exit_status"], found["problems"], found["events"]) == (0, [], [])
    assert found["took_s"] > 0


def test_a_file_of_any_folder_may_be_tried(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = settings.parent / "mine.sh"
    other.write_text("#!/bin/sh\necho 'LOAD OK | load=1.5;;;0'\n")
    other.chmod(0o755)
    out = told(capsys, "run", other, "--dry-run", "--config", settings)
    assert "handler mine, which is no template here: its points are gauges as they come" in out
    assert "series mine of the device itself" in out


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["run", "nothing", "--dry-run"], 3, "there is no probe 'nothing'; there are: none"),
        (["run", "plain", "--dry-run"], 1, "it is not executable; chmod +x makes it so"),
        (["run", "plain"], 2, "`run` alone is the daemon; to try the probe plain, add --dry-run"),
        (["run", "--dry-run"], 2, "--dry-run tries a probe: say which"),
        (["run", "--json"], 2, "--json goes with --dry-run"),
    ],
)
def test_wrong_words(
    settings: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, sentence: str
) -> None:
    put(settings, "plain", "hello", 0o644)
    assert main([*words, "--config", str(settings)]) == status
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("words", ["says --dry-run a", "--dry-run says a", "says a --dry-run"])
def test_arguments_may_stand_behind_options(settings: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    put(settings, "says", '#!/bin/sh\necho "{\\"$*\\": {\\"n\\": $#}}"\n')
    typed = ["run", "--config", str(settings), *words.split()]
    assert "series says of a b\n" in told(capsys, *typed, "b")
    assert "series says of a -b\n" in told(capsys, *typed, "--", "-b")
    with pytest.raises(SystemExit):
        main([*typed, "-b"])
    assert "unrecognized arguments: " in capsys.readouterr().err


def test_the_list_has_what_runs_and_what_does_not(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(settings)
    put(settings, "tracking.sh", "#!/bin/sh\n# tocsin: interval_s = 5\n")
    put(settings, "plain", "hello", 0o644)
    put(settings, "old.sh~", "")
    out = told(capsys, "list", "--config", settings)
    assert "tracking: for web1 every 5 s, handler tracking\n" in out
    assert "plain is not run: it is not executable" in out
    assert "old.sh~ is not run: it is a copy that was put aside" in out
    found = json.loads(told(capsys, "list", "--json", "--config", settings))
    assert [(one["name"], one["interval_s"], one["handler_known"]) for one in found["probes"]] == [
        ("tracking", 5, True)
    ]
    assert len(found["refused"]) == 2

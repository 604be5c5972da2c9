"""Captures of a real agent and of this host, through the programs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from collectors.framework.captures.folder import readings
from collectors.framework.captures.reading import Got, Reading, Walked, values_of
from collectors.framework.configcache import ConfigCache
from collectors.framework.snmp import ber
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.masking import MASK
from tests.integration.snmpd import Snmpd, snmpd

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

EVERYTHING = ProcessSetConfig(id="all", title="all", order=1, include=".", exclude="", name="all")


# Said by no other test: what else runs here is captured with its arguments.
WORD, USER, AUTHENTICATED, ENCIPHERED = (
    "word-of-captures",
    "userofcaptures",
    "auth of the captures",
    "priv of the captures",
)
KNOWN = f"""
rocommunity {WORD} default -V all
createUser {USER} SHA-256 "{AUTHENTICATED}" AES "{ENCIPHERED}"
rouser {USER} auth -V all
"""


@pytest.fixture(scope="module")
def agent() -> Iterator[Snmpd]:
    with snmpd(KNOWN) as running:
        yield running


def itself(agent: Snmpd) -> ProcessSetConfig:
    """A set of the agent's own process; whatever else runs here may have an agent too."""
    include = f"^snmpd .*{re.escape(agent.folder.name)}/"
    return ProcessSetConfig(id="agent", title="agent", order=0, include=include, name="agent", required=True)


def over_snmp(agent: Snmpd, snmp: SnmpConfig, interval_s: int = 60) -> DeviceConfig:
    return DeviceConfig(
        device="box",
        address=agent.address,
        source=SourceKind.SNMP,
        interval_s=interval_s,
        snmp=snmp,
        process_sets=(itself(agent), EVERYTHING),
    )


def command(folder: Path, *options: object, program: str = "process", name: str = "data") -> list[str]:
    settings = folder / f"{name}.toml"
    settings.write_text(f'folder = "{folder / name}"\n[hub]\nport = 1\n')
    module = f"collectors.{program}.main"
    return [sys.executable, "-m", module, "run", "--config", str(settings), *map(str, options)]


def run(folder: Path, *options: object, program: str = "process", name: str = "data", code: int = 0) -> str:
    done = subprocess.run(
        command(folder, *options, program=program, name=name), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


def rows_shown(text: str) -> list[str]:
    """The lines of the process table, as `--show-tables --show-processes` prints it."""
    return [line for line in text.splitlines() if line.startswith("  ") and line.split()[0].isdigit()]


def same_but_for_secrets(first: str, again: str) -> None:
    """Whoever else runs here may have a password in its arguments, which a capture does not keep."""
    pairs = list(zip(rows_shown(first), rows_shown(again), strict=True))
    plain = [(before, after) for before, after in pairs if MASK not in after]
    assert len(plain) > 3
    assert [after for _, after in plain] == [before for before, _ in plain]
    assert [after.split()[0] for _, after in pairs] == [before.split()[0] for before, _ in pairs]


@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
def test_a_capture_of_a_real_agent_replays_to_the_same_table(agent: Snmpd, tmp_path: Path, version: str) -> None:
    secure = replace(agent.sha256_aes(), user=USER, auth_password=AUTHENTICATED, priv_password=ENCIPHERED)
    snmp = {"v1": agent.v1(WORD), "v2c": agent.v2c(WORD), "v3": secure}[version]
    ConfigCache(tmp_path / "data" / "configs").replace([over_snmp(agent, snmp)], [])
    folder = tmp_path / "capture"
    first = run(tmp_path, "--once", "--show-tables", "--show-processes", "--capture", folder)
    again = run(tmp_path, "--once", "--show-tables", "--show-processes", "--replay", folder, name="elsewhere")
    same_but_for_secrets(first, again)
    assert str(agent.pid) in {line.split()[0] for line in rows_shown(again)}
    text = "".join(path.read_text() for path in (folder / "box").iterdir())
    for secret in (WORD, USER, AUTHENTICATED, ENCIPHERED):
        assert secret not in text


def test_a_capture_has_the_types_that_the_agent_gave(agent: Snmpd, tmp_path: Path) -> None:
    ConfigCache(tmp_path / "data" / "configs").replace([over_snmp(agent, agent.v2c())], [])
    run(tmp_path, "--once", "--capture", tmp_path / "capture")
    (reading,) = readings(tmp_path / "capture" / "box")
    values = values_of(reading.sections)
    assert values[1, 3, 6, 1, 2, 1, 1, 3, 0].tag == ber.TIMETICKS
    assert values[1, 3, 6, 1, 2, 1, 25, 4, 2, 1, 2, agent.pid].tag == ber.OCTET_STRING
    assert {type(section) for section in reading.sections} == {Got, Walked}


def test_this_host_is_captured_and_replayed_elsewhere(tmp_path: Path) -> None:
    here = DeviceConfig(device="here", address="", source=SourceKind.LOCAL, interval_s=10, process_sets=(EVERYTHING,))
    ConfigCache(tmp_path / "data" / "configs").replace([here], [])
    folder = tmp_path / "capture"
    first = run(tmp_path, "--once", "--show-tables", "--capture", folder)
    again = run(tmp_path, "--once", "--show-tables", "--replay", folder, name="elsewhere")
    same_but_for_secrets(first, again)


def test_the_modeler_reads_a_capture_of_its_own(agent: Snmpd, tmp_path: Path) -> None:
    ConfigCache(tmp_path / "data" / "configs").replace([over_snmp(agent, agent.v2c())], [])
    folder = tmp_path / "capture"
    first = run(tmp_path, "--once", "--capture", folder, program="modeler")
    again = run(tmp_path, "--once", "--replay", folder, program="modeler", name="elsewhere")
    assert "  sysLocation: a shelf" in again.splitlines()
    assert again == first
    assert "--once --replay" in run(tmp_path, "--replay", folder, program="modeler", code=2)


def test_a_device_that_is_not_here_is_not_recorded_in_silence(tmp_path: Path) -> None:
    nowhere = ["-d", "nope", "--capture", tmp_path / "capture"]
    assert "there are no configs here yet" in run(tmp_path, *nowhere, code=3)
    here = DeviceConfig(device="here", address="", source=SourceKind.LOCAL, interval_s=10, process_sets=(EVERYTHING,))
    ConfigCache(tmp_path / "data" / "configs").replace([here], [])
    for options in (nowhere, ["--once", *nowhere]):
        assert "there is no config for device nope; there are: here" in run(tmp_path, *options, code=3)
    assert not (tmp_path / "capture").exists()
    said = run(tmp_path, "-d", "here", "--capture", tmp_path / "capture", program="modeler", code=2)
    assert "here is this host, which tocsin-modeler reads in ways that no capture holds" in said


def wait_for(readings_of: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(readings_of.glob("*.jsonl"))) < count:
        assert time.monotonic() < deadline, "no reading was recorded in time"
        time.sleep(0.1)


def test_a_daemon_records_until_it_is_stopped_and_all_of_it_replays(agent: Snmpd, tmp_path: Path) -> None:
    ConfigCache(tmp_path / "data" / "configs").replace([over_snmp(agent, agent.v2c(), interval_s=1)], [])
    folder = tmp_path / "capture"
    with subprocess.Popen(command(tmp_path, "--capture", folder), stderr=subprocess.DEVNULL) as daemon:
        try:
            wait_for(folder / "box", 4)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)
    recorded: list[Reading] = readings(folder / "box")
    out = run(tmp_path, "--replay", folder, name="elsewhere")
    runs = [line for line in out.splitlines() if line.endswith("  box")]
    assert len(runs) == len(recorded) >= 3
    assert sum("sample  agent  " in line and "count=1 " in line for line in out.splitlines()) >= 3
    assert run(tmp_path, "--replay", folder / "box", name="elsewhere") == out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--capture", "c", "--replay", "c"], "exclude"),
        (["-d", "box"], "-d goes with"),
        (["--show-tables", "--capture", "c"], "go with --once"),
        (["--replay", "/nowhere/at/all"], "No such file"),
        (["--once", "--capture", "/proc/x"], "--capture /proc/x"),
    ],
)
def test_options_that_cannot_be_are_told(tmp_path: Path, options: list[str], said: str) -> None:
    config = DeviceConfig(device="here", address="", source=SourceKind.LOCAL, interval_s=10)
    ConfigCache(tmp_path / "data" / "configs").replace([config], [])
    assert said in run(tmp_path, *options, code=2)


def test_a_mistake_in_a_file_is_told_by_line(tmp_path: Path) -> None:
    folder = tmp_path / "capture" / "box"
    folder.mkdir(parents=True)
    heading = {"capture": 1, "device": "box", "source": "snmp", "at": "2026-11-20T03:00:00Z"}
    (folder / "000001.jsonl").write_text(json.dumps(heading) + '\n{"get": {"1.3.x": null}}\n')
    said = run(tmp_path, "--replay", tmp_path / "capture", code=2)
    assert "000001.jsonl:2: '1.3.x' is no OID" in said
    assert "Traceback" not in said

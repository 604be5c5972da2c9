"""A device's task on a capture: same readings, same decisions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collectors.framework.captures.folder import readings
from collectors.framework.captures.recording import Recorder
from collectors.framework.captures.replaying import Tape
from collectors.framework.captures.run import Run, run_through
from collectors.modeler.main import SPEC as MODELER
from collectors.process.main import SPEC
from collectors.process.source_snmp import (
    CPU,
    HR_SYSTEM_UPTIME,
    MEMORY,
    NAME,
    PARAMETERS,
    PATH,
    STATUS,
    SYS_UPTIME,
    SnmpSource,
)
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.errors import SettingsError
from tests.collectors.framework.captures.test_tape import Times
from tests.contracts.process_source import now
from tests.fakes.snmp import FakeSnmpClient

CONFIG = DeviceConfig(
    device="box",
    address="192.0.2.1",
    source=SourceKind.SNMP,
    interval_s=60,
    snmp=SnmpConfig(community="the community"),
    process_sets=(ProcessSetConfig(id="web", title="web", order=1, include="^/web ", name="web"),),
)


def recorded(folder: Path, pids: list[list[int]]) -> None:
    """Scans a minute apart, each with these processes beside forty others."""
    times = Times()
    recorder = Recorder(folder, times.wall, times.monotonic)
    agent = FakeSnmpClient({})
    clients = recorder.clients(CONFIG, lambda *_: agent)
    source = SnmpSource(clients, CONFIG, times.wall, times.monotonic)
    for number, running in enumerate(pids):
        agent.values = {SYS_UPTIME: 6000 * number, HR_SYSTEM_UPTIME: 6000 * number}
        for pid in [*running, *range(1000, 1040)]:
            path = b"/web" if pid < 1000 else b"/other"
            row = {NAME: path[1:], PATH: path, PARAMETERS: b"-n %d" % pid, STATUS: 2, CPU: 100 * number, MEMORY: 5}
            agent.values.update({(*column, pid): value for column, value in row.items()})
        now(source.scan(full=False))
        times.now += 60


def run(folder: Path) -> list[Run]:
    return now(run_through(SPEC, CONFIG, Tape(readings(folder / "box"), 60)))


def said(runs: list[Run]) -> list[list[tuple[str, int]]]:
    return [[(event.event_key, int(event.severity)) for event in one.events] for one in runs]


def test_a_capture_gives_the_events_and_samples_of_what_happened(tmp_path: Path) -> None:
    recorded(tmp_path, [[5, 6], [5, 6], [], [7, 8], [7, 9]])
    runs = run(tmp_path)
    assert said(runs) == [[], [], [("process_missing", 4)], [("process_missing", 0)], []]
    counts = [[sample.values["count"] for sample in one.samples] for one in runs]
    assert counts == [[2], [2], [0], [2], [2]]
    assert [sample.values["restarts"] for sample in runs[-1].samples] == [1]
    assert [one.lines() for one in run(tmp_path)] == [one.lines() for one in runs]


def test_a_line_that_is_taken_out_is_a_process_that_died(tmp_path: Path) -> None:
    recorded(tmp_path, [[5], [5], [5]])
    assert said(run(tmp_path)) == [[], [], []]
    file = tmp_path / "box" / "000002.jsonl"
    file.write_text(re.sub(r'^\["5",.*\n', "", file.read_text(), flags=re.MULTILINE))
    runs = run(tmp_path)
    assert said(runs) == [[], [("process_missing", 4)], [("process_missing", 0)]]
    assert any(
        line.startswith("  event   error    /Status/OSProcess process_missing  web: ") for line in runs[1].lines()
    )


def test_a_capture_may_be_cut(tmp_path: Path) -> None:
    recorded(tmp_path, [[5], [], [5]])
    (tmp_path / "box" / "000001.jsonl").unlink()
    assert [one.at for one in run(tmp_path)] == [1_800_000_160.0, 1_800_000_220.0]


def test_an_agent_that_was_silent_is_silent_again(tmp_path: Path) -> None:
    recorded(tmp_path, [[5], [5]])
    file = tmp_path / "box" / "000002.jsonl"
    heading = file.read_text().splitlines()[0]
    file.write_text(f'{heading}\n{{"get":["1.3.6.1.2.1.1.3.0"],"error":"SnmpTimeout","message":"No answer"}}\n')
    runs = run(tmp_path)
    assert said(runs) == [[], [("snmp_timeout", 4)]]
    assert runs[1].problem == "No answer"
    assert runs[1].lines()[0].endswith("box  failed: No answer")


def test_what_a_capture_says_gives_a_terminal_no_orders() -> None:
    lines = Run("box", 0.0, (), (), "No answer\x1b[2J from\n\u202eit").lines()
    assert lines == ["1970-01-01T00:00:00.000Z  box  failed: No answer\ufffd[2J from\ufffd\ufffdit"]


def test_a_collector_that_needs_more_than_a_tap_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path, [[5]])
    with pytest.raises(SettingsError, match="--once --replay"):
        now(run_through(MODELER, CONFIG, Tape(readings(tmp_path / "box"), 60)))

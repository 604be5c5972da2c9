"""Real processes whose program is replaced on disk, and that come back as somebody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.framework.source_local import ProcSource
from collectors.process.memory import DeviceMemory
from collectors.process.tracker import Tracker
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.matching import command_line
from tests.contracts.process_source import now

STEP_S = 60.0


class Watch:
    """Scans this host for one program, each time a minute later as it seems."""

    def __init__(self, program: Path) -> None:
        definition = ProcessSetConfig(
            id="worker", title="worker", order=0, include=f"^{program} ", name="worker", exclude=""
        )
        self.config = DeviceConfig(
            device="here", address="", source=SourceKind.LOCAL, interval_s=60, process_sets=(definition,)
        )
        self.tracker = Tracker(self.config, DeviceMemory())
        self.at = time.time()
        wanted = self.tracker.matcher.match
        self.source = ProcSource(
            lambda: self.at,
            time.monotonic,
            lambda row: wanted(command_line(row.path, row.name, row.parameters)) is not None,
        )

    def scans(self, count: int) -> list[tuple[str, int]]:
        """What some scans say."""
        said = []
        for _ in range(count):
            table = now(self.source.scan(full=False))
            assert table.complete
            said += self.tracker.observe(table).events
            self.at += STEP_S
        return [(event.event_key, event.severity.value) for event in said]


@contextmanager
def running(program: Path, executable: str | None = None, user: str | None = None) -> Iterator[None]:
    with subprocess.Popen([program, "600"], executable=executable or program, user=user) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "worker"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", path)
    return path


def update(program: Path) -> None:
    """As a package manager does it: the new file takes the place of the old one."""
    new = program.with_name("new")
    shutil.copy(program, new)
    new.replace(program)


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc tells")
def test_an_update_without_a_restart_rings_until_the_restart(program: Path) -> None:
    watch = Watch(program)
    with running(program):
        assert watch.scans(3) == []
        update(program)
        assert watch.scans(1) == []
        assert watch.scans(3) == [("process_replaced", 3)]
    with running(program):
        assert watch.scans(3) == [("process_replaced", 0)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run something as somebody else")
def test_a_restart_as_root_rings_until_it_is_as_before(program: Path) -> None:
    everybodys = shutil.which("sleep")
    watch = Watch(program)
    with running(program, everybodys, "nobody"):
        assert watch.scans(3) == []
        assert watch.tracker.memory.sets["worker"].users == ["nobody"]
    with running(program, everybodys):
        assert watch.scans(1) == []
        assert watch.scans(3) == [("process_user", 3)]
    with running(program, everybodys, "nobody"):
        assert watch.scans(3) == [("process_user", 0)]

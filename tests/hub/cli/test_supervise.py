"""Children of `tocsin up`: when they are started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.endings import how_it_ended
from hub.cli.supervise import Child, Program, Running, last_lines

WITHIN_S = 60.0

PROGRAM = Program("tocsin-x", ("tocsin-x",), Path("/nonexistent/log"))


def line_of(log: Path) -> str:
    """The first line of a log, once it stands there."""
    deadline = time.monotonic() + WITHIN_S
    while not (lines := last_lines(log)):
        assert time.monotonic() < deadline, "nothing is said"
        time.sleep(0.02)
    return lines[0]


def runs(pid: int) -> bool:
    """Whether a process is there, and is more than what its parent has not asked for."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


class FakeProcess:
    """A process that ends when the test says so."""

    def __init__(self, pid: int, stubborn: bool = False) -> None:
        self.pid = pid
        self.status: int | None = None
        self.signals: list[int] = []
        self.stubborn = stubborn

    def poll(self) -> int | None:
        return self.status

    def send_signal(self, sig: int, /) -> None:
        self.signals.append(sig)
        if not self.stubborn:
            self.status = -sig

    def wait(self, timeout: float | None = None) -> int:
        if self.status is None:
            raise subprocess.TimeoutExpired("x", timeout or 0)
        return self.status

    def kill(self) -> None:
        self.signals.append(signal.SIGKILL)
        self.status = -signal.SIGKILL


class Bench:
    """A child on a fake clock."""

    def __init__(self, program: Program = PROGRAM) -> None:
        self.now = 0.0
        self.processes: list[FakeProcess] = []
        self.child = Child(program, self.launch, lambda: self.now)
        self.child.start()

    def launch(self, _program: Program) -> Running:
        self.processes.append(FakeProcess(100 + len(self.processes)))
        return self.processes[-1]

    def end(self, status: int) -> None:
        self.processes[-1].status = status

    def tend_until(self, at: float) -> list[str]:
        said = []
        while self.now < at:
            self.now = round(self.now + 0.25, 2)
            if sentence := self.child.tend():
                said.append(sentence)
        return said


def test_a_child_that_runs_is_left_alone() -> None:
    bench = Bench()
    assert bench.tend_until(100) == []
    assert len(bench.processes) == 1


@pytest.mark.parametrize(
    ("status", "log", "told"),
    [
        (
            1,
            "older\ntocsin-x: it is already \x1b running (pid 7)\n",
            "exit status 1 (it is already \ufffd running (pid 7))",
        ),
        (1, "2026-11-21T20:00:00Z info tocsin-x: it works\n", "exit status 1"),
        (-9, "tocsin-x: an older word\n", "killed by SIGKILL (9)"),
    ],
)
def test_what_a_child_said_of_its_end_is_told(tmp_path: Path, status: int, log: str, told: str) -> None:
    (tmp_path / "log").write_text(log)
    bench = Bench(Program("tocsin-x", ("tocsin-x",), tmp_path / "log"))
    bench.end(status)
    assert bench.tend_until(0.25) == [f"tocsin-x ended: {told}; starting it again in 0.5 s"]


def test_a_child_that_dies_is_started_again_and_it_is_said() -> None:
    bench = Bench()
    bench.end(-9)
    assert bench.tend_until(1) == [
        "tocsin-x ended: killed by SIGKILL (9); starting it again in 0.5 s",
        "tocsin-x was started again (pid 101)",
    ]
    assert (bench.child.restarts, bench.child.pid) == (1, 101)


def test_each_start_in_a_row_waits_twice_as_long_up_to_a_limit() -> None:
    bench = Bench()
    waits = []
    for _ in range(9):
        bench.end(1)
        died = bench.now
        number = len(bench.processes)
        while len(bench.processes) == number:
            bench.tend_until(bench.now + 0.25)
        waits.append(bench.now - died)
    assert [round(wait - 0.25, 2) for wait in waits] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_child_that_held_for_a_minute_begins_with_the_short_wait() -> None:
    bench = Bench()
    for _ in range(4):
        bench.end(1)
        bench.tend_until(bench.now + 10)
    bench.tend_until(bench.now + 61)
    assert bench.child.problem == ""
    bench.end(1)
    assert "in 0.5 s" in bench.tend_until(bench.now + 1)[0]


def test_stopping_is_polite_first() -> None:
    bench = Bench()
    assert bench.child.stop() is True
    assert bench.processes[0].signals == [signal.SIGTERM]
    assert bench.child.pid is None


def test_what_does_not_stop_is_killed() -> None:
    bench = Bench()
    bench.processes[0].stubborn = True
    assert bench.child.stop(0.0) is False
    assert bench.processes[0].signals == [signal.SIGTERM, signal.SIGKILL]


def test_a_stopped_child_is_not_started_again() -> None:
    bench = Bench()
    bench.end(1)
    bench.tend_until(0.25)
    bench.child.stop()
    assert bench.tend_until(100) == []
    assert len(bench.processes) == 1


@pytest.mark.parametrize(
    ("status", "wanted"), [(0, "exit status 0"), (-15, "killed by SIGTERM (15)"), (-99, "killed by signal 99")]
)
def test_an_end_is_told_in_words(status: int, wanted: str) -> None:
    assert how_it_ended(status) == wanted


def test_a_real_program_writes_its_log_and_lives_in_a_session_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    code = "import os, time; print('session', os.getsid(0) == os.getpid(), flush=True); time.sleep(60)"
    child = Child(Program("x", (sys.executable, "-c", code), log))
    child.start()
    try:
        assert line_of(log) == "session True"
    finally:
        assert child.stop() is True


def test_children_end_with_us_even_when_we_are_killed(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    child_code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    parent_code = (
        "import sys, time; from pathlib import Path; from hub.cli.supervise import Program, launch\n"
        f"launch(Program('x', (sys.executable, '-c', {child_code!r}), Path({str(log)!r})))\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code])
    try:
        pid = int(line_of(log))
    finally:
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + WITHIN_S / 2
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not runs(pid)

"""A real collector daemon: its verbs, its signals, its life without a hub."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.configcache import ConfigCache
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from tests.integration.stack import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

COMMAND = [sys.executable, "-m", "collectors.process.main"]


class Daemon:
    """One data folder, and the commands on it."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.config = folder / "process.toml"
        self.data = folder / "data"
        self.config.write_text(f'folder = "{self.data}"\n{settings}\n[hub]\nport = 1\ncertificates = "{folder}/none"\n')

    def do(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, argv[0], "--config", str(self.config), *argv[1:]],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.do("stats", "--json").stdout)
        return found

    def log(self) -> str:
        try:
            return (self.data / "process.log").read_text()
        except FileNotFoundError:  # there is none yet, or another one is about to begin
            return ""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    one = Daemon(tmp_path)
    yield one
    one.do("stop")


def here(interval_s: int = 1, include: str = ".") -> DeviceConfig:
    return DeviceConfig(
        device="here",
        address="",
        source=SourceKind.LOCAL,
        interval_s=interval_s,
        process_sets=(ProcessSetConfig(id="all", title="All", order=0, include=include, name="all"),),
    )


def test_the_life_of_a_daemon(daemon: Daemon) -> None:
    assert daemon.do("status").returncode == 3
    started = daemon.do("start")
    assert (started.returncode, started.stderr) == (0, "")
    assert daemon.do("status").returncode == 0
    first = daemon.stats()
    assert (first["daemon"], first["devices"], first["problem"]) == ("tocsin-process", 0, "")
    assert daemon.do("start").returncode == 1
    assert daemon.do("debug").returncode == 0
    wait_for("the log tells", lambda: "debug messages are on" in daemon.log())
    assert daemon.do("restart").returncode == 0
    second = daemon.stats()
    assert second["pid"] != first["pid"]
    assert daemon.do("stop").returncode == 0
    assert daemon.do("status").returncode == 3
    assert not (daemon.data / "process.pid").exists()
    assert "Traceback" not in daemon.log()


def test_a_killed_daemon_is_told_and_starts_again(daemon: Daemon) -> None:
    daemon.do("start")
    pid = daemon.stats()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for("it is told", lambda: daemon.do("status").returncode == 1)
    assert daemon.do("start").returncode == 0
    assert daemon.do("status").returncode == 0


def test_it_collects_without_a_hub_from_its_cache(daemon: Daemon) -> None:
    ConfigCache(daemon.data / "configs").replace([here()], [])
    daemon.do("start")

    def run_often() -> dict[str, Any] | None:
        stats = daemon.stats()
        return stats if stats["task_list"] and stats["task_list"][0]["runs"] >= 3 else None

    stats = wait_for("three runs", run_often)
    (task,) = stats["task_list"]
    said = daemon.do("stats").stdout
    assert ("Tasks: 1\n" in said, "Slowest\n" in said) == (True, True), said
    assert daemon.do("stats", "-d", "here").stdout.startswith("process:here of here")
    assert daemon.do("stats", "-d", "elsewhere").stderr.startswith("tocsin-process: device elsewhere is not collected")
    assert (task["device"], task["failed"], stats["devices"]) == ("here", 0, 1)
    wait_for("series are written", lambda: list((daemon.data / "rrd").rglob("*.rrd")))
    wait_for("it waits for a hub", lambda: daemon.stats()["hub"].startswith("waiting: 127.0.0.1 port "))
    assert daemon.do("stop").returncode == 0


def test_once_prints_and_leaves_the_running_daemon_alone(daemon: Daemon) -> None:
    # One process that stays: with an alarm of a set the daemon itself would make a folder.
    only = here(include=rf"collectors\.framework\.rrdwriter .*{re.escape(str(daemon.data))}/")
    ConfigCache(daemon.data / "configs").replace([only], [])
    daemon.do("start")
    wait_for("its first run, which makes folders", lambda: any(task["runs"] for task in daemon.stats()["task_list"]))
    before = sorted(path.name for path in daemon.data.iterdir())
    done = daemon.do("run", "--once", "-d", "here", "--show-processes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "all" in done.stdout
    unknown = daemon.do("run", "--once", "-d", "there")
    assert (unknown.returncode, unknown.stdout) == (3, "")
    assert "there are: here" in unknown.stderr
    assert sorted(path.name for path in daemon.data.iterdir()) == before
    assert daemon.do("status").returncode == 0


def running(daemon: Daemon, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, "run", "--config", str(daemon.config)], stdin=subprocess.DEVNULL, **options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_it_logs_to_stderr_too_and_stops_cleanly(daemon: Daemon, number: int) -> None:
    process = running(daemon, stderr=subprocess.PIPE)
    wait_for("it works", lambda: daemon.do("status").returncode == 0 and "works" in daemon.log())
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.decode() == daemon.log()
    assert daemon.do("status").returncode == 3


def test_it_may_be_asked_to_stop_more_than_once(daemon: Daemon) -> None:
    process = running(daemon, stderr=subprocess.DEVNULL)
    wait_for("it works", lambda: daemon.do("status").returncode == 0 and "works" in daemon.log())
    for number in (signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
    assert process.wait(60) == 0
    assert "Traceback" not in daemon.log()


def at_its_pid_file(daemon: Daemon) -> None:
    """Wait until the daemon can be found, and not a moment longer."""
    deadline = time.monotonic() + 60
    while not (daemon.data / "process.pid").exists():
        assert time.monotonic() < deadline


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_that_comes_while_it_starts_waits_until_it_can_be_answered(daemon: Daemon, number: int) -> None:
    process = running(daemon, stderr=subprocess.DEVNULL)
    at_its_pid_file(daemon)
    process.send_signal(number)
    wait_for("it works", lambda: daemon.do("status").returncode == 0 and "works" in daemon.log())
    process.terminate()
    assert process.wait(60) == 0


def test_it_can_be_stopped_while_it_starts(daemon: Daemon) -> None:
    process = running(daemon, stderr=subprocess.DEVNULL)
    at_its_pid_file(daemon)
    process.terminate()
    assert process.wait(60) == 0
    assert daemon.do("status").returncode == 3


def test_a_log_file_that_is_its_stderr_has_each_line_once_and_stays_bounded(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, "[log]\nfile_mb = 0.002\nkeep = 1\n")
    daemon.data.mkdir()
    with (daemon.data / "process.log").open("ab") as log:
        process = running(daemon, stdout=log, stderr=log)
    wait_for("it works", lambda: daemon.do("status").returncode == 0 and "works" in daemon.log())
    assert daemon.log().count("tocsin-process works") == 1
    for _ in range(60):
        before = daemon.log()
        os.kill(process.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 60
        while daemon.log() in {before, ""}:  # of signals that come together only one is seen
            assert time.monotonic() < deadline, "the signal has changed nothing"
            time.sleep(0.002)
    wait_for("a second file", (daemon.data / "process.log.1").exists)
    process.terminate()
    assert process.wait(60) == 0
    assert sum(path.stat().st_size for path in daemon.data.glob("process.log*")) < 2 * 2100 + 500
    assert daemon.log().rstrip().splitlines()[-1].endswith(": tocsin-process stops")


def test_systemd_is_told_when_it_works_and_when_it_stops(daemon: Daemon, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        environ = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        process = running(daemon, stderr=subprocess.DEVNULL, env=environ)
        assert manager.recv(200).startswith(b"READY=1\n")
        assert manager.recv(200) == b"WATCHDOG=1"
        assert manager.recv(200) == b"WATCHDOG=1"
        process.terminate()
        while manager.recv(200) == b"WATCHDOG=1":
            pass
        assert process.wait(60) == 0


def test_the_asyncio_reactor_does_as_well(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, 'reactor = "asyncio"')
    try:
        ConfigCache(daemon.data / "configs").replace([here()], [])
        assert daemon.do("start").returncode == 0
        wait_for("a run", lambda: any(task["runs"] for task in daemon.stats()["task_list"]))
        assert daemon.do("stop").returncode == 0
        assert "Traceback" not in daemon.log()
    finally:
        daemon.do("stop")


@pytest.mark.parametrize("kind", ["epoll", "asyncio"])
def test_the_reactors_clock_cannot_be_set(kind: str) -> None:
    code = (
        "import time; from common.daemon import install_reactor;"
        f"r = install_reactor('{kind}'); assert abs(r.seconds() - time.monotonic()) < 60;"
        "done = []; r.callLater(0.05, lambda: (done.append(1), r.stop())); r.run(); assert done"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_keeps_it_from_starting_is_a_sentence(daemon: Daemon) -> None:
    daemon.data.mkdir()
    (daemon.data / "spool.db").mkdir()
    for verb in ("start", "run"):
        done = daemon.do(verb)
        assert done.returncode == 1
        assert "spool.db" in done.stderr
        assert "Traceback" not in done.stderr
    assert daemon.do("status").returncode == 3

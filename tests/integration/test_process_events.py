# mypy: allow-untyped-calls
"""The kernel's own process events: a real socket, a real daemon, real deaths."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import MemoryReactorClock

from collectors.framework.configcache import ConfigCache
from collectors.framework.eventbytes import decode_event
from collectors.framework.processevents.connector import AF_NETLINK, NETLINK_CONNECTOR, Connector, Standing
from collectors.framework.processevents.messages import Executed, Exited, Forked, ProcessEvent
from collectors.framework.processevents.pace import BURST, REFILL_S, Storm
from collectors.process.memory import SetMemory, load
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.events import Event, Severity
from tests.collectors.framework.processevents.test_messages import EXIT
from tests.integration.stack import wait_for
from tests.integration.test_daemon import Daemon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(100)]

LONG_S = 3600
"""Between scans on turn: what is known earlier is known from events."""


class Listener:
    """A connector whose reactor is a test's."""

    def __init__(self, **options: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.told: list[ProcessEvent] = []
        self.losses = 0
        self.connector = Connector(self.reactor, self._take, self._lose, random.Random(), **options)
        self.connector.start()

    def _take(self, events: Sequence[ProcessEvent]) -> None:
        self.told += events

    def _lose(self) -> None:
        self.losses += 1

    def until(self, what: str, ready: Callable[[], Any]) -> None:
        def look() -> Any:
            self.connector.doRead()
            return ready()

        wait_for(what, look)


@contextlib.contextmanager
def listening(**options: Any) -> Iterator[Listener]:
    one = Listener(**options)
    try:
        one.connector.doRead()
        if one.connector.standing is not Standing.LISTENING:
            pytest.skip(f"this kernel tells nothing here: {one.connector.reason or 'no answer'}")
        yield one
    finally:
        one.connector.stop()


def fork_loop(processes: int) -> None:
    code = f"import os\nfor _ in range({processes}):\n p=os.fork()\n if not p: os._exit(0)\n os.waitpid(p,0)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_kernel_tells_of_a_life_from_fork_to_exit_and_of_no_thread() -> None:
    code = "import threading; t=threading.Thread(target=print); t.start(); t.join(); raise SystemExit(3)"
    calm = Storm(10**9)  # whatever else begins and ends on this machine
    with listening(storm=calm) as one, listening(storm=calm) as other:  # two of them do not disturb each other
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
        process.wait()
        for listener in (one, other):
            listener.until("its exit", partial(exits_of, process.pid, listener.told))
            own = [event for event in listener.told if process.pid in {getattr(event, "pid", 0), child_of(event)}]
            assert [type(event) for event in own] == [Forked, Executed, Exited]
            assert exits_of(process.pid, listener.told)[0].status == 3 << 8


def exits_of(pid: int, events: Sequence[ProcessEvent]) -> list[Exited]:
    return [event for event in events if isinstance(event, Exited) and event.pid == pid]


def child_of(event: ProcessEvent) -> int:
    return event.child if isinstance(event, Forked) else 0


def test_messages_of_another_process_are_not_believed() -> None:
    with listening() as one:
        assert one.connector._socket is not None
        port = one.connector._socket.getsockname()[0]
        with socket.socket(AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR) as forger:
            try:
                forger.sendto(EXIT, (port, 0))
            except OSError as error:
                pytest.skip(f"nobody may send here: {error}")
        one.until("it was dropped", lambda: one.connector.counts.foreign)
        assert exits_of(5416, [event for event in one.told if getattr(event, "at", 0) == 45033.100438169]) == []


def test_a_socket_that_overflows_says_so_and_goes_on() -> None:
    with listening(buffer_bytes=4096, storm=Storm(10**9)) as one:
        fork_loop(300)
        one.until("the loss", lambda: one.losses)
        assert one.connector.counts.overflows

        def heard() -> list[Exited]:
            """Whether of somebody who ends now is told: the few places there are others may have taken meanwhile."""
            process = subprocess.Popen(["true"])
            process.wait()
            one.connector.doRead()
            return exits_of(process.pid, one.told)

        one.until("what came after it", heard)


def test_a_fork_storm_is_paused_for() -> None:
    with listening(storm=Storm(200)) as one:
        fork_loop(300)
        one.until("the pause", lambda: one.connector.standing is Standing.PAUSED)
        assert one.connector.fileno() == -1


# --- the daemon -------------------------------------------------------------------------------------------------------


class Watched(Daemon):
    """A daemon that watches sets of this test alone, each an hour apart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"e{uuid.uuid4().hex[:10]}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def watch(self, *names: str, **changes: Any) -> None:
        definitions = tuple(
            ProcessSetConfig(
                id=name, title=name, order=order, include=f"^{self.name}-{name} ", name=name, exclude="", **changes
            )
            for order, name in enumerate(names)
        )
        here = DeviceConfig(
            device="here", address="", source=SourceKind.LOCAL, interval_s=LONG_S, process_sets=definitions
        )
        ConfigCache(self.data / "configs").replace([here], [])

    def begin(self) -> None:
        """Start, and wait for the first scan."""
        assert self.do("start").returncode == 0
        wait_for("the first scan", self.sets)
        standing = self.figures()["process_events_standing"]
        if standing != "process events: on":
            pytest.skip(standing)

    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.do("stats", "--json").stdout)
        return found

    def sets(self) -> dict[str, SetMemory]:
        """What is kept of them; nothing before the first scan."""
        found = None
        with contextlib.suppress(sqlite3.OperationalError), self._spool() as db:  # not there yet
            found = db.execute("SELECT state FROM states WHERE key = 'process:here'").fetchone()
        return load(found[0]).sets if found else {}

    def start(self, name: str, code: str = "input()", nice: int = 0) -> subprocess.Popen[bytes]:
        text = f"print(flush=True); {code}"
        arguments = [f"{self.name}-{name}", "-c", text]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            arguments,
            executable=sys.executable,
            stdin=pipe,
            stdout=pipe,
            preexec_fn=partial(os.nice, nice),  # noqa: PLW1509 (the test has one thread here)
        )
        self.processes.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def events(self, *keys: str) -> list[Event]:
        with self._spool() as db:
            found = [decode_event(body) for (body,) in db.execute("SELECT body FROM events ORDER BY id")]
        return [event for event in found if event.event_key in keys]

    def missing(self, name: str) -> Event:
        """The event that a set is missing, once it is there."""

        def said() -> list[Event]:
            return [e for e in self.events("process_missing") if e.component == name and e.severity is Severity.ERROR]

        found: list[Event] = wait_for(f"{name} is missing", said)
        return found[0]

    @staticmethod
    def feed(process: subprocess.Popen[bytes]) -> None:
        """Let a process that waits for a line go on."""
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()

    def _spool(self) -> contextlib.closing[sqlite3.Connection]:
        return contextlib.closing(sqlite3.connect(f"file:{self.data / 'spool.db'}?mode=ro", uri=True))

    def end(self) -> None:
        self.do("stop")
        for process in self.processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Watched]:
    one = Watched(tmp_path)
    yield one
    one.end()


def test_deaths_restarts_and_runs_are_known_at_once_and_why(daemon: Watched) -> None:
    daemon.watch("killed", "exiting", "kept", "looping", "pool", restart_severity=Severity.WARNING)
    killed, looping = daemon.start("killed"), daemon.start("looping")
    exiting = daemon.start("exiting", "input(); raise SystemExit(7)")
    daemon.start("kept")
    pool = [daemon.start("pool") for _ in range(30)]
    daemon.begin()
    assert "process events: on" in daemon.do("status").stdout

    # Ends, and a return.
    killed.kill()
    missing = daemon.missing("killed")
    assert missing.summary == "no process of killed runs: killed by SIGKILL (9)"
    assert missing.details["lost"] == [killed.pid]
    daemon.feed(exiting)
    assert daemon.missing("exiting").summary == "no process of exiting runs: exit code 7"
    daemon.start("killed")
    wait_for("it is back", lambda: [e for e in daemon.events("process_missing") if e.severity is Severity.CLEAR])

    # Runs beside one that stays, and a restart. However busy the machine is, the daemon sees in time what they are.
    for code in ("pass", "raise SystemExit(1)"):
        daemon.start("kept", code, nice=10).wait()
    looping.kill()
    daemon.start("looping")
    wait_for("the restart", lambda: daemon.sets()["looping"].restarts == 1)
    ends = daemon.sets()["kept"].ends
    assert ends is not None
    assert (daemon.sets()["kept"].restarts, ends.runs, ends.failed_runs) == (0, 2, 1)
    said = [e for e in daemon.events("process_restarted", "process_missing") if e.component == "looping"]
    assert "killed by SIGKILL (9)" in said[0].summary

    # Many at once.
    begun, scans = time.monotonic(), daemon.figures()["process_events"]["here"]["scans_out_of_turn"]
    for process in pool:
        process.kill()
    assert "killed by SIGKILL (9)" in daemon.missing("pool").summary
    counts = daemon.figures()["process_events"]["here"]
    # As many as may follow each other, and one for each second that a busy machine took.
    assert counts["scans_out_of_turn"] - scans <= BURST + (time.monotonic() - begun) / REFILL_S
    assert (counts["foreign"], counts["malformed"]) == (0, 0)


def test_a_daemon_that_is_killed_finds_what_died_meanwhile_and_listens_again(daemon: Watched) -> None:
    daemon.watch("first", "second")
    first, second = daemon.start("first"), daemon.start("second")
    daemon.begin()
    pid = int((daemon.data / "process.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    first.kill()
    first.wait()
    wait_for("another one begins", lambda: daemon.do("start").returncode == 0)  # the first may take its time to go
    assert daemon.missing("first").summary == "no process of first runs"  # nobody was there to see why
    second.kill()
    assert daemon.missing("second").summary == "no process of second runs: killed by SIGKILL (9)"


@contextlib.contextmanager
def memory_group(limit_bytes: int) -> Iterator[Path]:
    """A control group whose processes may hold so much."""
    name = f"tocsin-test-{uuid.uuid4().hex[:8]}"
    v1, v2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    controllers = v2 / "cgroup.subtree_control"
    unified = controllers.exists() and "memory" in controllers.read_text().split()
    group = (v2 if unified else v1) / name
    try:
        group.mkdir()
        (group / ("memory.max" if unified else "memory.limit_in_bytes")).write_text(str(limit_bytes))
        with contextlib.suppress(OSError):
            (group / ("memory.swap.max" if unified else "memory.memsw.limit_in_bytes")).write_text(
                "0" if unified else str(limit_bytes)
            )
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield group
    finally:
        wait_for("the group is empty, and goes", partial(removed, group))


def removed(group: Path) -> bool:
    """Take an empty control group away, which the kernel refuses for a while after its last process has ended."""
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()


def test_a_kill_for_want_of_memory_is_told_as_one(daemon: Watched) -> None:
    daemon.watch("eater")
    with memory_group(24 * 2**20) as group:
        eater = daemon.start("eater", "input(); x=[bytearray(2**20) for _ in range(4000)]; input()")
        (group / "cgroup.procs").write_text(str(eater.pid))
        daemon.begin()
        daemon.feed(eater)
        assert eater.wait(60) == -signal.SIGKILL
        missing = daemon.missing("eater")
    assert "OOM killer" in missing.summary
    assert "MiB" in missing.summary

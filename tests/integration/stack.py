"""A whole Tocsin on this machine, for tests: `tocsin up` in a folder of its own, on ports the kernel chose."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

BIN = Path(sys.executable).parent
POLL_S = 0.1
WITHIN_S = 60.0
"""Far more than what is waited for takes: the machine may be slow, and have other work."""
STOP_S = 60.0


def wait_for(what: str, check: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
    """Ask again and again until the answer is true; return it.

    Raises:
        AssertionError: it did not become true in time; names what was waited for, and the last answer.
    """
    deadline = time.monotonic() + within_s
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s} s; last answer: {answer!r}")
        time.sleep(POLL_S)


class Stack:
    """Runs `tocsin up`, and `tocsin` commands against it.

    Args:
        data: its folder.
        options: more options of `tocsin up`.
        folder: has the programs.
        status: with `tocsin-status`, too, which few tests want, and which costs each of them more than half a second.
    """

    def __init__(self, data: Path, *options: str, folder: Path = BIN, status: bool = False) -> None:
        self.data = data
        self.folder = folder
        self.services = {"process", "modeler"} | ({"status"} if status else set())
        self.options = options if status else (*options, "--without", "status")
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")},
            "XDG_CONFIG_HOME": str(data / "home"),
            "COLUMNS": "140",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until the API answers and every collector has logged in."""
        log = (self.data / "up.log").open("ab")
        self.process = subprocess.Popen(
            [
                str(self.folder / "tocsin"),
                "up",
                "--data",
                str(self.data),
                "--http-port",
                "0",
                "--broker-port",
                "0",
                "--enrol-port",
                "0",
                "--no-roll",
                *self.options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=self.env,
        )
        log.close()
        wait_for("the hub answers, the collectors have logged in", self.ready, 120)

    def ready(self) -> bool:
        """Whether `tocsin status` answers and shows the collectors; notes the address."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"tocsin up ended: {(self.data / 'up.log').read_text()[-3000:]}")
        run_file = self.data / "hub" / "run.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            self.env["TOCSIN_URL"] = json.loads(run_file.read_text())["url"]
            self.env["TOCSIN_TOKEN"] = (self.data / "hub" / "operator.token").read_text().strip()
            status = self.tocsin("status", "--json", check=False)
            return status.returncode == 0 and self.all_connected(json.loads(status.stdout))
        return False

    def all_connected(self, status: dict[str, Any]) -> bool:
        """Whether all collectors have logged in; one that never has is not among them."""
        return {one["daemon"] for one in status["collectors"] if one["connected"]} >= self.services

    def stop(self) -> None:
        """End it as Ctrl-C would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"tocsin up did not stop within {STOP_S:g} s") from None

    def tocsin(self, *arguments: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command."""
        done = subprocess.run(
            [str(self.folder / "tocsin"), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.env,
            timeout=90,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"tocsin {' '.join(arguments)} -> {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments: str) -> Any:
        """Run a command with --json and read what it prints."""
        return json.loads(self.tocsin(*arguments, "--json").stdout)

    def ask(self, path: str) -> Any:
        """Ask the API itself, where a command for each of many things would take long."""
        request = urllib.request.Request(f"{self.env['TOCSIN_URL']}/api/v1/{path}")
        request.add_header("Authorization", f"Bearer {self.env['TOCSIN_TOKEN']}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def pid_of(self, daemon: str) -> int:
        """Process id of `hub` or a collector, from its pid file; 0 while there is none."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.data / daemon / f"{daemon}.pid").read_text().split()[0])
        return 0

    def kill_daemon(self, daemon: str) -> int:
        """SIGKILL the hub or a collector, once it runs: maybe it is just being started again; returns its pid."""
        pid: int = wait_for(f"{daemon} runs", lambda: self.pid_of_living(daemon))
        os.kill(pid, signal.SIGKILL)
        return pid

    def pid_of_living(self, daemon: str) -> int:
        """As `pid_of`, and 0 also while the pid file is left of one that is gone: its number may be another's."""
        pid = self.pid_of(daemon)
        with contextlib.suppress(psutil.Error):
            if pid and any(str(self.data) in word for word in psutil.Process(pid).cmdline()):
                return pid
        return 0

    @contextlib.contextmanager
    def between_scans(self, device: str) -> Iterator[None]:
        """Of what is done meanwhile no scan sees one half: one has just ended, and the collector is halted."""
        before = wait_for("a scan", lambda: self.scanned_at(device))
        wait_for("another scan", lambda: self.scanned_at(device) != before)
        pid: int = wait_for("the collector runs", lambda: self.pid_of_living("process"))
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def scanned_at(self, device: str) -> Any:
        """When the last scan of a device was; something false as long as there was none."""
        scans = self.ask(f"sets?device={device}")["scans"]
        return scans and scans[0]["at"]

    def contents(self) -> dict[Path, bytes]:
        """All files below the folder; what is taken away meanwhile is not among them."""
        found: dict[Path, bytes] = {}
        for folder, _, names in os.walk(self.data):
            for path in (Path(folder, name) for name in names):
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file():
                        found[path] = path.read_bytes()
        return found

    def apply(self, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Apply a YAML text and wait until it is live."""
        path = self.data / "apply.yaml"
        path.write_text(text)
        return self.tocsin("apply", "-f", str(path), "--wait", *options)

    def events(self, **filters: str) -> list[dict[str, Any]]:
        """Events as JSON; filters become options."""
        options = [part for name, value in filters.items() for part in (f"--{name}", value)]
        found = self.json("events", "list", *options)
        return list(found["events"] if isinstance(found, dict) else found)

    def sets(self, device: str) -> dict[str, dict[str, Any]]:
        """Process sets of a device by name."""
        found = self.json("ps", device)
        return {status["set"]: status for status in found["sets"]}


@contextlib.contextmanager
def running_stack(*options: str, prefix: str = "tocsin-test-", status: bool = False) -> Iterator[Stack]:
    """A stack that is up, and gone afterwards with its folder.

    With the usual prefix of its folder, no Tocsin watches its daemons.
    """
    # On a slow machine a daemon may be killed at the end, and its writer process have something to write still.
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder), *options, status=status)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


class Watched:
    """Processes to be watched: `sleep` under names of our own."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start one whose command line begins with the name."""
        process = subprocess.Popen([name, "600"], executable="/bin/sleep", stdin=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def start_busy(self, name: str, memory_bytes: int) -> subprocess.Popen[bytes]:
        """Start one that uses a steady share of a CPU, and holds some memory by the time this returns."""
        code = (
            "import sys, time; sys.stdin.close()\n"
            f"held = bytearray(b'x' * {memory_bytes})\n"
            "print('ready', flush=True); sys.stdout.close()\n"
            "while True:\n"
            "    end = time.process_time() + 0.05\n"
            "    while time.process_time() < end: pass\n"
            "    time.sleep(0.15)\n"
        )
        process = subprocess.Popen(
            [name, "-c", code], executable=sys.executable, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        self.running.append(process)
        assert process.stdout is not None
        with process.stdout as told:
            assert told.readline() == b"ready\n"
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL one and reap it."""
        process.kill()
        process.wait()
        self.running.remove(process)

    def close(self) -> None:
        """End all that still run."""
        for process in self.running:
            process.kill()
            process.wait()
        self.running.clear()

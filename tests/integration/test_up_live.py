"""`tocsin up` with the real daemons on a real (pseudo) terminal, as somebody would see it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import BIN

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.xdist_group("up")]

WITHIN_S = 100.0
"""Ten times what a slow machine takes."""
ENTER_SCREEN, LEAVE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A terminal of 100 columns and 30 lines in which `tocsin up` runs."""

    def __init__(self, data: Path) -> None:
        self.seen = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "NO_COLOR"))}
        environ |= {"TERM": "xterm-256color", "XDG_CONFIG_HOME": str(data / "home")}
        environ.pop("COLUMNS", None)
        argv = [str(BIN / "tocsin"), "up", "--data", str(data), "--http-port", "0", "--broker-port", "0"]
        argv += ["--enrol-port", "0"]
        self.process = subprocess.Popen(
            [*argv, "--host-name", "here", "--interval", "1"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            preexec_fn=_own_terminal,  # noqa: PLW1509 (the test has one thread here)
        )
        os.close(slave)

    def until(self, what: bytes) -> None:
        """Read until something is on the screen."""
        end = time.monotonic() + WITHIN_S
        start = len(self.seen)
        while what not in self.seen[start:]:
            left = end - time.monotonic()
            assert left > 0, f"{what!r} is not on the screen within {WITHIN_S} s: {self.seen[-3000:]!r}"
            if select.select([self._master], [], [], left)[0]:
                try:
                    data = os.read(self._master, 65536)
                except OSError:  # the other end has gone
                    data = b""
                assert data, f"it ended before {what!r}: {self.seen[-3000:]!r}"
                self.seen += data

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tocsin-up-") as folder:
        yield Path(folder)


def test_the_roll_is_on_the_screen_and_ctrl_c_ends_it_tidily(data: Path) -> None:
    terminal = Terminal(data)
    try:
        terminal.until(b"Tocsin is up")
        terminal.until("● up".encode())
        assert ENTER_SCREEN in terminal.seen
        terminal.until(b"tocsin-hub")
        terminal.type(b"\x03")
        terminal.until(b"Stopped. The data is in")
        assert terminal.process.wait(WITHIN_S) == 0
        assert LEAVE_SCREEN in terminal.seen
    finally:
        terminal.close()
    for daemon in ("hub", "process"):
        assert not (data / daemon / f"{daemon}.pid").exists(), "it was not stopped cleanly"


def test_a_second_start_goes_on_with_what_is_there(data: Path) -> None:
    token = b""
    for _ in range(2):
        terminal = Terminal(data)
        try:
            terminal.until("● up".encode())
            current = (data / "hub" / "operator.token").read_bytes()
            assert token in {b"", current}
            token = current
            terminal.type(b"\x03")
            terminal.until(b"Stopped. The data is in")
            assert terminal.process.wait(WITHIN_S) == 0
        finally:
            terminal.close()


def test_a_daemon_that_is_restarted_or_stopped_stays_one_of_it(data: Path) -> None:
    terminal = Terminal(data)
    pid_file = data / "process" / "process.pid"

    def verb(name: str) -> str:
        command = [str(BIN / "tocsin-process"), name, "--config", str(data / "etc" / "process.toml")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    try:
        terminal.until("● up".encode())
        before = pid_file.read_text().strip()
        terminal.type(b"\x13")  # Ctrl-S: the terminal takes nothing more; the daemons are looked after all the same
        said = verb("restart")
        after = pid_file.read_text().strip()
        assert said == f"tocsin-process: `tocsin up` (pid {terminal.process.pid}) has started it again (pid {after})\n"
        assert before != after
        assert f"`tocsin up` (pid {terminal.process.pid}) starts it again" in verb("stop")
        terminal.type(b"\x11")
        terminal.until(b"tocsin-process was started again")
        terminal.type(b"\x03")
        terminal.until(b"Stopped. The data is in")
        assert terminal.process.wait(WITHIN_S) == 0
    finally:
        terminal.close()
    assert not pid_file.exists()

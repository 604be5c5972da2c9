"""What can be done to a daemon that runs in the background: start, stop, ask, signal."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from common.daemon_pidfile import Standing, standing
from common.errors import PermanentError, SettingsError, TocsinError, TransientError

START_S = 60.0
STOP_S = 40.0
ANSWER_S = 10.0
POLL_S = 0.05
READY = "ready"

Report = Callable[[str], None]


def start(body: Callable[[Report, Callable[[], None]], int], log_file: Path) -> int:
    """Run a daemon in the background; return when it works, or has said why it cannot.

    Args:
        body: the daemon in the foreground; it calls its first argument with a sentence when it cannot start, its
            second once it works.
        log_file: takes what the daemon's process prints.

    Returns:
        The exit status: 0 when it works.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()  # nothing has started a thread yet, and the reactor is not imported
    if pid:
        os.close(write_end)
        return _await_word(read_end, pid)
    os.close(read_end)
    os._exit(_child(body, write_end, log_file))


def _child(body: Callable[[Report, Callable[[], None]], int], write_end: int, log_file: Path) -> int:
    os.setsid()
    with contextlib.suppress(OSError):
        _redirect(log_file)

    def say(word: str) -> None:
        with contextlib.suppress(OSError):
            os.write(write_end, word.encode()[:4000])
            os.close(write_end)

    try:
        return body(lambda sentence: say(f"failed {sentence}"), lambda: say(READY))
    except SettingsError as error:
        say(f"settings {error}")
    except TocsinError as error:
        say(f"failed {error}")
    except BaseException as error:  # noqa: BLE001 - nothing above us but the parent's code, which must not run twice
        say(f"failed an error of ours ({type(error).__name__}: {error})")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 1


def _redirect(log_file: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
        if source > 2 and target != 1:
            os.close(source)


def _await_word(read_end: int, pid: int) -> int:
    """Wait for the child's word; an end of the pipe without one means that it died."""
    deadline = time.monotonic() + START_S
    os.set_blocking(read_end, False)
    word = b""
    with open(read_end, "rb", buffering=0) as pipe:
        while time.monotonic() < deadline:
            part = pipe.read(4096)
            if part == b"":
                break
            word += part or b""
            if word:
                break
            time.sleep(POLL_S)
        else:
            raise TransientError(f"it does not work yet, {START_S:g} s after its start (pid {pid}); see its log")
    if not word:
        raise PermanentError(f"it ended while it started (pid {pid}); see its log")
    kind, _, sentence = word.decode("utf-8", "replace").partition(" ")
    if kind == READY:
        return 0
    raise (SettingsError if kind == "settings" else PermanentError)(sentence)


def stop(pid_file: Path, wait_s: float = STOP_S) -> bool:
    """End a daemon with SIGTERM and wait until it has; False when none runs.

    Raises:
        TransientError: it still runs after `wait_s`.
        PermanentError: it is not ours to end.
    """
    state, pid = standing(pid_file)
    if state is not Standing.RUNNING:
        pid_file.unlink(missing_ok=True)
        return False
    send(pid_file, signal.SIGTERM)
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if standing(pid_file) != (Standing.RUNNING, pid):
            return True
        time.sleep(POLL_S)
    raise TransientError(f"it still runs {wait_s:g} s after SIGTERM (pid {pid}); see its log")


def await_another(pid_file: Path, before: int, keeper: str, wait_s: float = START_S) -> int:
    """Wait until a daemon's keeper has started it again; returns the new process id.

    Args:
        pid_file: of the daemon.
        before: process id of the one that was stopped.
        keeper: as people call it.
        wait_s: how long it may take.

    Raises:
        TransientError: it does not run after `wait_s`.
    """
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        state, pid = standing(pid_file)
        if state is Standing.RUNNING and pid not in {0, before}:
            return pid
        time.sleep(POLL_S)
    raise TransientError(f"it was stopped, and {keeper} has not started it again within {wait_s:g} s")


def send(pid_file: Path, number: signal.Signals) -> int:
    """Send a signal to the daemon that holds a pid file; returns its process id.

    Raises:
        PermanentError: none runs, or it belongs to somebody else.
    """
    state, pid = standing(pid_file)
    if state is not Standing.RUNNING or not pid:
        raise PermanentError("it is not running")
    try:
        os.kill(pid, number)
    except OSError as error:
        raise PermanentError(f"{number.name} cannot be sent to pid {pid}: {error.strerror or error}") from None
    return pid


def ask_stats(pid_file: Path, stats_file: Path, wait_s: float = ANSWER_S) -> str:
    """Have the daemon write its figures, and read them: JSON text.

    Raises:
        PermanentError: none runs.
        TransientError: it did not answer.
    """
    before = _written(stats_file)
    send(pid_file, signal.SIGUSR2)
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if _written(stats_file) != before:
            return stats_file.read_text(encoding="utf-8")
        time.sleep(POLL_S)
    raise TransientError(f"it wrote no figures within {wait_s:g} s; see its log")


def _written(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns

"""Child processes of `tocsin up`: started, tended, started again, stopped.

Nothing here sleeps on its own: the owner calls `tend` about once a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from common.daemon_keeper import environment
from common.endings import how_it_ended
from common.matching import printable
from common.parents import end_with_parent
from hub.cli.exits import CommandError

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
SETTLED_AFTER_S = 60.0
START_S = 15.0
STOP_WITHIN_S = 8.0


class Running(Protocol):
    """What is needed of a process: `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...  # noqa: D102 (named in the class's docstring)

    def poll(self) -> int | None: ...  # noqa: D102
    def send_signal(self, sig: int, /) -> None: ...  # noqa: D102
    def wait(self, timeout: float | None = None) -> int: ...  # noqa: D102
    def kill(self) -> None: ...  # noqa: D102


class Program(Struct, frozen=True):
    """A daemon to be run in the foreground.

    Attributes:
        title: as people call it.
        log: file that takes its standard output and error; the daemon itself keeps it from growing without end.
    """

    title: str
    argv: tuple[str, ...]
    log: Path


Launch = Callable[[Program], Running]


def launch(program: Program) -> Running:
    """Start a program in a session of its own, so that Ctrl-C reaches us alone and we stop things in order.

    Should we be killed ourselves, the kernel ends it too.
    """
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return subprocess.Popen(
            program.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(),
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 (we have one thread)
        )


def _end_with_parent() -> None:
    end_with_parent(signal.SIGTERM)


class Child:
    """One program that is to run always.

    Attributes:
        restarts: how often it was started again.
        problem: sentence about its last end; empty once it runs for a while.
    """

    def __init__(self, program: Program, launch: Launch = launch, clock: Callable[[], float] = time.monotonic) -> None:
        self.program = program
        self.restarts = 0
        self.problem = ""
        self._launch = launch
        self._clock = clock
        self._process: Running | None = None
        self._started = 0.0
        self._start_at: float | None = None
        self._delay_s = FIRST_DELAY_S

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it now."""
        self._process = self._launch(self.program)
        self._started = self._clock()
        self._start_at = None

    def ended(self) -> int | None:
        """Its exit status, if it has ended and was not started again."""
        return None if self._process is None else self._process.poll()

    def failed_to_start(self) -> int | None:
        """The exit status of a first start that failed: it gave up by itself, soon after it began."""
        status = self.ended()
        young = self.restarts == 0 and self._clock() - self._started < START_S
        return status if status and status > 0 and young else None

    def tend(self) -> str:
        """Look after it; returns a sentence when something happened, else nothing."""
        now = self._clock()
        if self._start_at is not None:
            if now < self._start_at:
                return ""
            self.restarts += 1
            self.start()
            return f"{self.program.title} was started again (pid {self.pid})"
        status = self.ended()
        if status is None:
            if self.problem and now - self._started > SETTLED_AFTER_S:
                self.problem = ""
            if now - self._started > SETTLED_AFTER_S:
                self._delay_s = FIRST_DELAY_S
            return ""
        self._process = None
        self._start_at = now + self._delay_s
        how = how_it_ended(status) + (self._last_word() if status > 0 else "")
        self.problem = f"{self.program.title} ended: {how}; starting it again in {self._delay_s:g} s"
        self._delay_s = min(LONGEST_DELAY_S, self._delay_s * 2)
        return self.problem

    def _last_word(self) -> str:
        """What it said itself of why it cannot run, in brackets; nothing where it said nothing."""
        name, _, said = "".join(last_lines(self.program.log, 1)).partition(": ")
        return f" ({printable(said, 200)})" if said and name == self.program.title else ""

    def stop(self, within_s: float = STOP_WITHIN_S) -> bool:
        """End it, with SIGTERM, then with SIGKILL; false when it had to be killed."""
        process, self._process, self._start_at = self._process, None, None
        if process is None or process.poll() is not None:
            return True
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        return True


def last_words(child: Child, what: str) -> CommandError:
    """The error of a daemon that did not start, with the end of its log."""
    log = child.program.log
    return CommandError(f"{child.program.title} {what}. The end of {log}:", last_lines(log) or ["(nothing)"])


def last_lines(log: Path, number: int = 12) -> Sequence[str]:
    """The end of a log file."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 16384))
            return file.read().decode("utf-8", "replace").splitlines()[-number:]
    except OSError:
        return []

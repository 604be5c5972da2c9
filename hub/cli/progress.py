"""What shows on standard error while something takes over a second, and only to people.

A bar where it is known how much there is to do, else a line that moves.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hub.cli.figures import safe
from hub.cli.output import PROGRESS_AFTER_S


class Bar:
    """How much of it is done."""

    def __init__(self, text: str, total: int | None = None, after_s: float = PROGRESS_AFTER_S) -> None:
        """Prepare; `start` begins.

        Args:
            text: what is being done.
            total: how much there is to do; None where nobody knows.
            after_s: how long it must take before it shows.
        """
        self._text = safe(text)
        self._total = total
        self._done = 0
        self._lock = threading.Lock()  # the timer is another thread
        self._progress: Progress | None = None
        self._closed = False
        self._timer = threading.Timer(after_s, self._show)
        self._timer.daemon = True

    def start(self) -> None:
        """Begin to count the time."""
        if sys.stderr.isatty():
            self._timer.start()

    def advance(self, number: int) -> None:
        """So much more is done."""
        self.reach(self._done + number)

    def reach(self, done: int) -> None:
        """So much is done in all."""
        with self._lock:
            self._done = done
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], completed=done)

    def say(self, text: str) -> None:
        """Tell otherwise what is being done."""
        with self._lock:
            self._text = safe(text)
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], description=self._text)

    def wait(self) -> None:
        """Wait until it shows."""
        self._timer.join()

    def close(self) -> None:
        """Take it away."""
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._progress is not None:
                self._progress.stop()

    def _show(self) -> None:
        with self._lock:
            if self._closed:
                return
            text, time = TextColumn("{task.description}", markup=False), TimeElapsedColumn()
            known = (text, BarColumn(), MofNCompleteColumn(), time)
            self._progress = Progress(
                *((SpinnerColumn(), text, time) if self._total is None else known),
                console=Console(file=sys.stderr, markup=False, highlight=False, emoji=False),
                transient=True,
            )
            self._progress.add_task(self._text, total=self._total, completed=self._done)
            self._progress.start()


@contextlib.contextmanager
def counting(text: str, total: int | None) -> Iterator[Bar]:
    """Show a bar while the block lasts."""
    bar = Bar(text, total)
    bar.start()
    try:
        yield bar
    finally:
        bar.close()


def waiting(text: str) -> contextlib.AbstractContextManager[Bar]:
    """Show a line that moves while the block lasts."""
    return counting(text, None)

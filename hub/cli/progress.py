"""A bar on standard error for work whose length is known; it shows once it takes over a second, and only to people."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hub.cli.figures import safe
from hub.cli.output import PROGRESS_AFTER_S


class Bar:
    """How much of it is done."""

    def __init__(self, text: str, total: int, after_s: float = PROGRESS_AFTER_S) -> None:
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
        with self._lock:
            self._done += number
            if self._progress is not None:
                self._progress.update(self._progress.task_ids[0], completed=self._done)

    def wait(self) -> None:
        """Wait until it shows."""
        self._timer.join()

    def close(self) -> None:
        """Take the bar away."""
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._progress is not None:
                self._progress.stop()

    def _show(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(file=sys.stderr, markup=False, highlight=False, emoji=False),
                transient=True,
            )
            self._progress.add_task(self._text, total=self._total, completed=self._done)
            self._progress.start()


@contextlib.contextmanager
def counting(text: str, total: int) -> Iterator[Bar]:
    """Show a bar while the block lasts."""
    bar = Bar(text, total)
    bar.start()
    try:
        yield bar
    finally:
        bar.close()

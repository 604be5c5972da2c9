"""How the roll books of a daemon stand: what they wrote, what they had to leave out, whether the disk takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

QUIET_MS = 120_000
"""So long nothing must have failed before it is well again: a disk that is almost full takes some and refuses some."""

_log = Logger()


class Standing:
    """Counts, and tells the one problem there is when it begins and ends.

    Attributes:
        written_bytes: so far.
        full: times that a device had more changes than a book takes.
        failed: writes that the disk refused.
    """

    def __init__(self, on_problem: Callable[[str], None]) -> None:
        self._on_problem = on_problem
        self._reason = ""
        self._failed_at = 0
        self.written_bytes = self.full = self.failed = 0

    def wrote(self, size: int, at: int) -> None:
        """So many bytes were written; `at` is in milliseconds."""
        self.written_bytes += size
        if self._reason and abs(at - self._failed_at) > QUIET_MS:
            self._tell("")

    def was_full(self, device: str) -> None:
        """A device has had too many changes."""
        self.full += 1
        _log.warn("{device} has more changes than its roll book takes", device=device)

    def refused(self, error: OSError, at: int) -> None:
        """The disk has refused."""
        self.failed += 1
        self._failed_at = at
        if not self._reason:
            self._tell(error.strerror or str(error))

    def figures(self) -> dict[str, Any]:
        """For `stats`."""
        return {
            "written_bytes": self.written_bytes,
            "full": self.full,
            "failed": self.failed,
            "problem": self._reason,
        }

    def _tell(self, reason: str) -> None:
        self._reason = reason
        sentence = f"the roll books cannot be written: {reason}; who ran meanwhile will not be known" if reason else ""
        self._on_problem(sentence)

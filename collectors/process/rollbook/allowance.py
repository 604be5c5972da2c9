"""How much a book may write (pure): so much a day, in one go or spread."""

from __future__ import annotations

DAY_MS = 86_400_000
DAY_BYTES = 8 << 20
"""Of one device; whose processes come and go faster than this has a book with gaps."""


class Allowance:
    """Bytes that may be written; what was spent comes back within a day."""

    def __init__(self, at: int, spent: int) -> None:
        self._room = float(max(DAY_BYTES - spent, 0))
        self._at = at

    def has(self, size: int, at: int) -> bool:
        """Whether so much may be written now; `at` is in milliseconds."""
        self._refill(at)
        return self._room >= size

    def spend(self, size: int, at: int) -> None:
        """Take note of what was written."""
        self._refill(at)
        self._room -= size

    def _refill(self, at: int) -> None:
        passed = min(max(at - self._at, 0), DAY_MS)  # a clock that was set back gives nothing
        self._room = min(float(DAY_BYTES), self._room + passed * DAY_BYTES / DAY_MS)
        self._at = at

"""How much of a collector's answers the hub puts together: more than any device can have is none."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

MAX_ROWS, MORE_ROWS = 100_000, 300
MAX_CHARACTERS, MORE_CHARACTERS = 16 * 1024 * 1024, 100_000
"""In all, and for each device that was asked for beyond the first."""


class Heap:
    """Adds up what is kept of the pages of one answer, about so many devices."""

    def __init__(self, devices: int = 1) -> None:
        self._max_rows = MAX_ROWS + MORE_ROWS * (devices - 1)
        self._max_characters = MAX_CHARACTERS + MORE_CHARACTERS * (devices - 1)
        self._rows = 0
        self._characters = 0

    def takes(self, rows: Sequence[Struct | None]) -> bool:
        """Count some more; False when it has become too much."""
        self._rows += len(rows)
        for row in rows:
            if row is not None:
                self._characters += sum(len(each) for each in msgspec.structs.astuple(row) if isinstance(each, str))
        return self._rows <= self._max_rows and self._characters <= self._max_characters

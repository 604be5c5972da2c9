"""How many files of /proc this process may keep open from scan to scan."""

from __future__ import annotations

import resource

FEWEST = 4096
"""A process that may open fewer files than this needs them for itself."""
MOST = 16_384


class Handles:
    """Counts files that are kept open, all sources of a daemon together.

    Args:
        most: None for half of what this process may open, and none where that is little.
    """

    def __init__(self, most: int | None = None) -> None:
        if most is None:
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            soft = 2 * MOST if soft == resource.RLIM_INFINITY else soft
            most = min(MOST, soft // 2) if soft >= FEWEST else 0
        self.most = most
        self.kept = 0

    def take(self) -> bool:
        """Whether one more may be kept; it is counted then."""
        if self.kept >= self.most:
            return False
        self.kept += 1
        return True

    def give(self) -> None:
        """One is closed."""
        self.kept -= 1

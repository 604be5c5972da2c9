"""What work costs in CPU time, which other work on the same machine does not change."""

from __future__ import annotations

import time
from collections.abc import Callable


def cost(work: Callable[[], object]) -> float:
    """CPU seconds of it, user and system."""
    begun = time.process_time()
    work()
    return time.process_time() - begun

"""The data points of a process set, and what they are measured in."""

from __future__ import annotations

from functools import lru_cache

from common.configs import SourceKind
from common.processpoints import ALWAYS, LOCAL
from common.series import Kept, Layout, Retention

SOURCE = "process"


@lru_cache(maxsize=64)
def layout(source: SourceKind, step_s: int, retention: Kept = Retention.STANDARD) -> Layout:
    """What a set's file holds, and how long a new one keeps it."""
    points = ALWAYS + (LOCAL if source is SourceKind.LOCAL else ())
    return Layout(points=points, step_s=step_s, retention=retention)

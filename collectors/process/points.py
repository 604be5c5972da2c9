"""The data points of a process set: what is measured, and what is derived from that."""

from __future__ import annotations

from functools import lru_cache

from collectors.framework.judging.derivedpoints import derived_points
from common.configs import SourceKind
from common.judged import DerivedConfig
from common.processpoints import ALWAYS, LOCAL
from common.series import Kept, Layout, Point, Retention

ALWAYS_AND_LOCAL = (*ALWAYS, *LOCAL)


def measured(source: SourceKind) -> tuple[Point, ...]:
    """What is measured of a set."""
    return ALWAYS_AND_LOCAL if source is SourceKind.LOCAL else ALWAYS


@lru_cache(maxsize=512)
def layout(
    source: SourceKind,
    step_s: int,
    retention: Kept = Retention.STANDARD,
    derived: tuple[DerivedConfig, ...] = (),
) -> Layout:
    """What a set's file holds, and how long a new one keeps it: what is measured, then what is derived."""
    points = measured(source)
    return Layout(points=points + derived_points(points, derived).points, step_s=step_s, retention=retention)

"""What files of series should be like."""

from __future__ import annotations

from common import rrd
from common.series import Kept


def resolutions(step_s: int, retention: Kept) -> tuple[tuple[int, int], ...]:
    """(seconds a row, seconds kept) of each archive that a new file gets, finest first."""
    return tuple((step_s * a.steps, step_s * a.steps * a.rows) for a in rrd.archives(step_s, retention))

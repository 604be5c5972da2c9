"""What series get of passes: a row for each component, with shares of the time between two passes."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.sources.results import Measured
from collectors.status.passes import Pass
from common.sources import StatusSource


def rows_of(source: StatusSource, now: Pass, before: Pass | None) -> Sequence[Measured]:
    """The rows of a source: those of its names (all that the item has, without names) that were read.

    Args:
        source: an item, with the names that are wanted of it.
        now: the newest pass.
        before: the pass that stood at the end of the step before, for shares of the time since (CPU); None when there
            is none, then they are unknown.
    """
    raise NotImplementedError

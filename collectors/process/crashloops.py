"""How often a set was restarted, and how fast (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from common.quantities import quantity


def every_s(times: Sequence[float]) -> float:
    """The mean time from one restart to the next, in seconds."""
    return round((times[-1] - times[0]) / (len(times) - 1), 3) if len(times) > 1 else 0.0


def pace(times: Sequence[float]) -> str:
    """Restarts in words, by their epoch seconds, the newest last; of one scan all have the same."""
    count, span_s = len(times), times[-1] - times[0]
    if span_s <= 0:
        return f"{count} processes at once" if count > 1 else "once"
    return f"{count} times in {quantity(round(span_s), 's')}, every {quantity(every_s(times), 's')}"

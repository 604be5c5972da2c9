"""Rings for members of pools whose devices others have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from common.events import CLASS_DAEMON, Event, Severity
from hub.pools.interfaces import Absence
from hub.pools.shares import numbers

KEY = "pool_member_absent"
LINE = 500


class Bells:
    """One event for each member of a pool that is absent; it closes when it is back, or no member any more."""

    def __init__(self, raise_event: Callable[[Event], None], wall: Callable[[], float]) -> None:
        """Prepare.

        Args:
            raise_event: takes events of the hub.
            wall: epoch seconds.
        """
        self._raise = raise_event
        self._wall = wall

    def gone(self, absence: Absence, why: str, moves: Iterable[tuple[str, str]]) -> None:
        """A member is absent, and these devices went from whom to whom."""
        told = numbers(moves)
        where = ", ".join(f"{target} ({number})" for (_, target), number in told.items())
        total = sum(told.values())
        devices = f"{total} {'device' if total == 1 else 'devices'} of {absence.collector}"
        summary = f"pool {absence.pool}: {devices} {'goes' if total == 1 else 'go'} to {where}: {why}"
        if not total:
            summary = f"pool {absence.pool}: {why}; it had no devices of the pool"
        details: dict[str, int] = {f"to {target}": number for (_, target), number in told.items()}
        self._ring(absence.pool, absence.collector, Severity.WARNING, summary, {"devices": total, **details})

    def back(self, pool: str, collector: str, why: str) -> None:
        """It is absent no more."""
        self._ring(pool, collector, Severity.CLEAR, f"pool {pool}: {why}", {})

    def _ring(self, pool: str, collector: str, severity: Severity, summary: str, details: Mapping[str, int]) -> None:
        self._raise(
            Event(
                device=collector,
                component=pool,
                event_class=CLASS_DAEMON,
                event_key=KEY,
                severity=severity,
                summary=summary[:LINE],
                at=self._wall(),
                details=dict(details),
            )
        )

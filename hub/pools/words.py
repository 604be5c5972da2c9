"""What is said of members that go and come, and of what moves with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from hub.pools.interfaces import Absence, Move
from hub.pools.presence import Turn
from hub.pools.shares import numbers


def away(absence: Absence) -> str:
    """Since when a member is away."""
    since = dt.datetime.fromtimestamp(absence.since, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{absence.collector} is away since {since}"


def taken_back(turn: Turn, *, is_there: bool) -> str:
    """Why what was remembered of a member is not done."""
    if turn.goes == is_there:
        return f"{turn.collector} is {'there after all' if is_there else 'away again'}"
    return f"{turn.collector} {'goes' if turn.goes else 'comes'} not yet: its pool has changed"


def moves_of(pool: str, at: float, moves: Iterable[tuple[str, str]], why: str) -> tuple[Move, ...]:
    """Moves within a pool, from whom to whom, as they are remembered."""
    return tuple(
        Move(at=at, pool=pool, source=source, target=target, devices=number, why=why)
        for (source, target), number in numbers(moves).items()
    )

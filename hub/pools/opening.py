"""Reads what the hub remembers of pools when it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IReactorTime

from common.events import CLASS_DAEMON, OPEN_STATES
from hub.interfaces import EventFilter, IEventStore
from hub.model.model import Model
from hub.pools.bells import KEY, Bells
from hub.pools.interfaces import IPoolStore
from hub.pools.keeper import PoolKeeper

MOST_OPEN = 10_000
MOVES_READ = 200


async def open_pools(
    clock: IReactorTime,
    wall: Callable[[], float],
    model: Callable[[], Model],
    store: IPoolStore,
    bells: Bells,
    known: Iterable[str],
    events: IEventStore,
) -> PoolKeeper:
    """Make the keeper of pools as it was when the hub stopped.

    Args:
        clock: for waiting.
        wall: epoch seconds.
        model: gives the newest.
        store: of what a restart must not forget.
        bells: tell of members that go and come.
        known: collectors whose process daemon has logged in at some time.
        events: of which some may be open that should not be.
    """
    absences = await store.absences()
    recent = [move for pool in model().pools for move in await store.moves(pool, MOVES_READ)]
    keeper = PoolKeeper(clock, wall, model, store, bells, known=known, absences=absences, recent=recent)
    states = tuple(state.value for state in OPEN_STATES)
    for record in await events.find(EventFilter(event_class=CLASS_DAEMON, states=states, limit=MOST_OPEN)):
        if record.event_key == KEY and (record.component, record.device) not in keeper.presence.absent:
            bells.back(record.component, record.device, f"{record.device} is not absent")
    return keeper

"""The API of pools: who of them is there, who has what, and what moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
from msgspec import Struct
from twisted.internet.interfaces import IReactorTime

from common.errors import NotFoundError
from hub.model.entities import Pool as PoolEntity
from hub.model.model import Model
from hub.pools.interfaces import IPoolStore, Move
from hub.pools.keeper import PoolKeeper
from hub.pools.presence import Standing
from hub.web.call import Call
from hub.web.router import Route
from hub.web.shapes import iso

MOVES = 20
MOST_MOVES = 1000


class PoolMember(Struct, frozen=True, kw_only=True):
    """A member of a pool; times are ISO 8601.

    Attributes:
        state: present, away (it has its devices still), absent (others have them), returning, or unknown (it has never
            logged in).
        since: since when it is away.
        until: when its devices go to others, or come back, if nothing else happens.
        devices: how many it has now.
    """

    id: str
    state: str
    since: str | None
    until: str | None
    devices: int


class Pool(Struct, frozen=True, kw_only=True):
    """A pool as it stands."""

    id: str
    title: str
    members: list[PoolMember]
    failover_after_s: int
    when_alone: str
    devices: int


class PoolMove(Struct, frozen=True, kw_only=True):
    """Devices that went from one member to another, how many, and why."""

    at: str | None
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    devices: int
    why: str


class Pools(Struct, frozen=True):
    """All pools."""

    pools: list[Pool]


class PoolDetails(Struct, frozen=True, kw_only=True):
    """A pool with its last moves, the newest first."""

    pool: Pool
    moves: list[PoolMove]


class AbsentMember(Struct, frozen=True, kw_only=True):
    """A member whose devices others have."""

    pool: str
    collector: str
    since: str | None


class PoolTopic:
    """Tells how pools stand."""

    def __init__(
        self,
        model: Callable[[], Model],
        keeper: PoolKeeper,
        store: IPoolStore,
        clock: IReactorTime,
        wall: Callable[[], float],
    ) -> None:
        self._model = model
        self._keeper = keeper
        self._store = store
        self._clock = clock
        self._wall = wall

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "pools", self.all), Route("GET", "pools/{pool}", self.one)]

    async def all(self, call: Call) -> Pools:
        """List pools in order of their ids."""
        call.only()
        pools = self._model().pools
        return Pools([self._shape(pools[name]) for name in sorted(pools)])

    async def one(self, call: Call) -> PoolDetails:
        """Show one pool, and what moved in it."""
        call.only("limit")
        name = call.names["pool"]
        pool = self._model().pools.get(name)
        if pool is None:
            raise NotFoundError(f"there is no pool {name[:100]!r}; `tocsin pool list` shows those that there are")
        moves = await self._store.moves(name, call.integer("limit", MOVES, 0, MOST_MOVES) or 0)
        return PoolDetails(pool=self._shape(pool), moves=[_move(move) for move in moves])

    def _shape(self, pool: PoolEntity) -> Pool:
        owners = Counter(self._keeper.within(pool).values())
        return Pool(
            id=pool.id,
            title=pool.title,
            members=[self._member(pool, name, owners[name]) for name in pool.members],
            failover_after_s=pool.failover_after_s,
            when_alone=pool.when_alone.value,
            devices=owners.total(),
        )

    def _member(self, pool: PoolEntity, name: str, devices: int) -> PoolMember:
        presence, now = self._keeper.presence, self._clock.seconds()
        standing = presence.standing(pool.id, name)
        turns = presence.when(pool.id, name, now)
        return PoolMember(
            id=name,
            state=standing.value,
            since=iso(self._keeper.since(pool.id, name)) if standing is not Standing.UNKNOWN else None,
            until=None if turns is None else iso(self._wall() + max(0.0, turns - now)),
            devices=devices,
        )


def absent_members(keeper: PoolKeeper) -> list[AbsentMember]:
    """The members whose devices others have."""
    return [
        AbsentMember(pool=pool, collector=collector, since=iso(keeper.since(pool, collector)))
        for pool, collector in sorted(keeper.presence.absent)
    ]


def _move(move: Move) -> PoolMove:
    return PoolMove(at=iso(move.at), source=move.source, target=move.target, devices=move.devices, why=move.why)

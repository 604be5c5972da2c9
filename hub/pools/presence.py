"""Which members of a pool count as present, and when one goes or comes.

No clock and no disk here: what happened goes in with its time, what is to be done comes out. Times are seconds of a
clock that only goes forward.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from hub.model.entities import Pool

STEADY_S = 10.0
"""How long the session of a member that was absent has to stand before it gets its devices back."""
ALONE_S = 2.0
"""The same when nobody else is there: its devices wait for it, but first it has to forget what it knew of them."""
MOST_STEADY_S = 600.0
FLAPS_WITHIN_S = 3600.0
"""Each absence within this time doubles how long the session has to stand."""
SLACK_S = 2.0
"""Added to how long a member may be away: it looks once a second whether its lease is over, and then has to stop."""
REUNION_S = 40.0
"""How long those who went away together may take to come back, one after the other: the longest back-off is 30 s."""

Who = tuple[str, str]
"""Pool and collector."""


class Standing(enum.Enum):
    """How a member of a pool stands."""

    PRESENT = "present"
    AWAY = "away"
    """Not connected, for so short a time, or with nobody to take over, that it has its devices still."""
    ABSENT = "absent"
    """Others have its devices."""
    RETURNING = "returning"
    """Connected again, and soon to have its devices back."""
    UNKNOWN = "unknown"
    """Never logged in."""


class Turn(Struct, frozen=True, kw_only=True):
    """A member goes, or comes; `at` is since when this is due."""

    pool: str
    collector: str
    goes: bool
    at: float


class Presence:
    """Who is there of which pool.

    A member is *in* unless it is out: then it was away for too long, or it is new and has not been there since it is a
    member. The devices of a pool are those of its members that are in.

    Attributes:
        pools: as the model has them.
        absent: pool and collector of those that were away for too long.
        strange: of those that are new, and were not away for too long yet, or have never logged in.
    """

    def __init__(
        self, start: float, known: Iterable[str] = (), absent: Iterable[Who] = (), strange: Iterable[Who] = ()
    ) -> None:
        """Begin with nobody there.

        Args:
            start: now; who is known may have been there until now.
            known: collectors that have logged in at some time.
            absent: as they were when the hub stopped.
            strange: likewise.
        """
        self.pools: Mapping[str, Pool] = {}
        self.absent: set[Who] = set(absent)
        self._left: dict[str, float] = dict.fromkeys(known, start)
        self._ended = dict(self._left)
        self._unheard = set(self._left)
        self._there: dict[str, float] = {}
        self.strange: set[Who] = set(strange)
        self._met: dict[str, float] = {}  # by pool: when the first came of whom nobody was there
        self._flaps: dict[Who, list[float]] = {}
        self._former: dict[Who, float] = {}
        self._longer: dict[str, tuple[float, float]] = {}  # by pool: a longer patience, and until when it counts

    # --- what happened ------------------------------------------------------------------------------------------------

    def arrived(self, collector: str, now: float) -> None:
        """A session stands."""
        for pool in self.pools.values():
            if collector in pool.members and not any(member in self._there for member in pool.members):
                self._met[pool.id] = now
        self._there[collector] = now
        self._left.pop(collector, None)
        self._unheard.discard(collector)

    def left(self, collector: str, now: float) -> None:
        """The end of a session was noticed."""
        if self._there.pop(collector, None) is not None:
            self._left[collector] = self._ended[collector] = now

    def begin_anew(self, now: float) -> None:
        """The hub could hear nobody until now: who is away may have tried in vain to come."""
        self._left = dict.fromkeys(self._left, now)

    def adopt(self, pools: Mapping[str, Pool], now: float) -> list[Turn]:
        """The model has these pools from now on; tell which of their new members are away too long already.

        A new member that is not there takes nothing from those that collect: it is out, until it comes.
        """
        before, self.pools = self.pools, pools
        members = {(name, member) for name, pool in pools.items() for member in pool.members}
        old = {(name, member) for name, pool in before.items() for member in pool.members}
        added = members - old
        self._former = {who: until for who, until in self._former.items() if until > now}
        for name, pool in before.items():
            patience_s = self.patience_s(name, now, pool)
            if name in pools and patience_s > pools[name].failover_after_s + SLACK_S:
                self._longer[name] = patience_s, now + patience_s
            self._former.update(
                ((name, one), now + patience_s) for one in pool.members if (name, one) not in members | self.absent
            )
        self.absent &= members
        self.strange &= members
        self._flaps = {who: at for who, at in self._flaps.items() if who in members}
        stay = {who for who in members & old if not self.is_out(*who)}
        for name, pool in pools.items():
            others = any(member in self._there or (name, member) in stay for member in pool.members)
            self.strange |= {
                (name, member)
                for member in pool.members
                if (name, member) in added - self.absent and not self._may_come_in(member, others=others)
            }
        turns = [turn for turn in self.due(now)[0] if turn.goes and (turn.pool, turn.collector) in added]
        for turn in turns:
            self.turn(turn, now)
        return turns

    def _may_come_in(self, collector: str, *, others: bool) -> bool:
        """Whether a new member has its devices at once: it is there, or nobody else collects them."""
        return collector in self._there or (self.is_known(collector) and not others)

    def turn(self, turn: Turn, now: float) -> None:
        """A member goes or comes, as `due` has said."""
        who = turn.pool, turn.collector
        self.strange.discard(who)
        if turn.goes:
            self.absent.add(who)
            self._flaps[who] = [*self._recent(who, now), now]
        else:
            self.absent.discard(who)

    # --- who has what -------------------------------------------------------------------------------------------------

    def candidates(self, pool: Pool, turns: Iterable[Turn] = ()) -> tuple[str, ...]:
        """The members that have the devices of a pool, now or after some turns; never none."""
        turned = {turn.collector: turn.goes for turn in turns if turn.pool == pool.id}
        known = filter(self.is_known, pool.members)
        inside = tuple(one for one in known if not turned.get(one, self.is_out(pool.id, one)))
        return inside or tuple(one for one in pool.members if (pool.id, one) not in self.strange) or pool.members

    def is_out(self, pool: str, collector: str) -> bool:
        """Whether others have what this member would have."""
        return (pool, collector) in self.absent or (pool, collector) in self.strange

    def is_known(self, collector: str) -> bool:
        """Whether it has ever logged in."""
        return collector in self._there or collector in self._left

    def is_there(self, collector: str) -> bool:
        """Whether its session stands."""
        return collector in self._there

    def may_collect(self, pools: Iterable[Pool], collector: str, now: float) -> bool:
        """Whether a collector that holds a device with the lease of one of these pools may still collect it.

        It is there, or its lease runs: that is counted there from when a call was begun that this hub has answered, and
        here from when the end of the session was noticed, which is later. Of one that has not come since the hub
        started it is not known from which of its pools it has the device.
        """
        if collector in self._there:
            return True
        ended = self._ended.get(collector)
        if ended is None:
            return False
        if collector in self._unheard:
            pools = [*pools, *(one for one in self.pools.values() if collector in one.members)]
        return any(
            now < ended + self.patience_s(one.id, now, one) for one in pools if (one.id, collector) not in self.absent
        )

    def ended(self, collector: str) -> float:
        """When the end of a collector's last session was noticed; it may be there again."""
        return self._ended.get(collector, -math.inf)

    def former(self, pool: Pool, now: float) -> list[str]:
        """Who was a member until a short while ago."""
        return [name for (of, name), until in self._former.items() if of == pool.id and until > now]

    def remember_former(self, pool: Pool, collector: str, ago_s: float, now: float) -> None:
        """Devices went from one that is no member any more, so many seconds before the start."""
        if collector not in pool.members:
            self._former[pool.id, collector] = now + self.patience_s(pool.id, now) - max(0.0, ago_s)

    def patience_s(self, name: str, now: float, pool: Pool | None = None) -> float:
        """How long members of a pool may be away; one that was lowered counts on until all who knew it are over it."""
        own = (pool or self.pools[name]).failover_after_s + SLACK_S
        longer_s, until = self._longer.get(name, (0.0, 0.0))
        return max(own, longer_s) if now < until else own

    def standing(self, pool: str, collector: str) -> Standing:
        """How a member stands."""
        if not self.is_known(collector):
            return Standing.UNKNOWN
        out = self.is_out(pool, collector)
        if collector in self._there:
            return Standing.RETURNING if out else Standing.PRESENT
        return Standing.ABSENT if out else Standing.AWAY

    # --- what is to be done -------------------------------------------------------------------------------------------

    def due(self, now: float) -> tuple[list[Turn], float]:
        """Tell who goes or comes now, those who come first, and when to look again, which may be never: infinity."""
        turns = [turn for name in self.pools for turn in self._turns(name, now)]
        later = min((turn.at for turn in turns if turn.at > now), default=math.inf)
        return sorted((turn for turn in turns if turn.at <= now), key=lambda turn: turn.goes), later

    def is_due(self, turn: Turn, now: float) -> bool:
        """Whether a member still has to go or come."""
        turns = self._turns(turn.pool, now) if turn.pool in self.pools else ()
        return any((one.collector, one.goes) == (turn.collector, turn.goes) and one.at <= now for one in turns)

    def next_lapse(self, now: float, former: Iterable[Pool] = ()) -> float:
        """When the next lease of a collector that went away is over; `former` may have given one, too.

        Returns:
            Infinity for never.
        """
        patience = {self.patience_s(one.id, now, one) for one in (*self.pools.values(), *former)}
        ends = (ended + one for name, ended in self._ended.items() if name not in self._there for one in patience)
        return min((end for end in ends if end > now), default=math.inf)

    def when(self, pool: str, collector: str, now: float) -> float | None:
        """When a member goes or comes, if nothing else happens; None for never."""
        found = (turn.at for turn in self._turns(pool, now) if turn.collector == collector)
        return next(found, None)

    def _turns(self, name: str, now: float) -> Iterator[Turn]:
        pool = self.pools[name]
        inside = [member for member in pool.members if not self.is_out(name, member)]
        at_work = [member for member in inside if member in self._there]
        for member in pool.members:
            there = self._there.get(member)
            if there is not None and member not in inside:
                steady_s = self._steady_s((name, member), now) if at_work else ALONE_S
                yield Turn(pool=name, collector=member, goes=False, at=there + steady_s)
            elif at_work and self._may_go(name, member):
                patience_s = self.patience_s(name, now)
                met = self._met.get(name, -math.inf) + min(patience_s, REUNION_S)
                yield Turn(pool=name, collector=member, goes=True, at=max(self._left[member] + patience_s, met))

    def _may_go(self, pool: str, collector: str) -> bool:
        """Whether it is away, and not absent yet."""
        return collector in self._left and (pool, collector) not in self.absent

    def _steady_s(self, who: Who, now: float) -> float:
        """How long its session has to stand: the longer, the more often it went away lately."""
        flaps = len(self._recent(who, now))
        return min(MOST_STEADY_S, STEADY_S * 2.0 ** max(0, flaps - 1))

    def _recent(self, who: Who, now: float) -> Sequence[float]:
        return [at for at in self._flaps.get(who, ()) if at > now - FLAPS_WITHIN_S]

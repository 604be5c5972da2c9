"""Keeps the devices of pools with members that are there, and tells who has to know when one moves.

A change is remembered before it is made: a hub that ends in between finds the same members absent when it starts again,
so that a restart moves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.errors import TransientError
from hub.model.entities import Pool
from hub.model.model import Model
from hub.pools.bells import Bells
from hub.pools.holders import Holders
from hub.pools.interfaces import NEVER, Absence, Entry, IPoolStore, Move
from hub.pools.presence import Presence, Turn
from hub.pools.shares import Moves
from hub.pools.words import away, moves_of, taken_back

RETRY_S = 5.0
STALL_S = 5.0
"""A hub that looks so much later than it meant to was itself stopped: nobody could reach it."""
MOST_UNWRITTEN = 1000

Mover = Callable[[int, Sequence[str]], None]
"""Called with the newest revision and devices that have another owner from now on."""


class PoolKeeper(Holders):
    """Moves devices when members go and come, and when the model changes."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        model: Callable[[], Model],
        store: IPoolStore,
        bells: Bells,
        *,
        known: Iterable[str] = (),
        absences: Iterable[Absence] = (),
        recent: Iterable[Move] = (),
    ) -> None:
        """Begin with the model as it is, and nobody there.

        Args:
            clock: for waiting; it only goes forward.
            wall: epoch seconds.
            model: gives the newest.
            store: of what a restart must not forget.
            bells: tell of members that go and come.
            known: collectors whose process daemon has logged in at some time.
            absences: what the store had when the hub started.
            recent: the last moves that it had.
        """
        kept = {(one.pool, one.collector): one.since for one in absences}
        since = {who: at for who, at in kept.items() if at != NEVER}
        super().__init__(clock, model, Presence(clock.seconds(), known, since, kept.keys() - since.keys()))
        self._wall = wall
        self._store = store
        self._bells = bells
        self._began = wall()
        self._left: dict[str, float] = {}  # epoch seconds of when the end of the last session was noticed
        self._since = since
        self._movers: list[Mover] = []
        self._wakers: list[Callable[[], None]] = []
        self._unwritten: list[Entry] = []
        self._working: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._due = math.inf
        self._stopped = False
        self._adopt(model().pools)
        for move in recent:
            if move.pool in self.presence.pools:
                pool, ago_s = self.presence.pools[move.pool], self._began - move.at
                self.presence.remember_former(pool, move.source, ago_s, clock.seconds())

    def since(self, pool: str, collector: str) -> float | None:
        """Since when a member is away, in epoch seconds; None when it is there, or never was."""
        if self.presence.is_there(collector) or not self.presence.is_known(collector):
            return None
        return self._since.get((pool, collector), self._left.get(collector, self._began))

    # --- who has to know ----------------------------------------------------------------------------------------------

    def observe(self, mover: Mover, waker: Callable[[], None] = lambda: None) -> None:
        """Call back when devices move, and when one that was waited for may have let go."""
        self._movers.append(mover)
        self._wakers.append(waker)

    def start(self) -> None:
        """Begin to look."""
        self._look_later()

    def stop(self) -> None:
        """Move nothing more."""
        self._stopped = True
        self._cancel()
        working, self._working = self._working, None
        if working is not None:
            working.cancel()

    # --- what happens -------------------------------------------------------------------------------------------------

    def arrived(self, collector: str) -> None:
        """The session of a process daemon stands."""
        self.presence.arrived(collector, self._clock.seconds())
        self._left.pop(collector, None)
        self._look_later()

    def left(self, collector: str) -> None:
        """It is over."""
        if self.presence.is_there(collector):
            self.presence.left(collector, self._clock.seconds())
            self._left[collector] = self._wall()
            self._look_later()

    def model_changed(self, revision: int, before: Model, after: Model, devices: Sequence[str]) -> None:
        """Look who has another collector now; a pool's new members get their devices at once."""
        stayed = [name for name in devices if name in before.devices and name in after.devices]
        old = {name: self.owner_of(before, before.devices[name]) for name in stayed}
        pools = {name for name in {*before.pools, *after.pools} if before.pools.get(name) is not after.pools.get(name)}
        for name in pools & before.pools.keys():
            held = self._shares.within(before, before.pools[name])
            old.update((device, owner) for device, owner in held.items() if device in after.devices)
        if pools:
            self._adopt(after.pools)
        self._passages.note(before, after, devices, self._clock.seconds())
        self._shares.forget_devices(name for name in devices if name not in after.devices)
        moves: Moves = {}
        for name, source in old.items():
            target = self.owner_of(after, after.devices[name])
            if target != source:
                moves[name] = source, target
        self._note_within(pools, before, after, moves, f"revision {revision}")
        self._tell(list(moves))
        self._look_later()

    def _note_within(self, pools: Iterable[str], before: Model, after: Model, moves: Moves, why: str) -> None:
        """Remember what moved because a pool has other members."""
        for name in sorted(pools):
            inside = [
                move
                for device, move in moves.items()
                if before.devices[device].collector == name == after.devices[device].collector
            ]
            if inside:
                self._write(Entry(moves=moves_of(name, self._wall(), inside, why)))

    def _adopt(self, pools: Mapping[str, Pool]) -> None:
        """Take over the pools of a model; of those that are no members any more nothing is said."""
        strange = frozenset(self.presence.strange)
        gone = self.presence.adopt(pools, self._clock.seconds())
        self._shares.forget_pools({*pools, *(pool for pool, _ in self._since)})
        left = [who for who in self._since if who not in self.presence.absent]
        for pool, collector in left:
            del self._since[pool, collector]
            self._bells.back(pool, collector, f"{collector} is no member any more")
        absences = [self._absence(turn) for turn in gone]
        for one in absences:
            self._since[one.pool, one.collector] = one.since
            self._bells.gone(one, away(one), [])
        left += [who for who in strange - self.presence.strange if who not in self._since]
        absences += [Absence(*who, NEVER) for who in sorted(self.presence.strange - strange)]
        self._write(Entry(gone=tuple(absences), back=tuple(sorted(left))))

    # --- looking ------------------------------------------------------------------------------------------------------

    def _look_later(self) -> None:
        """Look when it is time; at once, when something is due or unwritten."""
        if self._stopped or self._working is not None:
            return
        self._cancel()
        now = self._clock.seconds()
        turns, later = self.presence.due(now)
        self._due = (
            now if turns or self._unwritten else min(later, self.presence.next_lapse(now, self._passages.pools()))
        )
        if self._due < math.inf:
            self._timer = self._clock.callLater(self._due - now, self._look)

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _look(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        if now > self._due + STALL_S:
            self.log.warn(  # noqa: G010 - twisted.logger calls it so
                "the hub itself was stopped for {seconds} s; members of pools that are away have time to come back",
                seconds=round(now - self._due),
            )
            self.presence.begin_anew(now)
        self._working = Deferred.fromCoroutine(self._work())
        self._working.addBoth(self._worked)

    def _worked(self, outcome: Any) -> None:
        self._working = None
        if self._stopped:
            return
        if outcome is not None:
            self.log.failure("error while moving devices", failure=outcome)
        for waker in self._wakers:
            waker()
        self._look_later()

    async def _work(self) -> None:
        """Do what is due, one thing after the other; what cannot be remembered is not done, and tried again."""
        failed = False
        while True:
            try:
                if not await self._step():
                    return
                failed = False
            except TransientError as error:
                if not failed:
                    self.log.warn("devices of pools stay where they are: {reason}", reason=error.message)  # noqa: G010 - its name
                failed = True
                await deferLater(self._clock, RETRY_S, lambda: None)

    async def _step(self) -> bool:
        """Do one thing; False when there is nothing to do."""
        if self._unwritten:
            entry = self._unwritten[0]
            await self._store.record(entry)
            self._unwritten = [one for one in self._unwritten if one is not entry]
            return True
        turns = self.presence.due(self._clock.seconds())[0]
        if turns:
            await self._turn(turns[0])
        return bool(turns)

    async def _turn(self, turn: Turn) -> None:
        """Let a member go or come."""
        who = turn.pool, turn.collector
        why, absence = self._why(turn), self._absence(turn)
        planned = self._shares.after(self._model(), self.presence.pools[turn.pool], [turn])
        entry = Entry(
            gone=(absence,) if turn.goes else (),
            back=() if turn.goes else (who,),
            moves=moves_of(turn.pool, self._wall(), planned.values(), why),
        )
        await self._store.record(entry)
        if not self.presence.is_due(turn, self._clock.seconds()):
            self._take_back(turn, planned)
            return
        moves = self._shares.after(self._model(), self.presence.pools[turn.pool], [turn])
        self.presence.turn(turn, self._clock.seconds())
        self._shares.forget_pools([turn.pool])
        if turn.goes:
            self._since[who] = absence.since
            self._bells.gone(absence, why, moves.values())
        elif self._since.pop(who, None) is not None:
            self._bells.back(*who, why)
        self.log.info("pool {pool}: {why}; {count} devices move", pool=turn.pool, why=why, count=len(moves))
        self._tell(list(moves))

    def _take_back(self, turn: Turn, planned: Moves) -> None:
        """It was remembered, and is not so any more: somebody came, left, or was put out of the pool meanwhile."""
        who = turn.pool, turn.collector
        since = NEVER if who in self.presence.strange else self._since.get(who)
        why = taken_back(turn, is_there=self.presence.is_there(turn.collector))
        reverse = [(target, source) for source, target in planned.values()]
        self._write(
            Entry(
                gone=() if since is None else (Absence(*who, since),),
                back=(who,) if since is None else (),
                moves=moves_of(turn.pool, self._wall(), reverse, why),
            )
        )

    # --- words --------------------------------------------------------------------------------------------------------

    def _absence(self, turn: Turn) -> Absence:
        return Absence(turn.pool, turn.collector, self._left.get(turn.collector, self._began))

    def _why(self, turn: Turn) -> str:
        if turn.goes:
            return away(self._absence(turn))
        known = (turn.pool, turn.collector) in self._since
        return f"{turn.collector} is back" if known else f"{turn.collector} is there for the first time"

    def _write(self, entry: Entry) -> None:
        if entry:
            self._unwritten = [*self._unwritten, entry][-MOST_UNWRITTEN:]

    def _tell(self, devices: Sequence[str]) -> None:
        if not devices:
            return
        for mover in self._movers:
            try:
                mover(self._model().revision, devices)
            except Exception:  # noqa: BLE001 - the supervisor of those who are told: the devices have moved all the same
                self.log.failure("error while telling of devices that moved")

"""Sees to it that the files of a device follow it to the collector that has it now.

A device moves when the model says so, or when a pool gives it to another member. The new collector begins at once, with
files of its own; what the former one has is brought after it when both are there, and put together with them, of each
daemon to the daemon of the same service. Where a move is not known, the former collector tells of it (`finder`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from common.configs import SERVICE_MODELER, SERVICE_PROCESS
from common.errors import PermanentError, TransientError
from hub.distribution.errand import Errand
from hub.distribution.pace import Pace
from hub.distribution.wanted import Wanted
from hub.interfaces import ISession
from hub.model.model import Model
from hub.moving.bells import Bells, place_text
from hub.moving.book import Book
from hub.moving.carriage import BYTES_A_SECOND, Carriage, Freight, TurnOverError
from hub.moving.finder import Finder, Seats
from hub.moving.interfaces import IMoveStore, Key, Move, Place
from hub.moving.pauses import Pause, Pauses

LOOK_S = 5.0
AT_ONCE = 2
"""So many devices are brought at a time, each from and to another collector."""
LONG_S = 3600.0
"""Files that wait for longer than this ring."""
RING_S = 60.0


class Owners(Protocol):
    """What is needed of a `Distributor`."""

    def owner(self, device: str) -> str | None:
        """The collector of a device; None when the model has no such device."""

    def runs(self, device: str, daemon: str) -> bool:
        """Whether the daemon of the collector of a device runs it."""

    def reads(self, device: str, daemon: str) -> bool:
        """Whether a daemon is to read something of a device, by the model."""

    def wanted(self, device: str) -> Wanted | None:
        """What was compiled last for a device, and for whom."""


class Sessions(Seats, Protocol):
    """What is needed of a `Roster`."""

    def session(self, collector: str, daemon: str) -> ISession | None:
        """The session of a daemon, if it is logged in."""

    def whereabouts(self, collector: str, daemon: str) -> str:
        """The sentence for a daemon that is away."""

    def is_known(self, collector: str, daemon: str) -> bool:
        """Whether it has ever logged in, and may come back."""

    def daemons_of(self, collector: str) -> Sequence[str]:
        """The daemons of a collector that have, and may come back."""


class Conductor:
    """Brings files after devices, some devices at a time.

    Args:
        clock: for waiting; it only goes forward.
        wall: epoch seconds.
        store: of what a restart must not forget.
        owners: who has which device.
        sessions: who is there.
        bells: ring for what stays or waits.
        may_return: whether a collector, which was away, may get a device of its pool back before long.
        bytes_a_second: of each device that is brought.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        store: IMoveStore,
        owners: Owners,
        sessions: Sessions,
        bells: Bells,
        may_return: Callable[[str, str], bool] = lambda _device, _collector: False,
        *,
        bytes_a_second: float = BYTES_A_SECOND,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._owners = owners
        self._sessions = sessions
        self._may_return = may_return
        self._bytes_a_second = bytes_a_second
        self._paces: dict[Place, Pace] = {}
        self._pauses = Pauses(clock)
        self._freights: dict[Key, Freight] = {}
        self._errands: dict[Key, Errand] = {}
        self._busy: set[Place] = set()
        self._begun: dict[Place, float] = {}
        self._finder = Finder(clock, sessions, self._found, self._forgive)
        self._ring_at = 0.0
        self._wake: Deferred[None] | None = None
        self._errand = Errand(clock, self._run)
        self.bells = bells
        self.book = Book(store)
        self.files = self.bytes = self.failures = 0

    # --- life ---------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take in what was on its way when the hub stopped."""
        await self.book.load()

    def start(self) -> None:
        """Begin to look."""
        self._errand.start()

    def stop(self) -> None:
        """Leave everything as it is; it goes on where it was at the next start."""
        self._finder.stop()
        for errand in (self._errand, *self._errands.values()):
            errand.stop()

    # --- what happens -------------------------------------------------------------------------------------------------

    def model_changed(self, _revision: int, before: Model, after: Model, devices: Sequence[str]) -> None:
        """Files of devices that have left the model stay where they are."""
        for device in devices:
            if device in before.devices and device not in after.devices:
                for move in self.book.of(device):
                    self._drop(move)
        self._look_soon()

    def moved(self, _revision: int, devices: Iterable[str]) -> None:
        """These have another collector from now on."""
        for device in devices:
            wanted, owner = self._owners.wanted(device), self._owners.owner(device)
            for move in self.book.open_of(device):
                if move.key in self._errands and move.target != owner:
                    self._errands[move.key].stop()
            if wanted is None or owner is None or wanted.collector == owner:
                continue
            for daemon in self._sessions.daemons_of(wanted.collector):  # others have nothing
                if daemon == SERVICE_PROCESS or (daemon != SERVICE_MODELER and self._owners.reads(device, daemon)):
                    self._add(device, (wanted.collector, daemon), owner)
        self._look_soon()

    def _add(self, device: str, source: Place, target: str) -> None:
        move = Move(device=device, source=source[0], daemon=source[1], target=target, since=self._wall())
        self._pauses.end(move.key)
        self.book.put(move)

    def _drop(self, move: Move) -> None:
        self._pauses.end(move.key)
        self.bells.settled(move.key)
        errand = self._errands.get(move.key)
        if errand is not None:
            errand.stop()
        self.book.drop(move.key)

    # --- looking ------------------------------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None and not wake.called:
            wake.callback(None)

    async def _run(self) -> None:
        while not self._errand.stopped:
            self._wake = Deferred()
            try:
                self._look()
                await self.book.save()
            except TransientError as error:
                self.log.warn("moves of files are not remembered yet: {reason}", reason=error.message)  # noqa: G010 - its name
            except Exception:  # noqa: BLE001 - the supervisor of moves: the next look is another matter
                self.log.failure("error while files are moved")
            if self._wake is not None:
                with contextlib.suppress(TimeoutError):
                    await self._wake.addTimeout(self._patience_s(), self._clock)

    def _patience_s(self) -> float:
        """Until the next look, if nothing happens before; with many moves each look takes longer."""
        return min(LOOK_S, 1.0 + self.book.number / 1000) if self.book.number else LOOK_S

    def _look(self) -> None:
        self._finder.look()
        for source in sorted(self.book.sources(), key=lambda place: self._begun.get(place, 0.0)):
            if not self._sessions.is_known(*source):
                for move in self.book.at(source):
                    self._drop(move)  # it will not come back
            elif len(self._errands) >= AT_ONCE:
                break
            elif source not in self._busy and self._sessions.session(*source) is not None:
                self._begin_one_of(source)
        if self._clock.seconds() >= self._ring_at:
            self._ring_at = self._clock.seconds() + RING_S
            self.bells.waiting(self.waiting())

    def _begin_one_of(self, source: Place) -> None:
        for move in self.book.at(source):
            owner = self._owners.owner(move.device)
            if owner is None or owner == move.source:
                self._drop(move)  # it has gone, or come back
            elif (
                (owner, move.daemon) not in self._busy and not self._pauses.holds(move.key) and not self.obstacle(move)
            ):
                self._begin(move if move.target == owner else replace(move, target=owner))
                return

    def obstacle(self, move: Move) -> str:
        """Why the files of a device cannot be brought now; empty when they can."""
        device, source, daemon = move.key
        owner = self._owners.owner(device) or move.target
        for name in (source, owner):
            if self._sessions.session(name, daemon) is None:
                return self._sessions.whereabouts(name, daemon)
        if self._may_return(device, source):
            return f"collector {source} was away, and may get the device back"
        if not self._owners.runs(device, daemon):
            return f"{place_text((owner, daemon))} does not collect it yet"
        return ""

    def _begin(self, move: Move) -> None:
        self._busy.update((move.origin, move.aim))
        self._begun[move.origin] = self._clock.seconds()
        self.book.put(move)
        errand = self._errands[move.key] = Errand(self._clock, partial(self._bring, move))
        errand.start()

    async def _bring(self, move: Move) -> None:
        freight = self._freights[move.key] = Freight(files=move.files, bytes=move.bytes)
        pause: Pause | None = None
        try:
            await self._carry(move, freight)
            if freight.left:
                pause = self._pauses.after(move.key, freight.problems[0], lasting=True, problems=freight.problems)
        except TurnOverError as error:
            pause = self._pauses.of_turn(error.message, LOOK_S)
        except TransientError as error:
            pause = self._pauses.after(move.key, error.message, lasting=False)
        except PermanentError as error:
            freight.leave(error.message)
            pause = self._pauses.after(move.key, error.message, lasting=True, problems=freight.problems)
        finally:
            self._busy.difference_update((move.origin, move.aim))
            self._errands.pop(move.key, None)
            self._freights.pop(move.key, None)
            self.files += freight.files - move.files
            self.bytes += max(0, freight.bytes - move.bytes)
        self._ended(replace(move, files=freight.files, bytes=freight.bytes), freight, pause)

    async def _carry(self, move: Move, freight: Freight) -> None:
        source, target = self._sessions.session(*move.origin), self._sessions.session(*move.aim)
        if source is None or target is None:
            raise TransientError("a collector has gone")
        paces = self._pace(move.origin), self._pace(move.aim)
        await Carriage(self._clock, move.device, source, target, freight, paces, self._bytes_a_second).run()

    def _pace(self, place: Place) -> Pace:
        return self._paces.setdefault(place, Pace())

    def _ended(self, move: Move, freight: Freight, pause: Pause | None) -> None:
        if self.book.get(move.key) is None:
            return  # the device has left the model meanwhile
        if pause is None:
            self._pauses.end(move.key)
            self.book.put(replace(move, done_at=self._wall(), problem=""))
            self.bells.settled(move.key)
            if move.files:
                self.log.info(
                    "{device}: {files} files went from {source} to {target}",
                    device=move.device,
                    files=move.files,
                    source=place_text(move.origin),
                    target=move.target,
                )
        else:
            self._pauses.put(move.key, pause)
            self.book.put(replace(move, problem=pause.reason[:1000]))
            if pause.lasting:
                self.failures += 1
                self.bells.left(move.key, freight.problems, freight.left)
            if pause.lasting or pause.times == 1:
                self.log.warn(  # noqa: G010 - twisted.logger calls it so
                    "{device}: files stay at {source} for now: {reason}",
                    device=move.device,
                    source=place_text(move.origin),
                    reason=pause.reason,
                )
        self._look_soon()

    def _found(self, device: str, place: Place) -> bool:
        """A daemon has files of a device that its collector does not have: whether that is news."""
        owner, known = self._owners.owner(device), self.book.get((device, *place))
        if owner is None or owner == place[0] or (known is not None and known.done_at is None):
            return False
        self._add(device, place, owner)
        self._look_soon()
        return True

    def _forgive(self, place: Place) -> None:
        """Whoever has logged in anew may be another version of itself, or have room again: try at once."""

        def concerns(key: Key) -> bool:
            move = self.book.get(key)
            return move is not None and place in {move.origin, move.aim}

        self._pauses.forgive(concerns)

    # --- how it stands ------------------------------------------------------------------------------------------------

    def freight(self, move: Move) -> Freight | None:
        """How far a move has come that is under way."""
        return self._freights.get(move.key)

    def pause(self, move: Move) -> Pause | None:
        """Why one that failed is not under way."""
        return self._pauses.get(move.key)

    def waiting(self) -> Mapping[Place, tuple[int, str]]:
        """Of each daemon at which files have waited for long: of how many devices, and why; some may come back."""
        latest = self._wall() - LONG_S
        found: dict[Place, tuple[int, str]] = {}
        for source in self.book.sources():
            late = [
                move
                for move in self.book.at(source)
                if move.since < latest
                and move.key not in self._errands
                and not self._may_return(move.device, move.source)
            ]
            reasons = (self.obstacle(move) or self._reason(move) for move in late[:1])
            if late and (reason := next(reasons)):
                found[source] = len(late), reason
        return found

    def _reason(self, move: Move) -> str:
        pause = self._pauses.get(move.key)
        return "" if pause is None or pause.lasting else pause.reason

    def figures(self) -> dict[str, int]:
        """What `stats` of the hub shows."""
        return {
            "moves_open": self.book.number,
            "moves_under_way": len(self._errands),
            "files_moved": self.files,
            "file_bytes_moved": self.bytes,
            "moves_failed": self.failures,
        }

"""The API of files that follow their devices to other collectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from msgspec import Struct

from common.errors import NotFoundError
from hub.moving.conductor import Conductor
from hub.moving.interfaces import Move
from hub.web.call import Call
from hub.web.moveshapes import FileMove
from hub.web.router import Route
from hub.web.shapes import iso

MOST = 500
MOST_SHOWN = 100
MOVING, WAITING, FAILED, DONE = "moving", "waiting", "failed", "done"


class FileMoves(Struct, frozen=True, kw_only=True):
    """Moves, those that are not done first; `open` counts these, also where the list is cut short."""

    moves: list[FileMove]
    open: int


class MoveTopic:
    """Tells how far files have come."""

    def __init__(self, conductor: Conductor, owner: Callable[[str], str | None]) -> None:
        self._conductor = conductor
        self._owner = owner

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "moves", self.all), Route("GET", "moves/{device}", self.one)]

    async def all(self, call: Call) -> FileMoves:
        """List moves that are not done, then the last ones that are."""
        call.only()
        book = self._conductor.book
        found = itertools.islice(itertools.chain(book.open(), book.done()), MOST)
        return FileMoves(moves=[self._shape(move) for move in found], open=book.number)

    async def one(self, call: Call) -> FileMoves:
        """Tell of one device."""
        call.only()
        device = call.names["device"]
        moves = self.of(device)
        if not moves and self._owner(device) is None:
            raise NotFoundError(f"there is no device {device!r}; `tocsin device list` shows those that there are")
        return FileMoves(moves=moves, open=sum(move.state != DONE for move in moves))

    def of(self, device: str) -> list[FileMove]:
        """Moves of one device, those that are not done first."""
        return [self._shape(move) for move in self._conductor.book.of(device)]

    def open(self) -> list[FileMove]:
        """Those that are not done, not too many of them."""
        return [self._shape(move) for move in itertools.islice(self._conductor.book.open(), MOST_SHOWN)]

    def _shape(self, move: Move) -> FileMove:
        freight, pause = self._conductor.freight(move), self._conductor.pause(move)
        state, reason = WAITING, ""
        if move.done_at is not None:
            state = DONE
        elif freight is not None:
            state = MOVING
        elif pause is not None and pause.lasting:
            state, reason = FAILED, pause.reason
        else:
            reason = self._conductor.obstacle(move) or (pause.reason if pause is not None else move.problem)
        return FileMove(
            device=move.device,
            source=move.source,
            target=(self._owner(move.device) or move.target) if state in {WAITING, FAILED} else move.target,
            state=state,
            reason=reason,
            since=iso(move.since),
            done_at=iso(move.done_at),
            files=freight.files if freight is not None else move.files,
            files_in_all=freight.files_in_all if freight is not None else move.files,
            bytes=freight.bytes if freight is not None else move.bytes,
            bytes_in_all=freight.bytes_in_all if freight is not None else move.bytes,
            problems=list(freight.problems) if freight is not None else list(pause.problems) if pause else [],
            daemon=move.daemon,
        )

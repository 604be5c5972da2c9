"""Answers the hub's questions about files of devices that come and go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec.structs import replace
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from collectors.framework.data.reading.answers import Answer
from collectors.framework.moving.incoming import Incoming
from collectors.framework.moving.orders import ClearAway, Moved, MovingOrder, PutAway
from collectors.framework.selfstats import SOURCE
from collectors.framework.worker import Worker
from common.errors import PermanentError, TocsinError, TransientError
from common.moving import (
    GiveQuery,
    Left,
    LeftQuery,
    LetGoQuery,
    MovingQuery,
    MovingResult,
    Outgoing,
    OutgoingQuery,
    Piece,
    PieceQuery,
)
from common.queries import Done

GRACE_S = 86_400.0
"""So long a file is kept aside that another collector holds."""
CLEAR_S = 3600.0

T = TypeVar("T")

_log = Logger()


class Files(Protocol):
    """What is needed of a `SampleWriter`."""

    async def fresh(self, *devices: str) -> bool:
        """Have what was accepted of devices written now; False when that did not succeed."""


class Looks(Protocol):
    """What is needed of a `rrdreader.Reader`."""

    async def look(self, query: LeftQuery | OutgoingQuery | PieceQuery) -> Answer:
        """Answer a question about files."""


class Mover(Service):
    """Gives files of devices that are collected elsewhere, takes those of devices that are collected here.

    Args:
        clock: monotonic.
        wall: epoch seconds.
        folder: of the daemon.
        worker: does what blocks.
        files: brings the last samples of a device into its files.
        looks: lists files, and reads them.
        order: has the writer process do something with files.
        is_held: whether a device is collected here, or may be again before long.
        own: the collector's name, under which it keeps series of itself.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        folder: Path,
        worker: Worker,
        files: Files,
        looks: Looks,
        order: Callable[[MovingOrder], Awaitable[object]],
        *,
        is_held: Callable[[str], bool],
        own: Callable[[], str] = str,
    ) -> None:
        self._wall = wall
        self._worker = worker
        self._files = files
        self._looks = looks
        self._order = order
        self._is_held = is_held
        self._own = own
        self.incoming = Incoming(folder / "incoming", clock, wall, worker, self._ordered)
        self.given = 0
        self._loop = LoopingCall(self._clear)
        self._loop.clock = clock

    # --- service ------------------------------------------------------------------------------------------------------

    def startService(self) -> None:
        """Be ready; look from time to time what need not be kept any more."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._worker.start()
        self._loop.start(CLEAR_S, now=False)

    def stopService(self) -> None:
        """End; what has come of a file stays until the rest comes."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._loop.running:
            self._loop.stop()
        self._worker.stop()

    def _clear(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._clear_away())

    async def _clear_away(self) -> None:
        try:
            cleared = await self._ordered(ClearAway(self._wall() - GRACE_S))
        except TocsinError as error:
            _log.warn("files that other collectors hold are kept longer: {reason}", reason=error.message)
            return
        if cleared.count:
            _log.info("{count} files were deleted that other collectors hold for a day", count=cleared.count)

    async def _ordered(self, order: MovingOrder) -> Moved:
        return _of(Moved, await self._order(order))

    def figures(self) -> dict[str, int]:
        """What `stats` shows of files that went and came."""
        return {
            "files_given": self.given,
            "files_taken": self.incoming.files,
            "files_refused": self.incoming.refused,
            "file_bytes_taken": self.incoming.bytes,
        }

    # --- questions ----------------------------------------------------------------------------------------------------

    async def answer(self, query: MovingQuery) -> MovingResult | Done:
        """Answer a question about files that move.

        Raises:
            PermanentError: the device is here when it should not be, or the other way round.
            NotFoundError: the file is not here.
            TransientError: not now; the disk refuses, or a file has changed.
        """
        if isinstance(query, LeftQuery):
            left = _of(Left, await self._looks.look(query))
            elsewhere = [name for name in left.devices if not self._is_held(name) and name != self._own()]
            return replace(left, devices=elsewhere)
        if isinstance(query, GiveQuery):
            if not self._is_held(device := query.file.key.device):
                raise PermanentError(f"device {device} is not collected here, and its files are not taken")
            return await self.incoming.take(query)
        if self._is_held(query.device):
            raise PermanentError(f"device {query.device} is collected here, and its files stay")
        if isinstance(query, PieceQuery):
            return _of(Piece, await self._looks.look(query))
        if isinstance(query, OutgoingQuery):
            return await self._outgoing(query)
        return await self._let_go(query)

    async def _outgoing(self, query: OutgoingQuery) -> Outgoing:
        if not await self._files.fresh(query.device):
            raise TransientError(f"the last samples of {query.device} are not in their files yet; ask again")
        outgoing = _of(Outgoing, await self._looks.look(query))
        return replace(outgoing, files=[told for told in outgoing.files if told.key.source != SOURCE])

    async def _let_go(self, query: LetGoQuery) -> Done:
        self.incoming.forget()
        done = await self._ordered(
            PutAway(device=query.device, file=query.file, version=query.version, to=query.to, beside=query.beside)
        )
        self.given += done.count
        _log.info(
            "{device}: file {file} is kept aside for a day: {to} holds it",
            device=query.device,
            file=query.file,
            to=query.to,
        )
        return Done(done.count)


def _of(type_: type[T], answer: object) -> T:
    if not isinstance(answer, type_):
        raise TransientError(f"The process for series files answered with a {type(answer).__name__}")
    return answer

"""Carries the files of one device from the collector that had it to the one that has it, a piece at a time.

Nothing is remembered here of how far it has come: the one who takes a file knows how much of it there is, and the one
who gives it lists it until the other one holds it. So it is begun again after any failure, and goes on where it was.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from common.errors import PermanentError, RemoteError, TransientError
from common.moving import (
    MAX_PIECE_BYTES,
    Given,
    GiveQuery,
    LetGoQuery,
    MovedFile,
    Outgoing,
    OutgoingQuery,
    Piece,
    PieceQuery,
    Taken,
)
from common.queries import Done, Query
from common.wire import FailureCode
from hub.distribution.pace import Pace
from hub.interfaces import ISession

BYTES_A_SECOND = 8 * 1024 * 1024
MOST_STALLED = 10
"""So often a file may not go on before it is left."""
WORK_S = 600.0
ASK_AGAIN_S = 1.0
MOST_PROBLEMS = 20
MAX_SENTENCE = 1000
MOST_FILES = 50_000
"""Of a device: more than any can have."""
TURN_S = 600.0
"""After so long others may go first."""

T = TypeVar("T")


class TurnOverError(TransientError):
    """It has taken long already, and goes on when others have had their turn."""


class Freight(Struct, kw_only=True):
    """How far it has come.

    Attributes:
        files_in_all, bytes_in_all: as the source says, of what it still has; with what is moved already it is all.
        files, bytes: that are moved.
        problems: a sentence for each file that is not, not too many; `left` counts them all.
    """

    files_in_all: int = 0
    bytes_in_all: int = 0
    files: int = 0
    bytes: int = 0
    problems: list[str] = []
    left: int = 0

    def leave(self, sentence: str) -> None:
        """A file stays where it is."""
        self.left += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence[:MAX_SENTENCE])


class Carriage:
    """The files of one device, from one session to another.

    Args:
        clock: for the rate.
        device: id.
        source, target: sessions of those who give and take.
        freight: is told how far it has come.
        paces: of both, for how large a piece may be.
        bytes_a_second: not more than that.
    """

    def __init__(
        self,
        clock: IReactorTime,
        device: str,
        source: ISession,
        target: ISession,
        freight: Freight,
        paces: tuple[Pace, Pace],
        bytes_a_second: float = BYTES_A_SECOND,
    ) -> None:
        self._clock = clock
        self._device = device
        self._source = source
        self._target = target
        self._freight = freight
        self._up, self._down = paces
        self._bytes_a_second = bytes_a_second
        self._until = clock.seconds() + TURN_S

    async def run(self) -> None:
        """Carry all that there is.

        Raises:
            TransientError: it is to be begun again, and goes on where it was.
            PermanentError: it cannot be done as it stands.
        """
        after = ""
        while True:
            self._give_way()
            page = await self._ask(self._source, OutgoingQuery(device=self._device, after=after), Outgoing)
            if not after:
                self._freight.files_in_all = max(self._freight.files_in_all, self._freight.files + page.files_in_all)
                self._freight.bytes_in_all = max(self._freight.bytes_in_all, self._freight.bytes + page.bytes_in_all)
            for sentence in page.unread:
                self._freight.leave(f"cannot be read at {self._source.collector}: {sentence}")
            if self._freight.files + self._freight.left + len(page.files) > MOST_FILES:
                raise PermanentError(f"collector {self._source.collector} offers more files than a device can have")
            for told in page.files:
                if told.key.device != self._device:
                    raise PermanentError(f"collector {self._source.collector} offers files of another device")
                await self._carry(told)
            if not page.more:
                return
            if page.last <= after:
                raise TransientError(f"the list of files of collector {self._source.collector} does not go on")
            after = page.last

    async def _carry(self, told: MovedFile) -> None:
        before = self._freight.bytes
        try:
            taken = await self._bring(told)
        except TransientError:
            self._freight.bytes = before
            raise
        name = f"{told.key.component or '(device)'} / {told.key.source}"
        if taken.state is Given.HELD:
            await self._ask(
                self._source,
                LetGoQuery(
                    device=self._device,
                    file=told.file,
                    version=told.version,
                    to=self._target.collector,
                    beside=told.beside,
                ),
                Done,
            )
            self._freight.files += 1
        elif taken.state is Given.REFUSED:
            self._freight.leave(f"{name}: not taken by {self._target.collector}: {taken.reason}")
        else:
            self._freight.leave(f"{name}: does not go on at {taken.offset} of {told.size} bytes: {taken.reason}")

    async def _bring(self, told: MovedFile) -> Taken:
        taken = await self._give(GiveQuery(file=told))
        begun, stalled = self._freight.bytes, 0
        self._freight.bytes = begun + taken.offset
        while taken.state is Given.WANTED and taken.offset < told.size and stalled < MOST_STALLED:
            self._give_way()
            offset, began = taken.offset, self._clock.seconds()
            piece = await self._piece(told, offset)
            taken = await self._give(GiveQuery(file=told, offset=offset, data=piece.data, check=piece.check))
            if taken.state is Given.WANTED:
                stalled += taken.offset <= offset
                self._freight.bytes = begun + min(taken.offset, told.size)
            await self._rest(len(piece.data), began)
        deadline = self._clock.seconds() + WORK_S
        while taken.state is Given.WORKING:
            if self._clock.seconds() > deadline:
                raise TransientError(f"collector {self._target.collector} does not come to an end with a file")
            await deferLater(self._clock, ASK_AGAIN_S, lambda: None)
            taken = await self._give(GiveQuery(file=told))
        self._freight.bytes = begun + (told.size if taken.state is Given.HELD else 0)
        return taken

    async def _piece(self, told: MovedFile, offset: int) -> Piece:
        size = min(MAX_PIECE_BYTES, self._up.limit_bytes, self._down.limit_bytes, told.size - offset)
        began = self._clock.seconds()
        query = PieceQuery(
            device=self._device, file=told.file, version=told.version, offset=offset, size=size, beside=told.beside
        )
        try:
            piece = await self._ask(self._source, query, Piece)
        except TransientError:
            self._up.lost()
            raise
        self._up.answered(size, self._clock.seconds() - began)
        if len(piece.data) != size:
            raise TransientError(f"a file at collector {self._source.collector} is shorter than it was")
        return piece

    async def _give(self, query: GiveQuery) -> Taken:
        began = self._clock.seconds()
        try:
            taken = await self._ask(self._target, query, Taken)
        except TransientError:
            if query.data:
                self._down.lost()
            raise
        if taken.state is Given.WANTED:  # else it did more than to write the piece down
            self._down.answered(len(query.data), self._clock.seconds() - began)
        return taken

    def _give_way(self) -> None:
        if self._clock.seconds() > self._until:
            raise TurnOverError("others have their turn; it goes on after them")

    async def _rest(self, size: int, began: float) -> None:
        """Leave the line, and both collectors, to others for a while."""
        spent_s = self._clock.seconds() - began
        await deferLater(self._clock, max(0.0, size / self._bytes_a_second - spent_s), lambda: None)

    async def _ask(self, session: ISession, query: Query, type_: type[T]) -> T:
        try:
            answer = await session.carry(query)
        except RemoteError as error:
            if error.code == FailureCode.BAD_REQUEST.value:
                raise PermanentError(
                    f"collector {session.collector} does not know how files move; update it ({session.software})"
                ) from None
            raise TransientError(f"collector {session.collector}: {error.message}") from None
        if not isinstance(answer, type_):
            raise TransientError(f"collector {session.collector} gave an answer that does not fit")
        return answer

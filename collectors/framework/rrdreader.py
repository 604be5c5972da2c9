"""Reading series back, as the collector daemon sees it: questions to a second process, which may crash or hang.

librrd's drawing is not safe in threads, and a picture takes longer than a reactor may be held up.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime

from collectors.framework.data.child import Child
from collectors.framework.data.reading.answers import Answer, Request, SeriesQuestion
from collectors.framework.data.reading.baselinereading import LessonsQuery, LessonsTold
from collectors.framework.data.reading.hearing import PAGE, heard
from collectors.framework.data.reading.listing import Live
from collectors.framework.data.spool.intake import Latest
from common.errors import NotFoundError, PermanentError, TransientError
from common.holdings import Holdings, HoldingsQuery
from common.moving import Left, LeftQuery, Outgoing, OutgoingQuery, Piece, PieceQuery
from common.pipes import MessageError, Messages, framed
from common.queries import FetchQuery, GraphQuery, Listing, ListQuery, Picture, Result, Rows
from common.readings import Heard, HeardQuery, InfoQuery, Read, SeriesQuery
from common.wire import Failure, FailureCode

TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 2.0
MAX_WAITING = 16
MAX_PICTURES = 12
"""Of those; so other questions are heard also while a hundred viewers look."""
MAX_ANSWER_BYTES = 16 * 1024 * 1024

WITH_LIVE = (ListQuery, SeriesQuery, InfoQuery)
"""Questions whose answer has to do with what is in memory."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Result | LessonsTold | Failure)


class LatestValues(Protocol):
    """What a reader needs of a `SampleWriter`."""

    def latest(self, device: str) -> list[Latest]:
        """Newest samples of a device's series."""

    def numbered(self, after: int, limit: int) -> tuple[list[Latest], int, bool]:
        """Some series after a number: those that are, the number that it came to, and whether there are others."""

    async def fresh(self, *devices: str) -> bool:
        """Have what was accepted written to the files: all of it, or that of some devices."""


def _is_sampled(query: FetchQuery, latest: Iterable[Latest]) -> bool:
    """Whether samples have all that is asked for."""
    return any(
        one.key.component == query.component
        and query.source in {"", one.key.source}
        and {point.name for point in one.layout.points}.issuperset(query.points)
        for one in latest
    )


class Reader(Service):
    """Answers questions about series, one at a time.

    Args:
        reactor: for the process.
        clock: monotonic.
        data_dir: folder of the daemon; files lie below its `rrd`.
        last_values: the daemon's `SampleWriter`; it brings what was sampled a moment ago into the files first.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        data_dir: Path,
        last_values: LatestValues,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._timeout_s = timeout_s
        self._clock = clock
        self._root = data_dir / "rrd"
        self._last_values = last_values
        self._child = Child(
            reactor,
            clock,
            "collectors.framework.rrdqueries",
            ["--rrd", str(self._root)],
            on_data=self._received,
            on_up=self._came_up,
            on_down=self._ended,
        )
        self._turn = DeferredLock()
        self._pictures = 0
        self._answers = Messages(MAX_ANSWER_BYTES)
        self._unwanted = 0
        self._waiting: Deferred[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the reader process."""
        return self._child.pid

    async def answer(self, query: SeriesQuestion) -> Answer:
        """Answer a question about series.

        Raises:
            NotFoundError: a device, component, source, point or graph that there is not; the sentence names what is.
            PermanentError: a question that makes no sense.
            TransientError: too many questions at once, the reader process did not answer, or what is asked for is
                sampled and not in its file yet.
        """
        await self._last_values.fresh(*_devices(query))
        live = self._last_values.latest(query.device) if isinstance(query, WITH_LIVE) else []
        try:
            return await self._answer(Request(query, [_live(one) for one in live]))
        except NotFoundError:
            if isinstance(query, FetchQuery) and _is_sampled(query, self._last_values.latest(query.device)):
                raise TransientError(
                    f"What is asked for of {query.component!r} of {query.device!r} is sampled and not in its file yet, "
                    f"which is made or converted first; ask again, or see `tocsin data convert --dry-run`"
                ) from None
            raise

    def heard(self, query: HeardQuery) -> Heard:
        """Newest samples of some series, from memory: no file is touched."""
        return heard(*self._last_values.numbered(query.after, PAGE))

    async def look(self, query: HoldingsQuery | LeftQuery | OutgoingQuery | PieceQuery) -> Answer:
        """Answer a question about files, and not about what is in them; raises as `answer`."""
        return await self._answer(Request(query, []))

    async def lessons(self, query: LessonsQuery) -> LessonsTold:
        """What is new of the baselines of devices; raises as `answer`."""
        await self._last_values.fresh(*query.after)
        told = await self._told(Request(query, []))
        if isinstance(told, LessonsTold):
            return told
        raise PermanentError(f"The reader process answered with a {type(self._judge(told)).__name__}")

    async def _answer(self, request: Request) -> Answer:
        return self._judge(await self._told(request))

    async def _told(self, request: Request) -> Result | LessonsTold | Failure:
        if len(self._turn.waiting) >= MAX_WAITING:
            raise TransientError("The collector has too many questions about series to answer; ask again")
        is_picture = isinstance(request.query, GraphQuery)
        if is_picture and self._pictures >= MAX_PICTURES:
            raise TransientError("The collector has too many pictures to draw; ask again")
        self._pictures += is_picture
        try:
            return await self._in_turn(request)
        finally:
            self._pictures -= is_picture

    async def _in_turn(self, request: Request) -> Result | LessonsTold | Failure:
        await self._turn.acquire()
        try:
            data = await self._ask(_encoder.encode(request))
        finally:
            self._turn.release()
        told: Result | LessonsTold | Failure = _decoder.decode(data)
        return told

    def startService(self) -> None:
        """Start the reader process."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._root.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._child.start()

    def stopService(self) -> Deferred[None]:
        """End the reader process; a question that is being answered fails."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._fail("The collector is stopping")
        return Deferred.fromCoroutine(self._child.stop(STOP_TIMEOUT_S))

    async def _ask(self, data: bytes) -> bytes:
        waiting: Deferred[bytes] = Deferred()
        self._waiting = waiting
        if not self._child.send(framed(data)):
            raise TransientError("The reader process is not running; it is being started again. Ask again")
        late = self._clock.callLater(self._timeout_s, self._too_late)
        try:
            return await waiting
        except CancelledError:
            self._unwanted += 1  # its answer comes all the same, and is none to the next question
            raise TransientError("The question was given up") from None
        finally:
            self._waiting = None
            if late.active():
                late.cancel()

    def _judge(self, result: Result | LessonsTold | Failure) -> Answer:
        if isinstance(result, Failure):
            if result.code is FailureCode.NOT_FOUND:
                raise NotFoundError(result.message)
            if result.code is FailureCode.UNAVAILABLE:
                raise TransientError(result.message)
            raise PermanentError(result.message)
        if not isinstance(result, Holdings | Listing | Rows | Picture | Read | Left | Outgoing | Piece):
            raise PermanentError(f"The reader process answered with a {type(result).__name__}")
        return result

    def _too_late(self) -> None:
        self._fail(f"The question about series took longer than {self._timeout_s:.0f} s; ask for less")
        self._child.kill()

    def _received(self, data: bytes) -> None:
        try:
            answers = self._answers.bodies(data)
        except MessageError:
            self._fail("The reader process answered with too much")
            self._child.kill()
            return
        for answer in answers:
            if self._unwanted:
                self._unwanted -= 1
                continue
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                waiting.callback(answer)

    def _came_up(self) -> None:
        self._answers, self._unwanted = Messages(MAX_ANSWER_BYTES), 0

    def _ended(self, reason: str) -> None:
        self._fail(f"The reader process ended at this question ({reason})")

    def _fail(self, sentence: str) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.errback(TransientError(sentence))


def _live(latest: Latest) -> Live:
    counts = latest.measured if latest.counted is not None else None
    return Live(latest.key, latest.layout, latest.at, latest.values, counts)


def _devices(query: SeriesQuestion) -> set[str]:
    """Those that a question is about."""
    drawing = query.drawing if isinstance(query, GraphQuery) else None
    return {query.device, *(subject.device for subject in drawing.subjects)} if drawing is not None else {query.device}

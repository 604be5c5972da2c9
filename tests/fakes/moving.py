"""Collectors whose files move, without a network: real folders and writers, sessions that call them directly."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import rrdtool
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.desk import HANDLERS
from collectors.framework.data.writing.writer import Writer
from collectors.framework.moving.mover import Mover
from collectors.framework.moving.outgoing import look
from collectors.framework.samplespool import SampleSpool
from common import rrd
from common.edge.answers import failure_of
from common.errors import TocsinError
from common.moving import GiveQuery
from common.queries import Query, Result
from common.series import Layout, Point, Sample, SeriesKey
from common.wire import Failure, decode_query, decode_result, encode
from tests.fakes.stores import InlineWorker

NOW = 1_800_000_000
LAYOUT = Layout(points=(Point(name="cpu"),), step_s=10)

T = TypeVar("T")


def finish(clock: Clock, work: Coroutine[Any, Any, T], step_s: float = 0.5, most: int = 5000) -> T:
    """Let time pass until some work is done; give its result, or raise its error."""
    results: list[Any] = []
    errors: list[BaseException] = []
    Deferred.fromCoroutine(work).addCallbacks(results.append, lambda failure: errors.append(failure.value))
    for _ in range(most):
        if results or errors:
            break
        clock.advance(step_s)
    if errors:
        raise errors[0]
    assert results, "it still waits"
    return results[0]  # type: ignore[no-any-return]  # the list holds anything


class QuietWorker(InlineWorker):
    """Has no thread to start."""

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""


class Side:
    """One collector: its folder, its writer, and what it answers.

    Attributes:
        held: devices that it collects.
        fresh_works: whether the last samples can be written.
    """

    def __init__(self, folder: Path, name: str, clock: Clock, now: float = NOW) -> None:
        self.name = name
        self.folder = folder / name
        self.root = self.folder / "rrd"
        self.root.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self.now = now
        self.held: set[str] = set()
        self.fresh_works = True
        self.orders: list[Any] = []
        self.start()

    def start(self) -> None:
        """Begin, or begin again after a kill: what is in memory is lost."""
        self.intake = Intake()
        self.spool = SampleSpool(self.folder / "samples")
        self.spool.open()
        self.writer = Writer(self.folder / "samples", self.root, lambda: self.now, self.clock.seconds, 0.0)
        self.mover = Mover(
            self.clock,
            lambda: self.now,
            self.folder,
            QuietWorker(),
            self,
            self,
            self.order,
            is_held=self.held.__contains__,
            own=lambda: self.name,
        )

    def close(self) -> None:
        """Let go of files."""
        self.writer.close()
        self.spool.close()

    async def fresh(self, *devices: str) -> bool:
        """Write what is spooled."""
        self.writer.gather()
        self.writer.flush(set(devices))
        return self.fresh_works

    async def look(self, query: Any) -> Any:
        """Answer as the reader process does."""
        return look(self.root, query)

    async def order(self, order: Any) -> Any:
        """Carry out as the writer process does."""
        self.orders.append(order)
        return HANDLERS[type(order)](self.writer, order)

    def sample(self, values: dict[int, float], key: SeriesKey, layout: Layout = LAYOUT) -> None:
        """Take samples of a series."""
        name = layout.points[0].name
        samples = [Sample(key=key, layout=layout, at=at, values={name: value}) for at, value in values.items()]
        self.intake.accept(samples, max(self.now, *values))
        self.spool.append(self.intake.series, self.intake.take())
        self.writer.gather()
        self.writer.flush()

    def path(self, key: SeriesKey) -> Path:
        """Where the file of a series lies."""
        return self.root / rrd.file_name(key)

    def rows(self, key: SeriesKey, start: int, end: int, step_s: int = 10, cf: str = "AVERAGE") -> dict[int, float]:
        """What is known of the first point."""
        window = ["-s", str(start), "-e", str(end), "-r", str(step_s)]
        (begin, _, step), _, rows = rrdtool.fetch(str(self.path(key)), cf, *window)
        assert step == step_s
        stamped = ((begin + step * number, row[0]) for number, row in enumerate(rows, start=1))
        return {at: value for at, value in stamped if value is not None}


class SideSession:
    """A session of a collector, over the real encoding.

    `spoil` may change a query before it is answered, or raise; it sees each one.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self.collector = side.name
        self.daemon = "process"
        self.software = "1"
        self.host = "box"
        self.asked: list[Query] = []
        self.spoil: Callable[[Query], Query] = lambda query: query

    def spoil_pieces(self, key: SeriesKey) -> None:
        """Change each piece of a file that is brought here."""

        def spoil(query: Query) -> Query:
            if isinstance(query, GiveQuery) and query.data and query.file.key == key:
                return replace(query, data=b"x" + query.data[1:])
            return query

        self.spoil = spoil

    async def carry(self, query: Query) -> Result:
        """Ask, as the hub does."""
        self.asked.append(query)
        crossed: Any = decode_query(encode(self.spoil(query)))
        answer: Result | Failure
        try:
            answer = await self.side.mover.answer(crossed)
        except TocsinError as error:
            answer = failure_of(error)
        return decode_result(encode(answer))

"""What the daemon does for the tasks of one worker process: keeps what they decide, takes their samples."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from collectors.framework.data.spool.intake import Latest
from collectors.framework.eventspool import EventSpool
from collectors.framework.running.interfaces import IRowSink
from collectors.framework.running.messages import (
    Begin,
    Forget,
    Keep,
    Kept,
    Line,
    Model,
    Modelled,
    News,
    Order,
    Samples,
    Taken,
)
from collectors.framework.running.words import log_line
from common.edge.answers import failure_of
from common.errors import TocsinError, TransientError
from common.wire import Failure, ModelReport, ModelTaken

_log = Logger()


class Desk(Struct, frozen=True, kw_only=True):
    """What the daemon has for its workers.

    Attributes:
        begin: what one is told first, by its number.
        on_change: called when one has come up, or ended.
        on_refused: told which devices one that was started again cannot run any more, and why.
        on_runs: told how many runs have ended, their time together, and that of the longest.
    """

    spool: EventSpool
    samples: IRowSink
    send_model: Callable[[ModelReport], Awaitable[ModelTaken]]
    begin: Callable[[int], Begin]
    on_change: Callable[[], None]
    on_refused: Callable[[Mapping[str, str]], None]
    on_runs: Callable[[int, float, float], None]


class Clerk:
    """Serves one process for as long as it lives; what it was asked and is done later is not answered to the next one.

    Args:
        name: of the worker, for the log.
        say: gives an order.
    """

    def __init__(self, desk: Desk, name: str, say: Callable[[Order], object]) -> None:
        self._desk = desk
        self._name = name
        self._say = say
        self._series: dict[int, Latest] = {}
        self._closed = False

    def close(self) -> None:
        """The process is gone."""
        self._closed = True

    def take(self, news: News) -> None:
        """Do what a task wants."""
        if isinstance(news, Samples):
            self._take_samples(news)
        elif isinstance(news, Keep):
            Deferred.fromCoroutine(self._keep(news))
        elif isinstance(news, Line):
            log_line(news, self._name)
        elif isinstance(news, Forget):
            self._desk.spool.forget(news.key)
        elif isinstance(news, Model):
            Deferred.fromCoroutine(self._send_model(news))

    def _take_samples(self, news: Samples) -> None:
        sink = self._desk.samples
        for number, key, layout in news.definitions:
            series = sink.series_of(key, layout)
            if series is not None:
                self._series[number] = series
        known = self._series
        sink.write_rows([(known[number], at, values) for number, at, values in news.entries if number in known])
        for number, counted in news.counted:
            if number in known:
                known[number].counted = counted
        self._answer(Taken(len(news.entries)))

    async def _keep(self, news: Keep) -> None:
        """Keep what a task has decided; it goes on when that is durable."""
        refusal = ""
        try:
            await self._desk.spool.send(news.events, news.key, news.state)
        except TransientError as error:
            refusal = str(error)
        except Exception as error:  # noqa: BLE001 - the supervisor of one decision
            _log.failure("defect while events of {who} were kept", who=self._name)
            refusal = f"an error of ours ({type(error).__name__}); the log has more"
        self._answer(Kept(news.number, refusal))

    async def _send_model(self, news: Model) -> None:
        answer: ModelTaken | Failure
        try:
            answer = await self._desk.send_model(news.report)
        except TocsinError as error:
            answer = failure_of(error)
        self._answer(Modelled(news.number, answer))

    def _answer(self, order: Order) -> None:
        if not self._closed:
            self._say(order)

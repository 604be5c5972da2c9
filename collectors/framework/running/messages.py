"""What a daemon and its worker processes say to each other: orders one way, news the other, over a pipe each.

A message (`common.pipes`) is MessagePack of one of the unions below. Both ends are of one program and
one version; types are checked all the same, because what a worker says comes from hosts that are not trusted.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from collectors.framework.data.spool.frames import Definition, Entry
from collectors.framework.judging.baselines import Learned
from collectors.framework.judging.rates import Counted
from collectors.framework.running.interfaces import Totals
from collectors.framework.task import TaskFigures
from common.configs import DeviceConfig
from common.events import Event
from common.pipes import MessageError, framed
from common.queries import Decision, Query, Result
from common.wire import Failure, ModelReport, ModelTaken

MAX_BYTES = 64 * 1024 * 1024

T = TypeVar("T")


# --- what a worker is asked, and its answers --------------------------------------------------------------------------


class Run(Struct, frozen=True, tag=True):
    """Run by these configs from now on; answered with `Started` when they are live."""

    configs: list[DeviceConfig]


class Remove(Struct, frozen=True, tag=True):
    """End the tasks of devices that have left; answered with `Finished`."""

    devices: list[str]


class Tell(Struct, frozen=True, tag=True):
    """Tell all figures; answered with `Told`."""


class Stop(Struct, frozen=True, tag=True):
    """End all tasks, and see to it that all they said is kept; answered with `Finished`."""


class Started(Struct, frozen=True, tag=True):
    """Configs are live, but for those that are refused, with the reason."""

    refused: dict[str, str]


class Told(Struct, frozen=True, tag=True):
    """All figures: those of each task, and those of the collector as JSON."""

    tasks: list[TaskFigures]
    others: bytes


class Finished(Struct, frozen=True, tag=True):
    """It is done."""


# --- orders: daemon to worker -----------------------------------------------------------------------------------------


class Begin(Struct, frozen=True, tag=True, kw_only=True):
    """The first order.

    Attributes:
        settings: of the daemon, as JSON.
        parallel: this worker's share of the devices that are read at the same time.
        epoch: id of the hub's store.
        beat_s: how often it is to say how it fares.
    """

    settings: bytes
    parallel: int
    epoch: str
    beat_s: float
    debug: bool


class Ask(Struct, frozen=True, tag=True):
    """Something that is answered under its number."""

    number: int
    what: Run | Remove | Tell | Stop | Query


class Pause(Struct, frozen=True, tag=True):
    """Leave these out."""

    devices: list[str]


class RunNow(Struct, frozen=True, tag=True):
    """Run these out of turn."""

    devices: list[str]


class Decided(Struct, frozen=True, tag=True):
    """An operator has closed an alarm, or opened it again."""

    decision: Decision


class Taught(Struct, frozen=True, tag=True):
    """What is new of the baselines of devices."""

    learned: dict[str, list[Learned]]


class Epoch(Struct, frozen=True, tag=True):
    """The hub's store is this one."""

    epoch: str


class Debug(Struct, frozen=True, tag=True):
    """Say debug messages, too, or no more."""

    on: bool


class Kept(Struct, frozen=True, tag=True):
    """What a `Keep` brought is durable; or, with a sentence, is not kept."""

    number: int
    refusal: str = ""


class Taken(Struct, frozen=True, tag=True):
    """So many samples were taken in."""

    samples: int


class Modelled(Struct, frozen=True, tag=True):
    """What the hub said to a report."""

    number: int
    answer: ModelTaken | Failure


Order = Begin | Ask | Pause | RunNow | Decided | Taught | Epoch | Debug | Kept | Taken | Modelled


# --- news: worker to daemon -------------------------------------------------------------------------------------------


class Up(Struct, frozen=True, tag=True):
    """It is there, and waits for `Begin`."""


class Answer(Struct, frozen=True, tag=True):
    """The answer to an `Ask`."""

    number: int
    what: Started | Finished | Told | Result | Failure


class Keep(Struct, frozen=True, tag=True):
    """Keep events, and the state that they were decided from, in one transaction; answered with `Kept`."""

    number: int
    events: list[Event]
    key: str
    state: bytes | None


class Forget(Struct, frozen=True, tag=True):
    """Drop the state under a key."""

    key: str


class Samples(Struct, frozen=True, tag=True):
    """Samples, and definitions of the series that were not named before; of counters the newest counts."""

    definitions: list[Definition]
    entries: list[Entry]
    counted: list[tuple[int, Counted]] = []


class Beat(Struct, frozen=True, tag=True, kw_only=True):
    """It lives; how it fares.

    Attributes:
        runs: that ended since the beat before, `run_s` their time together, `longest_s` that of the longest.
    """

    totals: Totals
    runs: int
    run_s: float
    longest_s: float


class Trouble(Struct, frozen=True, tag=True):
    """What ails the files that its collector keeps; empty when that is over."""

    sentence: str


class Line(Struct, frozen=True, tag=True):
    """A message for the log; `trace` is a traceback, or empty."""

    level: str
    namespace: str
    text: str
    trace: str = ""


class Model(Struct, frozen=True, tag=True):
    """What a modelling found, for the hub; answered with `Modelled`."""

    number: int
    report: ModelReport


News = Up | Answer | Keep | Forget | Samples | Beat | Trouble | Line | Model

_encoder = msgspec.msgpack.Encoder()
_orders = msgspec.msgpack.Decoder(Order)
_news = msgspec.msgpack.Decoder(News)


def encode(message: Order | News) -> bytes:
    """A message as it crosses."""
    return framed(_encoder.encode(message))


def read_order(body: bytes) -> Order:
    """An order.

    Raises:
        MessageError: it is none.
    """
    order: Order = _read(_orders, body)
    return order


def read_news(body: bytes) -> News:
    """News.

    Raises:
        MessageError: they are none.
    """
    news: News = _read(_news, body)
    return news


def _read(decoder: msgspec.msgpack.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise MessageError(f"what came is no message: {error}") from None

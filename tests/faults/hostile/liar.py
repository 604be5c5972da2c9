# mypy: allow-untyped-calls
"""A collector that is logged in with a good certificate, and lies."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable

import msgspec
from twisted.internet.defer import Deferred

from common.digests import digest_of_all
from common.queries import (
    Done,
    LastValue,
    Listing,
    ListQuery,
    Processes,
    ProcessesQuery,
    Query,
    Result,
    Sets,
    SetsQuery,
)
from common.roll import Process, SetState, SetStatus
from common.wire import Attach, ConfigBatch, ConfigsApplied, Held, HeldRequest, Position, Rejected
from tests.faults.fleet import SimCollector

PAGE = 2000


def nonsense() -> str:
    """A digest of nothing."""
    return secrets.token_hex(16)


class Liar(SimCollector):
    """Answers as it is told to: `mood` is one of `MOODS`, "" for the truth.

    Attributes:
        victims: devices of others, that it speaks of.
        asked: how often it lied.
    """

    def __init__(self, name: str, victims: list[str]) -> None:
        super().__init__(name)
        self.victims = victims
        self.mood = ""
        self.asked = 0
        self.silence: Deferred[None] = Deferred()
        self._pages = itertools.count(1)
        self.result: Callable[[Query], Result] = lambda _: Done(1)

    def attach_request(self) -> Attach:
        """Say that all began anew, and nothing of what it holds, so that it is asked."""
        return msgspec.structs.replace(super().attach_request(), spool=nonsense(), position=Position())

    def has_lied_since(self, count: int) -> bool:
        """Whether it has lied more than so often."""
        return self.asked > count

    def speak(self) -> None:
        """Let go of the answers that it held back."""
        if not self.silence.called:
            self.silence.callback(None)

    async def held(self, request: HeldRequest) -> Held:
        """Tell what it holds, or what would be bad to believe."""
        truth = await super().held(request)
        if self.mood in MOODS:
            self.asked += 1
        if self.mood == "its pages never end":
            first = next(self._pages) * PAGE
            ids = [f"~endless{number:012}" for number in range(first, first + PAGE)]
            return Held(all=nonsense(), configs=[(each, nonsense()) for each in ids], more=True)
        if self.mood == "it holds a hundred thousand devices more":
            return self._hoard(request)
        if self.mood == "its totals are wrong":
            return msgspec.structs.replace(truth, all=nonsense())
        if self.mood == "it holds what is others'":
            return self._claims()
        if self.mood == "its pages go in circles":
            return Held(all=nonsense(), configs=[("a", nonsense())], more=True)
        return truth

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Take configs, or say so, or say something else."""
        if self.mood not in MOODS:
            return await super().apply(batch)
        self.asked += 1
        sent = [config.device for config in batch.changed]
        if self.mood == "it never answers":
            await self.silence
        if self.mood == "it rejects everything":
            return ConfigsApplied(live={}, rejected=[Rejected(one, "x\n" * 2000) for one in sent], all=self.all_digest)
        if self.mood == "it runs something else":
            return ConfigsApplied(live={one: nonsense() for one in sent}, rejected=[], all=nonsense())
        if self.mood == "it forgets to answer for some":
            return ConfigsApplied(live={}, rejected=[], all=self.all_digest)
        true = await super().apply(batch)
        if self.mood == "it runs something else, and its total is right":
            return msgspec.structs.replace(true, live={one: nonsense() for one in sent})
        if self.mood == "it runs what it was not sent":
            others = {one: nonsense() for one in self.victims}
            return msgspec.structs.replace(true, live={**true.live, **others}, all=nonsense())
        if self.mood == "it rejects what it was not sent":
            return msgspec.structs.replace(true, rejected=[Rejected(one, "no") for one in self.victims])
        return msgspec.structs.replace(true, all=nonsense())

    async def answer(self, query: Query) -> Result:
        """Answer a question."""
        return self.result(query)

    def _claims(self) -> Held:
        mine = {**self.held_digests, **dict.fromkeys(self.victims, "0" * 32)}
        return Held(all=digest_of_all(mine), configs=sorted(mine.items()), more=False)

    def _hoard(self, request: HeldRequest) -> Held:
        ids = [f"hoard{number:06}" for number in range(100_000)]
        rest = [one for one in ids if one > request.after]
        page = [(one, "0" * 32) for one in rest[:PAGE]]
        return Held(all=_hoarded(), configs=page, more=len(rest) > PAGE)


_HOARD: list[str] = []


def _hoarded() -> str:
    if not _HOARD:
        _HOARD.append(digest_of_all({f"hoard{number:06}": "0" * 32 for number in range(100_000)}))
    return _HOARD[0]


MOODS = (
    "it runs something else",
    "it runs something else, and its total is right",
    "it runs what it was not sent",
    "it rejects what it was not sent",
    "it rejects everything",
    "it forgets to answer for some",
    "its totals are wrong",
    "its pages go in circles",
    "its pages never end",
    "it holds a hundred thousand devices more",
    "it holds what is others'",
    "it never answers",
)


def status_of(device: str) -> SetStatus:
    """That a device is well, as a collector says it of its own."""
    return SetStatus(
        device=device,
        set="a-lie",
        definition="a-lie",
        state=SetState.UP,
        count=7,
        pids=(1,),
        cpu_percent=None,
        memory_bytes=None,
        restarts=0,
        since=1.0,
    )


def too_much(query: Query) -> Result:
    """As large an answer as fits, page after page without end."""
    number = next(_NUMBERS)
    if isinstance(query, ListQuery):
        value = LastValue(component="c", source="s", point="p", kind="gauge", unit="", step_s=60, at=1, value=1.0)
        return Listing(values=[value] * 20_000, more=True)
    if isinstance(query, SetsQuery):
        status = msgspec.structs.replace(status_of(f"~{number:09}"), set="x" * 3_000_000)
        return Sets(sets=[status], scans=[], more=True)
    rows = [
        Process(
            pid=number * 1000 + n,
            set=None,
            name="x" * 3000,
            command="",
            started_at=None,
            cpu_percent=None,
            memory_bytes=None,
            state="",
        )
        for n in range(900)
    ]
    return Processes(at=1.0, rows=rows, more=True)


def another_type(query: Query) -> Result:
    """An answer to another question."""
    return Listing(values=[], more=False) if isinstance(query, ProcessesQuery) else Done(7)


_NUMBERS = itertools.count(1)

"""A model, collectors and their sessions, in memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from common.configs import SERVICE_PROCESS, DeviceConfig, ProcessSetConfig, SourceKind
from common.digests import LAPSED, digest, digest_of_all
from common.errors import PermanentError, RemoteError, TransientError
from common.queries import Done, Query, Result
from common.wire import ConfigBatch, ConfigsApplied, Held, HeldRequest, Position, Rejected, TaskCounts, decode, encode
from hub.distribution.distributor import Distributor
from hub.distribution.interfaces import IConfigReports, IModelView
from hub.interfaces import ISession


def config(device: str, version: int = 1, sets: int = 0) -> DeviceConfig:
    return DeviceConfig(
        device=device,
        address=f"v{version}.example",
        source=SourceKind.LOCAL,
        interval_s=10,
        process_sets=tuple(
            ProcessSetConfig(id=f"set{n}", title=f"Set {n}", order=n, include=f"^/usr/bin/daemon{n} ", name=f"d{n}")
            for n in range(sets)
        ),
    )


@implementer(IModelView)
class FakeModel:
    """Devices are (collector, version); version 0 cannot be compiled, -1 is a defect."""

    def __init__(self) -> None:
        self.revision = 0
        self.entries: dict[str, tuple[str, int]] = {}
        self.sets = 0
        self.compiled: list[str] = []
        self.watcher: Any = None

    def devices(self) -> list[str]:
        return list(self.entries)

    def owner(self, device: str) -> str | None:
        entry = self.entries.get(device)
        return entry[0] if entry else None

    def compile(self, device: str) -> DeviceConfig:
        self.compiled.append(device)
        version = self.entries[device][1]
        if version == 0:
            raise PermanentError(f"device {device}: the regex of set x does not end")
        if version == -1:
            raise ZeroDivisionError
        return config(device, version, self.sets)

    def put(self, device: str, collector: str = "local", version: int = 1) -> int:
        return self.change({device: (collector, version)})

    def remove(self, device: str) -> int:
        return self.change({device: None})

    def change(self, entries: dict[str, tuple[str, int] | None]) -> int:
        """One revision."""
        self.revision += 1
        for device, entry in entries.items():
            if entry is None:
                self.entries.pop(device, None)
            else:
                self.entries[device] = entry
        if self.watcher is not None:
            self.watcher(self.revision, list(entries))
        return self.revision


@implementer(IConfigReports)
class FakeReports:
    """Keeps which troubles are open."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str], str] = {}

    def trouble(self, device: str, key: str, summary: str, message: str) -> None:
        assert summary
        assert message
        self.open[device, key] = summary

    def well(self, device: str, key: str) -> None:
        self.open.pop((device, key), None)


class FakeCollector:
    """What a collector keeps on its disk, over sessions.

    Attributes:
        refuses: devices whose configs it rejects, with the reason.
        chokes: devices whose presence makes it refuse the whole message.
        tells: whether it tells its position at its login, as collectors of this version do.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.configs: dict[str, DeviceConfig] = {}
        self.refuses: dict[str, str] = {}
        self.chokes: set[str] = set()
        self.page = 2000
        self.epoch = ""
        self.revision = 0
        self.lapsed: set[str] = set()
        self.tells = False

    def position(self) -> Position:
        """What it tells at its login, if it is one that tells."""
        if not self.tells:
            return Position()
        return Position(self.epoch, self.revision, digest_of_all(self.digests()))

    def digests(self) -> dict[str, str]:
        running = {device: digest(held) for device, held in self.configs.items()}
        return {**running, **dict.fromkeys(self.lapsed, LAPSED)}

    def lapse(self, device: str) -> None:
        """A lease is over: the device is collected no more, until it is sent again or removed."""
        if self.configs.pop(device, None) is not None:
            self.lapsed.add(device)

    def held(self, request: HeldRequest) -> Held:
        rest = sorted(item for item in self.digests().items() if item[0] > request.after)
        return Held(all=digest_of_all(self.digests()), configs=rest[: self.page], more=len(rest) > self.page)

    def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        if choked := self.chokes.intersection(item.device for item in batch.changed):
            raise RemoteError("bad_request", f"cannot read {sorted(choked)}")
        live, rejected = {}, []
        for item in batch.changed:
            if item.device in self.refuses:
                rejected.append(Rejected(item.device, self.refuses[item.device]))
            else:
                self.configs[item.device] = item
                self.lapsed.discard(item.device)
                live[item.device] = digest(item)
        for device in batch.removed:
            self.configs.pop(device, None)
            self.lapsed.discard(device)
        self.epoch, self.revision = batch.epoch, batch.revision
        return ConfigsApplied(live=live, rejected=rejected, all=digest_of_all(self.digests()))


@implementer(ISession)
class FakeSession:
    """A session over the real encoding, whose calls wait until `answer` lets them go, unless `quick`.

    `lost` fails everything as a broken connection does, before (`applied` False) or after the collector has stored it.
    """

    def __init__(self, collector: FakeCollector, *, daemon: str = "process", quick: bool = True) -> None:
        self.peer = collector
        self.collector = collector.name
        self.daemon = daemon
        self.host = "box"
        self.software = "0.1"
        self.since = 1_800_000_000.0
        self.last_seen = 1_800_000_000.0
        self.counts = TaskCounts(devices=3, tasks=3)
        self.position = collector.position()
        self.quick = quick
        self.pending: list[tuple[Deferred[Any], Any]] = []
        self.batches: list[ConfigBatch] = []
        self.asked: list[HeldRequest] = []
        self.queries: list[Query] = []
        self.answers: Any = lambda _: Done(1)
        self.fails: list[Exception] = []
        self.aborted = ""

    async def held(self, request: HeldRequest) -> Held:
        self.asked.append(request)
        held: Held = await self._call(lambda: decode(encode(self.peer.held(request)), Held))
        return held

    async def push(self, batch: ConfigBatch) -> ConfigsApplied:
        crossed = decode(encode(batch), ConfigBatch)
        self.batches.append(crossed)
        assert not self.pending, "more than one push in flight"
        applied: ConfigsApplied = await self._call(lambda: self.peer.apply(crossed))
        return applied

    async def query(self, query: Query) -> Result:
        self.queries.append(query)
        answered = self.answers(query)
        result: Result = (await answered) if isinstance(answered, Deferred) else answered
        return result

    async def carry(self, query: Query) -> Result:
        return await self.query(query)

    def abort(self, reason: str) -> None:
        self.aborted = reason

    async def _call(self, work: Any) -> Any:
        if self.fails:
            raise self.fails.pop(0)
        if not self.quick:
            turn: Deferred[Any] = Deferred()
            self.pending.append((turn, work))
            return await turn
        return work()

    def answer(self) -> None:
        """Let the eldest call through."""
        turn, work = self.pending.pop(0)
        try:
            done = work()
        except RemoteError as error:
            turn.errback(error)
        else:
            turn.callback(done)

    def lose(self, *, applied: bool) -> None:
        """The connection breaks under whatever is on its way."""
        pending, self.pending = self.pending, []
        for turn, work in pending:
            if applied:
                with suppress(RemoteError):  # what it says of it is lost as well
                    work()
            turn.errback(TransientError("the connection was lost"))


class Bench:
    """A distributor with a model and any number of collectors."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = Clock()
        self.model = FakeModel()
        self.epoch = "e1"
        self.reports = FakeReports()
        self.known: set[str] = set()
        self.collectors: dict[str, FakeCollector] = {}
        self.sessions: dict[str, FakeSession] = {}
        self.rng = random.Random(seed)
        self.distributor = self.make()

    def make(self) -> Distributor:
        self.distributor = self.another(SERVICE_PROCESS)
        self.model.watcher = self.distributor.model_changed
        return self.distributor

    def another(self, service: str, is_needed: Callable[[str], bool] = lambda _: True) -> Distributor:
        """A distributor of a service; nobody tells it of changes."""
        return Distributor(
            self.clock,
            self.rng,
            self.model,
            self.reports,
            is_known=self.known.__contains__,
            whereabouts=lambda name: f"collector {name} is not connected",
            service=service,
            epoch=lambda: self.epoch,
            is_needed=is_needed,
        )

    def restart(self) -> None:
        """The hub ends and starts again; all sessions are gone."""
        for name in list(self.sessions):
            self.detach(name)
        self.distributor.stop()
        self.make().start()

    def collector(self, name: str) -> FakeCollector:
        return self.collectors.setdefault(name, FakeCollector(name))

    def attach(self, name: str = "local", *, quick: bool = True, busy: bool = False, fails: int = 0) -> FakeSession:
        """A collector logs in; a busy one still applies a batch, and does not tell the digest of what it holds.

        So many of its first answers are that it cannot now.
        """
        self.known.add(name)
        session = self.sessions[name] = FakeSession(self.collector(name), quick=quick)
        session.fails = [TransientError("the disk is full")] * fails
        if busy:
            session.position = replace(session.position, all="")
        self.distributor.attached(self.sessions[name])
        return self.sessions[name]

    def detach(self, name: str = "local", *, applied: bool = False) -> None:
        session = self.sessions.pop(name)
        session.lose(applied=applied)
        self.distributor.detached(session)

    def answer_all(self) -> None:
        """Give everything that is on its way, and what follows, the time that it needs."""
        for _ in range(200):
            waiting = [session for session in self.sessions.values() if session.pending]
            for session in waiting:
                session.answer()
            self.settle(0.5)
            if not any(session.pending for session in self.sessions.values()):
                break

    def settle(self, seconds: float = 3.0) -> None:
        self.clock.pump([0.05] * int(seconds / 0.05))

    def runs(self, name: str = "local") -> dict[str, str]:
        """Addresses that a collector runs with, by device."""
        return {device: held.address.removesuffix(".example") for device, held in self.collector(name).configs.items()}

    def reasons(self, device: str | None = None) -> list[str]:
        return [row.reason for row in self.distributor.behind(device=device)]

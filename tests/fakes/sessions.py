"""The two ends of a session as tests need them: a front desk for the hub, a client for the collector's link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from collectors.framework.interfaces import IHubClient
from common.configs import DeviceConfig, SourceKind
from common.digests import digest, digest_of_all
from common.queries import Done, Query, Result
from common.wire import (
    Attach,
    Attached,
    ConfigBatch,
    ConfigsApplied,
    EventBatch,
    EventsStored,
    Heartbeat,
    Held,
    HeldRequest,
    ModelReport,
    TaskCounts,
)
from hub.interfaces import IFrontDesk, ISession


def device_config(device: str = "web1", sets: int = 0) -> DeviceConfig:
    from common.configs import ProcessSetConfig

    return DeviceConfig(
        device=device,
        address="192.0.2.7",
        source=SourceKind.SNMP,
        interval_s=60,
        process_sets=tuple(
            ProcessSetConfig(id=f"set{n}", title=f"Set {n}", order=n, include=f"^/usr/bin/daemon{n} ", name=f"d{n}")
            for n in range(sets)
        ),
    )


@implementer(IFrontDesk)
class FakeFrontDesk:
    """Registers sessions as the contract says, keeps what it was told, fails when told to.

    `fails` may hold an exception for `attached` or `events`; `hold` a Deferred that `attached` waits for.
    """

    def __init__(self) -> None:
        self.sessions: dict[tuple[str, str], ISession] = {}
        self.batches: list[tuple[str, EventBatch]] = []
        self.beats: list[Heartbeat] = []
        self.reports: list[tuple[str, ModelReport]] = []
        self.gone: list[tuple[ISession, str]] = []
        self.fails: dict[str, Exception] = {}
        self.hold: Deferred[None] | None = None
        self.on_attached: Callable[[ISession], Any] = lambda _: None

    async def attached(self, session: ISession, request: Attach) -> Attached:
        if "attached" in self.fails:
            raise self.fails["attached"]
        earlier = self.sessions.get((session.collector, session.daemon))
        if earlier is not None:
            earlier.abort("the same daemon has logged in again")
        self.sessions[session.collector, session.daemon] = session
        if self.hold is not None:
            await self.hold
        self.on_attached(session)
        return Attached(collector="?", version=0, epoch="e1", stored_seq=0)

    def detached(self, session: ISession, reason: str) -> None:
        self.gone.append((session, reason))
        if self.sessions.get((session.collector, session.daemon)) is session:
            del self.sessions[session.collector, session.daemon]

    async def events(self, session: ISession, batch: EventBatch) -> EventsStored:
        if "events" in self.fails:
            raise self.fails["events"]
        self.batches.append((session.collector, batch))
        return EventsStored(max((spooled.seq for spooled in batch.events), default=0))

    async def modelled(self, session: ISession, report: ModelReport) -> None:
        if "modelled" in self.fails:
            raise self.fails["modelled"]
        self.reports.append((session.collector, report))

    def heartbeat(self, session: ISession, heartbeat: Heartbeat) -> None:
        self.beats.append(heartbeat)


@implementer(IHubClient)
class FakeHubClient:
    """A daemon that holds configs in memory.

    `answers` gives the result of a query, `stuck` makes a call wait for ever, `fails` raises.
    """

    def __init__(self, daemon: str = "process") -> None:
        self.daemon = daemon
        self.versions = (1, 1)
        self.sessions: list[Attached] = []
        self.ends: list[str] = []
        self.configs: dict[str, DeviceConfig] = {}
        self.queries: list[Query] = []
        self.answers: Callable[[Query], Result] = lambda _: Done(1)
        self.fails: dict[str, Exception] = {}
        self.stuck: dict[str, Deferred[None]] = {}

    def attach_request(self) -> Attach:
        oldest, newest = self.versions
        return Attach(
            daemon=self.daemon,
            host="box",
            software="0.1",
            oldest=oldest,
            newest=newest,
            spool="s1",
            started_at=1_800_000_000.0,
        )

    def attached(self, answer: Attached) -> None:
        self.sessions.append(answer)

    def detached(self, reason: str) -> None:
        self.ends.append(reason)

    def counts(self) -> TaskCounts:
        return TaskCounts(devices=len(self.configs))

    async def held(self, request: HeldRequest) -> Held:
        await self._maybe("held")
        digests = self._digests()
        page = [(device, digests[device]) for device in sorted(digests) if device > request.after]
        return Held(all=digest_of_all(digests), configs=page[:2000], more=len(page) > 2000)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        await self._maybe("apply")
        for config in batch.changed:
            self.configs[config.device] = config
        for device in batch.removed:
            self.configs.pop(device, None)
        live = {config.device: digest(config) for config in batch.changed}
        return ConfigsApplied(live=live, rejected=[], all=digest_of_all(self._digests()))

    async def answer(self, query: Query) -> Result:
        self.queries.append(query)
        await self._maybe("answer")
        return self.answers(query)

    def _digests(self) -> dict[str, str]:
        return {device: digest(config) for device, config in self.configs.items()}

    async def _maybe(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]
        if name in self.stuck:
            await self.stuck[name]

# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""A hub in a process of its own, collectors and bad networks around it, and an end that leaves nothing behind."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.fakes.watching import until
from tests.faults.chaos import ChaosProxy
from tests.faults.edgeprocess import EdgeProcess, expected, stored
from tests.faults.fleet import Fleet, SimCollector
from tests.faults.hubprocess import HubProcess
from tests.faults.length import LIMIT_S

reactor: Any = global_reactor
MARK_S = 0.001
"""The times of runs are told in thousandths of a second."""


def device_document(device: str, collector: str, interval_s: int = 10, address: str = "127.0.0.1") -> str:
    """YAML of a device that is read locally."""
    properties = f"{{source: local, interval_s: {interval_s}}}"
    return f"kind: Device\nid: {device}\naddress: {address}\ncollector: {collector}\nproperties: {properties}\n"


def devices_document(names: list[tuple[str, str]], interval_s: int = 10) -> str:
    """YAML of many devices: pairs of device and collector."""
    return "---\n".join(device_document(device, collector, interval_s) for device, collector in names)


def set_document(name: str, include: str = "") -> str:
    """YAML of a process set."""
    return f"kind: ProcessSet\nid: {name}\ntitle: {name}\ninclude: '{include or f'^{name} '}'\n"


class FaultCase(TestCase):
    """Gives a hub, a fleet, and proxies; `broker` and `link` are lines of TOML for both ends of the link."""

    timeout = LIMIT_S
    broker = ""
    link = ""

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a coroutine
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-faults-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.hub = self.make_hub()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.hub.close()))
        await self.hub.start()
        self.fleet = Fleet(reactor, self.hub)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.fleet.close()))

    def make_hub(self) -> HubProcess:
        """The hub that is tried."""
        return HubProcess(reactor, self.folder, self.broker)

    def proxy(self) -> ChaosProxy:
        """A bad network before the hub; gone at the end."""
        made = ChaosProxy(reactor, self.hub.port)
        self.addCleanup(lambda: Deferred.fromCoroutine(made.close()))
        return made

    def edge(self, name: str, port: int = 0) -> EdgeProcess:
        """A collector daemon in a process of its own, connected directly or by a proxy; not started."""
        made = EdgeProcess(self.folder, name, self.hub.certificates(name), port or self.hub.port, link=self.link)
        self.addCleanup(made.kill)
        return made

    async def until(self, what: str, check: Callable[[], Any], within_s: float = 90.0) -> Any:
        """Look again and again until something is so."""
        return await until(reactor, what, check, within_s)

    async def until_so(self, what: str, check: Callable[[], Awaitable[Any]], within_s: float = 90.0) -> Any:
        """The same, where looking takes a while."""
        deadline = time.monotonic() + within_s
        while not (seen := await check()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {within_s} s")
            await self.pause(0.05)
        return seen

    async def pause(self, seconds: float) -> None:
        """Let a fault last; no time at all, if that is over."""
        await deferLater(reactor, max(0.0, seconds), lambda: None)

    async def agree(self, within_s: float = 90.0) -> None:
        """Hub and collectors agree: each holds what the hub would have it run, by its own record, and nothing else."""
        await self.hub.live(await self.hub.revision(), within_s)
        wanted: dict[str, dict[str, str]] = {name: {} for name in self.fleet.members}
        for device in (await self.hub.ask("GET", "devices"))["devices"]:
            if device["collector"] in wanted:
                shown = await self.hub.ask("GET", f"configs/process/{device['id']}")
                wanted[device["collector"]][device["id"]] = shown["digest"]
        for name, member in self.fleet.members.items():
            self.assertEqual(member.held_digests, wanted[name], name)

    async def edge_agrees(self, edge: EdgeProcess, within_s: float = 120.0) -> None:
        """What is on a daemon's disk is what the hub would have it run, and nothing else."""
        await self.hub.live(await self.hub.revision(), within_s)
        wanted = {}
        for device in (await self.hub.ask("GET", "devices"))["devices"]:
            if device["collector"] == edge.name:
                wanted[device["id"]] = (await self.hub.ask("GET", f"configs/process/{device['id']}"))["digest"]
        self.assertEqual(edge.digests(), wanted)

    async def quiet(self, edge: EdgeProcess, *devices: str) -> None:
        """Let a daemon raise no more events, and wait until each device has begun a run that raises none.

        The run before it is over then, and has stored its events.
        """
        edge.per_run(0)
        since = time.monotonic() + MARK_S
        await self.until(
            "runs without events",
            lambda: all(any(at > since for _, at in edge.runs(device)) for device in devices),
            60,
        )

    async def stored_once(self, edge: EdgeProcess, *devices: str, within_s: float = 120.0) -> int:
        """Let a daemon raise no more events; each that it has raised comes to be stored, once. Give how many."""
        await self.quiet(edge, *devices)
        total = 0
        for device in devices:
            last = edge.last_number(device)
            await self.until(
                f"{last} events of {device} are stored",
                partial(self.has_stored, device, last),
                within_s,
            )
            self.assertEqual(stored(self.hub.folder, device), expected(last))
            total += last
        dropped = [event["summary"] for event in await self.hub.events() if event["event_key"] == "events_dropped"]
        self.assertEqual(dropped, [], "more events than a spool keeps: the test raises too many")
        return total

    def has_stored(self, device: str, count: int) -> bool:
        """Whether the hub has as many events of a device."""
        return len(stored(self.hub.folder, device)) >= count

    def no_defects(self, *edges: EdgeProcess) -> None:
        """Nobody has logged a traceback."""
        self.assertEqual(self.hub.defects(), [])
        for edge in edges:
            self.assertEqual(edge.defects(), [])


__all__ = ["FaultCase", "SimCollector", "device_document", "devices_document", "reactor", "set_document"]

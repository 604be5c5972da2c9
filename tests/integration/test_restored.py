# mypy: allow-untyped-calls
"""A hub whose database is put back from a backup: a new epoch, a full resync, nothing stale, one event."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from collectors.framework.daemonsettings import CollectorSettings, HubSettings
from collectors.framework.interfaces import CollectorSpec
from collectors.framework.pbdaemon import CollectorDaemon, make_service
from common.certificates import ensure_collector, ensure_site
from common.digests import digest
from common.events import CLASS_PROCESS, Event, Severity
from common.wire import ConfigBatch, ConfigsApplied
from tests.fakes.tasks import FakeCollector
from tests.integration.hubs import TestHub
from tests.integration.test_hub import drive

WITHIN_S = 100.0
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


class Daemon:
    """A collector daemon with all its parts, that collects nothing; it counts what it is sent."""

    def __init__(self, hub: TestHub, name: str) -> None:
        self.collector = FakeCollector()
        self.batches: list[ConfigBatch] = []
        certificates = ensure_collector(ensure_site(hub.settings.pki, time.time), name, hub.folder / "certs" / name)
        spec = CollectorSpec(
            service="process",
            program="tocsin-process",
            title="A test",
            make_collector=lambda _context: self.collector,
        )
        settings = CollectorSettings(
            folder=hub.folder / name, hub=HubSettings(certificates=certificates, port=hub.run["broker_port"])
        )
        settings.folder.mkdir(exist_ok=True)
        self.parts: CollectorDaemon = make_service(spec, settings, reactor)
        apply = self.parts.client.apply

        async def counted(batch: ConfigBatch) -> ConfigsApplied:
            self.batches.append(batch)
            return await apply(batch)

        self.parts.client.apply = counted  # type: ignore[method-assign]  # the same, counted

    async def start(self) -> Daemon:
        self.parts.startService()
        await self.parts.ready()
        return self

    async def stop(self) -> None:
        await self.parts.stopService()

    def holds(self) -> dict[str, str]:
        held = self.parts.held
        return {device: held.digest(device) for device in held.devices()}

    def sent(self) -> list[str]:
        """Devices whose configs came, as often as they did."""
        return sorted(config.device for batch in self.batches for config in batch.changed)

    async def ring(self, component: str, severity: Severity = Severity.ERROR, device: str = "d1") -> None:
        event = Event(
            device=device,
            component=component,
            event_class=CLASS_PROCESS,
            event_key="process_missing",
            severity=severity,
            summary=f"{component} is what it is",
            at=time.time(),
        )
        await self.parts.spool.send([event])


class RestoredTests(TestCase):
    timeout = 500

    def setUp(self) -> None:
        self.hub = TestHub(reactor)
        self.daemons: list[Daemon] = []
        self.addCleanup(self.finish)

    @drive
    async def finish(self) -> None:
        for daemon in self.daemons:
            await daemon.stop()
        await self.hub.close()

    async def daemon(self, name: str = "local") -> Daemon:
        made = await Daemon(self.hub, name).start()
        self.daemons.append(made)
        return made

    async def apply(self, *devices: str, removed: tuple[str, ...] = (), interval_s: int = 60) -> None:
        """Make the model have these devices, on the collector whose name they begin with."""
        text = "---\n".join(
            f"kind: Device\nid: {name}\naddress: 127.0.0.1\ncollector: {collector_of(name)}\n"
            f"properties: {{source: local, interval_s: {interval_s}}}\n"
            for name in devices
        )
        for name in removed:
            answer = await self.hub.ask("DELETE", f"devices/{name}")
            self.assertEqual(answer.status, 200, answer.content)
        answer = await self.hub.ask("POST", "apply", {"files": [{"path": "a.yaml", "text": text}]})
        self.assertEqual(answer.status, 200, answer.content)

    async def live(self) -> dict[str, Any]:
        """Wait until everything is live; the status then."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            status: dict[str, Any] = (await self.hub.ask("GET", "status")).json
            if status["revision_live"] and all(one["connected"] for one in status["collectors"]):
                return status
            self.assertLess(time.monotonic(), deadline, status)
            await deferLater(reactor, 0.05, lambda: None)

    async def events(self, **query: str) -> list[dict[str, Any]]:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        found: list[dict[str, Any]] = (await self.hub.ask("GET", f"events?{asked}")).json["events"]
        return found

    async def stored(self, *components: str) -> None:
        """Wait until the hub has events of these."""
        deadline = time.monotonic() + WITHIN_S
        while not {one["component"] for one in await self.events(device="d1")} >= set(components):
            self.assertLess(time.monotonic(), deadline, components)
            await deferLater(reactor, 0.05, lambda: None)

    @property
    def database(self) -> Path:
        return self.hub.settings.folder / "hub.db"

    def back_up(self) -> None:
        """Copy the database of a hub that is stopped."""
        shutil.copy(self.database, self.hub.folder / "backup.db")

    def restore(self) -> None:
        for left in self.hub.settings.folder.glob("hub.db-*"):
            left.unlink()
        shutil.copy(self.hub.folder / "backup.db", self.database)

    async def restored(self, *, with_mark: bool) -> None:
        """A backup, then changes and events, then the backup in their place."""
        await self.hub.start()
        here, there = await self.daemon(), await self.daemon("other")
        await self.apply("d1", "d2", "d3", "other1")
        await here.ring("early")
        await self.live()
        await self.stored("early")
        before = here.holds()
        await self.hub.stop()
        self.back_up()

        await self.hub.start()
        first = await self.live()
        await self.apply("d1", "d3", "d4", removed=("d2",), interval_s=30)
        await here.ring("early", Severity.CLEAR)
        await here.ring("lost")
        await self.live()
        await self.stored("lost")
        self.assertEqual(sorted(here.holds()), ["d1", "d3", "d4"])
        await self.hub.stop()
        await here.ring("late")

        self.restore()
        if not with_mark:
            self.hub.settings.mark_file.unlink()
        for daemon in (here, there):
            daemon.batches.clear()
        await self.hub.start()
        deadline = time.monotonic() + WITHIN_S
        while here.holds() != before or there.parts.held.position.epoch == first["hub"]["epoch"]:
            self.assertLess(time.monotonic(), deadline, here.holds())
            await deferLater(reactor, 0.05, lambda: None)
        status = await self.live()
        await self.stored("early", "late")

        self.assertNotEqual(status["hub"]["epoch"], first["hub"]["epoch"])
        self.assertEqual((here.sent(), there.sent()), (["d1", "d2", "d3"], ["other1"]), "all of it, once")
        for daemon in (here, there):
            self.assertEqual(daemon.parts.held.position.epoch, status["hub"]["epoch"])
            self.assertEqual({name: digest(config) for name, config in configs_of(daemon).items()}, daemon.holds())
        rung = [one for one in await self.events() if one["event_key"] in {"hub_restored", "events_lost"}]
        self.assertEqual([(one["event_key"], one["count"], one["state"]) for one in rung], [("hub_restored", 1, "new")])
        kept = {one["component"]: one["count"] for one in await self.events(device="d1")}
        self.assertEqual(kept, {"early": 1, "late": 1})

        def told() -> bool:
            return ("early", True) in [(decision.component, decision.open) for decision in here.collector.decisions]

        await self.hub.until("the hub has it open, so who closed it has to close it again", told)

        # And from now on all is as ever.
        for daemon in (here, there):
            daemon.batches.clear()
        await self.hub.stop()
        await self.hub.start()
        again = await self.live()
        self.assertEqual(again["hub"]["epoch"], status["hub"]["epoch"])
        self.assertEqual((here.batches, there.batches), ([], []))
        self.assertEqual([one["count"] for one in await self.events() if one["event_key"] == "hub_restored"], [1])

    @drive
    async def test_the_hub_notices_it_at_its_start(self) -> None:
        await self.restored(with_mark=True)

    @drive
    async def test_a_collector_knows_better_when_the_hub_cannot_know(self) -> None:
        await self.restored(with_mark=False)

    @drive
    async def test_a_hub_that_is_merely_started_again_asks_and_sends_nothing(self) -> None:
        await self.hub.start()
        here = await self.daemon()
        await self.apply("d1", "d2")
        first = await self.live()
        here.batches.clear()
        await self.hub.stop()
        await self.hub.start()
        status = await self.live()
        self.assertEqual(status["hub"]["epoch"], first["hub"]["epoch"])
        self.assertEqual(here.batches, [])
        self.assertEqual([one for one in await self.events() if one["event_key"] == "hub_restored"], [])


def collector_of(device: str) -> str:
    return "other" if device.startswith("other") else "local"


def configs_of(daemon: Daemon) -> dict[str, Any]:
    held = daemon.parts.held
    return {device: held.get(device) for device in held.devices()}

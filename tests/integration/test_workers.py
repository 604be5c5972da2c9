# mypy: allow-untyped-calls
"""`workers = 2`: one daemon for hub and operator, whatever happens to its worker processes; the real program."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from common.certificates import ensure_collector, ensure_site
from tests.integration.hubs import TestHub
from tests.integration.stack import Watched
from tests.integration.test_hub import drive

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEVICES = [f"host{number}" for number in range(6)]
WITHIN_S = 60


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it went between the two questions
        return False


class WorkersTests(TestCase):
    timeout = 300

    def setUp(self) -> None:
        self.hub = TestHub(reactor)
        self.watched = Watched()
        self.name = f"w-{uuid.uuid4().hex[:12]}"
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-workers-"))
        self.settings = self.folder / "process.toml"
        self.daemon: subprocess.Popen[bytes] | None = None

    @drive
    async def tearDown(self) -> None:  # type: ignore[override]  # trial waits for a Deferred
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.terminate()
            await deferToThread(self.daemon.wait, WITHIN_S)
        self.watched.close()
        await self.hub.close()
        shutil.rmtree(self.folder)

    async def until(self, what: str, check: Callable[[], Awaitable[Any]]) -> Any:
        end = time.monotonic() + WITHIN_S
        while not (seen := await check()):
            if time.monotonic() > end:
                log = (self.folder / "data" / "process.log").read_text()[-3000:]
                raise AssertionError(f"{what}: not within {WITHIN_S} s\n{log}")
            await deferLater(reactor, 0.1, lambda: None)
        return seen

    async def program(self, *words: str) -> str:
        command = [sys.executable, "-m", "collectors.process.main", *words, "--config", str(self.settings)]
        done = await deferToThread(subprocess.run, command, capture_output=True, text=True, check=False)
        return str(done.stdout)

    def start(self, workers: int = 2) -> None:
        site = ensure_site(self.hub.settings.pki, time.time)
        certificates = ensure_collector(site, "local", self.folder / "certs")
        self.settings.write_text(
            f'folder = "{self.folder / "data"}"\nworkers = {workers}\n'
            f'[hub]\nport = {self.hub.run["broker_port"]}\ncertificates = "{certificates}"\n'
        )
        with (self.folder / "out").open("ab") as out:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "collectors.process.main", "run", "--config", str(self.settings)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip

    async def begin(self) -> None:
        """A hub, a collector with two workers, hosts that watch one process."""
        await self.hub.start()
        self.start()
        documents = [f"kind: ProcessSet\nid: {self.name}\ntitle: it\ninclude: '^{self.name} '\nrequired: true\n"]
        documents += [
            f"kind: Device\nid: {device}\naddress: 127.0.0.1\ncollector: local\n"
            "properties: {source: local, interval_s: 1}\n"
            for device in DEVICES
        ]
        answer = await self.hub.ask("POST", "apply", {"files": [{"path": "a.yaml", "text": "---\n".join(documents)}]})
        self.assertEqual(answer.status, 200, answer.json)
        await self.until("all are in sync", self.all_in_sync)

    async def all_in_sync(self) -> bool:
        devices = (await self.hub.ask("GET", "devices")).json["devices"]
        return len(devices) == len(DEVICES) and all(one["in_sync"] for one in devices)

    async def events(self, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.hub.ask("GET", "events?limit=500&state=all")).json["events"]
        return [event for event in found if event["event_key"] == key]

    async def stats(self) -> dict[str, Any]:
        text = await self.program("stats", "--json")
        return dict(json.loads(text)) if text else {}

    def children(self) -> list[psutil.Process]:
        assert self.daemon is not None
        return psutil.Process(self.daemon.pid).children()

    async def all_gone(self, processes: list[psutil.Process]) -> bool:
        return not any(map(is_alive, processes))

    @drive
    async def test_a_worker_that_is_killed_costs_no_alarm_and_makes_none(self) -> None:
        process = self.watched.start(self.name)
        await self.begin()
        stats = await self.stats()
        first, second = stats["workers"]
        self.assertEqual((first["devices"] + second["devices"], stats["devices"]), (len(DEVICES), len(DEVICES)))
        self.assertGreater(min(first["devices"], second["devices"]), 0)
        self.assertIn("2 workers, 2 of them at work", await self.program("status"))

        async def one_seat() -> bool:
            (seat,) = (await self.hub.ask("GET", "collectors")).json["collectors"]
            return (seat["daemon"], seat["devices"], seat["tasks"]) == ("process", len(DEVICES), len(DEVICES))

        await self.until("the hub shows one daemon, with all of them", one_seat)
        os.kill(first["pid"], signal.SIGKILL)
        self.watched.kill(process)

        async def all_missing() -> bool:
            return len(await self.events("process_missing")) == len(DEVICES)

        await self.until("each host misses it", all_missing)

        async def told() -> list[dict[str, Any]]:
            return [one for one in await self.events("workers") if one["state"] == "closed"]

        (event,) = await self.until("the worker's end was told, and is over", told)
        self.assertIn("worker 1 ended, killed by SIGKILL (9)", event["summary"] + event["message"])
        self.assertEqual((event["device"], event["count"]), ("local", 1))
        self.watched.start(self.name)

        async def all_over() -> bool:
            return {event["state"] for event in await self.events("process_missing")} == {"closed"}

        await self.until("each host has it again", all_over)
        missing = await self.events("process_missing")
        self.assertEqual(sorted(one["device"] for one in missing), DEVICES)
        self.assertEqual({one["count"] for one in missing}, {1})
        row = (await self.stats())["workers"][0]
        self.assertEqual((row["ends"], row["live"], row["pid"] != first["pid"]), (1, True, True))

        children = self.children()
        self.assertEqual(len(children), 4)
        assert self.daemon is not None
        self.daemon.terminate()
        await deferToThread(self.daemon.wait, WITHIN_S)
        self.assertTrue(await self.all_gone(children))

    @drive
    async def test_none_is_left_behind_when_the_daemon_is_killed_and_other_workers_go_on_from_there(self) -> None:
        process = self.watched.start(self.name)
        await self.begin()
        children = self.children()
        (stopped, _) = [one for one in children if "running.workermain" in " ".join(one.cmdline())]
        stopped.suspend()
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()
        await self.until("all have ended, also the one that was stopped", lambda: self.all_gone(children))
        self.watched.kill(process)
        self.start(3)

        async def all_missing() -> bool:
            return len(await self.events("process_missing")) == len(DEVICES)

        await self.until("each host misses it", all_missing)
        self.assertEqual(len((await self.stats())["workers"]), 3)
        self.assertEqual({one["count"] for one in await self.events("process_missing")}, {1})

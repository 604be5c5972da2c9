# mypy: allow-untyped-calls
"""The hub comes back with the database of yesterday, and is killed while it makes that good."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.faults import figures
from tests.faults.case import FaultCase, devices_document
from tests.faults.edgeprocess import stored
from tests.faults.length import LIMIT_S, pick

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

ROUNDS = pick(1, 8)
COLLECTORS = pick(5, 50)
EACH = 10
EVENTS_A_RUN = 5


class RestoredTests(FaultCase):
    async def test_the_hub_is_restored_from_a_backup(self) -> None:
        rng = random.Random(53)
        net = self.proxy()
        names = [f"c{number:02}" for number in range(COLLECTORS)]
        for name in names:
            self.fleet.add(name, net.port)
        one = self.edge("edge", net.port)
        one.start()
        await self.fleet.all_attached(60)
        interval_s = 10
        for round_ in range(ROUNDS):
            now = [(f"{name}-{number}", name) for name in names for number in range(EACH)]
            interval_s += 1
            now += [(f"{name}-same", name) for name in names]
            await self.hub.live(await self.hub.apply(devices_document(now, interval_s)), 60)
            await self.hub.live(await self.hub.apply(devices_document([("web1", "edge")], 1)), 60)
            one.per_run(EVENTS_A_RUN)
            await self.until("events are stored", lambda: len(stored(self.hub.folder, "web1")) > 0)
            backup = self.folder / f"backup{round_}.db"
            self.back_up(backup)
            first = await self.epoch()

            # What yesterday's store does not know of: changed, new, and moved devices; a device that is gone; events.
            interval_s += 1
            later = [
                (f"{name}-{number}", names[(at + 1) % len(names)])
                for at, (name, number) in enumerate((name, number) for name in names for number in range(1, EACH))
            ]
            await self.hub.apply(devices_document(later, interval_s))
            for name in names:  # and what it knows as it still is: `same`
                await self.hub.ask("DELETE", f"devices/{name}-0")
            await self.hub.live(await self.hub.revision(), 60)
            await self.pause(2.0)
            self.hub.kill()
            confirmed = one.last_number("web1")
            self.restore(backup)

            # The first attempts to make it good are cut short.
            await self.hub.start()
            net.down.after(rng.randrange(500, 20_000), lambda _line: net.cut())
            await self.pause(rng.uniform(0.2, 1.5))
            self.hub.kill()
            await self.hub.start()
            await self.fleet.all_attached(90)
            await self.until_so("it has another epoch", partial(self.has_left, first), 60)
            await self.fleet.all_attached(90)
            await self.agree(90)
            await self.edge_agrees(one, 90)
            epoch = await self.epoch()
            members = self.fleet.members.values()
            figures.exactly("collectors of another epoch", sum(member.epoch != epoch for member in members), 0)
            stale = sum(seen != epoch for member in members for seen in member.epochs.values())
            figures.exactly("configs that were not sent anew in it", stale, 0)
            rung = [event for event in await self.hub.events() if event["event_key"] == "hub_restored"]
            figures.exactly("open events that say so", len(rung), 1)
            # A hub that is killed before it has noted its new epoch rings once more, rather than not at all.
            figures.no_more("times that it has rung", rung[0]["count"], 2 * (round_ + 1))
            await self.quiet(one, "web1")
            last = one.last_number("web1")
            self.assertGreater(last, confirmed)
            new = {f"n{number:07}" for number in range(confirmed + 1, last + 1)}
            await self.until("new events are stored", partial(self.has_events, new), 60)
            self.assertEqual(set(stored(self.hub.folder, "web1").values()), {1})
        self.no_defects(one)

    async def epoch(self) -> str:
        """Of the hub's store."""
        return str((await self.hub.ask("GET", "status"))["hub"]["epoch"])

    async def has_left(self, epoch: str) -> bool:
        """Whether the store has another epoch than that."""
        return await self.epoch() != epoch

    def has_events(self, numbers: set[str]) -> bool:
        """Whether all these are stored."""
        return numbers <= set(stored(self.hub.folder, "web1"))

    def back_up(self, path: Path) -> None:
        """Copy the database of a hub that runs, as `sqlite3 .backup` does."""
        with closing(sqlite3.connect(self.hub.folder / "hub.db")) as db, closing(sqlite3.connect(path)) as copy:
            db.backup(copy)

    def restore(self, path: Path) -> None:
        """Put a copy in the place of the database."""
        for left in self.hub.folder.glob("hub.db*"):
            left.unlink()
        (self.hub.folder / "hub.db").write_bytes(path.read_bytes())

"""A hub with pools, in memory, and collectors that come and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.task import Clock

from common.events import Event, Severity
from hub.model.entities import (
    Device,
    Entity,
    Key,
    Pool,
    key_of,
)
from hub.model.model import Model
from hub.pools.bells import Bells
from hub.pools.keeper import PoolKeeper
from tests.fakes.pools import FakePoolStore
from tests.fakes.stores import done

START = 1_800_000_000.0


class PoolSite:
    """A model, a keeper, and what it told.

    Attributes:
        told: devices that moved, in lists as they were told.
        alarms: open events by pool and collector, with their summaries.
        there: collectors whose session stands.
        known: those that have logged in at some time.
    """

    def __init__(self, *entities: Entity, known: Sequence[str] = ()) -> None:
        self.clock = Clock()
        self.model = Model(1, entities)
        self.store = FakePoolStore()
        self.told: list[list[str]] = []
        self.alarms: dict[tuple[str, str], str] = {}
        self.rung: list[Event] = []
        self.woken = 0
        self.there: set[str] = set()
        self.known = set(known)
        self.keeper = self.make()

    def wall(self) -> float:
        return START + self.clock.seconds()

    def make(self) -> PoolKeeper:
        keeper = PoolKeeper(
            self.clock,
            self.wall,
            lambda: self.model,
            self.store,
            Bells(self.ring, self.wall),
            known=sorted(self.known),
            absences=done(self.store.absences()),
            recent=done(self.store.moves("eu", 100)),
        )
        keeper.observe(lambda _revision, devices: self.told.append(list(devices)), self.wake)
        keeper.start()
        return keeper

    def restart(self) -> None:
        """The hub ends, and starts again."""
        self.keeper.stop()
        self.there.clear()
        self.keeper = self.make()

    def ring(self, event: Event) -> None:
        self.rung.append(event)
        who = event.component, event.device
        if event.severity is Severity.CLEAR:
            self.alarms.pop(who, None)
        else:
            self.alarms[who] = event.summary

    def wake(self) -> None:
        self.woken += 1

    def arrive(self, *names: str) -> None:
        for name in names:
            self.there.add(name)
            self.known.add(name)
            self.keeper.arrived(name)

    def leave(self, *names: str) -> None:
        for name in names:
            self.there.discard(name)
            self.keeper.left(name)

    def change(self, *entities: Entity, gone: Sequence[Key] = ()) -> None:
        """One revision."""
        before = self.model
        changed: dict[Key, Entity | None] = {key_of(entity): entity for entity in entities}
        changed.update(dict.fromkeys(gone))
        self.model = before.changed(before.revision + 1, changed)
        devices = [id_ for kind, id_ in changed if kind == "Device"]
        self.keeper.model_changed(self.model.revision, before, self.model, devices)

    def wait(self, seconds: float) -> None:
        self.clock.pump([0.0, *[1.0] * int(seconds), seconds % 1, 0.0])

    def owners(self) -> Mapping[str, str]:
        return {name: self.keeper.owner(name) or "" for name in self.model.devices}


def hosts(count: int, collector: str = "eu") -> list[Device]:
    return [Device(id=f"host{number}", address="192.0.2.1", collector=collector) for number in range(count)]


def pool(*members: str, id: str = "eu", failover_after_s: int = 90) -> Pool:  # noqa: A002 - as the entity has it
    return Pool(id=id, members=members, failover_after_s=failover_after_s)

"""Whatever happens in whatever order: no device of a pool is collected by two members, and each by one before long.

Before long is: when nothing else happens, and one member is there. Nothing is ever taken from one that is there and
given to one that is not.

The keeper and the distributor are real; the members behave as collectors do: they stop when the hub has answered
nothing for longer than the lease, looking once a second, and then tell that the device has lapsed.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace
from zope.interface import implementer

from common.configs import DeviceConfig
from common.digests import LAPSED, digest_of_all
from common.wire import ConfigBatch, ConfigsApplied, Held, HeldRequest
from hub.compile.device import lease_s
from hub.distribution.distributor import Distributor
from hub.distribution.interfaces import IModelView
from hub.model.entities import Device, Pool
from hub.pools.keeper import RETRY_S
from hub.pools.presence import REUNION_S, SLACK_S, STEADY_S
from tests.hub.distribution.fakes import FakeCollector, FakeReports, FakeSession, config
from tests.hub.pools.fakes import PoolSite, hosts, pool

NAMES = ("c1", "c2", "c3", "c4")
NOTICED_S = 25.0
TICK_S = 0.5
PAUSE_S = 4.0
"""How long a slow store takes at most."""
LONG_ENOUGH_S = 60 + SLACK_S + max(REUNION_S, NOTICED_S) + RETRY_S + STEADY_S
"""The longest patience there is, what may come before it, and time to write it down and to be told."""

names = st.sampled_from(NAMES)


@implementer(IModelView)
class View:
    """The model of a site as its distributor sees it."""

    def __init__(self, site: PoolSite) -> None:
        self.site = site

    @property
    def revision(self) -> int:
        return self.site.model.revision

    def devices(self) -> list[str]:
        return list(self.site.model.devices)

    def owner(self, device: str) -> str | None:
        return self.site.keeper.owner(device)

    def compile(self, device: str) -> DeviceConfig:
        model = self.site.model
        lease = lease_s(model, model.devices[device])
        return replace(config(device), lease_s=lease)


class Member(FakeCollector):
    """A collector with leases.

    Attributes:
        heard_at: when a call was begun that the hub has answered; kept over a restart, as its stamp on disk is.
        lapsed: devices that it holds and does not collect.
        runs: whether its process does.
        session: while it believes in one; the line may be cut.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.heard_at: float | None = None
        self.lapsed: set[str] = set()
        self.runs = True
        self.session: FakeSession | None = None
        self.cut_at: float | None = None

    def look(self, now: float) -> None:
        for device, held in self.configs.items():
            if held.lease_s is not None and (self.heard_at is None or now - self.heard_at > held.lease_s):
                self.lapsed.add(device)

    def collects(self) -> set[str]:
        return set(self.configs) - self.lapsed if self.runs else set()

    def digests(self) -> dict[str, str]:
        return {device: LAPSED if device in self.lapsed else held for device, held in super().digests().items()}

    def held(self, request: HeldRequest) -> Held:
        return Held(all=digest_of_all(self.digests()), configs=sorted(self.digests().items()), more=False)

    def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        if not self.runs:
            return ConfigsApplied(live={}, rejected=[], all="")
        self.lapsed -= {item.device for item in batch.changed} | set(batch.removed)
        return super().apply(batch)


class NeverTwice(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.site = PoolSite(pool("c1", "c2", "c3", failover_after_s=30), *hosts(8))
        self.members = {name: Member(name) for name in NAMES}
        self.sessions: dict[str, FakeSession] = {}  # as the hub has them
        self.lowered_until = 0.0
        self.looked = self.paused = 0.0
        self.taken: list[str] = []  # the keeper would bear with a mover that fails
        self.had = dict(self.site.owners())
        self.could = set(self.site.model.pools["eu"].members)
        self.distributor = self.make()

    @property
    def now(self) -> float:
        return self.site.clock.seconds()

    def make(self) -> Distributor:
        keeper = self.site.keeper
        made = Distributor(
            self.site.clock,
            random.Random(1),
            View(self.site),
            FakeReports(),
            is_known=lambda name: name in self.site.known,
            whereabouts=lambda name: f"collector {name} is not connected",
            leases=keeper,
        )
        keeper.observe(lambda _revision, _devices: self.compare())
        keeper.observe(made.model_changed, made.look_again)
        made.start()
        return made

    def tick(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.site.clock.advance(min(TICK_S, end - self.now))
            for name, member in self.members.items():
                if member.cut_at is not None and self.now - member.cut_at >= NOTICED_S:
                    self.end(name, applied=False)
                if member.session is not None and member.cut_at is None:
                    member.heard_at = self.now
            if self.now - self.looked >= 1:
                self.looked = self.now
                for member in self.members.values():
                    if member.runs:
                        member.look(self.now)
            self.check()
            if self.now - self.paused >= PAUSE_S:
                self.paused = self.now
                slow = self.site.store.slow
                self.site.store.go_on()
                self.site.store.slow = slow
        self.site.clock.pump([0.0] * 5)
        self.check()

    def compare(self) -> None:
        """Whoever is there, and was there when the owners were looked at last, has lost nothing to one that is not."""
        members = set(self.site.model.pools["eu"].members)
        had, self.had = self.had, dict(self.site.owners())
        stayed, self.could = members & self.could & self.site.there, members
        lost = {device: (old, new) for device, new in self.had.items() if (old := had.get(device, new)) != new}
        self.taken += [
            f"{device} was taken from {old} for {new}, which is away"
            for device, (old, new) in lost.items()
            if old in stayed and new not in self.site.there
        ]

    def check(self) -> None:
        self.compare()
        assert self.taken == []
        for device in self.site.model.devices:
            who = [name for name, member in self.members.items() if device in member.collects()]
            assert len(who) <= 1, f"{device} is collected by {who}"
        for device, owner in self.site.owners().items():
            assert owner in self.site.model.pools["eu"].members, device

    def end(self, name: str, *, applied: bool) -> None:
        """The hub notices the end of a session, if it has one."""
        member, session = self.members[name], self.sessions.pop(name, None)
        if session is not None:
            session.lose(applied=applied)
            self.distributor.detached(session)
            self.site.leave(name)
            if member.session is session:
                member.session, member.cut_at = None, None

    # --- members ------------------------------------------------------------------------------------------------------

    @initialize(there=st.sets(names, min_size=1))
    def begin(self, there: set[str]) -> None:
        for name in sorted(there):
            self.attach(name)
        self.tick(15)

    @rule(name=names)
    def attach(self, name: str) -> None:
        """Log in; the end of an earlier session may not be known yet."""
        member = self.members[name]
        if not member.runs or (member.session is not None and member.cut_at is None):
            return
        earlier = self.sessions.pop(name, None)
        if earlier is not None:
            self.distributor.detached(earlier)
            earlier.lose(applied=False)
        member.look(self.now)
        member.heard_at, member.cut_at = self.now, None
        member.session = self.sessions[name] = FakeSession(member)
        self.site.arrive(name)
        self.distributor.attached(member.session)
        self.tick(0.5)

    @rule(name=names)
    def cut(self, name: str) -> None:
        """The line is cut, and nobody knows; what is sent is not answered."""
        member = self.members[name]
        if member.session is not None and member.cut_at is None:
            member.cut_at = self.now
            member.session.quick = False

    @rule(name=names, applied=st.booleans())
    def notice(self, name: str, applied: bool) -> None:
        if self.members[name].cut_at is not None:
            self.end(name, applied=applied)

    @rule(name=names)
    def break_off(self, name: str) -> None:
        """Both sides know at once."""
        self.cut(name)
        self.end(name, applied=False)

    @rule(name=names, known=st.booleans())
    def kill(self, name: str, known: bool) -> None:
        member = self.members[name]
        member.runs = False
        self.cut(name)
        if known:
            self.end(name, applied=False)

    @rule(name=names)
    def start(self, name: str) -> None:
        member = self.members[name]
        if not member.runs:
            member.runs, member.session, member.cut_at = True, None, None
            member.look(self.now)

    # --- the hub ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.now >= self.lowered_until and not self.site.store.broken)
    @rule()
    def restart_the_hub(self) -> None:
        self.slow_the_store_down(slow=False)
        while self.site.keeper._unwritten:  # what a revision moves is recorded at once, unless the disk was full
            self.tick(TICK_S)
        self.site.clock.pump([0.0] * 3)
        owners = self.site.owners()
        for name in list(self.sessions):
            self.end(name, applied=False)
        self.distributor.stop()
        self.site.restart()
        assert self.site.owners() == owners, "a restart moves nothing"
        self.distributor = self.make()
        self.tick(0.5)

    @rule(reason=st.sampled_from(["", "", "the disk is full"]))
    def break_the_store(self, reason: str) -> None:
        self.site.store.broken = reason

    @rule(slow=st.booleans())
    def slow_the_store_down(self, slow: bool) -> None:
        """What is to be written down takes as long as a tick, or more."""
        self.site.store.go_on()
        self.site.store.slow = slow

    @precondition(lambda self: not self.site.store.broken)
    @rule(members=st.sets(names, min_size=2))
    def other_members(self, members: set[str]) -> None:
        self.change_pool(pool(*sorted(members), failover_after_s=self.site.model.pools["eu"].failover_after_s))

    @rule(seconds=st.sampled_from([30, 60]))
    def other_patience(self, seconds: int) -> None:
        before = self.site.model.pools["eu"]
        if seconds < before.failover_after_s:
            self.lowered_until = self.now + before.failover_after_s + 5
        self.change_pool(pool(*before.members, failover_after_s=seconds))

    def change_pool(self, changed: Pool) -> None:
        self.site.change(changed)
        self.distributor.model_changed(self.site.model.revision, list(self.site.model.devices))
        self.check()

    @rule(number=st.integers(0, 9), there=st.booleans())
    def other_devices(self, number: int, there: bool) -> None:
        name = f"host{number}"
        if there:
            self.site.change(Device(id=name, address="a", collector="eu"))
        elif name in self.site.model.devices:
            self.site.change(gone=[("Device", name)])
        self.distributor.model_changed(self.site.model.revision, [name])

    # --- time ---------------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 3, 12, 28, 33, 70]))
    def wait(self, seconds: float) -> None:
        self.tick(seconds)

    @rule()
    def those_that_are_there_collect_all(self) -> None:
        """Nothing else happens for a while; nobody comes who is away, and who was cut off is noticed."""
        self.site.store.broken = ""
        self.slow_the_store_down(slow=False)
        for name, session in list(self.sessions.items()):
            if not session.quick and self.members[name].session is not session:
                self.end(name, applied=False)  # its process was started again
        self.tick(LONG_ENOUGH_S)
        there = {name for name, session in self.sessions.items() if session.quick}
        if there & set(self.site.model.pools["eu"].members):
            for device in self.site.model.devices:
                who = [name for name, member in self.members.items() if device in member.collects()]
                assert len(who) == 1, f"{device} is collected by {who}"
                assert who[0] in there, f"{device} is collected by {who}, which is away"

    @rule()
    def in_the_end_each_is_collected_once(self) -> None:
        self.site.store.broken = ""
        self.slow_the_store_down(slow=False)
        for name in NAMES:
            self.start(name)
            self.attach(name)
        self.tick(700)
        pool_now = self.site.model.pools["eu"]
        collected = {device: name for name in NAMES for device in self.members[name].collects()}
        assert collected == dict(self.site.owners())
        assert self.site.keeper.presence.candidates(pool_now) == pool_now.members
        assert (self.site.alarms, self.site.store.kept) == ({}, {})
        assert self.distributor.behind() == []

    def teardown(self) -> None:
        self.in_the_end_each_is_collected_once()
        self.distributor.stop()
        self.site.keeper.stop()
        self.site.clock.pump([0.0] * 3)
        assert self.site.clock.getDelayedCalls() == []


NeverTwice.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestNeverTwice = pytest.mark.timeout(600)(NeverTwice.TestCase)


def three_at_work() -> NeverTwice:
    machine = NeverTwice()
    machine.begin({"c1", "c2", "c3"})
    return machine


def test_a_member_whose_lease_is_over_leaves_nothing_behind() -> None:
    """Whoever waits for a revision does not wait for one that is away, and others have its devices."""
    machine = three_at_work()
    machine.kill("c2", known=True)
    machine.tick(20)
    machine.other_devices(9, there=True)
    machine.tick(20)
    assert machine.distributor.behind() == []
    assert machine.distributor.agreement.is_live(machine.site.model.revision)
    machine.other_devices(0, there=True)
    machine.tick(3)
    assert machine.distributor.behind() == []
    machine.teardown()


def test_until_then_it_is_said_who_is_waited_for() -> None:
    machine = three_at_work()
    lost = [device for device, owner in machine.site.owners().items() if owner == "c2"]
    machine.break_off("c2")
    machine.other_members({"c1", "c3"})
    machine.tick(10)
    told = {row.device: row.reason for row in machine.distributor.behind() if row.collector != "c2"}
    assert set(told) == set(lost)
    assert set(told.values()) == {"waits until collector c2 has let go of it, or may collect it no more"}
    machine.tick(30)
    assert machine.distributor.behind() == []
    machine.teardown()

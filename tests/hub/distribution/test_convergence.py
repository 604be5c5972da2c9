"""Whatever happens in whatever order: in the end both sides agree, and nothing is called live that is not."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.digests import digest
from common.errors import TransientError
from common.wire import MAX_MESSAGE_BYTES, encode
from hub.distribution.agreement import Step
from tests.hub.distribution.fakes import Bench, config

COLLECTORS = ("east", "west", "north")
DEVICES = tuple(f"d{number}" for number in range(6))

devices = st.sampled_from(DEVICES)
collectors = st.sampled_from(COLLECTORS)


class Convergence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.bench.distributor.start()
        self.tampered: set[str] = set()
        for name in COLLECTORS[1:]:  # the first is one of an earlier version
            self.bench.collector(name).tells = True
        self.back_up()

    # --- the operator -------------------------------------------------------------------------------------------------

    @rule(changes=st.dictionaries(devices, st.tuples(collectors, st.integers(0, 4)) | st.none(), min_size=1))
    def change(self, changes: dict[str, tuple[str, int] | None]) -> None:
        self.bench.model.change(changes)

    @rule(device=devices, collector=collectors)
    def move(self, device: str, collector: str) -> None:
        entry = self.bench.model.entries.get(device)
        if entry is not None:
            self.bench.model.put(device, collector, entry[1])

    @rule(named=st.lists(devices))
    def push_again(self, named: list[str]) -> None:
        self.bench.distributor.push_again(named)

    # --- time and the network -----------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.05, 0.3, 2.5, 31.0]))
    def wait(self, seconds: float) -> None:
        self.bench.settle(seconds)

    @rule(name=collectors, quick=st.booleans(), busy=st.booleans(), fails=st.integers(0, 1))
    def attach(self, name: str, quick: bool, busy: bool, fails: int) -> None:
        if name not in self.bench.sessions:
            self.bench.attach(name, quick=quick, busy=busy, fails=fails)

    @rule(name=collectors)
    def take_over(self, name: str) -> None:
        """A new session comes before the end of the old one is known."""
        old = self.bench.sessions.get(name)
        if old is not None:
            self.bench.attach(name)
            old.lose(applied=False)
            self.bench.distributor.detached(old)

    @rule(name=collectors, applied=st.booleans())
    def lose(self, name: str, applied: bool) -> None:
        if name in self.bench.sessions:
            self.bench.detach(name, applied=applied)

    @rule(name=collectors, count=st.integers(1, 3))
    def answer(self, name: str, count: int) -> None:
        session = self.bench.sessions.get(name)
        for _ in range(count):
            if session is not None and session.pending:
                session.answer()

    @rule(name=collectors)
    def fail(self, name: str) -> None:
        if name in self.bench.sessions:
            self.bench.sessions[name].fails.append(TransientError("the disk is full"))

    @rule()
    def restart_the_hub(self) -> None:
        self.bench.restart()

    @rule()
    def back_up(self) -> None:
        self.backup = self.bench.model.revision, dict(self.bench.model.entries)

    @rule()
    def restore(self) -> None:
        """The hub starts with the model of a backup, in a store of another epoch."""
        self.bench.model.revision, entries = self.backup
        self.bench.model.entries = dict(entries)
        self.bench.reports.open.clear()  # the events are those of the backup, too
        self.bench.epoch = f"e{int(self.bench.epoch[1:]) + 1}"
        self.bench.restart()

    @rule(name=collectors, devices=st.sets(devices))
    def interrupt(self, name: str, devices: set[str]) -> None:
        """The line breaks in the middle of a resync, and comes back at once."""
        session = self.bench.sessions.get(name)
        if session is not None and session.pending:
            session.answer()
            self.bench.detach(name, applied=bool(devices))
            self.bench.attach(name)

    # --- the collectors -----------------------------------------------------------------------------------------------

    @rule(name=collectors, device=devices)
    def lose_the_cache(self, name: str, device: str) -> None:
        if name not in self.bench.sessions:
            self.tampered.add(name)
            self.bench.collector(name).configs.pop(device, None)

    @rule(name=collectors, device=devices)
    def lapse(self, name: str, device: str) -> None:
        """A collector that hears nothing of the hub lets the lease of a device run out."""
        if name not in self.bench.sessions and device in self.bench.collector(name).configs:
            self.tampered.add(name)
            self.bench.collector(name).lapse(device)

    @rule(name=collectors, refused=st.sets(devices, max_size=2))
    def refuse(self, name: str, refused: set[str]) -> None:
        self.bench.collector(name).refuses = dict.fromkeys(refused, "no")

    @rule(name=collectors, choked=st.sets(devices, max_size=1))
    def choke(self, name: str, choked: set[str]) -> None:
        self.bench.collector(name).chokes = choked

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_called_live_that_is_not(self) -> None:
        behind = {(row.collector, row.device) for row in self.bench.distributor.behind()}
        told = {name for name, one in self.bench.distributor._subscriptions.items() if one._told}
        self.tampered -= told  # what has become of it meanwhile is known from now on
        for device, (owner, version) in self.bench.model.entries.items():
            held = self.bench.collector(owner).digests().get(device)
            wanted = None if version == 0 else digest(config(device, version))
            if owner not in self.tampered and held != wanted:
                assert (owner, device) in behind, f"{device} is not live on {owner}"
        for name, collector in self.bench.collectors.items():
            # after a restart of the hub nobody knows what a collector holds that is not there, or had before
            ledger = self.bench.distributor.agreement.ledger
            for device in collector.configs if name in ledger.told and name not in self.tampered else ():
                line = ledger.line(name, device)
                if self.bench.model.owner(device) != name and (line is None or line.given):
                    assert (name, device) in behind, f"{device} is still on {name}"

    @invariant()
    def messages_are_small(self) -> None:
        for session in self.bench.sessions.values():
            assert all(len(encode(batch)) <= MAX_MESSAGE_BYTES for batch in session.batches)

    @rule(name=collectors, device=devices, version=st.integers(1, 4), later=st.integers(0, 2))
    def change_while_it_is_spoken_to(self, name: str, device: str, version: int, later: int) -> None:
        """A change comes, and is compiled, between a message and its answer, be it the first after the login or not."""
        session = self.bench.sessions.get(name) or self.bench.attach(name, quick=False)
        for _ in range(later):
            self.answer(name, 1)
        self.bench.model.put(device, name, version)
        self.bench.settle(0.5)
        if session.pending:
            session.answer()
        self.what_can_be_done_is_done_without_a_new_login()

    @rule()
    def what_can_be_done_is_done_without_a_new_login(self) -> None:
        bench = self.bench
        for session in bench.sessions.values():
            session.fails.clear()
        bench.answer_all()
        bench.clock.pump([0.5] * 62)  # the longest back-off
        bench.answer_all()
        agreement = bench.distributor.agreement
        for name in bench.sessions:
            steps = {device: agreement.step(name, device) for device in agreement.devices_of(name)}
            assert not {Step.SEND, Step.DROP}.intersection(steps.values()), f"{name} is not told: {steps}"
            assert bench.collector(name).epoch in {"", bench.epoch} or not bench.collector(name).tells

    @precondition(lambda self: self.bench.model.entries)
    @rule()
    def in_the_end_both_sides_agree(self) -> None:
        bench = self.bench
        for name in COLLECTORS:
            bench.collector(name).refuses, bench.collector(name).chokes = {}, set()
            if name in bench.sessions:
                bench.detach(name)
        bench.model.change({device: (owner, version or 5) for device, (owner, version) in bench.model.entries.items()})
        self.tampered.clear()
        for name in COLLECTORS:
            bench.attach(name)
        bench.settle(3)
        for name in COLLECTORS:
            wanted = {
                device: digest(config(device, version))
                for device, (owner, version) in bench.model.entries.items()
                if owner == name
            }
            assert bench.collector(name).digests() == wanted
        for name in COLLECTORS[1:]:
            told = bench.collector(name).position()
            assert told.epoch in {"", bench.epoch}
            assert told.epoch == bench.epoch or not bench.collector(name).configs
        self.nothing_is_left_to_say()
        assert bench.distributor.behind() == []
        assert not [key for key in bench.reports.open if key[1] == "config_error"]

    def nothing_is_left_to_say(self) -> None:
        """A collector that comes back now is neither asked nor sent anything, if it tells its position."""
        for name in COLLECTORS[1:]:
            self.bench.detach(name)
            session = self.bench.attach(name)
            self.bench.settle(1)
            assert (session.asked, session.batches) == ([], [])

    def teardown(self) -> None:
        self.what_can_be_done_is_done_without_a_new_login()
        if self.bench.model.entries:
            self.in_the_end_both_sides_agree()
        self.bench.distributor.stop()
        self.bench.settle(0.1)
        assert self.bench.clock.getDelayedCalls() == []


Convergence.TestCase.settings = settings(
    max_examples=250, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestConvergence = pytest.mark.timeout(600)(Convergence.TestCase)

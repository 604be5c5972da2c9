# mypy: allow-untyped-calls
"""What a session with a collector costs: nothing is asked or sent that both sides agree on already."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from common.digests import canonical, digest
from common.errors import TransientError
from common.wire import ConfigBatch, ConfigsApplied
from hub.distribution.pace import AIM_S, MOST_BYTES
from tests.hub.distribution.fakes import Bench, FakeSession, config

MANY = 60
SETS = 40


class SyncCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.bench.distributor.start()
        self.peer = self.bench.collector("local")
        self.peer.tells = True

    def devices(self, number: int = MANY) -> list[str]:
        names = [f"d{n:03}" for n in range(number)]
        self.bench.model.sets = SETS
        self.bench.model.change(dict.fromkeys(names, ("local", 1)))
        self.bench.settle(1)
        return names

    def sent(self, *sessions: FakeSession) -> list[str]:
        """Devices whose configs were sent, in order, as often as they were."""
        return [item.device for session in sessions for batch in session.batches for item in batch.changed]

    def synced(self) -> FakeSession:
        session = self.bench.attach()
        self.bench.settle(3)
        self.assertEqual(self.bench.distributor.behind(), [])
        return session


class PositionTests(SyncCase):
    def test_a_collector_that_has_everything_is_neither_asked_nor_sent_anything(self) -> None:
        self.devices()
        self.synced()
        self.bench.detach()
        again = self.synced()
        self.assertEqual((again.asked, again.batches), ([], []))

    def test_it_is_not_asked_after_a_restart_of_the_hub_either(self) -> None:
        self.devices()
        self.synced()
        self.bench.restart()
        self.bench.settle(1)
        again = self.synced()
        self.assertEqual((again.asked, again.batches), ([], []))

    def test_what_changed_while_it_was_away_is_all_that_is_sent(self) -> None:
        self.devices()
        self.synced()
        self.bench.detach()
        self.bench.model.change({"d007": ("local", 2), "d008": None})
        self.bench.settle(1)
        again = self.synced()
        self.assertEqual(len(again.asked), 1)
        (batch,) = again.batches
        self.assertEqual(([item.device for item in batch.changed], batch.removed), (["d007"], ["d008"]))

    def test_each_batch_tells_whose_revision_it_is_of(self) -> None:
        self.devices(1)
        (batch,) = self.synced().batches
        self.assertEqual((batch.epoch, batch.revision), ("e1", 1))
        self.assertEqual((self.peer.epoch, self.peer.revision), ("e1", 1))

    def test_a_position_is_believed_once(self) -> None:
        self.devices(3)
        self.synced()
        self.bench.detach()
        session = self.synced()
        del self.peer.configs["d000"]
        self.bench.model.put("d001", version=2)
        while not session.batches:
            self.bench.settle(0.05)
        self.assertEqual(
            (len(session.batches), len(session.asked)), (1, 0), "it answers, and what it holds is not right"
        )
        self.bench.model.put("d001", version=1)  # and now it should hold what it held when it logged in
        self.bench.settle(10)
        self.assertEqual(self.bench.distributor.behind(), [])
        self.assertEqual(sorted(self.peer.configs), ["d000", "d001", "d002"])

    def test_one_that_does_not_tell_is_asked_as_ever(self) -> None:
        self.peer.tells = False
        self.devices(3)
        self.synced()
        self.bench.detach()
        again = self.synced()
        self.assertEqual((len(again.asked), again.batches), (1, []))

    def test_one_that_tells_for_the_first_time_gets_the_epoch_and_nothing_else(self) -> None:
        self.peer.tells = False
        self.devices(3)
        self.synced()
        self.bench.detach()
        self.peer.tells, self.peer.epoch = True, ""
        again = self.synced()
        self.assertEqual(self.sent(again), [])
        self.assertEqual([batch.epoch for batch in again.batches], ["e1"])
        self.bench.detach()
        third = self.synced()
        self.assertEqual((third.asked, third.batches), ([], []))


class MeanwhileTests(SyncCase):
    """What changes between a message and its answer is not forgotten."""

    def said(self) -> dict[str, str]:
        self.bench.answer_all()
        self.assertEqual(self.bench.distributor.behind(), [])
        return self.bench.runs()

    def test_a_device_that_comes_while_a_new_collector_is_told_the_epoch_is_sent(self) -> None:
        session = self.bench.attach(quick=False)
        self.bench.settle(1)
        session.answer()  # it holds nothing; now an empty batch is on its way
        self.assertEqual([batch.changed for batch in session.batches], [[]])
        self.bench.model.put("d1")
        self.bench.settle(1)
        self.assertEqual(self.said(), {"d1": "v1"})

    def test_a_device_that_is_let_go_of_meanwhile_is_sent(self) -> None:
        self.bench.model.put("d1", "other")
        self.bench.attach("other")
        self.bench.settle(1)
        session = self.bench.attach(quick=False)
        other = self.bench.sessions["other"]
        other.quick = False
        self.bench.settle(1)
        session.answer()
        self.assertEqual(len(session.pending), 1)
        self.bench.model.put("d1")
        self.bench.settle(1)
        other.answer()
        self.assertEqual(self.said(), {"d1": "v1"})

    def test_a_config_that_is_put_right_while_it_is_refused_is_sent(self) -> None:
        self.peer.chokes = {"d1"}
        session = self.bench.attach(quick=False)
        self.bench.model.put("d1", "local", 1)
        self.bench.settle(1)
        session.answer()
        self.bench.settle(1)
        self.assertEqual([item.device for item in session.batches[-1].changed], ["d1"])
        self.bench.model.put("d1", "local", 2)
        self.bench.settle(1)
        session.answer()
        self.peer.chokes = set()
        self.assertEqual(self.said(), {"d1": "v2"})


class LostTests(SyncCase):
    def test_what_a_collector_lost_of_an_old_revision_is_live_when_it_has_it_again(self) -> None:
        self.devices(3)
        self.synced()
        self.bench.detach()
        self.bench.model.put("d001", version=2)
        self.bench.settle(1)
        del self.peer.configs["d000"]
        session = self.bench.attach(quick=False)
        session.answer()
        self.assertEqual(
            [(row.device, row.since) for row in self.bench.distributor.behind()], [("d001", 2), ("d000", 1)]
        )
        session.answer()
        self.bench.settle(1)
        self.assertEqual(self.bench.distributor.behind(), [])


class ResumeTests(SyncCase):
    def test_it_starts_with_the_first_batch_and_not_after_the_last(self) -> None:
        names = self.devices()
        session = self.bench.attach(quick=False)
        session.answer()
        session.answer()
        first = [item.device for item in session.batches[0].changed]
        self.assertLess(len(first), len(names))
        self.assertEqual(list(self.peer.configs), first)
        self.assertEqual([device for device in names if self.bench.distributor.in_sync(device)], first)

    def test_over_a_break_in_the_middle_only_what_is_missing_is_sent_again(self) -> None:
        names = self.devices()
        first = self.bench.attach(quick=False)
        for _ in range(3):  # what it holds, and two batches
            first.answer()
        self.assertEqual(len(first.batches), 3)
        confirmed, in_flight = self.sent(first)[: len(self.peer.configs)], first.batches[2].changed
        self.bench.detach(applied=True)  # it has stored the third, and its answer was lost
        second = self.synced()
        self.assertEqual(sorted(self.sent(first, second)), names, "each config crossed once")
        self.assertEqual(len(confirmed) + len(in_flight) + len(self.sent(second)), len(names))

    def test_a_batch_that_was_lost_on_its_way_is_all_that_crosses_twice(self) -> None:
        names = self.devices()
        first = self.bench.attach(quick=False)
        for _ in range(3):
            first.answer()
        lost = [item.device for item in first.batches[2].changed]
        self.bench.detach(applied=False)
        second = self.synced()
        self.assertEqual(sorted(self.sent(first, second)), sorted([*names, *lost]))

    def test_a_restart_of_the_hub_in_the_middle_sends_nothing_twice_either(self) -> None:
        names = self.devices()
        first = self.bench.attach(quick=False)
        for _ in range(3):
            first.answer()
        self.bench.sessions["local"].lose(applied=True)
        self.bench.restart()
        self.bench.settle(1)
        second = self.synced()
        self.assertEqual(sorted(self.sent(first, second)), names)


class EpochTests(SyncCase):
    def restore(self) -> None:
        """The hub begins again with an older model, in a store of another epoch."""
        self.bench.epoch = "e2"
        self.bench.model.revision = 1
        self.bench.restart()
        self.bench.settle(1)

    def test_in_another_epoch_everything_is_sent_again_once(self) -> None:
        names = self.devices()
        self.synced()
        self.restore()
        self.bench.model.change({"elsewhere": ("other", 1)})
        self.bench.settle(1)
        self.bench.attach("other")
        again = self.synced()
        self.assertEqual(sorted(self.sent(again)), names)
        self.assertEqual((self.peer.epoch, self.peer.revision), ("e2", 2))
        self.bench.detach()
        third = self.synced()
        self.assertEqual((third.asked, third.batches), ([], []))

    def test_until_it_has_come_nothing_is_called_live(self) -> None:
        names = self.devices(3)
        self.synced()
        self.restore()
        session = self.bench.attach(quick=False)
        session.answer()
        self.assertEqual(sorted(row.device for row in self.bench.distributor.behind()), names)
        session.answer()
        self.bench.settle(1)
        self.assertEqual(self.bench.distributor.behind(), [])

    def test_what_the_older_model_does_not_have_goes_and_what_it_has_comes_back(self) -> None:
        self.devices(3)
        self.synced()
        self.bench.model.change({"d000": None, "new": ("local", 1), "d001": ("local", 5)})
        self.bench.settle(1)
        self.bench.model.entries = dict.fromkeys(("d000", "d001", "d002"), ("local", 1))
        self.restore()
        self.synced()
        self.assertEqual(sorted(self.peer.configs), ["d000", "d001", "d002"])
        self.assertEqual(self.peer.digests(), {name: digest(config(name, 1, SETS)) for name in self.peer.configs})

    def test_a_resync_that_is_broken_off_goes_on_where_it_was(self) -> None:
        names = self.devices()
        self.synced()
        self.restore()
        first = self.bench.attach(quick=False)
        for _ in range(3):
            first.answer()
        self.bench.detach(applied=True)
        second = self.synced()
        self.assertEqual(sorted(set(self.sent(first, second))), names)
        twice = len(self.sent(first, second)) - len(names)
        self.assertLessEqual(twice, len(first.batches[2].changed), "only what was not answered may cross twice")

    def test_so_it_is_for_one_that_still_applies_a_batch_of_an_earlier_session(self) -> None:
        names = self.devices(3)
        self.synced()
        self.restore()
        busy = self.bench.attach(busy=True)
        self.bench.settle(3)
        self.assertEqual((sorted(self.sent(busy)), self.peer.epoch), (names, "e2"))

    def test_that_it_cannot_be_asked_at_once_changes_nothing(self) -> None:
        names = self.devices(3)
        self.synced()
        self.restore()
        again = self.bench.attach(fails=2)
        self.bench.settle(10)
        self.assertEqual((sorted(self.sent(again)), self.peer.epoch), (names, "e2"))

    def test_a_collector_without_configs_learns_of_it_too(self) -> None:
        self.synced()
        self.restore()
        again = self.synced()
        self.assertEqual([(len(batch.changed), batch.epoch) for batch in again.batches], [("e2", 0)[::-1]])


def size_of(batch: ConfigBatch) -> int:
    return sum(len(canonical(item)) for item in batch.changed)


class SlowSession(FakeSession):
    """One over a line that takes so many bytes a second, uncompressed; `cut_after_s` is the time-out of a call."""

    bytes_per_s = 0.0
    cut_after_s = 15.0
    took: list[float]

    async def push(self, batch: ConfigBatch) -> ConfigsApplied:
        seconds = size_of(batch) / self.bytes_per_s
        self.took.append(seconds)
        await deferLater(self.bench.clock, min(seconds, self.cut_after_s), lambda: None)
        if seconds > self.cut_after_s:
            self.batches.append(batch)
            self.bench.detach()
            raise TransientError("the collector did not answer configs within 15 s")
        return await super().push(batch)

    bench: Any


class SlowLineTests(SyncCase):
    def attach_slowly(self, bytes_per_s: float) -> SlowSession:
        session = SlowSession(self.peer)
        session.bench, session.bytes_per_s, session.took = self.bench, bytes_per_s, []
        self.bench.known.add("local")
        self.bench.sessions["local"] = session
        self.bench.distributor.attached(session)
        return session

    def test_on_a_slow_line_messages_become_small_so_that_none_holds_up_a_heartbeat(self) -> None:
        self.devices(400)
        session = self.attach_slowly(6000)
        self.bench.settle(900)
        self.assertEqual(self.bench.distributor.behind(), [])
        self.assertGreater(len(session.took), 10)
        self.assertLess(max(session.took[4:]), 2 * AIM_S)

    def test_on_a_fast_line_they_are_as_large_as_may_be(self) -> None:
        self.devices(1500)
        session = self.attach_slowly(1e7)
        self.bench.settle(10)
        self.assertEqual(self.bench.distributor.behind(), [])
        sizes = [size_of(batch) for batch in session.batches]
        self.assertLess(sizes[0], MOST_BYTES / 4)
        self.assertLess(len(session.batches), 3 + 2 * sum(sizes) // MOST_BYTES + 1)

    def test_a_first_message_that_was_too_much_is_not_sent_again_as_it_was(self) -> None:
        self.devices(60)
        sizes = []
        for _ in range(6):
            session = self.attach_slowly(1000)
            self.bench.settle(16)
            sizes.append(len(session.batches[0].changed))
            if self.peer.configs:
                break
        self.assertTrue(self.peer.configs, "it never came through")
        self.assertGreater(len(sizes), 1)
        self.assertLess(sizes[-1], sizes[0])

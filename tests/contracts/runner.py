# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""What every `IRunner` must do; with the real spool, and the counting collector of tests.fakes."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from collectors.framework.daemonsettings import SharedSettings
from collectors.framework.eventspool import EventSpool
from collectors.framework.interfaces import CollectorContext
from collectors.framework.judging.baselines import Learned, Look
from collectors.framework.running.interfaces import IRunner
from collectors.framework.running.patience import Patience
from collectors.framework.worker import NamedThread
from common.configs import DeviceConfig
from common.errors import NotFoundError
from common.events import CLASS_PROCESS, CLASS_SNMP
from common.queries import Decision, Processes, ProcessesQuery, Sets, SetsQuery
from common.series import Baseline, SeriesKey
from common.wire import ModelReport, ModelTaken
from tests.fakes import tasks
from tests.fakes.counting import KEY, state_key
from tests.fakes.samples import FakeSampleSink

WITHIN_S = 90
PATIENT = Patience(silent_s=120, start_s=120, first_s=60, query_s=120, again_s=60, run_s=60, tell_s=60)
"""With processes that a busy machine lets wait: nobody who is there is taken for one who is not."""


def config(device: str, address: str = "x", interval_s: int = 3600) -> DeviceConfig:
    return msgspec.structs.replace(tasks.config(device, interval_s), address=address)


def decision(device: str, key: str = KEY, event_class: str = CLASS_PROCESS) -> Decision:
    return Decision(device=device, component="x", event_class=event_class, event_key=key, severity=3, open=False)


class RunnerCase(TestCase):
    """`make_runner` gives a runner; it is started, and stopped afterwards."""

    timeout = 120
    spool_type = EventSpool

    def make_runner(self, context: CollectorContext) -> Any:
        raise NotImplementedError

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for it
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-runner-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.settings = SharedSettings(folder=self.folder, parallel=10)
        self.epoch = "e1"
        self.ran = 0
        self.troubles: list[str] = []
        await self.begin()
        self.addCleanup(self.end)

    async def begin(self) -> None:
        """As a daemon starts."""
        self.spool = self.spool_type(
            self.reactor, NamedThread(self.reactor, "events"), self.folder / "spool.db", lambda: "local", time.time
        )
        self.samples = FakeSampleSink(time.time)
        self.spool.startService()
        context = CollectorContext(
            clock=self.reactor,
            wall=time.time,
            reactor=self.reactor,
            rng=random.Random(1),
            events=self.spool,
            states=self.spool,
            samples=self.samples,
            data_dir=self.folder,
            hub_epoch=lambda: self.epoch,
            send_model=self.send_model,
            on_problem=self.troubles.append,
        )
        self.runner = self.make_runner(context)
        self.runner.startService()

    async def end(self) -> None:
        """As a daemon stops."""
        await self.runner.stopService()
        await self.spool.stopService()

    async def send_model(self, _report: ModelReport) -> ModelTaken:
        return ModelTaken()

    def count_run(self, runs: int, _run_s: float = 0.0, _longest_s: float = 0.0) -> None:
        self.ran += runs

    async def until(self, what: str, check: Callable[[], Any]) -> Any:
        """Look again and again until something is so; `check` may be a coroutine function."""
        end = time.monotonic() + WITHIN_S
        while True:
            seen = check()
            if hasattr(seen, "__await__"):
                seen = await seen
            if seen:
                return seen
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {WITHIN_S} s")
            await deferLater(self.reactor, 0.02, lambda: None)

    async def said(self, device: str, key: str = KEY) -> list[str]:
        """Summaries of the events of a device that lie in the spool."""
        batch = await self.spool.next_batch(1000, 10**9)
        events = [one.event for one in batch.events]
        return [event.summary for event in events if (event.device, event.event_key) == (device, key)]

    async def counts(self, device: str, count: int) -> None:
        """Wait until a device has run so often; each of its numbers was said once, in order."""
        wanted = [str(number) for number in range(1, count + 1)]

        async def has() -> bool:
            return len(await self.said(device)) >= count

        await self.until(f"{device} has run {count} times", has)
        self.assertEqual(await self.said(device), wanted)

    async def process_of(self, device: str) -> Any:
        """Who runs it, by what config, and how often it has run and was told of decisions."""
        answer = await self.runner.answer(ProcessesQuery(device=device))
        assert isinstance(answer, Processes)
        return answer.rows[0]

    async def run_configs(self, *configs: DeviceConfig) -> None:
        ran = await self.runner.run(list(configs))
        self.assertEqual((ran.refused, ran.late), ({}, frozenset()))

    async def fails_with(self, work: Any, kind: type[Exception]) -> Exception:
        try:
            await work
        except kind as error:
            return error
        raise AssertionError(f"no {kind.__name__}")


class RunnerContract(RunnerCase):
    """Mix in `make_runner`."""

    def test_it_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IRunner, self.runner))

    async def test_configs_run_at_once_and_what_they_say_is_kept_with_its_state(self) -> None:
        names = [f"d{number}" for number in range(8)]
        await self.run_configs(*(config(name) for name in names))
        for name in names:
            self.assertTrue(self.runner.has(name))
            await self.counts(name, 1)
            self.assertEqual(self.spool.load(state_key(name)), b"1")
        self.assertFalse(self.runner.has("other"))
        await self.until("samples came", lambda: len(self.samples.accepted) == 8)
        self.assertEqual({sample.key.device for sample in self.samples.accepted}, set(names))
        self.assertEqual({tuple(sample.values.items()) for sample in self.samples.accepted}, {(("runs", 1),)})
        self.assertEqual(await self.runner.away(names), frozenset())

    async def test_another_config_is_live_when_it_says_so_and_what_is_known_goes_on(self) -> None:
        await self.run_configs(config("a"), config("b"))
        await self.counts("a", 1)
        await self.run_configs(config("a", "y"))
        self.assertEqual((await self.process_of("a")).name, "y")
        await self.counts("a", 2)
        await self.counts("b", 1)

    async def test_what_was_learned_of_a_device_comes_to_its_task_once(self) -> None:
        await self.run_configs(config("a"), config("b"))
        await self.counts("a", 1)
        await self.counts("b", 1)
        learned = Learned(SeriesKey("a", "it", "counting"), Baseline(point="runs"), 77, [Look(300, 1.0, None, 2.5)])
        self.runner.learned({"a": [learned], "stranger": [learned]})
        for times in (2, 3):
            self.runner.run_now(["a", "b"])
            await self.counts("a", times)
            await self.counts("b", times)
        batch = await self.spool.next_batch(1000, 10**9)
        told = [(one.event.device, one.event.summary, one.event.details.get("taught")) for one in batch.events]
        self.assertEqual([one for one in told if one[2] is not None], [("a", "2", [77])])

    async def test_what_cannot_be_run_is_refused(self) -> None:
        self.assertEqual(self.runner.refusal(config("a")), "")
        self.assertEqual(self.runner.refusal(config("a", "bad")), "a: address bad cannot be")
        ran = await self.runner.run([config("a", "nomake"), config("b")])
        self.assertEqual((ran.refused, ran.late), ({"a": "a: no task can be made"}, frozenset()))
        self.assertEqual((self.runner.has("a"), self.runner.has("b")), (False, True))

    async def test_a_paused_device_waits_with_what_it_knows(self) -> None:
        await self.run_configs(config("a"), config("b"))
        await self.counts("a", 1)
        await self.counts("b", 1)
        self.runner.pause(["a"])
        self.assertTrue(self.runner.has("a"))
        self.runner.run_now(["a", "b"])
        await self.counts("b", 2)
        self.assertEqual(await self.said("a"), ["1"])
        await self.run_configs(config("a"))
        await self.counts("a", 2)

    async def test_a_device_that_leaves_is_forgotten(self) -> None:
        await self.run_configs(config("a"), config("b"))
        await self.counts("a", 1)
        await self.runner.remove(["a", "never was"])
        self.assertEqual((self.runner.has("a"), self.runner.has("b")), (False, True))
        await self.until("its state is gone", lambda: self.spool.load(state_key("a")) is None)
        await self.fails_with(self.runner.answer(ProcessesQuery(device="a")), NotFoundError)
        await self.run_configs(config("a"))

        async def begun_anew() -> bool:
            return await self.said("a") == ["1", "1"]

        await self.until("it begins anew", begun_anew)

    async def test_run_now_runs_those_that_there_are(self) -> None:
        await self.run_configs(config("a"), config("b"))
        await self.counts("a", 1)
        self.assertEqual(self.runner.run_now(["a", "never was"]), 1)
        await self.counts("a", 2)

    async def test_decisions_reach_the_task_and_strangers_are_not_taken(self) -> None:
        await self.run_configs(config("a"))
        self.assertTrue(self.runner.decided(decision("a")))
        self.assertTrue(self.runner.decided(decision("never was")))
        self.assertTrue(self.runner.decided(decision("a", "task_failed", CLASS_SNMP)))
        self.assertFalse(self.runner.decided(decision("a", "leases")))

        async def decided() -> bool:
            return str((await self.process_of("a")).command).endswith(" 1")

        await self.until("its task knows", decided)

    async def test_a_defect_is_told_and_the_next_good_run_closes_it(self) -> None:
        await self.run_configs(config("a", "error"))

        async def told(count: int) -> bool:
            return len(await self.said("a", "task_failed")) == count

        await self.until("it is told", lambda: told(1))
        self.assertIn("KeyError: 'pid'", (await self.said("a", "task_failed"))[0])
        await self.run_configs(config("a"))
        await self.until("it is over", lambda: told(2))
        await self.until("it is counted", lambda: self.runner.totals().failed_runs == 1)
        self.flushLoggedErrors(KeyError)

    async def test_sets_of_all_devices_come_in_pages_and_none_is_left_out(self) -> None:
        names = [f"d{number:02}" for number in range(23)]
        await self.run_configs(*(config(name) for name in names))
        found: list[str] = []
        more = True
        while more:
            page = await self.runner.answer(SetsQuery(after=found[-1] if found else "", limit=5))
            assert isinstance(page, Sets)
            self.assertEqual([one.device for one in page.sets], [one.device for one in page.scans])
            found += [scan.device for scan in page.scans]
            more = page.more
        self.assertEqual(found, names)
        some = await self.runner.answer(SetsQuery(devices=["d20", "d03"]))
        self.assertEqual([scan.device for scan in some.scans], ["d03", "d20"])
        await self.fails_with(self.runner.answer(SetsQuery(devices=["d03", "zz"])), NotFoundError)

    async def test_figures_are_those_of_one_daemon(self) -> None:
        names = ["a", "b", "c", "d"]
        await self.run_configs(*(config(name) for name in names))
        for name in names:
            await self.counts(name, 1)
        figures = await self.runner.figures()
        self.assertEqual((figures["counted"], figures["kind"]), (4, "counting"))
        self.assertEqual(sorted(task.device for task in figures["task_list"]), names)
        await self.until("all is counted", lambda: self.runner.totals().tasks == 4 and self.ran == 4)

    async def test_devices_that_do_not_answer_are_counted(self) -> None:
        await self.run_configs(config("a"), config("b", "silent"), config("c", "silent"))
        await self.until("they are", lambda: self.runner.totals().silent == 2)
        await self.runner.remove(["b"])
        await self.until("one has gone", lambda: self.runner.totals().silent == 1)

    async def test_what_ails_the_collectors_files_is_told_and_that_it_is_over(self) -> None:
        await self.run_configs(config("a", "full"))
        await self.until("it is told", lambda: "its files cannot be written" in self.troubles)
        await self.run_configs(config("a"))
        await self.until("it is over", lambda: self.troubles[-1] == "")

    async def test_the_hubs_epoch_is_known_to_tasks(self) -> None:
        await self.run_configs(config("a"))
        await self.counts("a", 1)
        self.epoch = "e2"
        self.runner.decided(decision("a"))
        self.runner.run_now(["a"])
        await self.counts("a", 2)
        batch = await self.spool.next_batch(10)
        self.assertEqual([one.event.details["hub"] for one in batch.events], ["e1", "e2"])

    async def test_what_is_known_is_known_after_a_restart(self) -> None:
        await self.run_configs(config("a"), config("b"))
        await self.counts("a", 1)
        await self.counts("b", 1)
        await self.end()
        await self.begin()
        await self.run_configs(config("a"), config("b"))
        await self.counts("a", 2)
        await self.counts("b", 2)

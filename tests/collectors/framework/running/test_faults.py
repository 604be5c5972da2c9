# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Worker processes that die, hang, or lose their daemon: real ones, with the real spool."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from collectors.framework.eventspool import EventSpool
from collectors.framework.interfaces import CollectorContext
from collectors.framework.running.sharded import Sharded
from collectors.framework.running.workerprocess import WorkerProcess
from common.errors import TransientError
from common.queries import ProcessesQuery, Sets, SetsQuery
from tests.contracts.runner import PATIENT, RunnerCase, config, decision
from tests.fakes.counting import SPEC, state_key

NAMES = [f"d{number}" for number in range(8)]


class WorkerCase(RunnerCase):
    count = 2
    patience = PATIENT

    def make_runner(self, context: CollectorContext) -> Any:
        self.problems: list[str] = [""]
        self.refused: dict[str, str] = {}
        return Sharded(
            self.count,
            SPEC,
            context,
            self.settings,
            on_runs=self.count_run,
            on_problem=self.told_problem,
            on_refused=self.refused.update,
            patience=self.patience,
        )

    def told_problem(self, sentence: str) -> None:
        if sentence != self.problems[-1]:
            self.problems.append(sentence)

    def worker_of(self, device: str) -> WorkerProcess:
        workers: list[WorkerProcess] = list(self.runner.workers.values())
        (found,) = [worker for worker in workers if device in worker.load.wanted]
        return found

    async def apart(self) -> tuple[list[str], list[str]]:
        """Run all; the devices of the first one's worker, and the others."""
        await self.run_configs(*map(config, NAMES))
        for name in NAMES:
            await self.counts(name, 1)
        own = list(self.worker_of(NAMES[0]).load.wanted)
        others = [name for name in NAMES if name not in own]
        assert others, "they all belong to one worker"
        return own, others

    async def wait(self, seconds: float) -> None:
        await deferLater(self.reactor, seconds, lambda: None)

    def is_gone(self, pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False


class KilledTests(WorkerCase):
    async def test_one_that_is_killed_is_started_again_and_its_devices_go_on(self) -> None:
        own, others = await self.apart()
        worker, other = self.worker_of(own[0]), self.worker_of(others[0])
        pid, others_pid = worker.pid, other.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        for name in own:
            await self.counts(name, 2)
        told = f"{worker.name} ended, killed by SIGKILL (9); it is started again, and {len(own)} devices wait for it"
        self.assertEqual(self.problems, ["", told, ""])
        self.assertNotEqual(worker.pid, pid)
        self.assertEqual((other.pid, other.ends, worker.ends), (others_pid, 0, 1))
        for name in others:
            await self.counts(name, 1)
            self.assertEqual((await self.process_of(name)).pid, others_pid)
        row = (await self.runner.figures())["workers"][worker.number - 1]
        self.assertEqual((row["pid"], row["live"], row["ends"], row["devices"]), (worker.pid, True, 1, len(own)))

    async def test_figures_are_told_while_one_is_started_again(self) -> None:
        own, others = await self.apart()
        worker = self.worker_of(own[0])
        old = worker.pid
        assert old is not None
        os.kill(old, signal.SIGKILL)
        await self.until("another one has been started", lambda: worker.pid not in (None, old))
        self.assertFalse(worker.live)
        figures = await self.runner.figures()
        self.assertEqual({task.device for task in figures["task_list"]}, set(others))
        self.assertEqual([row["live"] for row in figures["workers"]].count(True), 1)
        await self.until("it is there again", lambda: worker.live)

    async def test_nothing_is_lost_or_doubled_whenever_it_is_killed(self) -> None:
        await self.run_configs(*map(config, NAMES))
        rng, killed = random.Random(11), 0
        workers = list(self.runner.workers.values())
        end = time.monotonic() + 1.5

        def few() -> bool:
            return any(int(self.spool.load(state_key(name)) or b"0") <= 5 for name in NAMES)

        while time.monotonic() < end or killed < 3 or few():
            self.runner.run_now(NAMES)
            await self.wait(rng.uniform(0.001, 0.01))
            worker = rng.choice(workers)
            if worker.live and worker.pid and rng.random() < 0.04:
                os.kill(worker.pid, signal.SIGKILL)
                killed += 1
        await self.until("all are there again", lambda: all(worker.live for worker in workers))
        self.runner.run_now(NAMES)
        await self.runner.stopService()
        batch, said = await self.spool.next_batch(1000, 10**9), {name: [] for name in NAMES}  # type: ignore[var-annotated]
        while batch.events:
            for one in batch.events:
                said[one.event.device].append(int(one.event.summary))
            await self.spool.forget_up_to(batch.events[-1].seq, batch.spool)
            batch = await self.spool.next_batch(1000, 10**9)
        for name in NAMES:
            self.assertEqual(said[name], list(range(1, len(said[name]) + 1)), name)
            self.assertEqual(self.spool.load(state_key(name)), str(len(said[name])).encode())
            self.assertGreater(len(said[name]), 5)

    async def test_configs_are_live_when_it_says_so_though_it_dies_meanwhile(self) -> None:
        own, _ = await self.apart()
        worker = self.worker_of(own[0])
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        await self.run_configs(*(config(name, "y") for name in own))
        for name in own:
            self.assertEqual((await self.process_of(name)).name, "y")

    async def test_what_it_cannot_run_any_more_is_told_and_holds_up_no_other(self) -> None:
        own, _ = await self.apart()
        worker, bad = self.worker_of(own[0]), own[0]
        await self.run_configs(config(bad, "once"))
        await self.counts(bad, 2)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        for name in own[1:]:
            await self.counts(name, 2)
        await self.until("it is told", lambda: self.refused)
        self.assertEqual(self.refused, {bad: f"{bad}: no task can be made"})
        self.assertEqual((self.runner.has(bad), list(worker.load.wanted)), (False, own[1:]))
        ran = await self.runner.run([config(bad, "once")])
        self.assertEqual((ran.refused, len(self.refused)), ({bad: f"{bad}: no task can be made"}, 1))
        await self.run_configs(config(bad))
        await self.counts(bad, 3)

    async def test_it_is_asked_nothing_before_it_has_begun(self) -> None:
        await self.fails_with(self.runner.workers["worker 1"].tell(), TransientError)
        figures = await self.runner.figures()
        self.assertEqual((figures["task_list"], [row["live"] for row in figures["workers"]]), ([], [False, False]))
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_what_an_operator_decided_is_not_forgotten_with_it(self) -> None:
        own, _ = await self.apart()
        worker = self.worker_of(own[0])
        assert worker.pid is not None
        self.assertTrue(self.runner.decided(decision(own[0])))
        os.kill(worker.pid, signal.SIGKILL)
        await self.until("it has ended", lambda: worker.ends)
        await self.until("it is there again", lambda: worker.live)

        async def knows() -> bool:
            return str((await self.process_of(own[0])).command).endswith(" 1")

        await self.until("the new one knows", knows)


class SlowSpool(EventSpool):
    """Has everything on disk when the test says so."""

    gate: Deferred[None] | None = None
    waits = False

    async def settle(self) -> None:
        if self.gate is not None:
            self.waits = True
            await self.gate
        await super().settle()


class SlowDiskTests(WorkerCase):
    spool_type = SlowSpool

    async def test_a_new_process_waits_until_all_that_the_old_one_said_is_on_disk(self) -> None:
        own, _ = await self.apart()
        worker, spool = self.worker_of(own[0]), self.spool
        assert worker.pid is not None
        assert isinstance(spool, SlowSpool)
        spool.gate = Deferred()
        os.kill(worker.pid, signal.SIGKILL)
        await self.until("a new one has come up", lambda: spool.waits)
        self.assertEqual((worker.live, self.runner.run_now(own)), (False, len(own)))
        spool.gate.callback(None)
        for name in own:
            await self.counts(name, 2)


class DyingTests(WorkerCase):
    patience = replace(PATIENT, again_s=0.4)

    async def test_one_that_dies_of_a_config_again_and_again_disturbs_nobody(self) -> None:
        own, others = await self.apart()
        worker, bad = self.worker_of(own[0]), own[0]
        ran = await self.runner.run([config(bad, "die")])
        self.assertEqual((ran.refused, ran.late), ({}, {bad}))  # it was not live, so the hub is not told so
        await self.until("it has died often", lambda: worker.ends >= 3)
        self.runner.run_now(others)
        for name in others:
            await self.counts(name, 2)
        self.assertEqual(await self.runner.away(NAMES), frozenset(own))
        await self.run_configs(config(others[0], "y"))
        self.assertGreater(worker._child._pause_s, 1.0)
        await self.runner.run([config(bad)])
        await self.until("it works again", lambda: worker.live and "keeps ending" in self.problems[-1])
        self.assertEqual((await self.process_of(bad)).name, "x")


class OtherCountTests(WorkerCase):
    async def test_devices_keep_what_is_known_of_them_when_there_are_more_workers(self) -> None:
        await self.apart()
        before = {name: self.worker_of(name).name for name in NAMES}
        await self.end()
        self.count = 3
        await self.begin()
        await self.run_configs(*map(config, NAMES))
        for name in NAMES:
            await self.counts(name, 2)
        after = {name: self.worker_of(name).name for name in NAMES}
        self.assertEqual({after[name] for name in NAMES if after[name] != before[name]}, {"worker 3"})

    async def test_all_have_ended_when_it_is_stopped(self) -> None:
        await self.apart()
        pids = [worker.pid for worker in self.runner.workers.values()]
        await self.runner.stopService()
        self.assertEqual([self.is_gone(pid) for pid in pids if pid], [True, True])


class HangingTests(WorkerCase):
    def hang(self, worker: WorkerProcess) -> None:
        """Stop it, and wait but shortly for it alone: the other one answers, however busy the machine is."""
        worker.patience = replace(PATIENT, query_s=1.0, tell_s=1.0, run_s=0.5)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGSTOP)

    def wait_in_vain(self, worker: WorkerProcess) -> None:
        """As if it had been looked at for minutes: looks are counted, not measured."""
        for _ in range(int(PATIENT.silent_s) + 1):
            worker.look()

    async def test_one_that_hangs_is_told_of_killed_and_started_again(self) -> None:
        own, others = await self.apart()
        worker = self.worker_of(own[0])
        self.hang(worker)
        error = await self.fails_with(self.runner.answer(ProcessesQuery(device=own[0])), TransientError)
        self.assertEqual(str(error), f"{worker.name} does not answer within 1 s; ask again")
        self.assertEqual((await self.process_of(others[0])).name, "x")
        page = await self.runner.answer(SetsQuery())
        assert isinstance(page, Sets)
        self.assertEqual([scan.device for scan in page.scans], NAMES)
        self.assertEqual({one.device for one in page.sets} & set(own), set())
        self.assertEqual({scan.device for scan in page.scans if scan.problem}, set(own))
        figures = await self.runner.figures()
        self.assertEqual({task.device for task in figures["task_list"]}, set(others))
        (problem,) = [row["problem"] for row in figures["workers"] if row["problem"]]
        self.assertIn("are missing: worker", problem)
        self.assertEqual(worker.ends, 0)
        self.wait_in_vain(worker)
        for name in own:
            await self.counts(name, 2)
        self.assertIn("it said nothing for", self.problems[1])
        self.assertEqual((self.problems[-1], worker.ends), ("", 1))

    async def test_what_it_refuses_too_late_is_told_all_the_same(self) -> None:
        own, _ = await self.apart()
        worker, new = self.worker_of(own[0]), "late"
        while self.runner._owner(new) is not worker:
            new += "r"
        self.hang(worker)
        ran = await self.runner.run([config(new, "nomake")])
        self.assertEqual((ran.refused, ran.late, self.refused), ({}, {new}, {}))
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGCONT)
        await self.until("it is told", lambda: self.refused)
        self.assertEqual(self.refused, {new: f"{new}: no task can be made"})
        self.assertEqual((self.runner.has(new), worker.ends), (False, 0))

    async def test_one_that_is_held_up_by_a_run_is_ended_too(self) -> None:
        own, _ = await self.apart()
        worker = self.worker_of(own[0])
        started: Deferred[Any] = Deferred.fromCoroutine(self.runner.run([config(own[0], "hang")]))
        await self.until("it hangs", (self.folder / "hangs").exists)
        self.wait_in_vain(worker)
        await self.until("it has ended", lambda: worker.ends)
        await self.runner.remove([own[0]])
        await started
        await self.until("it is there again", lambda: worker.live)
        for name in own[1:]:
            await self.counts(name, 2)


del WorkerCase, RunnerCase

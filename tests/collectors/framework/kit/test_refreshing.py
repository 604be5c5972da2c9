"""What becomes of jobs with another config, by the runner that really runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from collectors.framework.interfaces import IManyTasks, ITask
from collectors.framework.kit.adapted import Adapted
from collectors.framework.kit.jobs import Due, Job
from collectors.framework.kit.program import spec
from collectors.framework.running.inprocess import InProcess, in_process
from collectors.framework.timing import phase
from common.configs import DeviceConfig
from common.errors import NotFoundError, PermanentError, TransientError
from common.events import Severity
from common.judged import Level
from common.queries import Decision, RunNowQuery
from tests.fakes.kit import NOW, FakeJobs, Kit, device, limit, reading, source
from tests.fakes.stores import done

Wanted = Callable[[DeviceConfig], Iterable[Job]]


class Daemon(Kit):
    """A runner of fake jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.runner: InProcess = in_process(spec(FakeJobs), self.context, 100, lambda *_: None)
        self.jobs = FakeJobs.made
        self.runner.startService()

    def run(self, wanted: Wanted, config: DeviceConfig | None = None) -> str:
        """Refresh; the reason why it was refused."""
        self.jobs.wanted = wanted
        config = config or device(source(interval_s=len(self.jobs.runs) + 1))
        ran = done(self.runner.run([config]))
        self.clock.advance(0)
        return ran.refused.get(config.device, "")

    def again(self, wanted: Wanted) -> str:
        """Refresh by a config that differs in some way."""
        return self.run(wanted, device(roll_days=next(NUMBERS)))

    def pass_s(self, seconds: float) -> None:
        self.clock.pump([1.0] * int(seconds))

    def pass_steps(self, count: int) -> None:
        """Go on until the jobs of so many more steps of a minute have had their turn."""
        self.pass_s((self.wall() // 60 + count) * 60 + 55 - self.wall())

    def tasks(self) -> dict[str, Any]:
        return {one.name: one for one in done(self.runner.figures())["task_list"]}

    def task(self, name: str) -> Any:
        return self.runner._scheduler.record(name).task


NUMBERS = iter(range(1, 10_000))


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    yield daemon
    done(daemon.runner.stopService())
    assert daemon.clock.getDelayedCalls() == []


def test_each_job_is_a_task_of_its_own_and_its_first_run_is_at_once(daemon: Daemon) -> None:
    assert daemon.run(lambda _: [daemon.jobs.job("", 60), daemon.jobs.job("disks", "60", 300)]) == ""
    assert set(daemon.tasks()) == {"fake:web1", "fake:web1:disks"}
    assert daemon.jobs.runs == {"": [{60: NOW}], "disks": [{60: NOW, 300: NOW}]}
    assert verifyObject(ITask, daemon.task("fake:web1:disks"))
    daemon.pass_s(600)
    assert [set(one) for one in daemon.jobs.runs["disks"]] == [{60, 300}, *[{60}] * 4, {60, 300}, *[{60}] * 4]
    assert [one[60] - NOW for one in daemon.jobs.runs["disks"]] == list(range(0, 600, 60))
    assert daemon.runner.totals().tasks == 2


def test_a_job_that_is_slow_holds_up_no_other(daemon: Daemon) -> None:
    slow: Deferred[Any] = Deferred()
    daemon.run(lambda _: [daemon.jobs.job("slow", 60, behave=lambda _: slow, timeout_s=1000), daemon.jobs.job("", 60)])
    daemon.pass_s(300)
    assert len(daemon.jobs.runs["slow"]) == 1
    assert len(daemon.jobs.runs[""]) == 5
    slow.callback([])


def test_what_became_due_meanwhile_is_one_run(daemon: Daemon) -> None:
    slow: Deferred[Any] = Deferred()
    runs = iter([slow])
    job = daemon.jobs.job("j", 60, 90, 300, behave=lambda _: next(runs, ()), timeout_s=1000)
    daemon.run(lambda _: [job])
    daemon.pass_s(305)
    slow.callback([])
    daemon.pass_steps(1)
    assert daemon.jobs.runs["j"][1] == {60: NOW + 300, 90: NOW + 270, 300: NOW + 300}
    assert daemon.tasks()["fake:web1:j"].late > 0


def test_the_same_job_is_left_as_it_is_with_the_run_under_way(daemon: Daemon) -> None:
    slow: Deferred[Any] = Deferred()
    daemon.run(lambda _: [daemon.jobs.job("j", 60, 300, behave=lambda _: slow, parameters={"a": [1]})])
    before = daemon.task("fake:web1:j")
    daemon.again(lambda _: [daemon.jobs.job("j", "300", 60, behave=lambda _: 1 / 0, parameters={"a": [1]})])
    assert daemon.task("fake:web1:j") is before
    assert daemon.tasks()["fake:web1:j"].state == "running"
    slow.callback([])
    daemon.pass_s(50)
    assert len(daemon.jobs.runs["j"]) == 1  # it was not run out of turn
    assert daemon.tasks()["fake:web1:j"].last_outcome == "good"


@pytest.mark.parametrize("change", [{"parameters": 2}, {"timeout_s": 7.0}, {}])
def test_another_job_of_the_id_is_run_at_once_and_keeps_its_place(daemon: Daemon, change: dict[str, Any]) -> None:
    intervals = (60,) if change else (60, 90)
    daemon.run(lambda _: [daemon.jobs.job("j", 60, parameters=1)])
    daemon.pass_s(10)
    daemon.again(lambda _: [daemon.jobs.job("j", *intervals, **({"parameters": 1} | change))])
    assert daemon.jobs.runs["j"] == [{60: NOW}, dict.fromkeys(intervals, NOW)]
    assert daemon.task("fake:web1:j").turns.offset_s == pytest.approx(60 * phase("fake:web1:j"))
    daemon.pass_steps(59)
    at = [step[60] for step in daemon.jobs.runs["j"] if 60 in step]
    assert at[1:] == list(range(int(NOW), int(NOW) + 3600, 60))


def test_a_run_of_the_old_job_ends_before_the_new_one_begins(daemon: Daemon) -> None:
    slow: Deferred[Any] = Deferred()
    daemon.run(lambda _: [daemon.jobs.job("j", 60, behave=lambda _: slow, parameters=1)])
    daemon.again(lambda _: [daemon.jobs.job("j", 60, parameters=2)])
    assert len(daemon.jobs.runs["j"]) == 1
    slow.callback([])
    daemon.clock.advance(0)
    assert len(daemon.jobs.runs["j"]) == 2


def test_what_is_gone_is_stopped_and_its_run_cancelled(daemon: Daemon) -> None:
    slow: Deferred[Any] = Deferred()
    daemon.run(lambda _: [daemon.jobs.job("a", 60, behave=lambda _: slow), daemon.jobs.job("b", 60)])
    daemon.again(lambda _: [daemon.jobs.job("b", 60)])
    assert set(daemon.tasks()) == {"fake:web1:b"}
    assert slow.called
    daemon.pass_s(300)
    assert len(daemon.jobs.runs["a"]) == 1
    assert daemon.again(lambda _: ()) == ""
    assert daemon.runner.has("web1")
    assert daemon.tasks() == {}


def test_jobs_that_are_slow_to_end_are_stopped_together_and_may_come_again_meanwhile(daemon: Daemon) -> None:
    end: Deferred[None] = Deferred()

    async def hang() -> Any:
        try:
            await Deferred()
        finally:
            await end
        return ()

    jobs = {name: daemon.jobs.job(name, 60, behave=lambda _: hang()) for name in "ab"}
    daemon.run(lambda _: [daemon.jobs.job("", 60), *jobs.values()])
    daemon.jobs.wanted = lambda _: [daemon.jobs.job("", 60)]
    leaving = Deferred.fromCoroutine(daemon.runner.run([device(roll_days=next(NUMBERS))]))
    assert (set(daemon.tasks()), leaving.called) == ({"fake:web1"}, False)
    daemon.again(lambda _: [daemon.jobs.job("", 60), daemon.jobs.job("b", 60)])
    assert [set(one) for one in daemon.jobs.runs["b"]] == [{60}, {60}]
    daemon.pass_s(30)
    assert leaving.called
    assert set(daemon.tasks()) == {"fake:web1", "fake:web1:b"}
    end.callback(None)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda jobs: jobs.job("bad"), "job 'bad' of web1 has no intervals; it needs at least one, in whole seconds"),
        (lambda jobs: jobs.job("bad", "x"), "job 'bad' of web1: 'x' is no interval; it has to be whole seconds"),
        (lambda jobs: jobs.job("bad", 60, timeout_s=-1.0), "job 'bad' of web1: -1.0 is no time-out"),
        (lambda jobs: jobs.job("b" * 201, 60), "an id is at most 200 characters"),
        (lambda jobs: jobs.job("a\nb", 60), "an id is at most 200 characters that can be seen"),
        (lambda jobs: jobs.job("good", 60), "job 'good' of web1: there is another one of that id; the first one"),
        (lambda _: "a text", "jobs() of fake yields 'a text', which is no Job"),
    ],
)
def test_a_job_that_is_wrong_leaves_the_others_and_is_told(daemon: Daemon, bad: Any, said: str) -> None:
    assert daemon.run(lambda _: [daemon.jobs.job("good", 60), bad(daemon.jobs), daemon.jobs.job("last", 60)]) == ""
    assert set(daemon.tasks()) == {"fake:web1:good", "fake:web1:last"}
    (event,) = daemon.sink.sent
    assert (event.severity.label, event.event_key, event.event_class) == ("warning", "job_refused", "/Status/Fake")
    assert said in event.summary
    daemon.pass_steps(2)
    assert len(daemon.sink.sent) == 1
    daemon.again(lambda _: [daemon.jobs.job("good", 60), daemon.jobs.job("last", 60)])
    assert daemon.told()[1:] == [("clear", "", "job_refused")]


def test_what_was_of_the_id_of_a_wrong_job_goes_on(daemon: Daemon) -> None:
    daemon.run(lambda _: [daemon.jobs.job("j", 60), daemon.jobs.job("gone", 60)])
    daemon.again(lambda _: [daemon.jobs.job("j", 0), daemon.jobs.job("new", 60)])
    assert set(daemon.tasks()) == {"fake:web1:j", "fake:web1:new"}
    daemon.pass_steps(2)
    assert len(daemon.jobs.runs["j"]) == 3


def half_way(daemon: Daemon, error: Exception) -> Wanted:
    def wanted(_config: DeviceConfig) -> Iterator[Job]:
        yield daemon.jobs.job("a", 300)
        yield daemon.jobs.job("new", 60)
        raise error

    return wanted


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermanentError("the list of disks is damaged"), "the list of disks is damaged"),
        (KeyError("x"), "an error of ours"),
    ],
)
def test_nothing_changes_when_a_refresh_fails_half_way(daemon: Daemon, error: Exception, said: str) -> None:
    daemon.run(lambda _: [daemon.jobs.job("a", 60), daemon.jobs.job("b", 60)])
    assert said in daemon.again(half_way(daemon, error))
    assert set(daemon.tasks()) == {"fake:web1:a", "fake:web1:b"}
    daemon.pass_steps(2)
    assert [len(daemon.jobs.runs[id_]) for id_ in "ab"] == [3, 3]
    assert daemon.again(lambda _: [daemon.jobs.job("a", 60)]) == ""
    assert set(daemon.tasks()) == {"fake:web1:a"}


def test_a_config_that_was_refused_is_refused_again(daemon: Daemon) -> None:
    daemon.run(lambda _: [daemon.jobs.job("a", 60)])
    bad = device(roll_days=1)
    for _ in range(2):
        assert daemon.run(half_way(daemon, PermanentError("damaged")), bad) == "damaged"


def test_a_new_device_whose_jobs_cannot_be_told_has_none(daemon: Daemon) -> None:
    assert daemon.run(half_way(daemon, PermanentError("damaged"))) == "damaged"
    assert not daemon.runner.has("web1")
    assert daemon.tasks() == {}
    assert daemon.run(lambda _: [daemon.jobs.job("", 60)]) == ""
    assert set(daemon.tasks()) == {"fake:web1"}


def test_configs_are_judged_before(daemon: Daemon) -> None:
    daemon.jobs.mistakes = ["disk / has no mount point"]
    refusal = daemon.runner.refusal(device())
    assert refusal == "the config of web1 cannot be run: disk / has no mount point\ndisk / has no mount point"
    daemon.jobs.mistakes = []
    assert daemon.runner.refusal(device(source())) == ""
    assert "source queue: there are several of that id" in daemon.runner.refusal(device(source(), source()))
    clear = limit("high", 1, levels=(Level(severity=Severity.CLEAR, maximum=1.0),))
    refusal = daemon.runner.refusal(device(source(thresholds=(clear,))))
    assert "source queue: threshold queue/high: the severity of a level cannot be clear" in refusal


def test_run_now_runs_all_jobs_with_all_intervals(daemon: Daemon) -> None:
    daemon.run(lambda _: [daemon.jobs.job("a", 60, 300), daemon.jobs.job("b", 3600)])
    daemon.pass_s(2)
    assert daemon.runner.run_now(["web1", "nobody"]) == 1
    daemon.clock.advance(0)
    assert daemon.jobs.runs == {"a": [{60: NOW, 300: NOW}] * 2, "b": [{3600: NOW}] * 2}


def test_a_device_pauses_and_goes_on_with_all_its_jobs(daemon: Daemon) -> None:
    wanted: Wanted = lambda _: [daemon.jobs.job("a", 60), daemon.jobs.job("b", 60, 3600)]  # noqa: E731
    daemon.run(wanted, device())
    daemon.runner.pause(["web1"])
    daemon.pass_s(600)
    assert [len(runs) for runs in daemon.jobs.runs.values()] == [1, 1]
    assert {one.state for one in daemon.tasks().values()} == {"paused"}
    daemon.run(wanted, device())
    assert daemon.jobs.runs["b"][1] == {60: NOW + 600, 3600: NOW}
    daemon.pass_steps(2)
    assert [len(runs) for runs in daemon.jobs.runs.values()] == [4, 4]


def test_a_paused_device_whose_new_config_is_refused_stays_paused(daemon: Daemon) -> None:
    daemon.run(lambda _: [daemon.jobs.job("a", 60)])
    daemon.runner.pause(["web1"])
    assert daemon.again(half_way(daemon, PermanentError("damaged"))) == "damaged"
    daemon.pass_steps(2)
    assert len(daemon.jobs.runs["a"]) == 1
    daemon.again(lambda _: [daemon.jobs.job("a", 60)])
    assert len(daemon.jobs.runs["a"]) == 2


def test_a_device_that_leaves_takes_all_with_it(daemon: Daemon) -> None:
    daemon.run(
        lambda _: [daemon.jobs.job("a", 60, behave=lambda due: [reading(due.at, _=99)]), daemon.jobs.job("b", 60)]
    )
    done(daemon.runner.remove(["web1"]))
    assert daemon.tasks() == {}
    assert daemon.jobs.forgotten == ["web1"]
    assert daemon.sink.states == {}
    daemon.pass_steps(2)
    assert [len(runs) for runs in daemon.jobs.runs.values()] == [1, 1]


def test_a_job_that_fails_is_told_once_and_ends_with_the_next_good_run(daemon: Daemon) -> None:
    fails = [True]

    def behave(_due: Due) -> Any:
        if fails[0]:
            raise TransientError("the queue daemon does not answer on port 7777")
        return ()

    daemon.run(lambda _: [daemon.jobs.job("a", 60, behave=behave), daemon.jobs.job("b", 60)])
    daemon.pass_steps(3)
    (event,) = daemon.sink.sent
    assert (event.event_key, event.severity.label) == ("job_failed:a", "error")
    assert event.summary == "the queue daemon does not answer on port 7777"
    assert daemon.tasks()["fake:web1:a"].failed == 4
    fails[0] = False
    daemon.pass_steps(1)
    assert daemon.told()[1:] == [("clear", "", "job_failed:a")]
    fails[0] = True
    daemon.pass_steps(1)
    daemon.again(lambda _: [daemon.jobs.job("b", 60)])
    assert daemon.told()[2:] == [("error", "", "job_failed:a"), ("clear", "", "job_failed:a")]


def test_a_defect_is_task_failed_of_that_job(daemon: Daemon) -> None:
    broken = {"a", "b"}

    def behave(id_: str) -> Any:
        return lambda _due: 1 / 0 if id_ in broken else ()

    wanted: Wanted = lambda _: [daemon.jobs.job(id_, 60, behave=behave(id_)) for id_ in ("", "a", "b")]  # noqa: E731
    daemon.run(wanted)
    assert daemon.told() == [("error", "", "task_failed:a"), ("error", "", "task_failed:b")]
    broken.remove("a")
    daemon.pass_steps(1)
    assert ("clear", "", "task_failed:a") in daemon.told()
    assert ("clear", "", "task_failed:b") not in daemon.told()
    closed = Decision(
        device="web1", component="", event_class="/Status/Fake", event_key="task_failed:b", severity=4, open=False
    )
    assert daemon.runner.decided(closed)
    daemon.again(lambda _: [daemon.jobs.job("", 60)])
    assert ("clear", "", "task_failed:b") not in daemon.told()  # it was closed by hand
    broken.add("")
    daemon.pass_steps(1)
    assert daemon.told()[-1] == ("error", "", "task_failed")


def test_what_a_job_failed_with_ends_when_it_is_done_no_more(daemon: Daemon) -> None:
    daemon.run(lambda _: [daemon.jobs.job("a", 60, behave=lambda _: 1 / 0)])
    daemon.again(lambda _: ())
    assert daemon.told() == [("error", "", "task_failed:a"), ("clear", "", "task_failed:a")]


def test_a_job_that_takes_too_long_is_cancelled(daemon: Daemon) -> None:
    never: Deferred[Any] = Deferred()
    daemon.run(lambda _: [daemon.jobs.job("a", 1, behave=lambda _: never)])
    daemon.pass_s(9)
    assert daemon.sink.sent == []
    daemon.pass_s(2)
    assert daemon.sink.sent[0].summary == "fake:web1:a: it took longer than 10 s and was cancelled"


@pytest.mark.parametrize(("interval_s", "timeout_s"), [(1, 10), (60, 60), (86_400, 300)])
def test_how_long_a_run_may_take(daemon: Daemon, interval_s: int, timeout_s: float) -> None:
    daemon.run(lambda _: [daemon.jobs.job("a", interval_s, 86_400), daemon.jobs.job("b", 60, timeout_s=1.5)])
    assert daemon.task("fake:web1:a").timeout_s == timeout_s
    assert daemon.task("fake:web1:b").timeout_s == 1.5


def test_lanes_and_rests_are_those_of_the_job(daemon: Daemon) -> None:
    resting = [True]
    daemon.run(
        lambda _: [
            daemon.jobs.job("a", 60, 300, lane="10.0.0.0/24", rests=lambda: resting[0]),
            daemon.jobs.job("b", 60, lane=lambda: "silent"),
        ]
    )
    assert [daemon.task(f"fake:web1:{id_}").lane for id_ in "ab"] == ["10.0.0.0/24", "silent"]
    assert daemon.runner.totals().silent == 1
    daemon.pass_s(290)
    assert len(daemon.jobs.runs["a"]) == 1  # its first run is in any case
    daemon.pass_s(70)
    resting[0] = False
    daemon.pass_steps(1)
    assert daemon.jobs.runs["a"][1] == {60: NOW + 360, 300: NOW + 300}


def test_it_is_a_collector_with_many_tasks(daemon: Daemon) -> None:
    adapted = Adapted(daemon.jobs, daemon.context, "/Status/Fake")
    assert verifyObject(IManyTasks, adapted)
    with pytest.raises(PermanentError):
        adapted.make_task(device())
    with pytest.raises(NotFoundError, match="RunNowQuery is not for fake"):
        done(adapted.answer(RunNowQuery(devices=[])))
    assert adapted.figures() == {"asked": 0}
    assert adapted.listening() == (0, 0)

"""Who holds the reactor up is named."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.task import Clock
from zope.interface import implementer

from collectors.framework.interfaces import ITask
from collectors.framework.watching.stacks import place_of
from collectors.framework.watching.watch import BEAT_S, CALM_S, MOST, STATE_KEY, ReactorWatch
from common.events import CLASS_DAEMON
from common.queries import Decision
from tests.fakes.events import FakeEventSink
from tests.fakes.tasks import FakeTask

ROOT = Path(__file__).parents[4]


class Watched:
    """A watch without its thread: time and looks go as a test says."""

    def __init__(self, *running: str) -> None:
        self.at = 1000.0
        self.used = 0.0
        self.sink = FakeEventSink()
        self.running = list(running)
        self.watch = self.make()

    def make(self) -> ReactorWatch:
        watch = ReactorWatch(
            Clock(),
            self.sink,
            self.sink,
            lambda: "local",
            lambda: 1.8e9,
            lambda: self.running,
            now=lambda: self.at,
            cpu_s=lambda: self.used,
        )
        watch.start_watching(threading.get_ident())
        return watch

    def goes_on(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.at += 1
            self.watch.beat()
            self.watch.look()

    def blocks(self, seconds: float, in_: Callable[[Callable[[], Any]], Any] = lambda then: then()) -> None:
        """The reactor does not beat, and the thread looks."""

        def wait() -> None:
            end = self.at + BEAT_S + seconds
            while self.at < end:
                self.at = min(self.at + 0.1, end)
                self.used += 0.1
                self.watch.look()

        in_(wait)
        self.watch.beat()

    def told(self) -> list[tuple[str, str]]:
        return [(event.severity.label, event.component) for event in self.sink.sent]


@implementer(ITask)
class Blocking(FakeTask):
    def work(self, then: Callable[[], Any]) -> None:
        then()


def test_a_reactor_that_goes_on_is_left_alone() -> None:
    watched = Watched()
    watched.goes_on(20)
    watched.blocks(2.7)
    watched.goes_on(20)
    assert watched.sink.sent == []
    assert watched.watch.figures() == {"reactor_blocked": 0}


def test_a_task_that_holds_it_up_is_named_with_its_place() -> None:
    watched = Watched("others:web1", "others:web2")
    watched.blocks(4.2, Blocking("queue:web1:mail").work)
    (event,) = watched.sink.sent
    assert (event.device, event.component, event.event_class) == ("local", "queue:web1:mail", CLASS_DAEMON)
    assert event.event_key == "reactor_blocked"
    assert event.summary.startswith("the reactor was held up for 4.2 s by task queue:web1:mail, at ")
    assert "watching/watch.py:" in event.summary  # the looks of this test are made by the thread itself
    assert event.message.startswith("framework/watching/test_watch.py:")
    assert event.message.split("\n")[0].endswith("in work")
    assert watched.watch.figures() == {"reactor_blocked": 1}


def test_where_no_task_is_under_way_the_only_one_that_runs_is_meant() -> None:
    watched = Watched("process:web1")
    watched.blocks(4)
    watched.running = ["process:web1", "process:web2"]
    watched.blocks(4)
    assert watched.told() == [("warning", "process:web1"), ("warning", "")]
    assert "by no task that is known" in watched.sink.sent[1].summary


def test_it_ends_when_nothing_has_happened_for_long_and_after_a_restart() -> None:
    watched = Watched()
    watched.blocks(4, Blocking("a").work)
    watched.goes_on(CALM_S / 2)
    watched.blocks(4, Blocking("b").work)
    watched.watch = watched.make()
    watched.goes_on(CALM_S - 2)
    assert watched.told() == [("warning", "a"), ("warning", "b")]
    watched.goes_on(4)
    assert watched.told()[2:] == [("clear", "a"), ("clear", "b")]
    assert msgspec.msgpack.decode(watched.sink.states[STATE_KEY]) == []
    watched.goes_on(CALM_S)
    assert len(watched.sink.sent) == 4


def test_a_process_that_stood_still_was_held_up_by_nobody() -> None:
    watched = Watched()
    watched.goes_on(3)
    watched.at += 3600
    watched.watch.look()
    watched.watch.look()
    watched.watch.beat()
    watched.goes_on(5)
    assert watched.sink.sent == []


def test_what_lets_no_other_thread_run_is_seen_by_the_time_it_used() -> None:
    watched = Watched()
    watched.goes_on(3)
    watched.at += 10
    watched.used += 10

    def then() -> None:
        watched.watch.look()

    Blocking("process:web1").work(then)
    watched.watch.beat()
    assert watched.told() == [("warning", "process:web1")]


def test_there_are_not_more_events_than_so_many() -> None:
    watched = Watched()
    for number in range(MOST + 5):
        watched.blocks(4, Blocking(f"task{number:02}").work)
    assert [component for _, component in watched.told()[-2:]] == [f"task{MOST - 1}", ""]
    assert len(watched.told()) == MOST + 1
    assert watched.watch.count == MOST + 5


def test_operators_decide() -> None:
    watched = Watched()
    watched.blocks(4, Blocking("a").work)

    def decide(key: str = "reactor_blocked", *, opened: bool = False) -> bool:
        return watched.watch.decided(
            Decision(device="local", component="a", event_class=CLASS_DAEMON, event_key=key, severity=3, open=opened)
        )

    assert not decide("samples")
    assert decide()
    watched.goes_on(CALM_S + 5)
    assert watched.told() == [("warning", "a")]
    assert decide(opened=True)
    watched.goes_on(CALM_S + 5)
    assert watched.told()[1:] == [("clear", "a")]


def test_a_disk_that_is_full_ends_nothing() -> None:
    watched = Watched()
    watched.sink.full = True
    watched.blocks(4)
    watched.sink.full = False
    watched.blocks(4)
    assert watched.told() == [("warning", "")]
    watched.blocks(4)
    assert len(watched.told()) == 1


def test_a_place_tells_who_called_the_library() -> None:
    found: list[str] = []

    def ask(_text: str) -> bool:
        found.append(place_of(sys._getframe(1)).at)
        return False

    textwrap.indent("x", "", predicate=ask)
    assert "python" in found[0]
    assert "called at " in found[0]
    assert found[0].endswith("in test_a_place_tells_who_called_the_library")


def test_a_real_reactor_that_a_real_job_holds_up() -> None:
    """With a real thread, and a job of the kit that does it again and again."""
    script = """
        import time
        from common.daemon_run import install_reactor
        reactor = install_reactor()
        from twisted.internet.defer import Deferred
        from twisted.logger import globalLogBeginner, textFileLogObserver
        import sys
        globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)
        from collectors.framework.kit.program import spec
        from collectors.framework.running.inprocess import in_process
        from collectors.framework.watching import watch
        from tests.fakes.kit import FakeJobs, Kit, device
        from msgspec.structs import replace
        watch.BEAT_S = watch.LOOK_S = 0.1
        kit = Kit()
        context = replace(kit.context, clock=reactor, reactor=reactor, wall=time.time)
        runner = in_process(spec(FakeJobs), context, 10, lambda *_: None)
        watching = watch.ReactorWatch(
            reactor, kit.sink, kit.sink, lambda: "local", time.time, runner.under_way, limit_s=0.3
        )

        def hold_up(_due):
            time.sleep(0.3)
            for _ in range(1000):  # until the thread has looked, however late it comes to that
                if watching._held is not None:
                    break
                time.sleep(0.02)
            return ()

        FakeJobs.made.wanted = lambda _: [FakeJobs.made.job("mail", 1, behave=hold_up)]
        runner.startService()
        watching.begin()
        Deferred.fromCoroutine(runner.run([device()]))

        def look():
            told = [event for event in kit.sink.sent if event.component]  # the rest is a busy machine's
            if told:
                print("EVENT", told[0].component, told[0].summary)
                watching.stopService()
                reactor.stop()
            else:
                reactor.callLater(0.05, look)

        reactor.callLater(0.05, look)
        reactor.callLater(60, reactor.stop)
        reactor.run()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert "EVENT fake:web1:mail the reactor was held up for" in done.stdout, done.stdout + done.stderr
    assert "by task fake:web1:mail, at <string>:" in done.stdout
    assert "in hold_up" in done.stdout
    assert "the reactor has been held up for" in done.stdout  # the log, before it went on

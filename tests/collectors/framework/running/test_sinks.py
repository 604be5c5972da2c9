"""What a worker gives its tasks keeps the promises that the daemon's own sinks keep."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from collectors.framework.running.messages import Forget, Keep, News, Samples
from collectors.framework.running.sinks import DaemonSamples, DaemonSpool
from common.errors import TransientError
from common.events import Event
from common.series import Sample
from tests.contracts.event_sink import EventSinkContract
from tests.contracts.sample_sink import NOW, SampleSinkContract, sample
from tests.fakes.events import FakeEventSink, event


class Daemon:
    """The other end: it takes news in order, when it is told to."""

    def __init__(self) -> None:
        self.kept = FakeEventSink()
        self.news: list[News] = []
        self.spool = DaemonSpool(self.news.append, self.kept.load)

    def work(self) -> None:
        news, self.news[:] = list(self.news), []
        for one in news:
            if isinstance(one, Forget):
                self.kept.forget(one.key)
            elif isinstance(one, Keep):
                self.keep(one)

    def keep(self, news: Keep) -> None:
        refusals: list[str] = []
        kept = Deferred.fromCoroutine(self.kept.send(news.events, news.key, news.state))
        kept.addErrback(lambda failure: refusals.append(failure.getErrorMessage()))
        self.spool.kept(news.number, refusals[0] if refusals else "")


class TestDaemonSpool(EventSinkContract):
    def make_sink(self) -> DaemonSpool:
        self.daemon = Daemon()
        return self.daemon.spool

    def settle(self) -> None:
        self.daemon.work()

    def kept(self, sink: Any) -> list[Event]:
        return self.daemon.kept.sent

    def fill_disk(self, sink: Any, *, full: bool) -> None:
        self.daemon.kept.full = full

    def test_what_is_on_its_way_is_read_back_at_once(self) -> None:
        sink = self.make_sink()
        self.do(sink.send([], "a", b"one"))
        waiting = Deferred.fromCoroutine(sink.send([event(1)], "a", b"two"))
        assert (sink.load("a"), waiting.called) == (b"two", False)
        sink.forget("a")
        assert sink.load("a") is None
        Deferred.fromCoroutine(sink.send([], "a", b"three"))
        assert sink.load("a") == b"three"
        self.settle()
        assert (sink.load("a"), self.daemon.kept.states, waiting.called) == (b"three", {"a": b"three"}, True)

    def test_it_remembers_nothing_that_the_disk_has(self) -> None:
        sink = self.make_sink()
        sink.forget("a")
        self.do(sink.send([], "b", b"one"))
        self.daemon.kept.states["a"] = self.daemon.kept.states["b"] = b"of the disk"
        assert (sink.load("a"), sink.load("b")) == (b"of the disk", b"of the disk")

    def test_a_run_that_was_cancelled_while_it_waits_does_no_harm(self) -> None:
        sink = self.make_sink()
        waiting = Deferred.fromCoroutine(sink.send([event(1)], "a", b"one"))
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        self.settle()
        assert self.kept(sink) == [event(1)]
        assert sink.load("a") == b"one"

    def test_it_settles_when_all_is_answered(self) -> None:
        sink = self.make_sink()
        Deferred.fromCoroutine(sink.send([event(1)]))
        ended: list[None] = []
        Deferred.fromCoroutine(sink.settled()).addCallback(ended.append)
        assert ended == []
        self.settle()
        assert len(ended) == 1
        assert Deferred.fromCoroutine(sink.settled()).called

    def test_a_daemon_that_does_not_keep_up_is_not_asked_without_end(self) -> None:
        sink = self.make_sink()
        sink._waiting = dict.fromkeys(range(100_000, 120_000), ("", Deferred()))
        failed: list[Any] = []
        Deferred.fromCoroutine(sink.send([event(1)])).addErrback(failed.append)
        assert isinstance(failed[0].value, TransientError)
        assert self.daemon.news == []


class TestDaemonSamples(SampleSinkContract):
    def make_sink(self, max_waiting: int = 100) -> DaemonSamples:
        self.news: list[Any] = []
        return DaemonSamples(self.news.append, lambda: NOW, max_waiting)

    def told(self) -> list[tuple[list[int], list[Any]]]:
        return [([one[0] for one in news.definitions], news.entries) for news in self.news]

    def test_a_series_is_defined_once_and_samples_refer_to_it(self) -> None:
        sink = self.make_sink()
        sink.write([sample(NOW - 20, cpu=1)])
        sink.write([sample(NOW - 10, cpu=2, count=3), sample(NOW - 10, "nginx", cpu=4)])
        assert self.told() == [
            ([1], [(1, NOW - 20, [1, None])]),
            ([2], [(1, NOW - 10, [2, 3]), (2, NOW - 10, [4, None])]),
        ]
        assert all(isinstance(news, Samples) for news in self.news)

    def test_more_than_the_daemon_takes_is_dropped_and_counted(self) -> None:
        sink = self.make_sink(3)

        def write(number: int) -> Sample:
            one = sample(NOW - 1000 + 10 * number, cpu=number)
            sink.write([one])
            return one

        for number in range(5):
            write(number)
        assert (sink.dropped, len(self.news)) == (2, 3)
        sink.taken(3)
        write(5)
        assert (sink.dropped, len(self.news)) == (2, 4)

    def test_a_series_whose_first_samples_were_dropped_is_defined_later(self) -> None:
        sink = self.make_sink(3)
        for number in range(3):
            sink.write([sample(NOW - 100 + 10 * number, cpu=1)])
        sink.write([sample(NOW, "nginx", cpu=1)])
        sink.taken(3)
        sink.write([sample(NOW + 10, "nginx", cpu=1)])
        assert self.told()[-1] == ([2], [(2, NOW + 10, [1, None])])


del EventSinkContract, SampleSinkContract

"""What every `IEventSink` that is also an `IStateStore` must do."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from collectors.framework.interfaces import IEventSink, IStateStore
from common.errors import TransientError
from common.events import Event
from tests.fakes.events import event


class EventSinkContract:
    """Mixin. `make_sink` gives a sink, `settle` lets all that is under way end, `kept` tells which events are kept."""

    def make_sink(self) -> Any:
        raise NotImplementedError

    def settle(self) -> None:
        raise NotImplementedError

    def kept(self, sink: Any) -> list[Event]:
        raise NotImplementedError

    def fill_disk(self, sink: Any, *, full: bool) -> None:
        raise NotImplementedError

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        outcome: list[Any] = []
        errors: list[Any] = []
        Deferred.fromCoroutine(work).addCallbacks(outcome.append, errors.append)
        self.settle()
        if errors:
            raise errors[0].value
        assert outcome, "it did not end"
        return outcome[0]

    def test_it_provides_the_interfaces(self) -> None:
        sink = self.make_sink()
        assert verifyObject(IEventSink, sink)
        assert verifyObject(IStateStore, sink)

    def test_events_are_kept_in_order(self) -> None:
        sink = self.make_sink()
        self.do(sink.send([event(1), event(2)]))
        self.do(sink.send([event(3)]))
        assert self.kept(sink) == [event(1), event(2), event(3)]

    def test_state_comes_back_and_the_last_one_counts(self) -> None:
        sink = self.make_sink()
        assert sink.load("a") is None
        self.do(sink.send([event(1)], "a", b"one"))
        self.do(sink.send([], "a", b"two"))
        self.do(sink.send([event(2)], "b", b""))
        assert (sink.load("a"), sink.load("b")) == (b"two", b"")

    def test_no_state_keeps_the_one_before(self) -> None:
        sink = self.make_sink()
        self.do(sink.send([], "a", b"one"))
        self.do(sink.send([event(1)], "a", None))
        assert sink.load("a") == b"one"

    def test_a_forgotten_state_is_gone(self) -> None:
        sink = self.make_sink()
        self.do(sink.send([], "a", b"one"))
        sink.forget("a")
        sink.forget("never was")
        assert sink.load("a") is None
        self.settle()
        assert sink.load("a") is None

    def test_a_full_disk_refuses_both_and_later_takes_them(self) -> None:
        sink = self.make_sink()
        self.do(sink.send([event(1)], "a", b"one"))
        self.fill_disk(sink, full=True)
        with pytest.raises(TransientError):
            self.do(sink.send([event(2)], "a", b"two"))
        assert sink.load("a") == b"one"
        self.fill_disk(sink, full=False)
        self.do(sink.send([event(3)], "a", b"three"))
        assert self.kept(sink) == [event(1), event(3)]
        assert sink.load("a") == b"three"

"""What every `IHub` must do with events."""

from __future__ import annotations

import random
from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from collectors.framework.interfaces import IHub
from common.components import ComponentKind, FoundComponent
from common.errors import TransientError
from common.wire import EventBatch, ModelReport, ModelTaken, PluginOutcome, SpooledEvent, WireError
from tests.fakes.events import event


def batch(first: int, last: int, spool: str = "s1") -> EventBatch:
    return EventBatch(spool=spool, events=[SpooledEvent(seq, event(seq)) for seq in range(first, last + 1)])


class HubContract:
    """Mixin. `make_hub` gives a hub with a session; `turn` lets what is under way end; `cut` ends the session."""

    def make_hub(self) -> Any:
        raise NotImplementedError

    def turn(self) -> None:
        raise NotImplementedError

    def cut(self, hub: Any) -> None:
        raise NotImplementedError

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        outcome: list[Any] = []
        errors: list[Any] = []
        Deferred.fromCoroutine(work).addCallbacks(outcome.append, errors.append)
        self.turn()
        if errors:
            raise errors[0].value
        assert outcome, "it did not end"
        return outcome[0]

    def test_it_provides_the_interface(self) -> None:
        assert verifyObject(IHub, self.make_hub())

    def test_it_answers_the_highest_number_that_it_holds(self) -> None:
        hub = self.make_hub()
        assert hub.connected
        assert self.do(hub.send_events(batch(1, 3))).seq == 3
        assert self.do(hub.send_events(batch(4, 4))).seq == 4

    def test_without_a_session_it_says_that_it_may_work_later(self) -> None:
        hub = self.make_hub()
        self.cut(hub)
        assert not hub.connected
        with pytest.raises(TransientError):
            self.do(hub.send_events(batch(1, 1)))
        with pytest.raises(TransientError):
            self.do(hub.send_model(ModelReport(device="web1", at=1.0)))

    def test_it_takes_what_a_modelling_found(self) -> None:
        assert self.do(self.make_hub().send_model(ModelReport(device="web1", at=1.0, run="r1"))) == ModelTaken()

    def test_a_report_that_cannot_cross_is_refused_here(self) -> None:
        noise = random.Random(1)
        found = [
            FoundComponent(kind=ComponentKind.CPU, name=noise.randbytes(100).hex(), anchor=noise.randbytes(100).hex())
            for _ in range(3000)
        ]
        report = ModelReport(device="web1", at=1.0, outcomes=[PluginOutcome(plugin="hardware", components=found)])
        with pytest.raises(WireError, match="at most"):
            self.do(self.make_hub().send_model(report))

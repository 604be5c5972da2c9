"""An event sink and state store in memory, and a worker without a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred
from zope.interface import implementer

from collectors.framework.interfaces import IEventSink, IStateStore
from common.errors import TransientError
from common.events import CLASS_PROCESS, Event, Severity

T = TypeVar("T")


def event(number: int = 1, severity: Severity = Severity.ERROR, device: str = "web1", key: str = "") -> Event:
    return Event(
        device=device,
        component=f"set{number}",
        event_class=CLASS_PROCESS,
        event_key=key or "process_missing",
        severity=severity,
        summary=f"event {number}",
        at=1_800_000_000.0 + number,
        details={"number": number},
    )


@implementer(IEventSink, IStateStore)
class FakeEventSink:
    """Keeps what it is given; `full` makes it refuse as a full disk does."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.states: dict[str, bytes] = {}
        self.full = False

    async def send(self, events: Sequence[Event], state_key: str = "", state: bytes | None = None) -> None:
        if self.full:
            raise TransientError("no space left")
        self.sent.extend(events)
        if state_key and state is not None:
            self.states[state_key] = state

    def load(self, key: str) -> bytes | None:
        return self.states.get(key)

    def forget(self, key: str) -> None:
        self.states.pop(key, None)


class InlineWorker:
    """Does the work where it is asked for; `hold` keeps it until `release`."""

    def __init__(self) -> None:
        self.hold = False
        self.held: list[Deferred[None]] = []
        self.jobs = 0

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    async def run(self, work: Callable[[], T]) -> T:
        if self.hold:
            waiting: Deferred[None] = Deferred()
            self.held.append(waiting)
            await waiting
        self.jobs += 1
        return work()

    def release(self) -> None:
        self.hold = False
        held, self.held = self.held, []
        for waiting in held:
            waiting.callback(None)

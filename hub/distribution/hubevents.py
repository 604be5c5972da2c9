"""Events that the hub itself raises."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from common.errors import TransientError
from common.events import CLASS_CONFIG, HUB, OPEN_STATES, Event, Severity
from hub.distribution.errand import Errand
from hub.distribution.interfaces import IConfigReports
from hub.interfaces import EventFilter, IEventStore

MAX_WAITING = 10_000
LINE = 500


class HubEvents:
    """Writes events to the store one after the other, in order, and tries again what the store could not take."""

    log = Logger()

    def __init__(self, clock: IReactorTime, rng: random.Random, store: IEventStore) -> None:
        self._clock = clock
        self._rng = rng
        self._store = store
        self._waiting: deque[tuple[Event, str, str]] = deque()
        self._wake: Deferred[None] | None = None
        self._errand = Errand(clock, self._run)
        self.dropped = 0

    def start(self) -> None:
        """Begin to write."""
        self._errand.start()

    def stop(self) -> None:
        """Write no more."""
        self._errand.stop()

    def raise_event(self, event: Event, collector: str = HUB, daemon: str = HUB) -> None:
        """Have an event stored soon; when far too many wait, the newest is dropped and counted."""
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append((event, collector, daemon))
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.callback(None)

    async def _run(self) -> None:
        failures = 0
        while not self._errand.stopped:
            if not self._waiting:
                self._wake = Deferred()
                await self._wake
                continue
            try:
                await self._store.add(*self._waiting[0])
            except CancelledError:
                raise
            except TransientError as error:
                failures += 1
                if failures == 1:
                    self.log.warn("events of the hub wait: {reason}", reason=error.message)  # noqa: G010 - so called there
                await deferLater(self._clock, self._rng.uniform(0.2, min(30.0, 2.0 ** min(failures, 5))), lambda: None)
                continue
            except Exception:  # noqa: BLE001 - the supervisor of the hub's own events: the next one is another matter
                self.log.failure("an event of the hub could not be stored")
            failures = 0
            self._waiting.popleft()


async def open_config_events(store: IEventStore) -> list[tuple[str, str, str]]:
    """Read which configs were in trouble when the hub stopped: device, key, summary."""
    wanted = EventFilter(
        event_class=CLASS_CONFIG, states=tuple(state.value for state in OPEN_STATES), limit=MAX_WAITING
    )
    return [(record.device, record.event_key, record.summary) for record in await store.find(wanted)]


@implementer(IConfigReports)
class ConfigEvents:
    """Opens and closes the events of configs that cannot be made or are rejected: one event for each change."""

    def __init__(self, events: HubEvents, wall: Callable[[], float], service: str = "") -> None:
        """Take in what is open with `remember`.

        Args:
            events: where they go.
            wall: epoch seconds.
            service: put before the keys, so that the configs of several services of a device are told apart.
        """
        self._events = events
        self._wall = wall
        self._prefix = f"{service}_" if service else ""
        self._open: dict[tuple[str, str], str] = {}

    def remember(self, open_events: Iterable[tuple[str, str, str]]) -> None:
        """Take in what is open from before the hub started: device, key, summary."""
        self._open.update({(device, key): summary for device, key, summary in open_events})

    def is_in_trouble(self, device: str, key: str) -> bool:
        """Whether what our event of this key tells of goes on; the key as it stands in the store."""
        return (device, key) in self._open

    def trouble(self, device: str, key: str, summary: str, message: str) -> None:
        """Open the event, unless it says so already."""
        key = self._prefix + key
        line = summary[:LINE]
        if self._open.get((device, key)) == line:
            return
        self._open[device, key] = line
        self._events.raise_event(self._event(device, key, Severity.ERROR, line, message))

    def well(self, device: str, key: str) -> None:
        """Close it if it is open."""
        key = self._prefix + key
        if self._open.pop((device, key), None) is not None:
            self._events.raise_event(
                self._event(device, key, Severity.CLEAR, f"the config of {device} is in order", "")
            )

    def _event(self, device: str, key: str, severity: Severity, summary: str, message: str) -> Event:
        return Event(
            device=device,
            event_class=CLASS_CONFIG,
            event_key=key,
            severity=severity,
            summary=summary,
            message=message[:8000],
            at=self._wall(),
        )

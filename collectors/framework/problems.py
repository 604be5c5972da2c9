"""What ails the daemon as a whole: each problem is an event that opens and closes, and a part of the heartbeat."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from collectors.framework.interfaces import IEventSink
from collectors.framework.ownevents import own_event
from common.errors import TransientError
from common.events import Event, Severity
from common.queries import Decision

MAX_SENTENCE = 400

_log = Logger()


class Problems:
    """The problems that stand now, by the part of the daemon that has them.

    Args:
        source: id of the device under which the daemon reports itself.
        wall: epoch seconds.
    """

    def __init__(self, events: IEventSink, source: Callable[[], str], wall: Callable[[], float]) -> None:
        self._events = events
        self._source = source
        self._wall = wall
        self._standing: dict[str, str] = {}
        self._classes: dict[str, str] = {}

    def of(self, part: str, event_class: str = "") -> Callable[[str], None]:
        """Where a part of the daemon tells its problem, and "" when it is over.

        Args:
            part: a word; key of its event.
            event_class: of its event; empty for a problem that no event can tell, because events do not get through.
        """
        self._classes[part] = event_class

        def told(sentence: str) -> None:
            self._told(part, sentence, event_class)

        return told

    def begin(self) -> None:
        """Close what an earlier run of the daemon has left open, and what does not stand now."""
        for part, event_class in self._classes.items():
            if event_class and part not in self._standing:
                self._say(part, "", event_class)

    def sentence(self) -> str:
        """All that stands, for the heartbeat; empty when all is well."""
        return self._join(self._standing)

    def untold(self) -> str:
        """What stands and has no event."""
        return self._join(part for part in self._standing if not self._classes[part])

    def _join(self, parts: Iterable[str]) -> str:
        return " ".join(f"{part}: {self._standing[part]}" for part in sorted(parts))[:4096]

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of a problem: what still stands is told again, what is over ends."""
        event_class = self._classes.get(decision.event_key, "")
        if (decision.device, decision.event_class) != (self._source(), event_class):
            return False
        standing = self._standing.get(decision.event_key, "")
        if bool(standing) != decision.open:
            self._say(decision.event_key, standing, event_class)
        return True

    def _told(self, part: str, sentence: str, event_class: str) -> None:
        old = self._standing.pop(part, "")
        if sentence:
            self._standing[part] = sentence[:MAX_SENTENCE]
        if bool(old) == bool(sentence):
            return
        if sentence:
            _log.error("{part}: {sentence}", part=part, sentence=sentence)
        else:
            _log.info("{part}: all is well again", part=part)
        if event_class:
            self._say(part, sentence, event_class)

    def _say(self, part: str, sentence: str, event_class: str) -> None:
        severity = Severity.ERROR if sentence else Severity.CLEAR
        summary = sentence or f"{part}: all is well again"
        event = own_event(self._source(), self._wall(), part, severity, summary, event_class=event_class)
        Deferred.fromCoroutine(self._send(event))

    async def _send(self, event: Event) -> None:
        try:
            await self._events.send([event])
        except TransientError as error:
            _log.error("an event about the daemon itself cannot be kept: {error}", error=str(error))
        except Exception:  # noqa: BLE001 - the supervisor of this event
            _log.failure("defect while telling a problem of the daemon")

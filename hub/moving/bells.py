"""Rings for files that do not follow their devices, or wait for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from common.configs import SERVICE_PROCESS
from common.events import CLASS_DATA, Event, Severity
from common.quantities import counted
from hub.interfaces import EventRecord
from hub.moving.interfaces import Key, Place

LEFT = "files_left"
WAIT = "files_wait"
LINE = 500


class Bells:
    """One event for each device some of whose files stay at a daemon, one for each daemon at which files wait."""

    def __init__(self, raise_event: Callable[[Event], None], wall: Callable[[], float]) -> None:
        """Prepare.

        Args:
            raise_event: takes events of the hub.
            wall: epoch seconds.
        """
        self._raise = raise_event
        self._wall = wall
        self._left: dict[tuple[str, str], str] = {}  # by device and component of the event
        self._waiting: dict[Place, str] = {}

    def remember(self, records: Iterable[EventRecord]) -> None:
        """Take in what is open from before the hub started."""
        for record in records:
            if record.event_key == LEFT:
                self._left[record.device, record.component] = ""
            elif record.event_key == WAIT:
                self._waiting[record.device, record.component] = ""

    def left(self, key: Key, problems: Iterable[str], count: int) -> None:
        """Some files of a device stay at a daemon of a collector that has it no more."""
        device, component, where = key[0], _component(key), place_text(key[1:])
        sentences = list(problems)
        summary = f"{counted(count, 'file')} of {device} stayed at {where}: {sentences[0]}"
        if self._left.get((device, component)) != summary:
            self._left[device, component] = summary
            self._ring(device, component, LEFT, Severity.WARNING, summary, "\n".join(sentences))

    def settled(self, key: Key) -> None:
        """Nothing of it is there any more, or nobody wants it."""
        device, component = key[0], _component(key)
        if self._left.pop((device, component), None) is not None:
            summary = f"no files of {device} stay at {place_text(key[1:])}"
            self._ring(device, component, LEFT, Severity.CLEAR, summary)

    def waiting(self, sources: Mapping[Place, tuple[int, str]]) -> None:
        """At these daemons files have waited for long: of how many devices, and why."""
        for source in [place for place in self._waiting if place not in sources]:
            del self._waiting[source]
            self._ring(*source, WAIT, Severity.CLEAR, f"no files wait at {place_text(source)}")
        for source, (count, reason) in sources.items():
            if source not in self._waiting or not self._waiting[source]:
                what = f"files of {counted(count, 'device')} that are other collectors' now"
                self._waiting[source] = f"{what} wait at {place_text(source)}: {reason}"
                self._ring(*source, WAIT, Severity.WARNING, self._waiting[source])

    def stands(self, record: EventRecord) -> bool:
        """Whether what an event of ours tells of goes on."""
        if record.event_key == LEFT:
            return (record.device, record.component) in self._left
        return (record.device, record.component) in self._waiting

    def _ring(self, device: str, component: str, key: str, severity: Severity, summary: str, message: str = "") -> None:
        self._raise(
            Event(
                device=device,
                component=component,
                event_class=CLASS_DATA,
                event_key=key,
                severity=severity,
                summary=summary[:LINE],
                message=message[:8000],
                at=self._wall(),
            )
        )


def place_text(place: Place) -> str:
    """A daemon in a sentence; of the one that collectors have had from the first, the collector alone."""
    collector, daemon = place
    return f"collector {collector}" if daemon == SERVICE_PROCESS else f"collector {collector} (daemon {daemon})"


def _component(key: Key) -> str:
    """Of the event about a device: each daemon at which files stay has one of its own."""
    _, collector, daemon = key
    return collector if daemon == SERVICE_PROCESS else f"{collector}/{daemon}"

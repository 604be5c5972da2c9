"""Rings for files that do not follow their devices, or wait for long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from common.configs import SERVICE_PROCESS
from common.events import CLASS_DATA, Event, Severity
from common.quantities import counted
from hub.interfaces import EventRecord

LEFT = "files_left"
WAIT = "files_wait"
LINE = 500


class Bells:
    """One event for each device some of whose files stay behind, one for each collector at which files wait."""

    def __init__(self, raise_event: Callable[[Event], None], wall: Callable[[], float]) -> None:
        """Prepare.

        Args:
            raise_event: takes events of the hub.
            wall: epoch seconds.
        """
        self._raise = raise_event
        self._wall = wall
        self._left: dict[tuple[str, str], str] = {}
        self._waiting: dict[str, str] = {}

    def remember(self, records: Iterable[EventRecord]) -> None:
        """Take in what is open from before the hub started."""
        for record in records:
            if record.event_key == LEFT:
                self._left[record.device, record.component] = ""
            elif record.event_key == WAIT:
                self._waiting[record.device] = ""

    def left(self, device: str, source: str, problems: Iterable[str], count: int) -> None:
        """Some files of a device stay at a collector that has it no more."""
        sentences = list(problems)
        summary = f"{counted(count, 'file')} of {device} stayed at collector {source}: {sentences[0]}"
        if self._left.get((device, source)) != summary:
            self._left[device, source] = summary
            self._ring(device, source, LEFT, Severity.WARNING, summary, "\n".join(sentences))

    def settled(self, device: str, source: str) -> None:
        """Nothing of it is there any more, or nobody wants it."""
        if self._left.pop((device, source), None) is not None:
            self._ring(device, source, LEFT, Severity.CLEAR, f"no files of {device} stay at collector {source}")

    def waiting(self, sources: Mapping[str, tuple[int, str]]) -> None:
        """At these collectors files have waited for long: of how many devices, and why."""
        for source in [name for name in self._waiting if name not in sources]:
            del self._waiting[source]
            self._ring(source, SERVICE_PROCESS, WAIT, Severity.CLEAR, f"no files wait at collector {source}")
        for source, (count, reason) in sources.items():
            if source not in self._waiting or not self._waiting[source]:
                what = f"files of {counted(count, 'device')} that are other collectors' now"
                self._waiting[source] = f"{what} wait at collector {source}: {reason}"
                self._ring(source, SERVICE_PROCESS, WAIT, Severity.WARNING, self._waiting[source])

    def stands(self, record: EventRecord) -> bool:
        """Whether what an event of ours tells of goes on."""
        if record.event_key == LEFT:
            return (record.device, record.component) in self._left
        return record.device in self._waiting

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

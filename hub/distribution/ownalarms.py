"""What operators make of alarms that the hub itself has raised.

It says once that something is wrong, and once that it is over, like a collector. So when an operator closes an alarm
whose cause goes on, or opens one again whose cause is over, the part that knows is asked, and it is said again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.events import OPEN_STATES, Event, Severity
from hub.interfaces import EventRecord

Stands = Callable[[EventRecord], bool | None]
"""Whether what an alarm tells of goes on; None when nobody knows yet, and who will know says it then."""


class OwnAlarms:
    """Says again how it stands, where an operator has decided otherwise."""

    def __init__(
        self,
        raise_event: Callable[[Event], None],
        wall: Callable[[], float],
        asked: Mapping[str, Stands],
        others: Callable[[str], Stands | None] = lambda _: None,
    ) -> None:
        """Prepare.

        Args:
            raise_event: takes events of the hub.
            wall: epoch seconds.
            asked: who knows, by key of the event. What is not among them ends by an operator's word alone.
            others: gives who knows of a key that is not among them.
        """
        self._raise = raise_event
        self._wall = wall
        self._asked = asked
        self._others = others

    def decided(self, record: EventRecord) -> None:
        """An operator has closed an alarm of the hub, or opened it again."""
        ask = self._asked.get(record.event_key) or self._others(record.event_key)
        stands = None if ask is None else ask(record)
        if stands is None or stands == (record.state in {state.value for state in OPEN_STATES}):
            return
        self._raise(
            Event(
                device=record.device,
                component=record.component,
                event_class=record.event_class,
                event_key=record.event_key,
                severity=Severity(record.severity) if stands else Severity.CLEAR,
                summary=record.summary if stands else f"is over: {record.summary}"[:500],
                message=record.message if stands else "",
                at=self._wall(),
                details=record.details if stands else {},
            )
        )

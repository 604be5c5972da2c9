"""Events of the things that the settings name: no device of the model has them, the collector tells of them itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from collectors.framework.interfaces import CollectorContext
from collectors.framework.sources.results import Problem
from common.errors import TocsinError
from common.events import CLASS_HOST, Event, Severity

STATE_KEY = "status:items"
GROUP = "Host"
Open = dict[str, int]
"""Severities by key and component."""

_log = Logger()


class ItemEvents:
    """Opens an event for each thing that cannot be read, and closes it when it can be again; over restarts, too."""

    def __init__(self, context: CollectorContext, collector: Callable[[], str]) -> None:
        self._context = context
        self._collector = collector
        self._open: Open | None = None
        self._busy = False

    def take(self, problems: Sequence[Problem]) -> None:
        """All that is wrong now."""
        if self._open is None:
            self._open = self._kept()
        now = {f"{one.key}\0{one.component}": one for one in problems}
        if self._busy or ({name: int(one.severity) for name, one in now.items()} == self._open):
            return
        events = [self._event(*_parts(name), Severity.CLEAR, "") for name in self._open if name not in now]
        events += [
            self._event(one.key, one.component, one.severity, one.summary)
            for name, one in now.items()
            if self._open.get(name) != int(one.severity)
        ]
        self._busy = True
        Deferred.fromCoroutine(self._send(events, {name: int(one.severity) for name, one in now.items()}))

    async def _send(self, events: Sequence[Event], open_now: Open) -> None:
        try:
            await self._context.events.send(events, STATE_KEY, msgspec.json.encode(open_now))
            self._open = open_now
        except TocsinError as error:  # the next pass decides it again
            _log.error("events of what the settings name cannot be kept: {error}", error=error.message)
        except Exception:  # noqa: BLE001 - the supervisor of these events
            _log.failure("defect while telling what cannot be read of this host")
        finally:
            self._busy = False

    def _kept(self) -> Open:
        data = self._context.states.load(STATE_KEY)
        try:
            return msgspec.json.decode(data, type=Open) if data else {}
        except msgspec.DecodeError:
            return {}

    def _event(self, key: str, component: str, severity: Severity, summary: str) -> Event:
        return Event(
            device=self._collector(),
            component=component,
            event_class=CLASS_HOST,
            event_key=key,
            severity=severity,
            summary=summary or "it can be read again, or is not watched any more",
            at=self._context.wall(),
            group=GROUP,
        )


def _parts(name: str) -> tuple[str, str]:
    key, _, component = name.partition("\0")
    return key, component

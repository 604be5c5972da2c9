"""Events that a daemon raises about itself."""

from __future__ import annotations

from collections.abc import Mapping

from common.events import CLASS_DAEMON, Detail, Event, Severity

GROUP = "Daemon"


def own_event(
    source: str,
    at: float,
    key: str,
    severity: Severity,
    summary: str,
    *,
    details: Mapping[str, Detail] | None = None,
    event_class: str = CLASS_DAEMON,
) -> Event:
    """An event about the daemon; `source` is the id of the device under which it reports itself, `at` epoch seconds."""
    return Event(
        device=source,
        event_class=event_class,
        event_key=key,
        severity=severity,
        summary=summary[:512],
        at=at,
        group=GROUP,
        details=dict(details or {}),
    )

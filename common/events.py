"""Events: what happened to which component, and which later event closes it.

Severities and the rule that a clear closes what has the same device, component, class and key
follow Zenoss, whose users know them. The fingerprint leaves the severity out: an alarm that gets worse is
still the same alarm.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from common.hashing import name_of

EventText = Annotated[str, Meta(max_length=512)]
LongText = Annotated[str, Meta(max_length=8192)]
Detail = str | int | float | bool | None | list[str | int]

HUB = "hub"
"""Collector and daemon of the events that the hub itself raises; nobody else may be called so."""

CLASS_PROCESS = "/Status/OSProcess"
CLASS_SNMP = "/Status/Snmp"
CLASS_PING = "/Status/Ping"
CLASS_HOST = "/Status/Host"
CLASS_PROBE = "/Status/Probe"
CLASS_PERFORMANCE = "/Perf"
CLASS_DATA = "/Status/Data"
CLASS_CONFIG = "/Status/Config"
CLASS_DAEMON = "/Status/Daemon"
CLASS_MODEL = "/Status/Model"


class Severity(enum.IntEnum):
    """How bad it is; 0 says that it is over."""

    CLEAR = 0
    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5

    @property
    def label(self) -> str:
        """The name that operators read and type."""
        return self.name.lower()


def parse_severity(text: str | int) -> Severity:
    """Read a severity by name or number.

    Raises:
        ValueError: names the severities that exist.
    """
    try:
        if isinstance(text, int) or text.isdigit():
            return Severity(int(text))
        return Severity[text.upper()]
    except (KeyError, ValueError):
        known = ", ".join(f"{s.label} ({s.value})" for s in Severity)
        raise ValueError(f"severity {text!r} is not one of {known}") from None


class State(enum.Enum):
    """Where an event stands in the hub."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    AGED = "aged"


OPEN_STATES = frozenset({State.NEW, State.ACKNOWLEDGED})


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a daemon has seen.

    Attributes:
        device: id of the device it concerns.
        component: what on the device, for example a process set; empty for the device itself.
        event_class: path of the class, for example /Status/OSProcess.
        event_key: which of several alarms of that component and class.
        severity: `Severity.CLEAR` closes the open event with the same identity.
        summary: one line for people.
        at: epoch seconds of the moment it was seen.
        group: family of events, as in Zenoss.
        count: how many happenings this one event stands for.
        details: figures and names for programs.
    """

    device: EventText
    event_class: EventText
    severity: Severity
    summary: EventText
    at: float
    component: EventText = ""
    event_key: EventText = ""
    message: LongText = ""
    group: EventText = ""
    count: Annotated[int, Meta(ge=1)] = 1
    details: dict[str, Detail] = {}


def identity(device: str, component: str, event_class: str, event_key: str) -> str:
    """Fingerprint of an alarm: 32 hex digits that all its repeats and its clear share."""
    return name_of(f"{device}\x1f{component}\x1f{event_class}\x1f{event_key}")


def fingerprint(event: Event) -> str:
    """Fingerprint of an event; a clear has that of the alarm it closes."""
    return identity(event.device, event.component, event.event_class, event.event_key)

"""Event records as rows of the table, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    false,
    func,
    insert,
    literal_column,
    select,
    update,
)

from hub.events.rules import OPEN, is_open
from hub.events.tables import counters, events
from hub.interfaces import EventFilter, EventRecord, Said

CHANGE = "change"
RECORD = "record"
IN_ONE_QUERY = 500

_UPDATED = (
    "change",
    "open_fingerprint",
    "severity",
    "state",
    "state_by",
    "summary",
    "message",
    "count",
    "first_seen",
    "last_seen",
    "closed_at",
    "collector",
    "daemon",
    "details",
    "others",
)
_update = update(events).where(events.c.id == bindparam("row_id")).values({name: bindparam(name) for name in _UPDATED})


def to_row(record: EventRecord, change: int) -> dict[str, Any]:
    """A record as the values of its columns."""
    return {
        "id": record.id,
        "change": change,
        "open_fingerprint": record.fingerprint if is_open(record) else None,
        "fingerprint": record.fingerprint,
        "device": record.device,
        "component": record.component,
        "event_class": record.event_class,
        "event_key": record.event_key,
        "event_group": record.group,
        "severity": record.severity,
        "state": record.state,
        "state_by": record.state_by,
        "summary": record.summary,
        "message": record.message,
        "count": record.count,
        "first_seen": record.first_seen,
        "last_seen": record.last_seen,
        "closed_at": record.closed_at,
        "collector": record.collector,
        "daemon": record.daemon,
        "details": msgspec.json.encode(record.details).decode(),
        "others": msgspec.json.encode(record.others).decode(),
    }


def from_row(row: RowMapping) -> EventRecord:
    """The record of a row."""
    values: dict[str, Any] = {**row}
    for name in ("change", "open_fingerprint"):
        del values[name]
    values["group"] = values.pop("event_group")
    values["details"] = msgspec.json.decode(values["details"])
    values["others"] = msgspec.json.decode(values["others"], type=dict[str, Said])
    return EventRecord(**values)


def read(connection: Connection, query: Select[Any]) -> list[EventRecord]:
    """The records that a query finds."""
    return [from_row(row) for row in connection.execute(query).mappings()]


def open_by_fingerprint(connection: Connection, fingerprints: Iterable[str]) -> dict[str, EventRecord]:
    """The open records of some alarms."""
    wanted = list(dict.fromkeys(fingerprints))
    found: dict[str, EventRecord] = {}
    for start in range(0, len(wanted), IN_ONE_QUERY):
        query = select(events).where(events.c.open_fingerprint.in_(wanted[start : start + IN_ONE_QUERY]))
        found.update((record.fingerprint, record) for record in read(connection, query))
    return found


def write(connection: Connection, records: Iterable[EventRecord]) -> int:
    """Store records, new and changed, under change numbers of their own; return the last of these."""
    known = counter(connection, RECORD)
    change = counter(connection, CHANGE)
    rows = [to_row(record, change + number) for number, record in enumerate(records, start=1)]
    new = [row for row in rows if row["id"] > known]
    old = [{"row_id": row["id"], **{name: row[name] for name in _UPDATED}} for row in rows if row["id"] <= known]
    # Closed ones go first: an alarm may be closed and opened anew in one batch, and only one may be open.
    for part in (old, new):
        if part:
            connection.execute(_update if part is old else insert(events), part)
    set_counter(connection, RECORD, max((row["id"] for row in new), default=known))
    set_counter(connection, CHANGE, change + len(rows))
    return change + len(rows)


def counter(connection: Connection, name: str) -> int:
    """The last number that was given out."""
    return connection.execute(select(counters.c.value).where(counters.c.name == name)).scalar() or 0


def set_counter(connection: Connection, name: str, value: int) -> None:
    """Note the last number that was given out."""
    done = connection.execute(update(counters).where(counters.c.name == name).values(value=value))
    if done.rowcount == 0:
        connection.execute(insert(counters).values(name=name, value=value))


def told_by(collector: str, daemon: str) -> ColumnElement[bool]:
    """Whether a daemon has the alarm of an event; it may be one of several."""
    return (events.c.collector == collector) & had_by(daemon)


def had_by(daemon: str) -> ColumnElement[bool]:
    """The same of the daemons of a name, whatever their collectors; some may be found that only look like it."""
    name = msgspec.json.encode(daemon).decode()
    return (events.c.daemon == daemon) | events.c.others.contains(f"{name}:", autoescape=True)


def decided_by_operator() -> ColumnElement[bool]:
    """Whether somebody has acknowledged, closed or reopened an event; written as the index has it."""
    return events.c.state_by != literal_column("''")


def matching(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """A filter as conditions."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.device is not None:
        conditions.append(events.c.device == wanted.device)
    if wanted.component is not None:
        conditions.append(events.c.component == wanted.component)
    if wanted.event_class is not None and wanted.event_class.rstrip("/"):
        top = wanted.event_class.rstrip("/")
        below = func.substr(events.c.event_class, 1, len(top) + 1) == f"{top}/"
        conditions.append((events.c.event_class == top) | below)
    if wanted.min_severity is not None:
        conditions.append(events.c.severity >= wanted.min_severity)
    if wanted.states is not None:
        conditions.append(events.c.state.in_(wanted.states) if wanted.states else false())
        if OPEN.issuperset(wanted.states):
            conditions.append(events.c.open_fingerprint.is_not(None))
    if wanted.since is not None:
        conditions.append(events.c.last_seen >= wanted.since)
    return conditions

"""The JSON shapes of the API, as docs/contract.md fixes them: fields may be added, never removed or renamed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from common.events import Severity
from common.evidence import EvidenceRow
from common.queries import LastValue, Rows
from common.roll import DeviceScan, Process, SetStatus
from hub.distribution.agreement import Shortfall
from hub.distribution.roster import Seat
from hub.enrol.desk import Standing
from hub.interfaces import EventRecord, Revision
from hub.web.moveshapes import FileMove

MAX_BEHIND = 1000


def iso(at: float | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC, to the millisecond."""
    if at is None:
        return None
    try:
        return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


class Event(Struct, frozen=True, kw_only=True):
    """An event; times are ISO 8601."""

    id: int
    device: str
    component: str
    event_class: str
    event_key: str
    severity: int
    severity_name: str
    state: str
    summary: str
    message: str
    count: int
    first_seen: str | None
    last_seen: str | None
    closed_at: str | None
    collector: str
    daemon: str
    fingerprint: str
    details: dict[str, Any]


def event_shape(record: EventRecord) -> Event:
    """Shape an event record."""
    return Event(
        id=record.id,
        device=record.device,
        component=record.component,
        event_class=record.event_class,
        event_key=record.event_key,
        severity=record.severity,
        severity_name=Severity(record.severity).label,
        state=record.state,
        summary=record.summary,
        message=record.message,
        count=record.count,
        first_seen=iso(record.first_seen),
        last_seen=iso(record.last_seen),
        closed_at=iso(record.closed_at),
        collector=record.collector,
        daemon=record.daemon,
        fingerprint=record.fingerprint,
        details=record.details,
    )


class Device(Struct, frozen=True, kw_only=True):
    """A device of the model; secrets among the properties are shown as `(set)`.

    Attributes:
        collector: the collector or pool that it names.
        collected_by: the collector that has it now.
        templates: what the device itself says of templates.
        components: how many it has that are not retired; before it was modelled, definitions that apply to it.
        attributes: what a modelling has found out of the device itself; empty in lists.
        moves: of its files, those that are not done first; empty in lists.
    """

    id: str
    address: str
    class_: str = msgspec.field(name="class")
    collector: str
    collected_by: str
    state: str
    groups: list[str]
    properties: dict[str, Any]
    components: int
    open_events: dict[str, int]
    modelled_at: str | None
    in_sync: bool
    attributes: dict[str, Any] = {}
    templates: list[str] = []
    moves: list[FileMove] = []


class Row(Struct, frozen=True, kw_only=True):
    """A process."""

    pid: int
    set: str | None
    name: str
    command: str
    started_at: str | None
    cpu_percent: float | None
    memory_bytes: int | None
    state: str


def process_shape(process: Process | EvidenceRow) -> Row:
    """Shape a row of a process table."""
    return Row(
        pid=process.pid,
        set=process.set,
        name=process.name,
        command=process.command,
        started_at=iso(process.started_at),
        cpu_percent=process.cpu_percent,
        memory_bytes=process.memory_bytes,
        state=process.state,
    )


class SetRow(Struct, frozen=True, kw_only=True):
    """A process set on a device."""

    device: str
    set: str
    definition: str
    state: str
    count: int
    pids: tuple[int, ...]
    cpu_percent: float | None
    memory_bytes: int | None
    restarts: int
    since: str | None
    fault: str


def set_shape(status: SetStatus) -> SetRow:
    """Shape the status of a process set."""
    return SetRow(
        device=status.device,
        set=status.set,
        definition=status.definition,
        state=status.state.value,
        count=status.count,
        pids=status.pids,
        cpu_percent=status.cpu_percent,
        memory_bytes=status.memory_bytes,
        restarts=status.restarts,
        since=iso(status.since),
        fault=status.fault,
    )


class Scan(Struct, frozen=True, kw_only=True):
    """How the last scan of a device went."""

    device: str
    at: str | None
    processes: int
    duration_s: float
    problem: str
    process_events: str = ""


def scan_shape(scan: DeviceScan) -> Scan:
    """Shape a scan."""
    return Scan(
        device=scan.device,
        at=iso(scan.at),
        processes=scan.processes,
        duration_s=scan.duration_s,
        problem=scan.problem,
        process_events=scan.process_events,
    )


class Value(Struct, frozen=True, kw_only=True):
    """The newest value of a point.

    Attributes:
        daemon: which of the collector's has it; empty where that is not known.
        stale: that one is away, and this was heard of it.
    """

    component: str
    source: str
    point: str
    kind: str
    unit: str
    step_s: int
    at: str | None
    value: int | float | None
    age_s: float | None
    first: str | None
    rate: float | None = None
    daemon: str = ""
    stale: bool = False


def value_shape(value: LastValue, now: float, daemon: str = "", *, stale: bool = False) -> Value:
    """Shape a last value."""
    return Value(
        component=value.component,
        source=value.source,
        point=value.point,
        kind=value.kind,
        unit=value.unit,
        step_s=value.step_s,
        at=iso(value.at),
        value=value.value,
        age_s=None if value.at is None else round(now - value.at, 3),
        first=iso(value.first),
        rate=value.rate,
        daemon=daemon,
        stale=stale,
    )


class Series(Struct, frozen=True, kw_only=True):
    """One point over a time; rows are [epoch second, value or null].

    Attributes:
        from_copies: so many rows are from a copy that was kept when an outage began.
        known: of rows by the calendar, of each the share of its time that is known.
    """

    device: str
    component: str
    source: str
    point: str
    unit: str
    step_s: int
    start: int
    end: int
    cf: str
    rows: list[tuple[int, float | None]]
    from_copies: int = 0
    known: list[float] = []


def series_shapes(device: str, component: str, source: str, rows: Rows) -> list[Series]:
    """Shape what a fetch found: one series for each point."""
    return [
        Series(
            device=device,
            component=component,
            source=source,
            point=point,
            unit=rows.units[index] if index < len(rows.units) else "",
            step_s=rows.step_s,
            start=rows.start,
            end=rows.end,
            cf=rows.cf,
            rows=[(at, values[index] if index < len(values) else None) for at, values in rows.rows],
            from_copies=rows.from_copies,
            known=[round(shares[index], 6) for shares in rows.known if index < len(shares)],
        )
        for index, point in enumerate(rows.points)
    ]


class Count(Struct, frozen=True, kw_only=True):
    """Events and samples, counted."""

    events: int
    samples: int


class Collector(Struct, frozen=True, kw_only=True):
    """A collector daemon; `revision` is the newest that is live on it, `behind` counts its devices that are not.

    Its certificate is that of all daemons of the collector: when it ends, or when it was revoked.
    """

    id: str
    daemon: str
    host: str
    version: str
    connected: bool
    since: str | None
    last_seen: str | None
    revision: int
    behind: int
    devices: int
    tasks: int
    late_runs: int
    failed_runs: int
    silent: int
    listening: int
    deaf: int
    queue: Count
    dropped: Count
    problem: str
    certificate_expires: str | None
    revoked_at: str | None


def collector_shape(
    seat: Seat, revision: int, behind: int, certificate: Standing, devices: int | None = None
) -> Collector:
    """Shape a seat of the roster; `devices` is how many it has, if that is not what it has told last."""
    session = seat.session
    counts = session.counts if session is not None else seat.counts
    return Collector(
        id=seat.collector,
        daemon=seat.daemon,
        host=seat.host,
        version=seat.software,
        connected=session is not None,
        since=iso(seat.since),
        last_seen=iso(session.last_seen if session is not None else seat.last_seen or None),
        revision=revision,
        behind=behind,
        devices=counts.devices if devices is None else devices,
        tasks=counts.tasks,
        late_runs=counts.late_runs,
        failed_runs=counts.failed_runs,
        silent=counts.silent,
        listening=counts.listening,
        deaf=counts.deaf,
        queue=Count(events=counts.queued_events, samples=counts.queued_samples),
        dropped=Count(events=counts.dropped_events, samples=counts.dropped_samples),
        problem=counts.problem if session is not None else f"not connected: {seat.reason}",
        certificate_expires=iso(certificate.expires),
        revoked_at=iso(certificate.revoked),
    )


class Behind(Struct, frozen=True, kw_only=True):
    """A device that does not run as the model wants it."""

    device: str
    collector: str
    daemon: str
    reason: str


def behind_shapes(shortfalls: Sequence[tuple[str, Shortfall]]) -> list[Behind]:
    """Shape shortfalls, each with its service; a thousand of them tell enough."""
    return [
        Behind(device=row.device, collector=row.collector, daemon=service, reason=row.reason)
        for service, row in shortfalls[:MAX_BEHIND]
    ]


class RevisionRow(Struct, frozen=True, kw_only=True):
    """A change of the model."""

    number: int
    at: str | None
    author: str
    text: str
    summary: str


def revision_shape(revision: Revision) -> RevisionRow:
    """Shape a revision."""
    return RevisionRow(
        number=revision.number,
        at=iso(revision.at),
        author=revision.author,
        text=revision.text,
        summary=revision.summary,
    )


class ErrorBody(Struct, frozen=True):
    """What an error answer says."""

    code: str
    message: str
    details: tuple[str, ...] = ()


class ErrorAnswer(Struct, frozen=True):
    """The error answer."""

    error: ErrorBody

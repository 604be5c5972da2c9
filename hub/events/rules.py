"""What becomes of an event: a new record, one more of an open record, or the end of one.

Nothing here knows of a database. At most one record of each fingerprint is open; a clear closes it, and what is seen
after that is a new record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from common.errors import PermanentError
from common.events import OPEN_STATES, Event, Severity, State
from common.wire import SpooledEvent
from hub.events.holders import NOTHING, Stood, has, others_of, told, without
from hub.interfaces import EventRecord

OPEN = frozenset(state.value for state in OPEN_STATES)
MAX_AHEAD_S = 86400.0
MAX_COUNT = 10**15  # what every program reads exactly, and no column overflows with

# Nothing will ever say that these are over: they tell of a moment, not of a condition.
HAPPENINGS = frozenset(
    {
        "process_restarted",
        "agent_restarted",
        "events_dropped",
        "events_lost",
        "event_refused",
        "event_unreadable",
        "spool_damaged",
    }
)


class AgePolicy(Struct, frozen=True, kw_only=True):
    """Which open events age out.

    Attributes:
        after_s: so long after it was last seen.
        max_severity: what is worse waits for an operator.
        keys: event keys of things that happened and have no end that could be seen.
        keep_closed_s: how long closed and aged events are kept.
    """

    after_s: float = 4 * 3600.0
    max_severity: int = Severity.WARNING.value
    keys: frozenset[str] = HAPPENINGS
    keep_closed_s: float = 90 * 86400.0


def is_open(record: EventRecord) -> bool:
    """Whether a record still stands."""
    return record.state in OPEN


def sane_time(at: float, now: float) -> float:
    """The stamp of an event; one that is no time, or lies in the future, is the fault of a clock: it was seen now."""
    return at if math.isfinite(at) and 0 <= at <= now + MAX_AHEAD_S else now


def plain(text: str) -> str:
    """A text that every database takes: a NUL becomes U+FFFD."""
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


class Sighting(Struct, frozen=True, kw_only=True):
    """An event as it arrived.

    Attributes:
        fingerprint: of the alarm that it belongs to.
        now: epoch seconds of its arrival.
        late: the device is another collector's by now, and what that one says of it counts for more.
    """

    event: Event
    fingerprint: str
    collector: str
    daemon: str
    now: float
    late: bool = False


def begin(sighting: Sighting, record_id: int) -> EventRecord:
    """The record of an alarm that was not open."""
    event = sighting.event
    at = sane_time(event.at, sighting.now)
    return EventRecord(
        id=record_id,
        device=plain(event.device),
        component=plain(event.component),
        event_class=plain(event.event_class),
        event_key=plain(event.event_key),
        severity=event.severity.value,
        state=State.NEW.value,
        summary=plain(event.summary),
        message=plain(event.message),
        count=min(event.count, MAX_COUNT),
        first_seen=at,
        last_seen=at,
        closed_at=None,
        collector=sighting.collector,
        daemon=sighting.daemon,
        fingerprint=sighting.fingerprint,
        details=dict(event.details),
        group=plain(event.group),
    )


def repeat(record: EventRecord, sighting: Sighting) -> EventRecord:
    """An open alarm that was seen again: it says what was seen last, and how often."""
    event = sighting.event
    at = sane_time(event.at, sighting.now)
    return replace(
        record,
        severity=event.severity.value,
        summary=plain(event.summary),
        message=plain(event.message),
        count=min(record.count + event.count, MAX_COUNT),
        first_seen=min(record.first_seen, at),
        last_seen=max(record.last_seen, at),
        collector=sighting.collector,
        daemon=sighting.daemon,
        details=dict(event.details),
        others=others_of(record, sighting.collector, sighting.daemon),
    )


def recall(record: EventRecord, sighting: Sighting) -> EventRecord | None:
    """What the former collector of a device has to say of an alarm that the present one has raised.

    That it saw it too counts. It neither takes it over nor ends it: it knows nothing of how things are now.
    """
    event = sighting.event
    if event.severity is Severity.CLEAR:
        return None
    first_seen = min(record.first_seen, sane_time(event.at, sighting.now))
    return replace(record, count=min(record.count + event.count, MAX_COUNT), first_seen=first_seen)


def close(record: EventRecord, at: float, state: State = State.CLOSED) -> EventRecord:
    """An alarm that is over; never before it was last seen."""
    return replace(record, state=state.value, closed_at=max(at, record.last_seen))


def release(record: EventRecord, sighting: Sighting) -> EventRecord | None:
    """An alarm that is over, as a daemon says; None when that one did not have it, and another has.

    Whoever has had it told that it is over before it was told to raise it anew speaks of an alarm of the past.
    """
    at = sane_time(sighting.event.at, sighting.now)
    if sighting.collector != record.collector:
        return close(record, at)
    if not has(record, sighting.daemon):
        return None
    left = without(record, sighting.daemon)
    return close(record, at) if left is None else left


def cease(record: EventRecord, daemon: str, by: str, at: float) -> EventRecord:
    """What becomes of an open alarm when daemons of a name will never say that it is over."""
    if not is_open(record) or not has(record, daemon):
        return record
    left = without(record, daemon)
    return decide(record, State.CLOSED, by, at) if left is None else left


def decide(record: EventRecord, state: State, by: str, at: float) -> EventRecord:
    """What an operator makes of an alarm: takes care of it, ends it, opens it again.

    Raises:
        PermanentError: it is over, and so cannot be acknowledged.
    """
    if state is State.NEW:
        return replace(record, state=state.value, closed_at=None, state_by=by)
    if state is State.ACKNOWLEDGED:
        if not is_open(record):
            raise PermanentError(f"event {record.id} is {record.state}; only an open event can be acknowledged")
        return replace(record, state=state.value, state_by=by)
    return replace(close(record, at, state), state_by=by) if is_open(record) else record


def leave_behind(record: EventRecord, collector: str, by: str, at: float, stood: Stood = NOTHING) -> EventRecord:
    """What becomes of an open alarm when its device has moved to another collector.

    Only who has raised it can say that it is over, and that one has forgotten it. What the new collector has reported,
    too, and what the hub says itself, goes on. But what a daemon of it had reported before it had forgotten the device
    itself (`stood`), and not again since, is as much left behind as what others have raised.
    """
    if record.daemon == by or not is_open(record):
        return record
    left: EventRecord | None = record if record.collector == collector else None
    if left is not None:
        for daemon in (record.daemon, *record.others):
            if left is not None and (record.id, daemon) in stood and stood[record.id, daemon] == told(record, daemon):
                left = without(left, daemon)
    if left is not None:
        return left
    closed = decide(record, State.CLOSED, by, at)
    return replace(closed, details={**record.details, "closed": f"moved to collector {collector}"})


def ages(record: EventRecord, now: float, policy: AgePolicy) -> bool:
    """Whether an open record has aged out."""
    return (
        is_open(record)
        and record.event_key in policy.keys
        and record.severity <= policy.max_severity
        and record.last_seen <= now - policy.after_s
    )


def apply(open_record: EventRecord | None, sighting: Sighting, next_id: int) -> EventRecord | None:
    """Decide what an event does.

    Args:
        open_record: the open record of its fingerprint, None when there is none.
        sighting: the event.
        next_id: number of a record that is begun.

    Returns:
        The record begun or changed; None for a clear of something that is not open, or not this daemon's.
    """
    if sighting.late and open_record is not None and open_record.collector != sighting.collector:
        return recall(open_record, sighting)
    if sighting.event.severity is not Severity.CLEAR:
        return begin(sighting, next_id) if open_record is None else repeat(open_record, sighting)
    if open_record is None:
        return None
    return release(open_record, sighting)


def absorb(open_records: dict[str, EventRecord], sightings: Iterable[Sighting], next_id: int) -> list[EventRecord]:
    """Apply events one after the other, in memory.

    Args:
        open_records: by fingerprint, at least those of the sightings; left as they are afterwards.
        sightings: in order of arrival.
        next_id: number of the first record that is begun.

    Returns:
        Each record that was begun or changed, once, as it is at the end.
    """
    touched: dict[int, EventRecord] = {}
    for sighting in sightings:
        record = apply(open_records.get(sighting.fingerprint), sighting, next_id)
        if record is None:
            continue
        next_id = max(next_id, record.id + 1)
        touched[record.id] = record
        if is_open(record):
            open_records[sighting.fingerprint] = record
        else:
            del open_records[sighting.fingerprint]
    return list(touched.values())


def fresh(held: int, events: Iterable[SpooledEvent]) -> list[SpooledEvent]:
    """Those events of a batch that follow what is held without a gap; what is held already is left out."""
    new: list[SpooledEvent] = []
    for spooled in events:
        wanted = held + len(new) + 1
        if spooled.seq == wanted:
            new.append(spooled)
        elif spooled.seq > wanted:
            break
    return new

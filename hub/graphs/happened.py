"""What of the events of a component is worth a mark on its graphs (pure)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from common.graphs import Mark, MarkKind, Span
from hub.events.rules import HAPPENINGS
from hub.interfaces import EventRecord

MAX_MARKS = 60
MAX_SPANS = 60
NEAR = 100
"""Marks that are closer to each other than this part of the picture become one."""
MAX_LABEL = 60

THRESHOLD = "threshold:"
_WORDS = {
    "process_missing": "missing",
    "process_restarted": "restarted",
    "process_restarting": "keeps restarting",
    "process_count": "wrong number of processes",
    "process_twice": "runs twice",
    "process_replaced": "program replaced",
    "process_user": "other user",
    "ping_down": "no answer to pings",
    "snmp_timeout": "no answer",
    "snmp_auth": "login refused",
    "snmp_config": "cannot be asked",
    "snmp_no_host_resources": "no process table",
    "snmp_error": "cannot be read",
    "table_incomplete": "table incomplete",
    "agent_restarted": "agent restarted",
    "collector_lost": "collector away",
}
"""In a picture, by key; all others would only be in the way."""


_RESTARTS = frozenset({"process_restarted", "agent_restarted"})


class Happening(Struct, frozen=True, kw_only=True):
    """Something that happened, or that lasted.

    Attributes:
        start, end: epoch seconds; the same of what has no length.
        what: key of the event.
        label: words for it; happenings of one label are told together.
        severity: the worst of it.
        goes_on: it is not over.
    """

    start: int
    end: int
    what: str
    label: str
    severity: int
    goes_on: bool = False

    @property
    def is_moment(self) -> bool:
        """Whether it has no length."""
        return self.end == self.start


def happenings(
    records: Iterable[EventRecord],
    whose: Callable[[EventRecord], str],
    points: Collection[str] | None,
    start: int,
    end: int,
    more: Iterable[Happening] = (),
) -> list[Happening]:
    """Tell what happened in a time, in order of time, told together where it would not be seen apart.

    Args:
        records: events of what is drawn.
        whose: words for who it is that something happened to; empty where that goes without saying. What happened to
            one of several has a mark where it began, and no shade over the others.
        points: that are drawn: a violation of a threshold of another one is not told; None for any.
        start: epoch seconds.
        end: epoch seconds; what is open lasts until then.
        more: what is known from elsewhere.
    """
    found: list[Happening] = [one for one in more if start <= one.start <= end]
    for record in records:
        word = _word(record, points)
        if word:
            named = whose(record)[:MAX_LABEL]
            happened = _of(record, f"{named} {word}".strip(), start, end)
            found += _begun(happened, start) if named else happened
    near_s = max(1, (end - start) // NEAR)
    moments = _together(sorted((one for one in found if one.is_moment), key=_place), near_s)
    spans = _together(sorted((one for one in found if not one.is_moment), key=_place), near_s // 4)
    return sorted([*_most(moments, MAX_MARKS), *_most(spans, MAX_SPANS)], key=_place)


def marks(found: Iterable[Happening]) -> tuple[Mark, ...]:
    """Those without length, as they are drawn."""
    kinds = {True: MarkKind.RESTART, False: MarkKind.EVENT}
    return tuple(
        Mark(at=one.start, label=one.label, kind=kinds[one.what in _RESTARTS], severity=one.severity)
        for one in found
        if one.is_moment
    )


def spans(found: Iterable[Happening], now: float) -> tuple[Span, ...]:
    """Those that lasted, as they are drawn; what goes on ends now."""
    return tuple(
        Span(start=one.start, end=None if one.goes_on else one.end, label=one.label, severity=one.severity)
        for one in found
        if not one.is_moment and one.start <= now
    )


def _word(record: EventRecord, points: Collection[str] | None) -> str:
    if not record.event_key.startswith(THRESHOLD):
        return _WORDS.get(record.event_key, "")
    id_, _, point = record.event_key.removeprefix(THRESHOLD).rpartition(":")
    return id_ if points is None or point in points else ""


def _of(record: EventRecord, label: str, start: int, end: int) -> list[Happening]:
    """One event: of what merely happened, when it was seen first and last; of what lasted, from open to close."""
    severity = record.severity
    if record.event_key in HAPPENINGS:
        stamps = sorted({int(record.first_seen), int(record.last_seen)})
        return [
            Happening(start=at, end=at, what=record.event_key, label=label, severity=severity)
            for at in stamps
            if start <= at <= end
        ]
    first = max(start, int(record.first_seen))
    last = min(end, end if record.closed_at is None else int(record.closed_at))
    if last < first:
        return []
    return [
        Happening(
            start=first,
            end=max(last, first + 1),
            what=record.event_key,
            label=label,
            severity=severity,
            goes_on=record.closed_at is None,
        )
    ]


def _begun(happened: Iterable[Happening], start: int) -> list[Happening]:
    """When these began, as moments; what had begun before the picture is left out."""
    return [
        one if one.is_moment else replace(one, end=one.start, goes_on=False)
        for one in happened
        if one.is_moment or one.start > start
    ]


def _together(ordered: Iterable[Happening], near_s: int) -> list[Happening]:
    """Those of one label that are close to each other as one."""
    last: dict[str, Happening] = {}
    done: list[Happening] = []
    for one in ordered:
        before = last.get(one.label)
        if before is None or one.start - before.end > near_s:
            if before is not None:
                done.append(before)
            last[one.label] = one
            continue
        moment = one.is_moment and before.is_moment
        last[one.label] = replace(
            before,
            end=before.start if moment else max(before.end, one.end),
            severity=max(before.severity, one.severity),
            goes_on=before.goes_on or one.goes_on,
        )
    return [*done, *last.values()]


def _most(found: Sequence[Happening], limit: int) -> Sequence[Happening]:
    """So many of the worst; the newest of those that are equally bad."""
    return sorted(found, key=lambda one: (-one.severity, -one.start))[:limit]


def _place(one: Happening) -> tuple[int, int, str]:
    return one.start, one.end, one.label

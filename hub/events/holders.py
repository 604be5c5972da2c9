"""An alarm that several daemons of a collector have: it is open until none of them has it any more (pure).

A device whose agent is silent cannot be read by two daemons. That is one alarm, and each of them says for itself once
that it has it, and once that it is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from hub.interfaces import EventRecord, Said

MOST_OTHERS = 16

Stood = Mapping[tuple[int, str], int]
"""What daemons had open at some moment: by id of the record and daemon, how often it had been seen when it was told."""
NOTHING: Stood = MappingProxyType({})


def has(record: EventRecord, daemon: str) -> bool:
    """Whether a daemon of the record's collector has its alarm."""
    return daemon == record.daemon or daemon in record.others


def others_of(record: EventRecord, collector: str, daemon: str) -> dict[str, Said]:
    """Who else has the alarm, now that a daemon tells of it; those of another collector count no more."""
    if collector != record.collector:
        return {}
    others = {**record.others}
    if daemon != record.daemon:
        others.pop(record.daemon, None)
        others[record.daemon] = _said(record)
    others.pop(daemon, None)
    return dict(list(others.items())[-MOST_OTHERS:])


def without(record: EventRecord, daemon: str) -> EventRecord | None:
    """The record when a daemon has the alarm no more; None when nobody has it then.

    It says what the worst of the others has said, where this one had told of it last.
    """
    others = {**record.others}
    if daemon != record.daemon:
        others.pop(daemon, None)
        return replace(record, others=others)
    if not others:
        return None
    heir = max(others, key=lambda name: others[name].severity)
    said = others.pop(heir)
    return replace(
        record,
        daemon=heir,
        severity=said.severity,
        summary=said.summary,
        message=said.message,
        details=said.details,
        others=others,
    )


def told(record: EventRecord, daemon: str) -> int | None:
    """How often the alarm had been seen when a daemon told of it last; None for one that does not have it."""
    if daemon == record.daemon:
        return record.count
    return record.others[daemon].count if daemon in record.others else None


def _said(record: EventRecord) -> Said:
    return Said(
        severity=record.severity,
        summary=record.summary,
        message=record.message,
        details=record.details,
        count=record.count,
    )

"""The API of evidence: what was there when an alarm opened, asked of the collector that raised it."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from common.errors import NotFoundError
from common.evidence import EVIDENCE_DETAIL, Evidence, EvidenceRow, HostEvidence
from hub.data.reader import Reader
from hub.interfaces import EventRecord, IEventStore
from hub.web.call import Call
from hub.web.router import Route
from hub.web.shapes import Row, iso, process_shape

_ID = re.compile(r"[0-9a-f]{20}", re.ASCII)


class ProcessShape(Row, frozen=True, kw_only=True):
    """A process that was there; `gone` is one of the scan before that was not there any more."""

    gone: bool


class SetShape(Struct, frozen=True, kw_only=True):
    """A process set with an alarm; `before` is null where nothing is known of it."""

    set: str
    before: list[ProcessShape] | None
    now: list[ProcessShape]
    more_before: int
    more_now: int


class EvidenceShape(Struct, frozen=True, kw_only=True):
    """What was there; times are ISO 8601."""

    event: int
    id: str
    device: str
    collector: str
    at: str | None
    before_at: str | None
    processes: int
    sets: list[SetShape]
    more_sets: int
    by_cpu: list[ProcessShape]
    by_memory: list[ProcessShape]
    host: dict[str, object]


class EvidenceTopic:
    """Tells the evidence of an event."""

    def __init__(self, events: IEventStore, reader: Reader) -> None:
        self._events = events
        self._reader = reader

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "events/{event}/evidence", self.one)]

    async def one(self, call: Call) -> EvidenceShape:
        """Tell it; not found where an event has none, or has none any more."""
        call.only()
        number = call.number("event")
        record = await self._events.get(number)
        if record is None:
            raise NotFoundError(f"there is no event {number}")
        id_ = record.details.get(EVIDENCE_DETAIL)
        if not isinstance(id_, str) or not _ID.fullmatch(id_):
            raise NotFoundError(f"event {number} has no evidence: only alarms of process sets have, when they open")
        return shape(record, await self._reader.evidence(record.collector, record.daemon, record.device, id_))


def shape(record: EventRecord, found: Evidence) -> EvidenceShape:
    """Shape what a collector has told."""
    return EvidenceShape(
        event=record.id,
        id=found.id,
        device=record.device,
        collector=record.collector,
        at=iso(found.at),
        before_at=iso(found.before_at),
        processes=found.processes,
        sets=[
            SetShape(
                set=one.set,
                before=None if one.before is None else _rows(one.before),
                now=_rows(one.now),
                more_before=one.more_before,
                more_now=one.more_now,
            )
            for one in found.sets
        ],
        more_sets=found.more_sets,
        by_cpu=_rows(found.by_cpu),
        by_memory=_rows(found.by_memory),
        host={name: getattr(found.host, name) for name in HostEvidence.__struct_fields__},
    )


def _rows(rows: list[EvidenceRow]) -> list[ProcessShape]:
    return [ProcessShape(**msgspec.structs.asdict(process_shape(row)), gone=row.gone) for row in rows]

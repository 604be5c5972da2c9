"""Stores in memory, and a worker without a thread. They pass the same contract tests as the real ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from zope.interface import implementer

from common.errors import PermanentError, TransientError
from common.events import Event, State, fingerprint
from common.wire import SpooledEvent
from hub.components.interfaces import IComponentStore, StoredComponents
from hub.events.holders import NOTHING, Stood, has, told
from hub.events.rules import AgePolicy, Sighting, absorb, ages, cease, close, decide, fresh, is_open, leave_behind
from hub.events.store import OPERATOR_STATES, KnownDaemon, Tidied
from hub.interfaces import DocumentChange, EventFilter, EventRecord, IEventStore, IModelStore, Revision
from hub.model.interfaces import IWorker

T = TypeVar("T")


def done(work: Coroutine[Any, Any, T] | Deferred[T]) -> T:
    """The result of asynchronous work that does not wait for anything, or its error."""
    results: list[Any] = []
    errors: list[BaseException] = []
    deferred = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
    deferred.addCallbacks(results.append, lambda failure: errors.append(failure.value))
    if errors:
        raise errors[0]
    assert results, "it still waits"
    return results[0]  # type: ignore[no-any-return]  # the Deferred's type is lost in the list


@implementer(IWorker)
class InlineWorker:
    """Does the work at once, where it is called."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()


@implementer(IModelStore)
class FakeModelStore:
    """Documents and revisions in memory; `broken` makes the next commits fail."""

    def __init__(self, epoch: str = "fake-epoch") -> None:
        self._epoch = epoch
        self._revisions: list[Revision] = []
        self._documents: dict[tuple[str, str], str] = {}
        self.changes: list[tuple[int, DocumentChange]] = []
        self.broken = ""

    async def epoch(self) -> str:
        return self._epoch

    async def load(self) -> tuple[int, list[tuple[str, str, str]]]:
        return len(self._revisions), [(kind, id_, body) for (kind, id_), body in sorted(self._documents.items())]

    async def commit(
        self, at: float, author: str, text: str, summary: str, changes: Sequence[DocumentChange]
    ) -> Revision:
        if self.broken:
            raise TransientError(self.broken)
        number = len(self._revisions) + 1
        revision = Revision(number=number, at=at, author=author, text=text, summary=summary)
        self._revisions.append(revision)
        for change in changes:
            self.changes.append((number, change))
            if change.after is None:
                self._documents.pop((change.kind, change.id), None)
            else:
                self._documents[change.kind, change.id] = change.after
        return revision

    async def revisions(self, limit: int) -> list[Revision]:
        return self._revisions[::-1][:limit]

    async def revision(self, number: int) -> Revision | None:
        return self._revisions[number - 1] if 1 <= number <= len(self._revisions) else None

    async def rewrite(self, change: Callable[[str, str, str], str]) -> int:
        if self.broken:
            raise TransientError(self.broken)

        def new(kind: str, id_: str, body: str | None) -> str | None:
            return None if body is None else change(kind, id_, body)

        before = dict(self._documents)
        self._documents = {key: change(*key, body) for key, body in before.items()}
        self.changes = [
            (
                number,
                replace(item, before=new(item.kind, item.id, item.before), after=new(item.kind, item.id, item.after)),
            )
            for number, item in self.changes
        ]
        return sum(before[key] != body for key, body in self._documents.items())

    async def changes_of(self, number: int) -> list[DocumentChange]:
        found = [change for revision, change in self.changes if revision == number]
        return sorted(found, key=lambda change: (change.kind, change.id))

    async def undone(self, number: int) -> list[tuple[str, str, str | None]]:
        first: dict[tuple[str, str], str | None] = {}
        for revision, change in self.changes:
            if revision > number:
                first.setdefault((change.kind, change.id), change.before)
        return [(kind, id_, body) for (kind, id_), body in sorted(first.items())]


@implementer(IComponentStore)
class FakeComponentStore:
    """Components in memory; `broken` makes what follows fail, `writes` counts transactions."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredComponents] = {}
        self.broken = ""
        self.writes = 0

    async def load(self, after: str, limit: int) -> list[StoredComponents]:
        return [self.rows[name] for name in sorted(self.rows) if name > after][:limit]

    async def store(self, rows: Sequence[StoredComponents], gone: Collection[str]) -> None:
        if self.broken:
            raise TransientError(self.broken)
        self.writes += 1
        for name in gone:
            self.rows.pop(name, None)
        self.rows.update({row.device: row for row in rows})


@implementer(IEventStore)
class FakeEventStore:
    """Events in memory; `broken` makes what follows fail."""

    def __init__(self, wall: Callable[[], float], policy: AgePolicy | None = None) -> None:
        self._wall = wall
        self._policy = policy or AgePolicy()
        self._records: dict[int, EventRecord] = {}
        self._changed: dict[int, int] = {}
        self._change = 0
        self._last_id = 0
        self._spools: dict[tuple[str, str, str], int] = {}
        self._daemons: dict[tuple[str, str], KnownDaemon] = {}
        self._observers: list[Callable[[int], None]] = []
        self.broken = ""

    def observe(self, observer: Callable[[int], None]) -> None:
        self._observers.append(observer)

    async def stored_seq(self, collector: str, daemon: str, spool: str) -> int:
        return self._spools.get((collector, daemon, spool), 0)

    async def store(
        self, collector: str, daemon: str, spool: str, events: Sequence[SpooledEvent], late: Collection[str] = ()
    ) -> int:
        if self.broken:
            raise TransientError(self.broken)
        key = (collector, daemon, spool)
        new = fresh(self._spools.get(key, 0), events)
        if new:
            seen = (self._sighting(item.event, collector, daemon) for item in new)
            self._absorb([replace(one, late=one.event.device in late) for one in seen])
            self._spools[key] = new[-1].seq
        return self._spools.get(key, 0)

    async def add(self, event: Event, collector: str, daemon: str) -> int:
        if self.broken:
            raise TransientError(self.broken)
        touched = self._absorb([self._sighting(event, collector, daemon)])
        return touched[0].id if touched else 0

    async def find(self, filter: EventFilter) -> list[EventRecord]:  # noqa: A002 - the interface's name
        found = [record for record in self._records.values() if _matches(record, filter)]
        found.sort(key=lambda record: (record.last_seen, record.id), reverse=True)
        return found[: filter.limit]

    async def get(self, event_id: int) -> EventRecord | None:
        return self._records.get(event_id)

    async def changes(self, after: int, limit: int) -> tuple[int, list[EventRecord]]:
        if not 0 <= after < self._change or limit <= 0:
            return self._change, []
        later = sorted((change, id_) for id_, change in self._changed.items() if change > after)[:limit]
        newest = later[-1][0] if len(later) == limit else self._change
        return newest, [self._records[id_] for _, id_ in later]

    async def decided(self, collector: str, daemon: str) -> list[EventRecord]:
        last: dict[str, EventRecord] = {}
        for record in sorted(self._records.values(), key=lambda record: record.id):
            theirs = record.collector == collector and has(record, daemon) and record.state_by
            if theirs and record.state in {"new", "closed"} and record.event_key not in self._policy.keys:
                last[record.fingerprint] = record
        now_open = {
            print_ for print_, record in self._open().items() if record.collector == collector and has(record, daemon)
        }
        return [record for record in last.values() if is_open(record) or record.fingerprint not in now_open]

    async def open_counts(self) -> dict[str, dict[int, int]]:
        counts: dict[str, dict[int, int]] = {}
        for record in self._open().values():
            device = counts.setdefault(record.device, {})
            device[record.severity] = device.get(record.severity, 0) + 1
        return counts

    async def set_state(self, event_id: int, state: str, by: str, at: float) -> EventRecord | None:
        wanted = State(state)
        if wanted not in OPERATOR_STATES:
            raise PermanentError(f"an event becomes {state} by itself")
        record = self._records.get(event_id)
        if record is None:
            return None
        other = self._open().get(record.fingerprint)
        if wanted is State.NEW and not is_open(record) and other is not None:
            raise PermanentError(f"event {record.id} stays closed: the same alarm is open again as event {other.id}")
        decided = decide(record, wanted, by, at)
        self._write([decided] if decided != record else [])
        return decided

    async def close_devices(self, devices: Iterable[str], by: str, at: float) -> int:
        wanted = set(devices)
        ended = [decide(record, State.CLOSED, by, at) for record in self._open().values() if record.device in wanted]
        self._write(ended)
        return len(ended)

    async def retire(self, collector: str, daemon: str, by: str, at: float) -> int:
        theirs = [record for record in self._open().values() if record.collector == collector and has(record, daemon)]
        self._write([cease(record, daemon, by, at) for record in theirs])
        return len(theirs)

    async def standing(self, devices: Collection[str], daemon: str) -> dict[tuple[int, str], int]:
        theirs = (record for record in self._open().values() if record.device in devices)
        return {(one.id, daemon): seen for one in theirs if (seen := told(one, daemon)) is not None}

    async def leave_behind(self, devices: Mapping[str, str], by: str, at: float, stood: Stood = NOTHING) -> int:
        theirs = [record for record in self._open().values() if record.device in devices]
        changes = [(record, leave_behind(record, devices[record.device], by, at, stood)) for record in theirs]
        ended = [after for before, after in changes if after != before]
        self._write(ended)
        return len(ended)

    async def reporters(self) -> list[tuple[str, str]]:
        return sorted({(record.device, record.collector) for record in self._open().values()})

    async def tidy(self) -> Tidied:
        now = self._wall()
        aged = [close(record, now, State.AGED) for record in self._open().values() if ages(record, now, self._policy)]
        self._write(aged)
        oldest = now - self._policy.keep_closed_s
        gone = [r.id for r in self._records.values() if r.closed_at is not None and r.closed_at < oldest]
        for id_ in gone:
            del self._records[id_], self._changed[id_]
        return Tidied(aged=len(aged), purged=len(gone))

    async def note_daemon(self, collector: str, daemon: str, at: float) -> None:
        key = (collector, daemon)
        known = self._daemons.get(key) or KnownDaemon(collector=collector, daemon=daemon, first_seen=at, last_seen=at)
        self._daemons[key] = replace(known, last_seen=at)

    async def note_seen(self, seen: Iterable[tuple[str, str, float]]) -> None:
        for collector, daemon, at in seen:
            known = self._daemons.get((collector, daemon))
            if known is not None:
                self._daemons[collector, daemon] = replace(known, last_seen=max(at, known.last_seen))

    async def daemons(self) -> list[KnownDaemon]:
        return [self._daemons[key] for key in sorted(self._daemons)]

    async def forget_daemon(self, collector: str, daemon: str) -> None:
        self._daemons.pop((collector, daemon), None)

    def _sighting(self, event: Event, collector: str, daemon: str) -> Sighting:
        return Sighting(
            event=event, fingerprint=fingerprint(event), collector=collector, daemon=daemon, now=self._wall()
        )

    def _open(self) -> dict[str, EventRecord]:
        return {record.fingerprint: record for record in self._records.values() if is_open(record)}

    def _absorb(self, sightings: Sequence[Sighting]) -> list[EventRecord]:
        touched = absorb(self._open(), sightings, self._last_id + 1)
        self._write(touched)
        return touched

    def _write(self, records: Sequence[EventRecord]) -> None:
        for record in records:
            self._change += 1
            self._records[record.id] = record
            self._changed[record.id] = self._change
            self._last_id = max(self._last_id, record.id)
        if records:
            for observer in self._observers:
                observer(self._change)


def _matches(record: EventRecord, wanted: EventFilter) -> bool:
    top = (wanted.event_class or "/").rstrip("/")
    return (
        (wanted.device is None or record.device == wanted.device)
        and (wanted.component is None or record.component == wanted.component)
        and (record.event_class == top or record.event_class.startswith(f"{top}/"))
        and (wanted.min_severity is None or record.severity >= wanted.min_severity)
        and (wanted.states is None or record.state in wanted.states)
        and (wanted.since is None or record.last_seen >= wanted.since)
    )

"""The seams of the hub."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from msgspec import Struct
from zope.interface import Attribute, Interface

from common.queries import Query, Result
from common.wire import (
    Attach,
    Attached,
    ConfigBatch,
    ConfigsApplied,
    EventBatch,
    EventsStored,
    Heartbeat,
    Held,
    HeldRequest,
    ModelReport,
    Position,
    SpooledEvent,
    TaskCounts,
)

# --- sessions of collectors -------------------------------------------------------------------------------------------


class ISession(Interface):
    """One collector daemon that is logged in. Every call has a time-out; one that times out ends the session."""

    collector: str = Attribute("Name from the certificate.")
    daemon: str = Attribute("Service, for example `process`.")
    host: str = Attribute("Host name that the daemon tells.")
    software: str = Attribute("Its version.")
    since: float = Attribute("Epoch seconds of the login.")
    last_seen: float = Attribute("Epoch seconds of the last sign of life.")
    counts: TaskCounts = Attribute("From its last heartbeat.")
    position: Position = Attribute("How far its configs had come when it logged in.")

    async def held(request: HeldRequest) -> Held:
        """Ask which configs it holds."""

    async def push(batch: ConfigBatch) -> ConfigsApplied:
        """Send configs; at most one call of these is in flight.

        Raises:
            TransientError: the session broke, or the collector could not store them.
            RemoteError: the collector refuses the message.
        """

    async def query(query: Query) -> Result:
        """Ask what the collector knows.

        Raises:
            RemoteError: it does not know, with its sentence.
            TransientError: the session broke.
        """

    async def carry(query: Query) -> Result:
        """Ask for a part of something large, or hand one on: as `query`, but one at a time, and never in its way."""

    def abort(reason: str) -> None:
        """Cut the connection now."""


class IFrontDesk(Interface):
    """What the PB edge hands on to the rest of the hub."""

    async def attached(session: ISession, request: Attach) -> Attached:
        """Register a session; an earlier one of the same collector and daemon is aborted first.

        Raises:
            PermanentError: the daemon may not log in; the sentence goes back to it.
        """

    def detached(session: ISession, reason: str) -> None:
        """The connection is gone."""

    async def events(session: ISession, batch: EventBatch) -> EventsStored:
        """Store events, commit, then answer the highest number held without a gap.

        Raises:
            TransientError: the store refused; the collector keeps them and tries again.
        """

    async def modelled(session: ISession, report: ModelReport) -> None:
        """Take what a modelling found; returns when what it changes is committed.

        Raises:
            PermanentError: the device is not that collector's.
            TransientError: the store refused; the collector keeps the report and tries again.
        """

    def heartbeat(session: ISession, heartbeat: Heartbeat) -> None:
        """Keep the figures."""


# --- store ------------------------------------------------------------------------------------------------------------


class Revision(Struct, frozen=True, kw_only=True):
    """One change of the model.

    Attributes:
        number: rises by one.
        at: epoch seconds.
        summary: what changed, in words.
    """

    number: int
    at: float
    author: str
    text: str
    summary: str


class DocumentChange(Struct, frozen=True, kw_only=True):
    """One document before and after; None where it did not or does not exist. Bodies are JSON text."""

    kind: str
    id: str
    before: str | None
    after: str | None


class IModelStore(Interface):
    """Documents and revisions on disk."""

    async def epoch() -> str:
        """Id of this store; made when the store is created."""

    async def load() -> tuple[int, list[tuple[str, str, str]]]:
        """The last revision's number (0: none) and all documents as (kind, id, JSON body)."""

    async def commit(at: float, author: str, text: str, summary: str, changes: Sequence[DocumentChange]) -> Revision:
        """Store a revision with all its changes, in one transaction.

        Raises:
            TransientError: the disk refused; nothing is stored.
        """

    async def revisions(limit: int) -> list[Revision]:
        """The newest revisions, newest first."""

    async def revision(number: int) -> Revision | None:
        """One revision; None when there is none of this number."""

    async def changes_of(number: int) -> list[DocumentChange]:
        """What a revision changed, by kind and id; nothing when there is no such revision."""

    async def undone(number: int) -> list[tuple[str, str, str | None]]:
        """The documents that later revisions changed, as they were at this one: (kind, id, JSON body), by kind and id.

        The body is None where there was no such document then. At 0 there was none at all.
        """

    async def rewrite(change: Callable[[str, str, str], str]) -> int:
        """Put other bodies in the place of those that are stored, also in what revisions changed, in one transaction.

        Args:
            change: gets kind, id and JSON body, gives the new body: another way to store the same document.

        Returns:
            How many documents have another body.

        Raises:
            TransientError: the disk refused; nothing is changed.
        """


class Said(Struct, frozen=True, kw_only=True):
    """What a daemon said of an alarm when it told of it last.

    Attributes:
        count: how often the alarm had been seen then.
    """

    severity: int
    summary: str
    message: str = ""
    details: dict[str, Any] = {}
    count: int = 1


class EventRecord(Struct, frozen=True, kw_only=True):
    """An event as the hub holds it: the contract's `Event`. Times are epoch seconds here, ISO 8601 at the door.

    Attributes:
        daemon: who told of it last, of those that have it.
        group: family of events, as in Zenoss.
        state_by: who acknowledged, closed or reopened it last; empty when nobody did.
        others: the other daemons of that collector that have the same alarm, with what they said.
    """

    id: int
    device: str
    component: str
    event_class: str
    event_key: str
    severity: int
    state: str
    summary: str
    message: str
    count: int
    first_seen: float
    last_seen: float
    closed_at: float | None
    collector: str
    daemon: str
    fingerprint: str
    details: dict[str, Any]
    group: str = ""
    state_by: str = ""
    others: dict[str, Said] = {}


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events to list; None does not restrict.

    Attributes:
        event_class: a class and all below it.
        min_severity: this and worse.
        states: values of `common.events.State`.
        since: epoch seconds; last seen at or after.
        after_change: only those whose change number is higher; for followers.
    """

    device: str | None = None
    component: str | None = None
    event_class: str | None = None
    min_severity: int | None = None
    states: tuple[str, ...] | None = None
    since: float | None = None
    limit: int = 100


class IEventStore(Interface):
    """Events on disk, each stored once."""

    async def stored_seq(collector: str, daemon: str, spool: str) -> int:
        """Highest number held of a spool, 0 for none."""

    async def store(
        collector: str, daemon: str, spool: str, events: Sequence[SpooledEvent], late: Collection[str] = ()
    ) -> int:
        """Store what is new of a batch, apply the rules, commit; return the highest number held without a gap.

        Numbers already held are skipped; a batch that begins after a gap stores nothing and returns what is held.
        Of devices in `late`, which are another collector's by now, it neither ends nor takes over what others raised.
        """

    async def add(event: Any, collector: str, daemon: str) -> int:
        """Store an event of the hub itself; returns its record's id, 0 for a clear that closed nothing."""

    async def find(filter: EventFilter) -> list[EventRecord]:
        """Matching events, last seen first."""

    async def get(event_id: int) -> EventRecord | None:
        """One event."""

    async def changes(after: int, limit: int) -> tuple[int, list[EventRecord]]:
        """Events changed after a change number, oldest first, and the number to go on from."""

    async def set_state(event_id: int, state: str, by: str, at: float) -> EventRecord | None:
        """Acknowledge (`acknowledged`), close (`closed`) or reopen (`new`) an event; None when there is none."""

    async def decided(collector: str, daemon: str) -> list[EventRecord]:
        """Alarms of a daemon that an operator has closed, or opened again, as they still are; restarts left out."""

    async def open_counts() -> dict[str, dict[int, int]]:
        """Open events by device and severity."""

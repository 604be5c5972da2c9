"""Which collector daemons there are, and which of them are logged in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

from msgspec import Struct

from common.errors import PermanentError
from common.wire import TaskCounts
from hub.interfaces import ISession

MAX_DAEMONS = 32


class Seat(Struct, kw_only=True):
    """A daemon that has logged in at some time.

    Attributes:
        session: None while it is away.
        since: epoch seconds of the last login; None when that was before this hub started.
        last_seen: epoch seconds of its last sign of life, as far as is known, when it is away.
        reason: why it is away.
        foreign_events: how many of its events spoke of devices that are not its own, in this session.
    """

    collector: str
    daemon: str
    session: ISession | None = None
    host: str = ""
    software: str = ""
    since: float | None = None
    last_seen: float = 0.0
    counts: TaskCounts = TaskCounts()
    reason: str = ""
    foreign_events: int = 0


class Roster:
    """The seats, by collector and daemon. The newest session has the seat."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._seats: dict[tuple[str, str], Seat] = {}

    def remember(self, known: Iterable[tuple[str, str, float]]) -> None:
        """Take in the daemons of earlier days: collector, daemon, epoch seconds of when it was last seen."""
        for collector, daemon, last_seen in known:
            seat = Seat(
                collector=collector, daemon=daemon, last_seen=last_seen, reason="not seen since the hub started"
            )
            self._seats.setdefault((collector, daemon), seat)

    def arrive(self, session: ISession) -> ISession | None:
        """Give a session its seat; return the one that had it.

        Raises:
            PermanentError: the collector has too many daemons.
        """
        key = (session.collector, session.daemon)
        seat = self._seats.get(key)
        if seat is None:
            if sum(collector == session.collector for collector, _ in self._seats) >= MAX_DAEMONS:
                raise PermanentError(
                    f"collector {session.collector} has {MAX_DAEMONS} daemons already, and no more may be"
                )
            seat = self._seats[key] = Seat(collector=session.collector, daemon=session.daemon)
        earlier, seat.session = seat.session, session
        seat.host, seat.software, seat.since = session.host, session.software, session.since
        seat.reason, seat.foreign_events = "", 0
        return earlier

    def leave(self, session: ISession, reason: str) -> bool:
        """Take the seat from a session; False when another has it already."""
        seat = self.seat_of(session)
        if seat is None:
            return False
        seat.session = None
        seat.last_seen, seat.counts, seat.reason = session.last_seen, session.counts, reason
        return True

    def forget(self, collector: str, daemon: str) -> None:
        """Drop the seat of a daemon that will not come back; it is away."""
        self._seats.pop((collector, daemon), None)

    def sessions_of(self, collector: str) -> list[ISession]:
        """All sessions of a collector."""
        seats = (seat for (name, _), seat in self._seats.items() if name == collector)
        return [seat.session for seat in seats if seat.session is not None]

    def seat_of(self, session: ISession) -> Seat | None:
        """The seat, if this session has it."""
        seat = self._seats.get((session.collector, session.daemon))
        return seat if seat is not None and seat.session is session else None

    def seats(self) -> list[Seat]:
        """All seats, in order of collector and daemon."""
        return [self._seats[key] for key in sorted(self._seats)]

    def session(self, collector: str, daemon: str) -> ISession | None:
        """The session of a daemon, if it is logged in."""
        seat = self._seats.get((collector, daemon))
        return None if seat is None else seat.session

    def daemons(self, daemon: str) -> list[ISession]:
        """Sessions of the daemons of a service, those that are logged in."""
        seats = (seat for (_, name), seat in self._seats.items() if name == daemon)
        return [seat.session for seat in seats if seat.session is not None]

    def daemons_of(self, collector: str) -> list[str]:
        """The daemons of a collector that are known, there or away."""
        return sorted(daemon for name, daemon in self._seats if name == collector)

    def is_known(self, collector: str, daemon: str | None = None) -> bool:
        """Whether a daemon of that collector, or this one, has ever logged in."""
        if daemon is not None:
            return (collector, daemon) in self._seats
        return any(name == collector for name, _ in self._seats)

    def whereabouts(self, collector: str, daemon: str) -> str:
        """The sentence for a daemon that is away."""
        seat = self._seats.get((collector, daemon))
        if seat is None:
            return (
                f"collector {collector} has never logged in its daemon {daemon}; start it, or choose another collector"
            )
        return (
            f"collector {collector} (daemon {daemon}) is not connected; last seen {iso(seat.last_seen)}: {seat.reason}"
        )


def iso(at: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, to the second."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""The API of events."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from common.errors import NotFoundError
from common.events import OPEN_STATES, State, parse_severity
from hub.data.feed import EventFeed
from hub.interfaces import EventFilter, EventRecord, IEventStore
from hub.web.call import Author, Call
from hub.web.longpolls import MAX_WAIT_S, LongPolls
from hub.web.refusals import bad_request
from hub.web.router import Route
from hub.web.shapes import Event, event_shape

MAX_EVENTS = 10_000
FOLLOW_PAGE = 500
NEWEST = -1
SOMEBODY = "operator"
OPEN = "open"
ALL = "all"

VERBS = {"ack": State.ACKNOWLEDGED, "close": State.CLOSED, "reopen": State.NEW}


class Events(Struct, frozen=True):
    """A list of events."""

    events: list[Event]


class Followed(Struct, frozen=True):
    """What changed; `next` is the number to ask after the next time."""

    next: int
    events: list[Event]


class ByWhom(Struct, frozen=True, forbid_unknown_fields=True):
    """Who does it."""

    author: Author = ""


class EventTopic:
    """Lists, follows and changes events."""

    def __init__(
        self,
        events: IEventStore,
        feed: EventFeed,
        wall: Callable[[], float],
        polls: LongPolls,
        decided: Callable[[EventRecord], None],
    ) -> None:
        """Prepare; `decided` is told of each event that was closed or opened again."""
        self._events = events
        self._feed = feed
        self._wall = wall
        self._polls = polls
        self._decided = decided

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "events", self.find),
            Route("GET", "events/follow", self.follow),
            Route("GET", "events/{event}", self.one),
            Route("POST", "events/{event}/{verb}", self.change),
        ]

    async def find(self, call: Call) -> Events:
        """List matching events, last seen first."""
        call.only("device", "component", "class", "severity", "state", "since", "limit")
        wanted = EventFilter(
            device=call.text("device"),
            component=call.text("component"),
            event_class=call.text("class"),
            min_severity=_severity(call.text("severity")),
            states=_states(call.text("state") or OPEN),
            since=call.moment("since"),
            limit=call.integer("limit", 100, 1, MAX_EVENTS) or 1,
        )
        return Events([event_shape(record) for record in await self._events.find(wanted)])

    async def one(self, call: Call) -> Event:
        """Show one event."""
        call.only()
        number = call.number("event")
        record = await self._events.get(number)
        if record is None:
            raise _no_event(number)
        return event_shape(record)

    async def change(self, call: Call) -> Event:
        """Acknowledge, close or reopen one."""
        call.only()
        state = VERBS.get(call.names["verb"])
        if state is None:
            raise NotFoundError(f"an event can be changed by {', '.join(VERBS)}; not by {call.names['verb'][:40]!r}")
        by = call.body(ByWhom)
        number = call.number("event")
        record = await self._events.set_state(number, state.value, by.author or SOMEBODY, self._wall())
        if record is None:
            raise _no_event(number)
        if state is not State.ACKNOWLEDGED:
            self._decided(record)
        return event_shape(record)

    async def follow(self, call: Call) -> Followed:
        """Wait for events that change after a number; -1 asks for the newest number alone."""
        call.only("after", "wait")
        after = call.integer("after", NEWEST, NEWEST, 2**62)
        wait_s = call.seconds("wait", 0.0, MAX_WAIT_S)
        if after is None or after == NEWEST:
            return Followed(await self._newest(), [])
        with self._polls.one(wait_s):
            number, records = await self._feed.follow(after, FOLLOW_PAGE, wait_s)
        return Followed(number, [event_shape(record) for record in records])

    async def _newest(self) -> int:
        number, _ = await self._events.changes(NEWEST, 0)
        return number


def _no_event(number: int) -> NotFoundError:
    return NotFoundError(f"there is no event {number}")


def _severity(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_severity(text).value
    except ValueError as error:
        raise bad_request(str(error)) from None


def _states(text: str) -> tuple[str, ...] | None:
    """States of a comma list; `open` stands for those that are not over, `all` for every one."""
    chosen: dict[str, None] = {}
    for word in text.split(","):
        if word == ALL:
            return None
        if word == OPEN:
            chosen.update(dict.fromkeys(sorted(state.value for state in OPEN_STATES)))
            continue
        if word not in {state.value for state in State}:
            known = ", ".join(state.value for state in State)
            raise bad_request(f"state {word[:40]!r} is not one of {OPEN}, {known}, {ALL}")
        chosen[word] = None
    return tuple(chosen)

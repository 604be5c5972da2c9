"""What a worker process gives its tasks in place of spools: the daemon keeps what they send."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from collectors.framework.data.spool.intake import Intake
from collectors.framework.interfaces import IEventSink, ISampleSink, IStateStore
from collectors.framework.running.messages import Forget, Keep, News, Samples
from common.errors import TransientError
from common.events import Event
from common.series import Sample

MAX_KEEPS = 20_000
MAX_SAMPLES = 100_000
"""That may be on their way to the daemon."""

Say = Callable[[News], object]


@implementer(IEventSink, IStateStore)
class DaemonSpool:
    """Hands events and states to the daemon, and waits until they are durable there.

    Args:
        say: sends to the daemon; what is said first comes first.
        read: gives the state under a key as it is on disk.
    """

    def __init__(self, say: Say, read: Callable[[str], bytes | None]) -> None:
        self._say = say
        self._read = read
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[str, Deferred[None]]] = {}
        self._fresh: dict[str, tuple[int, bytes | None]] = {}  # not on disk yet, with the number it went under
        self._forgotten: deque[tuple[int, str]] = deque()
        self._idle: list[Deferred[None]] = []

    async def send(self, events: Sequence[Event], state_key: str = "", state: bytes | None = None) -> None:
        """Have events and state stored in one transaction (see `IEventSink`)."""
        keeps_state = bool(state_key) and state is not None
        if not events and not keeps_state:
            return
        if len(self._waiting) >= MAX_KEEPS:
            raise TransientError(f"the event spool cannot keep up: {MAX_KEEPS} decisions wait for the disk")
        number = next(self._numbers)
        done: Deferred[None] = Deferred()
        self._waiting[number] = state_key, done
        if keeps_state:
            self._fresh[state_key] = number, state
        self._say(Keep(number, list(events), state_key, state))
        await done

    def kept(self, number: int, refusal: str) -> None:
        """The daemon has it, or cannot have it."""
        key, done = self._waiting.pop(number, ("", None))
        if self._fresh.get(key, (0, None))[0] == number:
            del self._fresh[key]
        while self._forgotten and self._forgotten[0][0] < number:  # the disk takes everything in order
            at, gone = self._forgotten.popleft()
            if self._fresh.get(gone, (0, None))[0] == at:
                del self._fresh[gone]
        if done is not None and not done.called:
            if refusal:
                done.errback(TransientError(refusal))
            else:
                done.callback(None)
        if not self._waiting:
            idle, self._idle = self._idle, []
            for waiting in idle:
                waiting.callback(None)

    def load(self, key: str) -> bytes | None:
        """Read a state (see `IStateStore`)."""
        if key in self._fresh:
            return self._fresh[key][1]
        return self._read(key)

    def forget(self, key: str) -> None:
        """Drop a state (see `IStateStore`)."""
        number = next(self._numbers)
        self._fresh[key] = number, None
        self._forgotten.append((number, key))
        self._say(Forget(key))

    async def settled(self) -> None:
        """Return when the daemon has answered for all that was sent."""
        if self._waiting:
            done: Deferred[None] = Deferred()
            self._idle.append(done)
            await done


@implementer(ISampleSink)
class DaemonSamples:
    """Judges samples here, and hands those that are sound to the daemon, as long as it keeps up.

    Args:
        say: sends to the daemon.
        wall: epoch seconds.
    """

    def __init__(self, say: Say, wall: Callable[[], float], max_waiting: int = MAX_SAMPLES) -> None:
        self._say = say
        self._wall = wall
        self._max_waiting = max_waiting
        self._intake = Intake()
        self._defined = 0
        self._on_the_way = 0
        self._held_up = 0

    def write(self, samples: Sequence[Sample]) -> None:
        """Accept samples (see `ISampleSink`)."""
        self._intake.accept(samples, self._wall())
        entries = self._intake.take()
        if not entries:
            return
        if self._on_the_way + len(entries) > self._max_waiting:
            self._held_up += len(entries)
            return
        self._on_the_way += len(entries)
        series = self._intake.series
        new = [series[number] for number in range(self._defined + 1, len(series) + 1)]
        self._defined = len(series)
        self._say(Samples(new, entries, self._intake.counted(entries)))

    def taken(self, count: int) -> None:
        """The daemon has taken some in."""
        self._on_the_way -= count

    @property
    def dropped(self) -> int:
        """Samples that were not accepted, or that the daemon did not keep up with."""
        return sum(self._intake.drops.values()) + self._held_up

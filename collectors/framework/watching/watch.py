"""`reactor_blocked`: what holds the reactor up for seconds is named, in the log at once, and in an event afterwards.

The reactor beats four times a second; a thread looks at that. Nothing is done for steps or tasks: only when a beat is
missing the thread looks where the reactor's thread stands. Who is stopped altogether (SIGSTOP, a suspended machine) is
not held up by a task: then the thread was late itself, and no time of the processor was used.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import msgspec
from msgspec import Struct
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from collectors.framework.interfaces import IEventSink, IStateStore
from collectors.framework.ownevents import own_event
from collectors.framework.watching.stacks import Place, place_of
from common.errors import TocsinError
from common.events import CLASS_DAEMON, Event, Severity
from common.queries import Decision

KEY = "reactor_blocked"
STATE_KEY = "daemon:reactor_blocked"
LIMIT_S = 3.0
BEAT_S = 0.25
"""Between two beats of the reactor; what is held up for less than the limit by no more than this may be told, too."""
LOOK_S = 1.0
CLOSE_LOOK_S = 0.1
CALM_S = 600.0
"""After so long without, an event ends; until then it is not told again."""
MOST = 20
"""Tasks with an event of their own at the same time; what others do is told of no task."""

_log = Logger()


class Held(Struct, frozen=True, kw_only=True):
    """The reactor was held up, or is."""

    since: float
    place: Place | None


class ReactorWatch(Service):
    """Looks whether the reactor goes on.

    Args:
        clock: the reactor.
        events, states: where it is told, and what of that is open.
        source: name of the collector, the device under which it reports itself.
        wall: epoch seconds.
        running: names of the tasks whose runs are under way.
        limit_s: for how long it may be held up.
        now, cpu_s: monotonic seconds, and seconds of the processor that this process has used.

    Attributes:
        count: how often it was held up for longer.
    """

    def __init__(
        self,
        clock: IReactorTime,
        events: IEventSink,
        states: IStateStore,
        source: Callable[[], str],
        wall: Callable[[], float],
        running: Callable[[], list[str]] = list,
        *,
        limit_s: float = LIMIT_S,
        now: Callable[[], float] = time.monotonic,
        cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        self._events = events
        self._states = states
        self._source = source
        self._wall = wall
        self._running = running
        self._limit_s = limit_s
        self._now = now
        self._cpu_s = cpu_s
        self.count = 0
        self._loop = LoopingCall(self.beat)
        self._loop.clock = clock
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._watched = 0
        self._due = 0.0  # when the next beat should be; written by the reactor's thread
        self._held: Held | None = None  # written by the watching thread, taken by the reactor's
        self._stood = 0.0  # when the process stood still last; written by the watching thread
        self._looked = (0.0, 0.0)
        self._noted: set[str] = set()  # tasks that the log of this run names already
        self._open: dict[str, float] = {}  # by task, when it held the reactor up last

    # --- service ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Watch the thread that calls this from now on."""
        self.start_watching(threading.get_ident())
        self._loop.start(BEAT_S, now=False).addErrback(lambda failure: _log.failure("the reactor's beat ends", failure))
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._thread.start()

    def start_watching(self, thread: int) -> None:
        """Have a thread be the one that is watched; what is open of the time before is remembered."""
        self._watched = thread
        self._due = self._now() + BEAT_S
        self._looked = self._now(), self._cpu_s()
        try:
            told = msgspec.msgpack.decode(self._states.load(STATE_KEY) or b"\x90", type=list[str])
        except msgspec.MsgspecError:
            told = []
        self._open = dict.fromkeys(told, self._now())

    def stopService(self) -> None:
        """Watch no more."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._loop.running:
            self._loop.stop()
        self._end.set()
        if self._thread is not None:
            self._thread.join(2 * BEAT_S)

    def figures(self) -> dict[str, int]:
        """Figures for `stats`."""
        return {"reactor_blocked": self.count}

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an event; False when it is another one."""
        if (decision.event_class, decision.event_key) != (CLASS_DAEMON, KEY):
            return False
        if decision.open:
            self._open.setdefault(decision.component, self._now())
        else:
            self._open.pop(decision.component, None)
        return True

    # --- in a thread of its own ---------------------------------------------------------------------------------------

    def _watch(self) -> None:
        wait_s = LOOK_S
        while not self._end.wait(wait_s):
            try:
                wait_s = self.look()
            except Exception:  # noqa: BLE001 - the supervisor of this thread: it must not end
                _log.failure("defect while the reactor was watched")
                wait_s = LOOK_S

    def look(self) -> float:
        """Look once; seconds until the next look."""
        now, cpu_s = self._now(), self._cpu_s()
        passed_s, used_s = now - self._looked[0], cpu_s - self._looked[1]
        self._looked = now, cpu_s
        if passed_s > LOOK_S + self._limit_s / 2 and used_s < passed_s / 4:
            self._stood = now  # all of the process stood still, and goes on now
            return CLOSE_LOOK_S
        due = max(self._due, self._stood)
        if now - due <= self._limit_s - BEAT_S:
            return LOOK_S if now < due + BEAT_S / 2 else CLOSE_LOOK_S
        if self._held is None or self._held.since != due:
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - there is no other way
            place = place_of(frame, self._running) if frame is not None else None
            self._held = Held(since=due, place=place)
            task = place.task if place is not None else ""
            if task not in self._noted:
                self._noted.add(task)
                self._note(place, now - due)
        return LOOK_S

    @staticmethod
    def _note(place: Place | None, late_s: float) -> None:
        _log.error(
            "the reactor has been held up for {late_s:.1f} s by {what}, at {at} ({stack})",
            late_s=late_s,
            what=_what(place.task if place is not None else ""),
            at=place.at if place is not None else "an unknown place",
            stack=" > ".join(place.stack) if place is not None else "",
        )

    # --- in the reactor's thread --------------------------------------------------------------------------------------

    def beat(self) -> None:
        """The reactor goes on."""
        now, due, held = self._now(), max(self._due, self._stood), self._held
        self._due, self._held = now + BEAT_S, None
        late_s = now - due
        if held is not None and held.since == due:
            self.count += 1
            self._tell(held.place, late_s, now)
        over = [task for task, at in self._open.items() if now - at > CALM_S]
        for task in over:
            del self._open[task]
            self._noted.discard(task)
        if over:
            self._send([self._event(task, Severity.CLEAR, "the reactor is not held up any more", "") for task in over])

    def _tell(self, place: Place | None, late_s: float, now: float) -> None:
        task = place.task if place is not None else ""
        if task not in self._open and len(self._open) >= MOST:
            task = ""
        known, self._open[task] = task in self._open, now
        if known:
            return  # it has been told; how often it was, the figures tell
        at = place.at if place is not None else "an unknown place"
        text = (
            f"the reactor was held up for {late_s:.1f} s by {_what(task)}, at {at}: nothing else went on meanwhile;"
            " what takes long belongs in a thread or a process of its own"
        )
        self._send([self._event(task, Severity.WARNING, text, "\n".join(place.stack) if place is not None else "")])

    def _event(self, task: str, severity: Severity, text: str, stack: str) -> Event:
        event = own_event(self._source(), self._wall(), "reactor_blocked", severity, text)
        return msgspec.structs.replace(event, component=task, message=stack[:8192])

    def _send(self, events: list[Event]) -> None:
        sent = Deferred.fromCoroutine(self._sent(events, msgspec.msgpack.encode(list(self._open))))
        sent.addErrback(lambda failure: _log.failure("defect while it was told that the reactor is held up", failure))

    async def _sent(self, events: list[Event], state: bytes) -> None:
        try:
            await self._events.send(events, STATE_KEY, state)
        except TocsinError as error:
            _log.error("an event about the reactor cannot be kept: {error}", error=str(error))
            for event in events:  # it is told the next time, and the end of it later
                if event.severity:
                    self._open.pop(event.component, None)
                else:
                    self._open.setdefault(event.component, self._now())


def _what(task: str) -> str:
    return f"task {task}" if task else "no task that is known"

"""The hub's drawing process, as the hub sees it: started when it is needed, asked one thing at a time.

librrd's drawing takes longer than a reactor may be held up, and may crash; it goes on in a process of its own, which
can be killed at any time.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger

from common.errors import NotFoundError, PermanentError, TransientError
from common.pipes import MessageError, Messages, framed
from hub.graphs.tables import MAX_JOB_BYTES, Job, Outcome, Painted

WITHIN_S = 15.0
IDLE_S = 300.0
MAX_WAITING = 20
MAX_PICTURE_BYTES = 16 * 1024 * 1024
MAX_SAID_BYTES = 4096
ARGUMENTS = ("-m", "hub.graphs.painting")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Outcome)


class Painter:
    """Has pictures drawn.

    Args:
        reactor: for the process.
        clock: monotonic.
        arguments: of Python, for the process.
    """

    def __init__(self, reactor: Any, clock: IReactorTime, arguments: tuple[str, ...] = ARGUMENTS) -> None:
        self._reactor = reactor
        self._clock = clock
        self._arguments = arguments
        self._turn = DeferredLock()
        self._process: _Process | None = None
        self._idle: Any = None
        self._is_over = False

    @property
    def pid(self) -> int | None:
        """Process id, while there is one."""
        return None if self._process is None else self._process.pid

    async def paint(self, job: Job) -> bytes:
        """The bytes of a picture.

        Raises:
            NotFoundError: none of its points is there.
            PermanentError: it cannot be drawn, or is too large.
            TransientError: too many wait, or the process did not answer.
        """
        if len(self._turn.waiting) >= MAX_WAITING:
            raise TransientError("the hub has too many pictures to draw already; ask again in a moment")
        data = _encoder.encode(job)
        if len(data) > MAX_JOB_BYTES:
            raise PermanentError("there are too many figures for a picture; ask for fewer series")
        await self._turn.acquire()
        try:
            outcome = _decoder.decode(await self._answer(data))
        finally:
            self._turn.release()
        if isinstance(outcome, Painted):
            return outcome.data
        raise PermanentError(outcome.message) if outcome.found else NotFoundError(outcome.message)

    async def _answer(self, data: bytes) -> bytes:
        if self._is_over:
            raise TransientError("the hub is stopping")
        self._stay()
        process = self._process
        if process is None:
            process = self._process = _Process(self._ended)
            process.start(self._reactor, self._arguments)
        late = self._clock.callLater(
            WITHIN_S, self._drop, process, f"the picture took longer than {WITHIN_S:.0f} s; ask for less"
        )
        try:
            return await process.ask(data)
        except CancelledError:
            self._drop(process, "the picture was given up")
            raise
        finally:
            if late.active():
                late.cancel()
            self._rest()

    def stop(self) -> Deferred[None]:
        """End the process; what is being drawn fails."""
        self._is_over = True
        self._stay()
        ended: Deferred[None] = Deferred()
        if self._process is None:
            ended.callback(None)
        else:
            self._process.on_end(lambda: ended.callback(None))
            self._process.give_up("the hub is stopping")
        return ended

    def _rest(self) -> None:
        """End it when nobody has asked for a while."""
        if self._process is not None and not self._is_over:
            self._idle = self._clock.callLater(IDLE_S, self._drop, self._process, "")

    def _stay(self) -> None:
        if self._idle is not None and self._idle.active():
            self._idle.cancel()
        self._idle = None

    def _drop(self, process: _Process, reason: str) -> None:
        """End a process; the next picture gets a new one."""
        self._ended(process)
        process.give_up(reason)

    def _ended(self, process: _Process) -> None:
        if self._process is process:
            self._process = None
            self._stay()


class _Process(ProcessProtocol):
    """One run of the drawing process."""

    log = Logger()

    def __init__(self, ended: Callable[[_Process], None]) -> None:
        self._on_end: list[Callable[[], None]] = [lambda: ended(self)]
        self._waiting: Deferred[bytes] | None = None
        self._answers = Messages(MAX_PICTURE_BYTES)
        self._said = b""
        self._reason = ""
        self._is_given_up = False

    @property
    def pid(self) -> int | None:
        """Its id."""
        pid: int | None = getattr(self.transport, "pid", None)
        return pid

    def start(self, reactor: Any, arguments: tuple[str, ...]) -> None:
        """Start it; it gets nothing of the hub's environment that it does not need."""
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
        python = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        reactor.spawnProcess(self, sys.executable, [sys.executable, *arguments], env={**known, **python})

    def on_end(self, call: Callable[[], None]) -> None:
        """Be told when it is over."""
        self._on_end.append(call)

    def ask(self, data: bytes) -> Deferred[bytes]:
        """Send a question; the answer comes later."""
        waiting: Deferred[bytes] = Deferred()
        self._waiting = waiting
        transport: Any = self.transport
        transport.write(framed(data))
        return waiting

    def give_up(self, reason: str) -> None:
        """Kill it; whoever waits is told the reason."""
        self._reason = self._reason or reason
        self._is_given_up = True
        transport: Any = self.transport
        if transport is not None and transport.pid is not None:
            with contextlib.suppress(ProcessExitedAlready):
                transport.signalProcess("KILL")

    def outReceived(self, data: bytes) -> None:
        """A part of an answer."""
        try:
            answers = self._answers.bodies(data)
        except MessageError:
            self.give_up("the picture is too large; ask for a smaller one")
            return
        for answer in answers:
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                waiting.callback(answer)

    def errReceived(self, data: bytes) -> None:
        """What it says goes to the log when it ends."""
        self._said = (self._said + data)[-MAX_SAID_BYTES:]

    def processEnded(self, reason: Any) -> None:
        """It is over."""
        if not self._is_given_up:
            said = self._said.decode(errors="replace")
            self.log.error("the hub's drawing process ended: {reason} {said}", reason=reason.value, said=said)
        for call in self._on_end:
            call()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.errback(
                TransientError(self._reason or "the hub's drawing process ended at this picture; ask again")
            )

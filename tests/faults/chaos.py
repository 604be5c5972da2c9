# mypy: allow-untyped-calls
"""A proxy that does to a connection what a bad network does.

Bytes go up from the collector to the hub, and down from the hub to the collector. Each direction is a `Way`, which
says what is done to the bytes of all connections in it. What a way holds back while it is `silent` it delivers
afterwards, as TCP does by sending again; ends of connections are then not told either, as across a broken network.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, Protocol, connectionDone

MAX_WAITING_BYTES = 16 * 1024
"""What lies in a slow way before its sender is not read any more: the buffer of a bad modem."""
PACKET_BYTES = 1400
WRITTEN_S = 0.01
"""After which the kernel has what was written."""
MAX_RECORD_BYTES = 2_000_000


class Way:
    """What is done to the bytes of one direction.

    Attributes:
        silent: nothing passes; it is delivered later.
        lossy: what comes while it is silent is lost for good, which no TCP would do but a broken middle box does.
        delay_s, jitter_s: how long each piece is under way; order is kept.
        bits_per_s: how much passes; 0 for no limit.
        corrupt: how many of the next pieces have a bit turned.
        passed: bytes so far.
    """

    def __init__(self) -> None:
        self.silent = False
        self.lossy = False
        self.delay_s = self.jitter_s = 0.0
        self.bits_per_s = 0.0
        self.corrupt = 0
        self.passed = 0
        self._left = -1
        self._then: Callable[[Line], object] = lambda _: None

    def after(self, count: int, then: Callable[[Line], object]) -> None:
        """Let exactly so many more bytes pass, then do something, once; what comes behind them is lost."""
        self._left, self._then = count, then

    def is_armed(self) -> bool:
        """Whether an `after` has not come to pass yet."""
        return self._left >= 0

    def cut(self, data: bytes, line: Line) -> tuple[bytes, Callable[[Line], object] | None]:
        """What of some bytes may pass, and what is to be done behind them."""
        if self._left < 0:
            return data, None
        if len(data) < self._left:
            self._left -= len(data)
            return data, None
        data, self._left = data[: self._left], -1
        return data, self._then


class Pipe:
    """One direction of one connection."""

    def __init__(self, proxy: ChaosProxy, way: Way, line: Line) -> None:
        self._proxy = proxy
        self._way = way
        self._line = line
        self._queue: deque[tuple[float, bytes]] = deque()
        self._waiting = 0
        self._free_at = 0.0
        self._last_due = 0.0
        self._timer: IDelayedCall | None = None
        self._paused = False
        self._ended = False
        self.source: Any = None
        self.target: Any = None
        self.record = bytearray()

    def take(self, data: bytes) -> None:
        """Bytes have come."""
        way = self._way
        if way.silent and way.lossy:
            return
        if len(self.record) < MAX_RECORD_BYTES:
            self.record += data
        if way.corrupt:
            way.corrupt -= 1
            data = bytes([data[0] ^ 0x10]) + data[1:] if len(data) == 1 else data[:-1] + bytes([data[-1] ^ 0x10])
        pieces = [data]
        if way.bits_per_s:
            pieces = [data[at : at + PACKET_BYTES] for at in range(0, len(data), PACKET_BYTES)]
        for piece in pieces:
            self._waiting += len(piece)
            self._queue.append((self._due(len(piece)), piece))
        self.go()

    def end(self) -> None:
        """The source has closed its side."""
        self._ended = True
        self.go()

    def go(self) -> None:
        """Deliver what is due, and come again for the rest."""
        clock, way = self._proxy.reactor, self._way
        while self._queue and not way.silent and self.target is not None:
            due, data = self._queue[0]
            wait_s = due - clock.seconds()
            if wait_s > 0:
                if self._timer is None or not self._timer.active():
                    self._timer = clock.callLater(wait_s, self.go)
                break
            self._queue.popleft()
            self._waiting -= len(data)
            self._deliver(data)
        self._pace()
        if self._ended and not self._queue and not way.silent and self.target is not None:
            self.target.loseWriteConnection() if hasattr(self.target, "loseWriteConnection") else None

    def stop(self) -> None:
        """Deliver nothing more."""
        self._queue.clear()
        self._waiting = 0
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _deliver(self, data: bytes) -> None:
        data, then = self._way.cut(data, self._line)
        self._way.passed += len(data)
        if self._line.is_whole or self._line.half_told:
            self.target.write(data)
        else:
            self._line.cut()  # the other end is gone, as this one learns when it sends
        if then is not None:
            self.stop()
            # Not before the reactor has had a turn to write it: a process that stood still has none behind it.
            later = self._proxy.reactor.callLater
            later(WRITTEN_S, lambda: later(0, then, self._line))

    def _due(self, count: int) -> float:
        way = self._way
        now: float = self._proxy.reactor.seconds()
        due = now + way.delay_s + self._proxy.rng.uniform(0.0, way.jitter_s)
        if way.bits_per_s:
            self._free_at = max(self._free_at, now) + count * 8 / way.bits_per_s
            due = max(due, self._free_at)
        self._last_due = max(self._last_due, due)
        return self._last_due

    def _pace(self) -> None:
        """Read the source no faster than its bytes can leave."""
        if self.source is None:
            return
        if self._waiting > MAX_WAITING_BYTES and not self._paused:
            self._paused = True
            self.source.pauseProducing()
        elif self._waiting <= MAX_WAITING_BYTES // 2 and self._paused:
            self._paused = False
            self.source.resumeProducing()


class Line:
    """One connection through the proxy."""

    def __init__(self, proxy: ChaosProxy) -> None:
        self._proxy = proxy
        self.up = Pipe(proxy, proxy.up, self)
        self.down = Pipe(proxy, proxy.down, self)
        self.near: Any = None
        self.far: Any = None
        self.gone: set[str] = set()
        self.half_told = False

    @property
    def is_whole(self) -> bool:
        """Whether both ends stand."""
        return not self.gone

    def cut(self, _line: Line | None = None) -> None:
        """End it on both sides at once, with a reset."""
        for side in (self.near, self.far):
            if side is not None and side.transport is not None and not side.lost:
                side.transport.abortConnection()
        self.up.stop()
        self.down.stop()

    def half_close(self, _line: Line | None = None) -> None:
        """Tell the hub that the collector says nothing more, and leave the rest as it is."""
        self.half_told = True
        if self.far is not None and not self.far.lost:
            self.far.transport.loseWriteConnection()

    def lost(self, side: str) -> None:
        """An end is gone: tell the other, unless the way to it is silent."""
        self.gone.add(side)
        way, other = (self._proxy.up, self.far) if side == "near" else (self._proxy.down, self.near)
        if len(self.gone) == 2:
            self._proxy.lines.discard(self)
            self.up.stop()
            self.down.stop()
        elif not way.silent and other is not None and other.transport is not None:
            other.transport.loseConnection()


class _Side(Protocol):
    """One end: `near` is the collector's, `far` the hub's."""

    transport: Any

    def __init__(self, line: Line, name: str) -> None:
        self.line = line
        self.name = name
        self.lost = False
        self.out, self.into = (line.up, line.down) if name == "near" else (line.down, line.up)

    def connectionMade(self) -> None:
        setattr(self.line, self.name, self)
        self.transport.setTcpNoDelay(True)
        self.out.source = self.into.target = self.transport
        self.out.go()
        self.into.go()

    def dataReceived(self, data: bytes) -> None:
        self.out.take(data)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self.lost = True
        self.line.lost(self.name)


class ChaosProxy(Factory):
    """Listens on a port of its own, and connects each caller to the hub.

    Attributes:
        up, down: what is done to the bytes of each direction.
        accepts: False turns new connections away.
        lines: connections that stand.
        count: connections that there have been.
    """

    noisy = False

    def __init__(self, reactor: Any, port: int, rng: random.Random | None = None) -> None:
        self.reactor = reactor
        self.rng = rng or random.Random(7)
        self.up, self.down = Way(), Way()
        self.lines: set[Line] = set()
        self.accepts = True
        self.count = 0
        self._to = port
        self._port = reactor.listenTCP(0, self, interface="127.0.0.1")

    @property
    def port(self) -> int:
        """Where collectors connect."""
        return int(self._port.getHost().port)

    def buildProtocol(self, addr: Any) -> Any:
        """Connect a caller to the hub."""
        if not self.accepts:
            return None
        self.count += 1
        line = Line(self)
        self.lines.add(line)
        near = line.near = _Side(line, "near")
        far = TCP4ClientEndpoint(self.reactor, "127.0.0.1", self._to)
        far.connect(Factory.forProtocol(lambda: _Side(line, "far"))).addErrback(lambda _: self._no_hub(line))
        return near

    def _no_hub(self, line: Line) -> None:
        line.gone.add("far")
        line.cut()

    def silence(self, *, up: bool = True, down: bool = True) -> None:
        """Let nothing pass any more, in one direction or both."""
        self.up.silent, self.down.silent = up, down

    def heal(self) -> None:
        """Let everything pass, as it comes."""
        for way in (self.up, self.down):
            way.silent = way.lossy = False
            way.delay_s = way.jitter_s = way.bits_per_s = 0.0
        for line in list(self.lines):
            line.up.go()
            line.down.go()

    def cut(self) -> None:
        """End all connections with a reset."""
        for line in list(self.lines):
            line.cut()

    async def replay(self, line: Line) -> Parrot:
        """Say on a connection of its own all that a collector has said on a line."""
        said = bytes(line.up.record)
        far = TCP4ClientEndpoint(self.reactor, "127.0.0.1", self._to)
        parrot: Any = await far.connect(Factory.forProtocol(Parrot))
        parrot.transport.write(said)
        return parrot  # type: ignore[no-any-return]  # the endpoint has no types

    async def close(self) -> None:
        """Stop listening, and cut all."""
        await self._port.stopListening()
        self.cut()


class Parrot(Protocol):
    """Repeats what it is given, and notes what it is told."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ended = False

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self.ended = True

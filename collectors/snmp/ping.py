"""Pings of many devices at once, by one socket for all of them: how many echoes are answered, and how soon."""

from __future__ import annotations

import errno
import random
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IReadDescriptor
from zope.interface import implementer

from collectors.framework.snmp.address import resolve
from collectors.snmp import echo
from collectors.snmp.echosocket import EchoSocket, IEchoSocket
from common.series import Number
from common.sources import PingSource

RATE = 1000
"""Echoes in a second, at most, to all devices together."""
BURST = 20
"""So many of them at once."""
MOST_READ = 500
"""Packets that are read before others have their turn."""
MOST_PUT_OFF = 100
"""How often the echoes of a reading may find the kernel's queue full, before one of them is lost."""
_FULL = frozenset({errno.EAGAIN, errno.ENOBUFS})


class PingReading(Struct, frozen=True):
    """What became of the echoes of one reading.

    Attributes:
        rtts_s: of those that were answered in time, in the order of the answers.
        why: what this host's network said where one could not be sent; empty for nothing.
    """

    sent: int
    answered: int
    rtts_s: tuple[float, ...] = ()
    why: str = ""

    def values(self) -> dict[str, Number | None]:
        """By the points of `common.pingpoints`."""
        loss = 100 * (self.sent - self.answered) / self.sent if self.sent else None
        if not self.rtts_s:
            return {"loss": loss, "rtt_min": None, "rtt_avg": None, "rtt_max": None}
        mean = sum(self.rtts_s) / len(self.rtts_s)
        return {"loss": loss, "rtt_min": min(self.rtts_s), "rtt_avg": mean, "rtt_max": max(self.rtts_s)}


class _Flight:
    """The echoes of one reading."""

    def __init__(self, address: str, source: PingSource, canceller: Callable[[], None]) -> None:
        self.address = address
        self.plain = address.partition("%")[0]
        self.timeout_s = source.timeout_s
        self.packets = source.packets
        self.left = source.packets
        self.rtts_s: list[float] = []
        self.why = ""
        self.timers: list[Any] = []
        self.cookies: list[bytes] = []
        self.put_off = 0
        self.over = False
        self.done: Deferred[PingReading] = Deferred(lambda _: canceller())

    def lands(self, rtt_s: float | None) -> None:
        """One of them is answered, or will not be."""
        if rtt_s is not None:
            self.rtts_s.append(rtt_s)
        self.left -= 1
        if not self.left and not self.over:
            self.over = True
            self.done.callback(PingReading(self.packets, len(self.rtts_s), tuple(self.rtts_s), self.why))


class _Echo(Struct):
    """One of them that has been sent."""

    flight: _Flight
    sequence: int
    at: float
    timer: Any


@implementer(IReadDescriptor)
class _Ear:
    """A socket, as the reactor reads it, with the echoes that wait for an answer there."""

    def __init__(self, sock: IEchoSocket, clock: IReactorTime) -> None:
        self.socket = sock
        self.waiting: dict[bytes, _Echo] = {}
        self.strays = 0
        self._clock = clock
        self._sequence = 0

    def ask(self, flight: _Flight) -> None:
        """Send an echo.

        Raises:
            OSError: the network does not take it.
        """
        self._sequence = (self._sequence + 1) & 0xFFFF
        cookie = secrets.token_bytes(echo.COOKIE_BYTES)
        packet = echo.request(self.socket.request, self.socket.identifier, self._sequence, cookie)
        at = self._clock.seconds()
        self.socket.send(packet, flight.address)
        timer = self._clock.callLater(flight.timeout_s, self._late, cookie)
        self.waiting[cookie] = _Echo(flight, self._sequence, at, timer)
        flight.cookies.append(cookie)

    def forget(self, flight: _Flight) -> None:
        """Wait for no answer of this one any more."""
        for cookie in flight.cookies:
            asked = self.waiting.pop(cookie, None)
            if asked is not None:
                asked.timer.cancel()

    def _late(self, cookie: bytes) -> None:
        self.doRead()  # what came in time counts, however long we were busy with something else
        asked = self.waiting.pop(cookie, None)
        if asked is not None:
            asked.flight.lands(None)

    def _came(self, packet: bytes, source: str, waited_s: float) -> None:
        answer = echo.answer(self.socket.reply, packet)
        asked = self.waiting.get(answer.cookie) if answer is not None else None
        if (
            answer is None
            or asked is None
            or answer.identifier != self.socket.identifier
            or answer.sequence != asked.sequence
            or source != asked.flight.plain
        ):
            self.strays += 1
            return
        del self.waiting[answer.cookie]
        if asked.timer.active():
            asked.timer.cancel()
        rtt_s = max(0.0, self._clock.seconds() - waited_s - asked.at)
        asked.flight.lands(rtt_s if rtt_s <= asked.flight.timeout_s else None)

    # --- the reactor's side -------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Twisted: of the file that is watched."""
        return self.socket.fileno()

    def doRead(self) -> None:
        """Twisted: something has come."""
        for _ in range(MOST_READ):
            came = self.socket.receive()
            if came is None:
                return
            self._came(*came)

    def connectionLost(self, reason: Any) -> None:
        """Twisted: the reactor ends."""

    def logPrefix(self) -> str:
        """Twisted: who it is in its log."""
        return "ping"


class Pinger:
    """Sends the echoes of all devices, and takes their answers.

    Args:
        open_socket: makes the socket for IPv6, or that for IPv4.
        rate: echoes in a second, at most.

    Attributes:
        sent: how many were.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime | None = None,
        open_socket: Callable[[bool], IEchoSocket] | None = None,
        rate: int = RATE,
    ) -> None:
        self.sent = 0
        self._reactor = reactor
        self._clock: IReactorTime = clock or reactor
        self._open_socket = open_socket or _open
        self._pause_s = BURST / rate
        self._ears: dict[bool, _Ear] = {}
        self._queue: deque[_Flight] = deque()
        self._pump: Any = None
        self._closed = False

    @property
    def strays(self) -> int:
        """Packets that were no answer to anything that waits for one."""
        return sum(ear.strays for ear in self._ears.values())

    async def reading(self, source: PingSource, address: str) -> PingReading:
        """Ping a device as its source says.

        Args:
            source: how many echoes, how far apart, and how long each is waited for.
            address: IP address or host name.

        Raises:
            PingImpossibleError: this host lets nobody send echoes.
            SnmpConfigError, SnmpTimeout: the name has no address, or cannot be resolved now.
        """
        host = await resolve(self._reactor, self._clock, address)
        ear = self._ear(six=":" in host)
        flight = _Flight(host, source, lambda: self._cancel(flight, ear))
        for number in range(source.packets):
            if number == 0:
                self._take(flight)
            else:
                flight.timers.append(self._clock.callLater(number * source.gap_s, self._take, flight))
        return await flight.done

    def close(self) -> None:
        """Release the sockets; readings that go on get no more answers."""
        self._closed = True
        if self._pump is not None and self._pump.active():
            self._pump.cancel()
        for flight in list(self._queue):
            flight.lands(None)
        self._queue.clear()
        for ear in self._ears.values():
            for asked in list(ear.waiting.values()):
                asked.timer.cancel()
                asked.flight.lands(None)
            ear.waiting.clear()
            self._reactor.removeReader(ear)
            ear.socket.close()
        self._ears.clear()

    def _ear(self, *, six: bool) -> _Ear:
        ear = self._ears.get(six)
        if ear is None:
            ear = self._ears[six] = _Ear(self._open_socket(six), self._clock)
            self._reactor.addReader(ear)
        return ear

    def _cancel(self, flight: _Flight, ear: _Ear) -> None:
        flight.over = True
        for timer in flight.timers:
            if timer.active():
                timer.cancel()
        while flight in self._queue:
            self._queue.remove(flight)
        ear.forget(flight)

    # --- at a bounded rate --------------------------------------------------------------------------------------------

    def _take(self, flight: _Flight) -> None:
        if self._closed:
            flight.lands(None)
            return
        self._queue.append(flight)
        if self._pump is None or not self._pump.active():
            self._send()

    def _send(self) -> None:
        for _ in range(min(BURST, len(self._queue))):
            flight = self._queue.popleft()
            try:
                self._ear(six=":" in flight.address).ask(flight)
            except OSError as error:
                if error.errno in _FULL and flight.put_off < MOST_PUT_OFF:
                    flight.put_off += 1
                    self._queue.append(flight)
                    break
                flight.why = error.strerror or str(error)
                flight.lands(None)
            self.sent += 1
        self._pump = self._clock.callLater(self._pause_s, self._more)

    def _more(self) -> None:
        if self._queue:
            self._send()


def _open(six: bool) -> IEchoSocket:  # noqa: FBT001 - it is what the caller says of an address
    return EchoSocket(six=six, rng=random.SystemRandom())

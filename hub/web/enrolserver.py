"""The HTTPS door for hosts that have no certificate yet: strict limits before, in and around each connection."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from common.certificates import Renewable
from common.edge.quota import Quota
from hub.enrol.settings import EnrolSettings
from hub.listening import Leaving, Listening
from hub.web.enrolfront import EnrolSite, peer_of

ALL_ADDRESSES = 10
"""How many times as many connections may come from all addresses together as from one."""


class EnrolDoor(TLSMemoryBIOFactory):
    """Turns connections away before they cost a handshake, and ends each after a while, whatever it does.

    Attributes:
        tls: what new connections are shown.
    """

    protocols: dict[Any, Any]

    def __init__(self, site: EnrolSite, options: Any, clock: IReactorTime, settings: EnrolSettings) -> None:
        self.tls = Renewable(options)
        super().__init__(self.tls, False, site, clock)  # noqa: FBT003 - as it is called there
        self._clock = clock
        self._settings = settings
        self._site = site
        self._one = Quota(clock, settings.connections_per_s, settings.connections_burst)
        self._all = Quota(clock, ALL_ADDRESSES * settings.connections_per_s, ALL_ADDRESSES * settings.connections_burst)
        self._ends: dict[Any, IDelayedCall] = {}
        self._leaving = Leaving()

    @property
    def connections(self) -> int:
        """How many stand."""
        return len(self._ends)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Admit a connection, or give None, which closes it."""
        peer = str(getattr(addr, "host", "?"))
        if not self._one.take(peer) or not self._all.take():
            self._site.refused(peer, "too many connections")
            return None
        if len(self._ends) >= self._settings.max_connections:
            eldest = next(iter(self._ends))
            self._site.refused(peer_of(eldest), "dropped for another: too many connections")
            self._drop(eldest)
        stock: Any = super()
        protocol = stock.buildProtocol(addr)
        self._ends[protocol] = self._clock.callLater(self._settings.answer_s, self._late, protocol)
        return protocol

    def unregisterProtocol(self, p: Any) -> None:
        """A connection is gone."""
        stock: Any = super()
        stock.unregisterProtocol(p)
        self._forget(p)
        if not self._ends:
            self._leaving.over()

    async def close(self) -> None:
        """End all connections, and wait until they are gone."""
        for protocol in list(self._ends):
            protocol.abortConnection()
        if self._ends:
            await self._leaving.wait()

    def _late(self, protocol: Any) -> None:
        self._site.refused(peer_of(protocol), f"nothing whole came within {self._settings.answer_s:g} s")
        protocol.abortConnection()

    def _drop(self, protocol: Any) -> None:
        self._forget(protocol)
        protocol.abortConnection()

    def _forget(self, protocol: Any) -> None:
        timer = self._ends.pop(protocol, None)
        if timer is not None and timer.active():
            timer.cancel()


class EnrolServer(Service):
    """Listens for hosts that want to be enrolled.

    Attributes:
        problem: why it does not, in a sentence; empty when it does.
    """

    log = Logger()

    def __init__(self, reactor: Any, settings: EnrolSettings, door: EnrolDoor | None) -> None:
        """Prepare; without a door nobody is enrolled."""
        self._door = door
        self._listening = Listening(reactor, settings.host, settings.port)
        self.problem = "" if door is not None else "enrolment is turned off: enrol.enabled in the hub's settings"

    @property
    def port(self) -> int:
        """The port that is listened on; 0 while none is."""
        return self._listening.port if self._listening.is_open else 0

    @property
    def host(self) -> str:
        """The address that is listened on."""
        return self._listening.host

    def startService(self) -> None:
        """Listen. A port that cannot be had keeps no hub from watching: it is told, and only enrolment waits."""
        stock: Any = super()  # it has no types
        stock.startService()
        if self._door is None:
            return
        try:
            self._listening.open(self._door)
        except CannotListenError as error:
            wanted = self._listening
            self.problem = (
                f"the hub cannot listen for enrolments on {wanted.host} port {wanted.port}: {error.socketError}; "
                "stop what uses it, or set another enrol.host and enrol.port, and start the hub again"
            )
        if self._listening.is_open:
            self.log.info("new hosts are enrolled on {host} port {port}", host=self.host, port=self.port)
        else:
            self.log.error("{problem}; all else works", problem=self.problem)

    def stopService(self) -> Deferred[None]:
        """Close the door."""
        stock: Any = super()  # it has no types
        stock.stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._listening.close()
        if self._door is not None:
            await self._door.close()

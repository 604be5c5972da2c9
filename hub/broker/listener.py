"""The hub's door for collectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from common.certificates import Renewable, Site, hub_tls_options
from common.edge.broker import BrokerSettings, HardBroker
from common.edge.names import DEFAULT_PORT
from common.edge.quota import LineQuota, Quota
from common.edge.reasons import was_tls
from common.errors import SettingsError
from hub.broker.perspective import HubPerspective, SessionSettings
from hub.interfaces import IFrontDesk
from hub.listening import Leaving, Listening

Count = Annotated[int, Meta(ge=1)]

RENEWALS_PER_S = 1 / 60.0
RENEWALS_BURST = 5


class ListenerSettings(Struct, frozen=True, kw_only=True):
    """Where collectors connect, and how many of them may.

    Attributes:
        port: 0 lets the kernel choose.
        max_connections: at once, logged in or not.
        max_strangers: not logged in; one more, and the one that waits for longest is dropped.
        connections_per_s: from one address, over time; `connections_burst` at once.
        timeout_s: of a call to a collector.
        heartbeat_s: between heartbeats; three without a sign of life end a session.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = DEFAULT_PORT
    max_connections: Count = 4000
    max_strangers: Count = 256
    connections_per_s: Annotated[float, Meta(gt=0)] = 50.0
    connections_burst: Count = 300
    login_s: Annotated[float, Meta(gt=0)] = 10.0
    timeout_s: Annotated[float, Meta(gt=0)] = 15.0
    heartbeat_s: Annotated[float, Meta(gt=0)] = 5.0


class BrokerListener(Service):
    """Accepts collectors over TLS and gives each connection a perspective."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        wall: Callable[[], float],
        settings: ListenerSettings,
        site: Site,
        desk: IFrontDesk,
    ) -> None:
        self._settings = settings
        self._connections = Connections(clock, wall, settings, site, desk)
        self._door = Door(self._connections, hub_tls_options(site), clock, settings)
        self._listening = Listening(reactor, settings.host, settings.port)

    @property
    def port(self) -> int:
        """The port that is listened on; the real one once the service runs."""
        return self._listening.port

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return len(self._connections.brokers)

    def renew(self, site: Site) -> None:
        """Show another certificate of the hub to those who connect from now on."""
        self._door.tls.renew(hub_tls_options(site))

    def startService(self) -> None:
        """Listen.

        Raises:
            SettingsError: the port is taken, or the address is not this machine's.
        """
        settings = self._settings
        try:
            self._listening.open(self._door, backlog=512)
        except CannotListenError as error:
            raise SettingsError(
                f"cannot listen for collectors on {settings.host} port {settings.port}: {error.socketError}; "
                "stop what uses it, or set another host and port"
            ) from None
        stock: Any = super()  # it has no types
        stock.startService()
        self.log.info("waiting for collectors on {host} port {port}", host=settings.host, port=self.port)

    async def _stop(self) -> None:
        await self._listening.close()
        await self._connections.close("the hub stops")

    def stopService(self) -> Deferred[None]:
        """Close the door and every connection; fires when all are gone."""
        stock: Any = super()  # it has no types
        stock.stopService()
        return Deferred.fromCoroutine(self._stop())


class Door(TLSMemoryBIOFactory):
    """Turns connections away before they cost a handshake.

    Attributes:
        tls: what new connections are shown.
    """

    def __init__(self, connections: Connections, options: Any, clock: IReactorTime, settings: ListenerSettings) -> None:
        self.tls = Renewable(options)
        super().__init__(self.tls, False, connections, clock)  # noqa: FBT003 - as it is called there
        self._connections = connections
        self._settings = settings
        self._quota = Quota(clock, settings.connections_per_s, settings.connections_burst)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Admit a connection, or give None, which closes it."""
        peer = getattr(addr, "host", "?")
        if not self._quota.take(peer):
            self._connections.turned_away(peer, "too many connections from this address")
            return None
        if len(self._connections.brokers) >= self._settings.max_connections:
            self._connections.turned_away(peer, f"there are {self._settings.max_connections} connections already")
            return None
        self._connections.make_room()
        stock: Any = super()
        return stock.buildProtocol(addr)


class Connections(Factory):
    """Makes the brokers, and knows which there are."""

    noisy = False
    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        settings: ListenerSettings,
        site: Site,
        desk: IFrontDesk,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._settings = settings
        self._site = site
        self._desk = desk
        self._lines = LineQuota(clock)
        self._renewals = Quota(clock, RENEWALS_PER_S, RENEWALS_BURST)
        self._strangers: dict[HardBroker, None] = {}
        self._leaving = Leaving()
        self.brokers: set[HardBroker] = set()

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: ARG002 - as IProtocolFactory has it
        """Make the broker of a connection."""
        settings = self._settings
        broker = HardBroker(
            self._clock,
            self._lines,
            is_client=False,
            calls="collector",
            title="the collector",
            settings=BrokerSettings(login_s=settings.login_s),
        )
        patience = SessionSettings(timeout_s=settings.timeout_s, heartbeat_s=settings.heartbeat_s)
        perspective = HubPerspective(broker, self._clock, self._wall, self._site, self._desk, patience, self._renewals)
        broker.serve("hub", perspective)
        broker.on_lost(lambda _: self._gone(broker))
        self.brokers.add(broker)
        self._strangers[broker] = None
        broker.on_trust = lambda: self._strangers.pop(broker, None)
        return broker

    def make_room(self) -> None:
        """Drop the stranger that waits for longest when there are as many as may be."""
        while len(self._strangers) >= self._settings.max_strangers:
            eldest = next(iter(self._strangers))
            del self._strangers[eldest]
            eldest.give_up("too many connections that have not logged in")

    def turned_away(self, peer: str, reason: str) -> None:
        """Write a line about a connection that was not admitted."""
        self._lines.warn(self.log, peer, f"turned away: {reason}")

    async def close(self, reason: str) -> None:
        """Cut all connections and wait until they are gone."""
        for broker in list(self.brokers):
            broker.close(reason)
        if self.brokers:
            await self._leaving.wait()

    def _gone(self, broker: HardBroker) -> None:
        self.brokers.discard(broker)
        self._strangers.pop(broker, None)
        if broker.cause is not None and was_tls(broker.cause):  # Twisted itself does not log it
            broker.report(f"refused: {broker.lost}")
        if not self.brokers:
            self._leaving.over()

"""The collector's end of its session with the hub: connect, log in, keep alive, come back."""

from __future__ import annotations

import contextlib
import enum
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.hubaddresses import HubAddress, Rotation
from collectors.framework.hublink_remote import CollectorPerspective
from collectors.framework.interfaces import IHub, IHubClient
from collectors.framework.linksettings import LinkSettings
from common.certificates import check_hub, collector_tls_options, with_tls
from common.edge.answers import soften
from common.edge.broker import HardBroker
from common.edge.collectorfiles import stamp_of
from common.edge.pulse import Pulse
from common.edge.reasons import sentence
from common.errors import RemoteError, TocsinError, TransientError
from common.wire import (
    OLDEST_PROTOCOL_VERSION,
    PROTOCOL_VERSION,
    Alive,
    Attached,
    EventBatch,
    EventsStored,
    FailureCode,
    Heartbeat,
    ModelReport,
    ModelTaken,
    Renew,
    Renewed,
    WireError,
    decode_answer,
    encode,
)

T = TypeVar("T")

MAX_BACKOFF_S = 30.0
LOOK_S = 1.0
STEADY_S = 30.0  # a session that stood this long was a good one
LONGEST_STREAK = 16


class LinkState(enum.Enum):
    """What the link is doing."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    ATTACHED = "attached"
    WAITING = "waiting"


def backoff_s(rng: random.Random, failures: int) -> float:
    """How long to wait after so many failures in a row; full jitter keeps many collectors from coming back at once."""
    return rng.uniform(0.0, min(MAX_BACKOFF_S, 2.0 ** min(failures, LONGEST_STREAK)))


@implementer(IHub)
class HubLink(Service):
    """Keeps one session with the hub, or with one of them, as long as the service runs.

    Attributes:
        hubs: those that it tries.
        state: what it is doing.
        reason: why there is no session; empty while there is one.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        rng: random.Random,
        link: LinkSettings,
        client: IHubClient,
        *,
        wall: Callable[[], float] = time.time,
        endpoints: Callable[[HubAddress], IStreamClientEndpoint] | None = None,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._link = link
        self._client = client
        self._wall = wall
        self._endpoints = endpoints or (
            lambda hub: HostnameEndpoint(reactor, hub.host.encode(), hub.port, timeout=link.timeout_s)
        )
        self.hubs = link.hubs()
        self._turn = Rotation(self.hubs)
        self._broker: HardBroker | None = None
        self._informed: HardBroker | None = None  # whose login has told our position, answered or not
        self._work: Deferred[None] | None = None
        self._told: dict[HubAddress, str] = {}
        self._heard_at: float | None = None
        self._tried: tuple[int, int] | None = None
        self.state = LinkState.STOPPED
        self.reason = "not started"

    @property
    def connected(self) -> bool:
        """Whether a session stands."""
        return self._broker is not None

    @property
    def heard_at(self) -> float | None:
        """When the hub, which had let us in, lived for sure, in clock seconds; None before the first session.

        That is when a call was begun that it has answered. Bytes that come in tell less: they may have been on their
        way, or in the buffers of a process that was stopped, for long.
        """
        return self._heard_at

    def standing(self) -> str:
        """A sentence: which hub there is a session with, or why there is none with any of those that were tried."""
        if self.connected:
            return f"{self.state.value} to {self._turn.now}"
        told = "; ".join(f"{hub}: {reason}" for hub, reason in self._told.items())
        return f"{self.state.value}: {told or self.reason}"

    def begin_anew(self, reason: str) -> None:
        """End the session that stands, or the login that waits, so that the next one tells what is held now."""
        if self._informed is not None:
            self._informed.give_up(reason)

    async def send_events(self, batch: EventBatch) -> EventsStored:
        """Hand events over."""
        return await self._handed("events", batch, EventsStored, (*_PASSES_ANYHOW, FailureCode.INTERNAL))

    async def send_model(self, report: ModelReport) -> ModelTaken:
        """Hand over what a modelling found."""
        return await self._handed("modelled", report, ModelTaken, _PASSES_ANYHOW)

    async def renew(self, request: Renew) -> Renewed:
        """Ask for a certificate for another key."""
        return await self._handed("renew", request, Renewed, _PASSES_ANYHOW)

    async def _handed(
        self, method: str, message: EventBatch | ModelReport | Renew, answer: type[T], passes: Sequence[FailureCode]
    ) -> T:
        data = encode(message)
        broker = self._broker
        if broker is None:
            raise TransientError(f"no session with the hub: {self.reason}")
        raw = await broker.call(method, data, self._link.timeout_s)
        try:
            return decode_answer(raw, answer)
        except RemoteError as error:
            raise soften(error, *passes) from None
        except WireError as error:
            broker.give_up("an answer that does not fit its call")
            raise TransientError(f"the hub gave an answer that cannot be read: {error.message[:200]}") from None

    def startService(self) -> None:
        """Begin to connect."""
        stock: Any = super()  # it has no types
        stock.startService()
        self._work = Deferred.fromCoroutine(self._run())

    def stopService(self) -> Deferred[None]:
        """End the session and stay away."""
        stock: Any = super()  # it has no types
        stock.stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            with contextlib.suppress(CancelledError):
                await work

    # --- one session after the other ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while self.running:
                if await self._once() >= STEADY_S:
                    self._turn.worked()
                else:
                    self._turn.failed()
                self.state = LinkState.WAITING
                await self._wait(backoff_s(self._rng, self._turn.rounds))
        finally:
            self.state = LinkState.STOPPED

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or until this host has another certificate: the next attempt may go well then."""
        waiting: Deferred[None] = Deferred()
        timer = self._clock.callLater(seconds, waiting.callback, None)

        def look() -> None:
            if timer.active() and stamp_of(self._link.certificates) != self._tried:
                timer.reset(0)

        watch = LoopingCall(look)
        watch.clock = self._clock
        watch.start(LOOK_S, now=False).addErrback(lambda failure: self.log.failure("certificates", failure))
        try:
            await waiting
        finally:
            watch.stop()
            if timer.active():
                timer.cancel()

    async def _once(self) -> float:
        """Have one session, or fail to; give the seconds that it stood."""
        self.state = LinkState.CONNECTING
        broker: HardBroker | None = None
        began: float | None = None
        reason = ""
        try:
            broker = await self._connect()
            answer = await self._attach(broker)
            began = self._clock.seconds()
            self._begin(broker, answer)
            reason = await self._end_of(broker)
        except CancelledError:
            reason = "the daemon stops"
            if self._broker is not None:
                self._broker.part(reason)
            raise
        except TocsinError as error:
            reason = error.message
        except (ConnectError, ConnectionClosed, OSError, TimeoutError) as error:
            reason = sentence(error)
        except Exception:  # noqa: BLE001 - the supervisor of the link: whatever happens, it tries again
            self.log.failure("error in the hub link")
            reason = "an error of ours; the traceback is in the log"
        finally:
            if broker is not None:
                await self._close(broker, reason)
            self._end(reason)
        return 0.0 if began is None else self._clock.seconds() - began

    async def _connect(self) -> HardBroker:
        # The files are read each time, so that a certificate issued anew works without a restart.
        self._tried = stamp_of(self._link.certificates)
        options = collector_tls_options(self._link.certificates, self._wall, self._link.hub_name)
        factory = with_tls(options, Factory.forProtocol(self._make_broker), self._clock, is_client=True)
        connecting = self._endpoints(self._turn.now).connect(factory)
        try:
            protocol: Any = await connecting.addTimeout(self._link.timeout_s, self._clock)
        except ConnectingCancelledError:  # the endpoint's own word for it, which is no CancelledError
            if not self.running:
                raise CancelledError from None
            raise TimeoutError from None
        broker: HardBroker = protocol.wrappedProtocol
        return broker

    def _make_broker(self) -> HardBroker:
        broker = HardBroker(self._clock, None, is_client=True, calls="hub", title="the hub")
        limit_s = 0.8 * self._link.timeout_s
        broker.serve("collector", CollectorPerspective(broker, self._clock, self._client, limit_s))
        return broker

    async def _attach(self, broker: HardBroker) -> Attached:
        """Log in, when banana has negotiated; a call before that would break the connection."""
        if not await broker.negotiated:
            raise TransientError(f"the hub ended the connection before its greeting: {broker.lost}{_hint(broker)}")
        check_hub(broker.peer_certificate(), self._link.hub_name)
        began = self._clock.seconds()
        request = encode(self._client.attach_request())
        self._informed = broker
        data = await broker.call("attach", request, self._link.timeout_s)
        answer = decode_answer(data, Attached)
        self._heard_at = began
        if not OLDEST_PROTOCOL_VERSION <= answer.version <= PROTOCOL_VERSION:
            raise TransientError(f"the hub wants protocol version {answer.version}, which is not spoken here")
        return answer

    def _begin(self, broker: HardBroker, answer: Attached) -> None:
        broker.spoken = answer.version
        broker.trust()
        Pulse(self._clock, broker, lambda: self._heartbeat(broker), self._link.heartbeat_s).start()
        self._broker = broker
        self.state = LinkState.ATTACHED
        self.reason = ""
        self._told.clear()
        self.log.info(
            "attached to the hub at {hub} as collector {collector}", hub=self._turn.now, collector=answer.collector
        )
        self._client.attached(answer)

    async def _heartbeat(self, broker: HardBroker) -> None:
        beat, began = encode(Heartbeat(counts=self._client.counts())), self._clock.seconds()
        decode_answer(await broker.call("heartbeat", beat, 12 * self._link.heartbeat_s), Alive)
        if self._broker is broker:
            self._heard_at = began

    async def _end_of(self, broker: HardBroker) -> str:
        lost: Deferred[str] = Deferred()
        broker.on_lost(lost.callback)
        return await lost

    async def _close(self, broker: HardBroker, reason: str) -> None:
        broker.close(reason)
        if not broker.disconnected:
            await self._end_of(broker)

    def _end(self, reason: str) -> None:
        self.reason, hub = reason, self._turn.now
        self._informed = None
        if self._told.get(hub) != reason:  # one line for each new reason of each hub, not one for each attempt
            self._told[hub] = reason
            self.log.warn(  # noqa: G010 - twisted.logger calls it so
                "no session with the hub at {hub}: {reason}", hub=hub, reason=reason
            )
        if self._broker is not None:
            self._broker = None
            self._client.detached(reason)


_PASSES_ANYHOW = (FailureCode.UNAVAILABLE, FailureCode.BUSY, FailureCode.NOT_ATTACHED)


def _hint(broker: HardBroker) -> str:
    """In TLS 1.3 a client whose certificate is refused sees only that the connection ends."""
    if broker.lost.startswith("TLS"):
        return ""
    return "; if that goes on, the hub may not take this certificate, or be at its limit of connections: see its log"

"""One request and its answer: retries, message ids, reports, and what silence means."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.interfaces import IReactorTime

from collectors.framework.snmp import messages
from collectors.framework.snmp.address import resolve
from collectors.framework.snmp.asking import Reply, Request
from collectors.framework.snmp.errors import (
    BadAnswer,
    SnmpAuthError,
    SnmpError,
    SnmpTimeout,
    command_line,
    endpoint,
    oid_text,
    oids_text,
)
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.snmp.port import AgentPort
from collectors.framework.snmp.prints import Comparing
from collectors.framework.snmp.rows import Cursor, Indexes, take_rows
from collectors.framework.snmp.security import Opened, UserSecurity, make_security
from collectors.framework.snmp.usm import KeyCache
from common.configs import SnmpConfig, SnmpVersion

MAX_REPORTS = 3
SYS_UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
CLOSED = "The SNMP client was closed."

Seal = Callable[[int, int], bytes]
"""(message id, unanswered tries before this one) -> datagram."""


class Shared(Struct, frozen=True):
    """What all clients of a daemon use together; `learn` is told what a host was resolved to."""

    reactor: Any
    clock: IReactorTime
    rng: random.Random
    keys: KeyCache
    indexes: Indexes
    learn: Callable[[str, str], object]


class PduReply(Struct, frozen=True):
    """An answer as it came; see `Reply`."""

    pdu: Pdu
    tries: int

    @property
    def status(self) -> int:
        """See Reply."""
        return self.pdu.status

    @property
    def index(self) -> int:
        """See Reply."""
        return self.pdu.index

    @property
    def size_bytes(self) -> int:
        """See Reply."""
        return self.pdu.stop - self.pdu.start

    def take(self, cursors: Sequence[Cursor], indexes: Indexes, against: Comparing | None = None) -> int:
        """See Reply."""
        return take_rows(cursors, self.pdu.data, self.pdu.start, self.pdu.stop, indexes, against)

    def varbinds(self) -> list[tuple[Oid, int, SnmpValue]]:
        """See Reply."""
        return messages.decode_varbinds(self.pdu)

    def split(self, count: int) -> tuple[list[tuple[Oid, int, SnmpValue]], Reply]:
        """See Reply."""
        first, rest = messages.split(self.pdu, count)
        return first, PduReply(rest, self.tries)


class Exchange:
    """Asks one agent, one request at a time.

    Attributes:
        ignored: datagrams from the agent's address that answered nothing; `odd` says what was wrong with the last one.
    """

    def __init__(self, host: str, config: SnmpConfig, shared: Shared) -> None:
        self.agent = endpoint(host, config.port)
        self.ignored = 0
        self.odd = ""
        self._host = host
        self._config = config
        self._shared = shared
        self._security = make_security(config, shared.keys, shared.rng)
        self._port: AgentPort | None = None
        self._waiting: Deferred[Opened | None] | None = None
        self._request_id = 0
        self._message_ids: set[int] = set()
        self._closed = False

    async def ask(self, request: Request) -> Reply:
        """Send a request until it is answered; do what reports demand.

        Raises:
            SnmpTimeout, SnmpAuthError, SnmpConfigError, SnmpError: see ISnmpClient.
        """
        for _ in range(1 + MAX_REPORTS):
            await self._open()
            await self._discover(request)
            try:
                opened, tries = await self._try(self._sealer(request), request, request.retries)
            except SnmpTimeout as silence:
                await self._explain(silence, request)
                continue
            if opened.pdu.kind == PduType.RESPONSE:
                return PduReply(opened.pdu, tries)
            self._heed(opened, request)
        raise SnmpAuthError(
            f"{self.agent} answers {oids_text(request.asked)} with v3 reports again and again. Check the clock and the "
            "engine id of the agent; two agents must not share one."
        )

    def close(self) -> None:
        """Release the socket; a request in flight fails."""
        self._closed = True
        if self._port is not None:
            self._port.close()
        self._fail(CLOSED)

    # --- what the agent reports ---------------------------------------------------------------------------------------

    async def _discover(self, request: Request) -> None:
        security = self._security
        if isinstance(security, UserSecurity) and not security.ready:
            opened, _ = await self._try(
                lambda message_id, _tries: security.discovery(message_id), request, request.retries
            )
            if opened.pdu.kind != PduType.REPORT:
                raise SnmpError(f"{self.agent} answered an SNMP v3 discovery with something else than a report.")
            self._heed(opened, request)

    def _heed(self, report: Opened, request: Request) -> None:
        security = self._security
        assert isinstance(security, UserSecurity)
        try:
            security.heed(report, self._shared.clock.seconds())
        except SnmpAuthError as refusal:
            raise self._refusal(refusal.message, request) from None
        except BadAnswer as wrong:
            raise SnmpError(f"{self.agent} sent {wrong.message} when asked for {oids_text(request.asked)}.") from wrong

    async def _explain(self, silence: SnmpTimeout, request: Request) -> None:
        """Return when the request is worth another try after silence; raise what the silence means otherwise.

        Agents drop requests that they cannot decipher without a word. So, as long as nothing enciphered has ever come
        back, the agent is asked for its uptime in clear, signed: if it answers that, the privacy is wrong.
        """
        security = self._security
        if not isinstance(security, UserSecurity):
            raise silence
        if not security.privacy_in_doubt:
            security.forget()
            raise silence
        probe = Request(PduType.GET, (SYS_UP_TIME,), messages.ask_for_all((SYS_UP_TIME,)), 1)
        security.private = False
        try:
            await self._try(self._sealer(probe), probe, retries=0)
        except SnmpTimeout:
            security.forget()
            raise silence from None
        finally:
            security.private = True
        if not security.try_other_extension():
            raise self._refusal(
                "answers this user in clear, but not enciphered; check priv_password and priv_protocol", request
            )

    def _refusal(self, what: str, request: Request) -> SnmpAuthError:
        config = self._config
        return SnmpAuthError(
            f"{self.agent} {what}. It was asked for {oids_text(request.asked)} as user {config.user!r} with "
            f"auth_protocol {config.auth_protocol.value} and priv_protocol {config.priv_protocol.value}."
        )

    # --- sending and waiting ------------------------------------------------------------------------------------------

    async def _open(self) -> AgentPort:
        if self._closed:
            raise SnmpTimeout(CLOSED)
        if self._port is not None and self._port.is_open:
            return self._port
        shared = self._shared
        address = await resolve(shared.reactor, shared.clock, self._host)
        shared.learn(self._host, address)
        if self._closed:
            raise SnmpTimeout(CLOSED)
        port = AgentPort(address, self._config.port, self._received, self._refused)
        try:
            port.open(shared.reactor)
        except (OSError, CannotListenError) as error:
            port.close()
            raise SnmpTimeout(f"No way to {self.agent} from this machine: {error}.") from error
        self._port = port
        return port

    def _sealer(self, request: Request) -> Seal:
        request_id = self._request_id = self._shared.rng.getrandbits(31)
        security, clock = self._security, self._shared.clock

        def seal(message_id: int, tries: int) -> bytes:
            single = request.single if request.rows else 0
            pdu = messages.encode_pdu(request.kind, request_id, single, request.rows_of_try(tries), request.varbinds)
            return security.seal(pdu, message_id, clock.seconds())

        return seal

    async def _try(self, seal: Seal, request: Request, retries: int | None = None) -> tuple[Opened, int]:
        """Send until something comes back; tell it, and how many times was sent.

        Raises:
            SnmpTimeout: nothing did.
        """
        self._message_ids.clear()
        self.ignored, self.odd = 0, ""
        most = 1 + (self._config.retries if retries is None else retries)
        for tries in range(most):
            message_id = self._request_id if not tries else self._shared.rng.getrandbits(31)
            self._message_ids.add(message_id)
            opened = await self._answer(seal(message_id, tries))
            if opened is not None:
                return opened, tries + 1
        raise SnmpTimeout(self._silence(request, most))

    async def _answer(self, datagram: bytes) -> Opened | None:
        """Send a datagram, and wait for what answers it; None when time is up."""
        port = await self._open()
        waiting: Deferred[Opened | None] = Deferred()
        self._waiting = waiting
        timer = self._shared.clock.callLater(self._config.timeout_s, waiting.callback, None)
        try:
            port.send(datagram)
            return await waiting
        except (OSError, MessageLengthError) as error:
            raise SnmpTimeout(f"Nothing can be sent to {self.agent} from this machine: {error}.") from error
        finally:
            self._waiting = None
            if timer.active():
                timer.cancel()

    def _received(self, datagram: bytes) -> None:
        waiting = self._waiting
        if waiting is None:
            return
        try:
            opened = self._opened(datagram)
        except BadAnswer as wrong:
            self.ignored += 1
            self.odd = wrong.message
            return
        self._waiting = None
        waiting.callback(opened)

    def _opened(self, datagram: bytes) -> Opened:
        opened = self._security.open(datagram, self._shared.clock.seconds())
        if opened.message_id not in self._message_ids:
            raise BadAnswer("an answer to no request of ours")
        if opened.pdu.kind == PduType.RESPONSE and opened.pdu.request_id != self._request_id:
            raise BadAnswer("an answer to another request")
        return opened

    def _refused(self) -> None:
        self._fail(
            f"Nothing listens at {self.agent} (UDP): its host refused the request. Check that the SNMP agent runs, and "
            "the port."
        )

    def _fail(self, sentence: str) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(SnmpTimeout(sentence))

    def _silence(self, request: Request, tries: int) -> str:
        config = self._config
        credential = "that the agent knows the community (it does not answer a wrong one)"
        if config.version is SnmpVersion.V3:
            credential = "that the agent speaks v3"
        odd = f" {self.ignored} datagrams came that were no answer, the last {self.odd}." if self.ignored else ""
        by_hand = command_line("snmpget", self._host, config, oid_text(SYS_UP_TIME))
        return (
            f"No answer from {self.agent} to SNMP v{config.version.value} {request.kind.name} of "
            f"{oids_text(request.asked)}, {tries} tries of {config.timeout_s:g} s.{odd} Check that the agent runs, "
            f"that UDP reaches it, and {credential}. By hand: {by_hand}"
        )

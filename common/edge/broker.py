"""A Perspective Broker that may face a stranger.

It speaks the PB of Twisted (dialect `pb`, version 6), but only a few commands of it, within limits that are counted as
bytes arrive, and nothing is ever unjellied: a call is a name, a method, an integer and bytes, its answer is bytes. What
breaks these rules costs the connection; the log gets one line, in our words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable
from typing import Any

from cryptography import x509
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure as TwistedFailure
from twisted.spread import pb
from twisted.spread.jelly import SecurityOptions

from common.edge.answers import failure_of, refusal
from common.edge.expressions import Expression, ExpressionReader, Limits, Refused
from common.edge.expressions import encode as encode_expression
from common.edge.gate import ReadGate
from common.edge.quota import LineQuota, Quota
from common.edge.reasons import sentence
from common.edge.sockets import watch_over
from common.errors import TocsinError, TransientError
from common.wire import MAX_MESSAGE_BYTES, PROTOCOL_VERSION, Failure, FailureCode, WireError, encode

Method = Callable[[int, bytes], Awaitable[bytes]]

GOODBYE_S = 2.0

MAX_REASON = 300

_METHOD = re.compile(r"[a-z]{1,32}")
_ANSWER_OVERHEAD_BYTES = 1024
_serials = itertools.count(1)


class BrokerSettings(Struct, frozen=True, kw_only=True):
    """What a broker lets its peer do.

    Attributes:
        stranger: limits of an expression until `trust` is called.
        peer: limits from then on.
        login_s: how long a connection may stand without `trust`.
        calls_in_progress: calls of the peer that may be worked on at once; further ones are told that we are busy.
        stranger_expressions: how many expressions may come before `trust`.
        expressions_per_s: how many may come after it, over time, and in a burst; more are read later.
        unread_bytes: how much may wait unsent before we stop reading.
    """

    stranger: Limits = Limits(size_bytes=4096)
    peer: Limits = Limits(size_bytes=MAX_MESSAGE_BYTES + _ANSWER_OVERHEAD_BYTES)
    login_s: float = 10.0
    calls_in_progress: int = 8
    stranger_expressions: int = 50
    expressions_per_s: int = 2000
    unread_bytes: int = 1024 * 1024


class HardBroker(pb.Broker):
    """One end of a connection.

    `lines` bounds what is written to the log about the peer; None leaves the reports to who owns the broker.
    `calls` is the name of the peer's object that `call` addresses.

    Attributes:
        peer: address of the other end, for the log.
        title: what to call the other end in sentences, for example `the hub`.
        heard_at: clock seconds of the last bytes.
        negotiated: fires True when calls may be made, False when the connection was lost before that.
        on_trust: called when the peer has logged in.
        spoken: version of our own protocol that goes with each call.
        lost: the sentence why the connection is gone; empty while it stands.
        cause: the exception that ended it, once it has.
    """

    knownDialects = [b"pb"]  # noqa: N815, RUF012 - as Banana has it
    log = Logger()
    transport: Any

    def __init__(
        self,
        clock: IReactorTime,
        lines: LineQuota | None,
        *,
        is_client: bool,
        calls: str,
        title: str,
        settings: BrokerSettings | None = None,
    ) -> None:
        stock: Any = super()  # twisted.spread has no types
        stock.__init__(int(is_client), SecurityOptions())  # type: ignore[no-untyped-call]  # the same
        self._settings = settings or BrokerSettings()
        self._clock = clock
        self._lines = lines
        self._calls = calls.encode()
        self._reader = ExpressionReader(self._settings.stranger)
        self._quota = Quota(clock, 1.0, self._settings.stranger_expressions)
        self._served: dict[bytes, pb.Referenceable] = {}
        self._waiting: dict[int, tuple[Deferred[bytes], IDelayedCall]] = {}
        self._requests = itertools.count(1)
        self._defects = itertools.count(1)
        self._login: IDelayedCall | None = None
        self._parting: IDelayedCall | None = None
        self._gate: ReadGate | None = None
        self._running = 0
        self._serial = next(_serials)
        self._on_lost: list[Callable[[str], object]] = []
        self.title = title
        self.peer = "?"
        self.heard_at = clock.seconds()
        self.negotiated: Deferred[bool] = Deferred()
        self.trusted = False
        self.on_trust: Callable[[], object] = lambda: None
        self.spoken = PROTOCOL_VERSION
        self.lost = ""
        self.cause: BaseException | None = None

    @property
    def has_parted(self) -> bool:
        """Whether the peer has ended the connection in order, which no crash and no cut cable does."""
        return isinstance(self.cause, ConnectionDone) and self.lost == sentence(self.cause)

    # --- what the sides use -------------------------------------------------------------------------------------------

    def serve(self, name: str, target: pb.Referenceable) -> None:
        """Let the peer call the `remote_...` methods of an object by a name."""
        self._served[name.encode()] = target

    def trust(self) -> None:
        """The peer has logged in: lift the stranger's limits and stop the login timer."""
        self.trusted = True
        self._reader.limits = self._settings.peer
        self._quota = Quota(self._clock, self._settings.expressions_per_s, self._settings.expressions_per_s)
        self._stop_login()
        self.on_trust()

    def on_lost(self, callback: Callable[[str], object]) -> None:
        """Call back with the reason, once, when the connection is gone; at once when it is."""
        if self.disconnected:
            callback(self.lost)
        else:
            self._on_lost.append(callback)

    def peer_certificate(self) -> x509.Certificate | None:
        """Read the certificate that the peer has shown; None without TLS."""
        get = getattr(self.transport, "getPeerCertificate", None)
        found = get() if get is not None else None
        return found.to_cryptography() if found is not None else None

    async def call(self, name: str, payload: bytes, timeout_s: float) -> bytes:
        """Call a method of the peer's object; a call that is not answered in time costs the connection.

        Who cancels stops waiting; the call itself runs on, and its answer is dropped.

        Raises:
            WireError: the payload is too large; nothing was sent.
            TransientError: there is no connection, or it broke, or the time is up.
        """
        if len(payload) > MAX_MESSAGE_BYTES:
            raise WireError(f"{name}: {len(payload)} bytes; at most {MAX_MESSAGE_BYTES} may cross")
        if self.lost or self.disconnected or self.currentDialect is None:
            raise TransientError(f"no connection to {self.title}: {self.lost or 'not ready'}")
        request = next(self._requests)
        waiting: Deferred[bytes] = Deferred()
        self._waiting[request] = waiting, self._clock.callLater(timeout_s, self._late, request, name, timeout_s)
        self._send(
            b"message", request, self._calls, name.encode(), 1, [b"tuple", self.spoken, payload], [b"dictionary"]
        )
        return await waiting

    def give_up(self, reason: str) -> None:
        """Cut the connection now, and say why in the log."""
        if self.lost:
            return
        reason = _printable(reason)
        self.report(f"cut off: {reason}")
        self.close(reason)

    def report(self, what: str) -> None:
        """Write a line about the peer to the log, unless it has had its share of lines, or its owner reports."""
        if self._lines is not None:
            self._lines.warn(self.log, self.peer, what)

    def close(self, reason: str) -> None:
        """Cut the connection now, because we want to."""
        if self.lost:
            return
        self.lost = reason
        self._reader.clear()
        self.transport.abortConnection()

    def part(self, reason: str) -> None:
        """End the connection because we stop, in order, so that the peer can tell it from a crash.

        Nothing more is read; if the peer does not let go soon, it is cut.
        """
        if self.lost:
            return
        self.lost = reason
        self._reader.clear()
        self._parting = self._clock.callLater(GOODBYE_S, self.transport.abortConnection)
        self.transport.unregisterProducer()  # TLS would wait for it to end
        self.transport.loseConnection()

    def defect(self, failure: TwistedFailure, what: str) -> str:
        """Log an error that should not exist; give the id that may be told to the peer."""
        name = f"{self._serial:x}-{next(self._defects):x}"
        if self._lines is None or self._lines.take(self.peer) is not None:
            self.log.failure("error {id} in {what} for {peer}", failure, id=name, what=what, peer=self.peer)
        return name

    # --- what Twisted calls -------------------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Start the login timer and the gate, then let banana begin."""
        self.peer = getattr(self.transport.getPeer(), "host", "?")
        self._login = self._clock.callLater(self._settings.login_s, self._no_login)
        self._gate = ReadGate(self.transport, self._clock, self._settings.unread_bytes)
        self.transport.registerProducer(self._gate, streaming=True)
        watch_over(self.transport)
        stock: Any = super()
        stock.connectionMade()

    def dataReceived(self, chunk: bytes) -> None:
        """Read expressions within the limits."""
        if self.lost:
            return
        self.heard_at = self._clock.seconds()
        try:
            for expression in self._reader.feed(chunk):
                self.callExpressionReceived(expression)
                if self._is_lost():  # a call may have cut the connection
                    return
        except Refused as error:
            self.give_up(f"refused: {error}")

    def callExpressionReceived(self, obj: Expression) -> None:
        """Negotiate the dialect first; then everything is a command."""
        if not self._quota.take():
            self._too_many()
        if self.currentDialect is not None:
            self.expressionReceived(obj)
        elif self.isClient:
            if not isinstance(obj, list) or b"pb" not in obj:
                raise Refused("not the greeting of a Perspective Broker")
            self.sendEncoded(b"pb")
            self._agreed()
        elif obj == b"pb":
            self._agreed()
        else:
            raise Refused("not the greeting of a Perspective Broker")

    def expressionReceived(self, sexp: Expression) -> None:
        """Do one command of the peer; there are these and no others."""
        match sexp:
            case [b"message", int(request), bytes(name), bytes(method), int(wanted), arguments, keywords]:
                self._called(request if wanted else None, name, method, arguments, keywords)
            case [b"answer", int(request), answer]:
                self._answered(request, answer)
            case [b"error", int(request), _]:
                self._answered(request, None)
            case [b"version", self.version] | [b"decref", _]:
                pass  # no reference is ever given out, so there is none to count
            case _:
                raise Refused("a command that is not spoken here")

    def connectionLost(self, reason: TwistedFailure = connectionDone) -> None:
        """Fail what waits, tell who asked to be told."""
        self.cause = reason.value or ConnectionDone()
        self.lost = self.lost or sentence(self.cause)
        self._stop_login()
        if self._parting is not None and self._parting.active():
            self._parting.cancel()
        if self._gate is not None:
            self._gate.stopProducing()
        stock: Any = super()
        stock.connectionLost(reason)
        self._served.clear()
        if not self.negotiated.called:
            self.negotiated.callback(False)  # noqa: FBT003 - a Deferred's result has no keyword
        waiting, self._waiting = self._waiting, {}
        for deferred, timer in waiting.values():
            timer.cancel()
            deferred.errback(TransientError(f"the connection to {self.title} ended: {self.lost}"))
        callbacks, self._on_lost = self._on_lost, []
        for callback in callbacks:
            callback(self.lost)

    def sendEncoded(self, obj: Any) -> None:
        """Write an expression, and count it at the gate."""
        data = encode_expression(obj)
        self.transport.write(data)
        if self._gate is not None:
            self._gate.wrote(len(data))

    # --- calls of the peer --------------------------------------------------------------------------------------------

    def _called(
        self, request: int | None, name: bytes, method: bytes, arguments: Expression, keywords: Expression
    ) -> None:
        match arguments, keywords:
            case [[b"tuple", int(version), bytes(payload)], [b"dictionary"]]:
                pass
            case _:
                self._refuse(request, "a remote method takes an integer and bytes, and nothing else")
                return
        function = self._find(name, method)
        if function is None:
            self._refuse(request, "there is no such object or method here")
        elif self._running >= self._settings.calls_in_progress:
            text = f"{self._running} calls are being worked on; wait for their answers"
            self._answer(request, encode(Failure(FailureCode.BUSY, text)))
        else:
            self._running += 1
            work = self._work(request, method.decode(), function, version, payload)
            Deferred.fromCoroutine(work).addErrback(self.defect, "an answer")

    def _find(self, name: bytes, method: bytes) -> Method | None:
        text = method.decode("ascii", "replace")
        if not _METHOD.fullmatch(text):
            return None
        function: Method | None = getattr(self._served.get(name), f"remote_{text}", None)
        return function

    async def _work(self, request: int | None, method: str, function: Method, version: int, payload: bytes) -> None:
        try:
            answer = await function(version, payload)
        except TocsinError as error:
            answer = encode(failure_of(error))
        except Exception:  # noqa: BLE001 - the supervisor of remote methods
            name = self.defect(TwistedFailure(), method)  # type: ignore[no-untyped-call]  # it has no types
            answer = encode(Failure(FailureCode.INTERNAL, f"error {name}: the log of the other side says more"))
        finally:
            self._running -= 1
        self._answer(request, answer)

    def _refuse(self, request: int | None, text: str) -> None:
        self._answer(request, encode(failure_of(refusal(FailureCode.BAD_REQUEST, text))))

    def _answer(self, request: int | None, answer: bytes) -> None:
        if request is not None and not self.lost:
            self._send(b"answer", request, answer)

    # --- answers of the peer ------------------------------------------------------------------------------------------

    def _answered(self, request: int, answer: Expression) -> None:
        found = self._waiting.pop(request, None)
        if found is None:
            raise Refused("an answer that nobody asked for")
        deferred, timer = found
        timer.cancel()
        if isinstance(answer, bytes):
            deferred.callback(answer)
        else:
            deferred.errback(TransientError(f"{self.title} failed, and did not say how"))

    def _late(self, request: int, name: str, timeout_s: float) -> None:
        deferred, _ = self._waiting.pop(request)
        text = f"{self.title} did not answer {name} within {timeout_s:g} s"
        self.give_up(text)
        deferred.errback(TransientError(text))

    # --- small steps --------------------------------------------------------------------------------------------------

    def _agreed(self) -> None:
        """The dialect is chosen: tell our version, and let calls be made."""
        self.currentDialect = b"pb"
        self._send(b"version", self.version)
        self.negotiated.callback(True)  # noqa: FBT003 - a Deferred's result has no keyword

    def _too_many(self) -> None:
        """Cut off a stranger; read a peer more slowly, because it may have much to say after a long silence."""
        if not self.trusted:
            raise Refused(f"more than {self._settings.stranger_expressions} messages before the login")
        if self._gate is not None:
            self._gate.hold(1.0 / self._settings.expressions_per_s)

    def _is_lost(self) -> bool:
        return bool(self.lost)

    def _send(self, *expression: Expression) -> None:
        self.sendEncoded(expression)

    def _no_login(self) -> None:
        self._login = None
        self.give_up(f"not logged in within {self._settings.login_s:g} s")

    def _stop_login(self) -> None:
        if self._login is not None and self._login.active():
            self._login.cancel()
        self._login = None


def _printable(text: str) -> str:
    """Bound a text that may quote the peer, and leave nothing in it that could forge a log line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:MAX_REASON])

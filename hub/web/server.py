"""The HTTP edge of the hub: sizes, tokens, headers, and what becomes of errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from common.errors import SettingsError, TocsinError
from hub.listening import Leaving, Listening
from hub.web.call import Call, File
from hub.web.erroranswers import defect, error_answer
from hub.web.refusals import RefusalError, refusal_of
from hub.web.router import Route, Router
from hub.web.static import static_file
from hub.web.tokens import Tokens

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_PUSHED_BODY_BYTES = 4 * 1024 * 1024
MAX_STRANGERS_BODY_BYTES = 64 * 1024
MAX_WASTE_BYTES = 64 * 1024 * 1024
MAX_PARAMETERS = 2000
MAX_CONNECTIONS = 1000
IDLE_S = 60
PREFIX = "/api/v1/"
MISSING = "Tocsin-Missing"
"""A header that says what is not in a picture: sentences, a line each, quoted as in a URL."""
MAX_MISSING = 2000

SECURITY_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Server", "tocsin"),
)


def authorization(request: Any) -> str | None:
    """The Authorization header; its bytes may be any."""
    values = request.requestHeaders.getRawHeaders(b"authorization")
    return values[-1].decode("latin-1") if values else None


class CappedRequest(Request):
    """A request whose body is thrown away once it is larger than its sender may send."""

    limit = MAX_STRANGERS_BODY_BYTES
    received = 0
    is_gone = False

    def gotLength(self, length: int | None) -> None:
        """Know who asks before the body comes."""
        channel: Any = self.channel
        site: Any = channel.site
        bearer = authorization(self)
        if site.tokens.is_operator(bearer):
            self.limit = MAX_BODY_BYTES
            channel.transport.is_trusted = True
        elif site.tokens.may_push(bearer):
            self.limit = MAX_PUSHED_BODY_BYTES
            channel.transport.is_trusted = True
        stock: Any = super()
        stock.gotLength(min(length or 0, self.limit))

    def handleContentChunk(self, data: bytes) -> None:
        """Keep what fits."""
        self.received += len(data)
        if self.received <= self.limit:
            stock: Any = super()
            stock.handleContentChunk(data)
        elif self.received > MAX_WASTE_BYTES:
            channel: Any = self.channel
            channel.forceAbortClient()

    @property
    def is_too_large(self) -> bool:
        """Whether some of the body was thrown away."""
        return self.received > self.limit


class WebSite(Site):
    """The protocol factory; knows the tokens."""

    def __init__(self, clock: IReactorTime, root: Resource, tokens: Tokens) -> None:
        stock: Any = super()
        stock.__init__(root, requestFactory=CappedRequest, timeout=IDLE_S, reactor=clock, parsePOSTFormSubmission=False)
        self.displayTracebacks = False
        self.noisy = False
        self.tokens = tokens

    def log(self, request: Any) -> None:
        """Write no line for each request."""


class Root(Resource):
    """Answers every path."""

    isLeaf = True  # noqa: N815 - Twisted's name
    log = Logger()

    def __init__(self, router: Router, static: Path, tokens: Tokens) -> None:
        stock: Any = super()
        stock.__init__()
        self._router = router
        self._static = static
        self._tokens = tokens

    def render(self, request: Any) -> int:
        """Begin to answer; a client that goes away ends the work for it."""
        for name, value in SECURITY_HEADERS:
            request.setHeader(name, value)
        answering = Deferred.fromCoroutine(self._answer(request))
        gone: Deferred[None] = request.notifyFinish()
        gone.addErrback(lambda _: self._left(request, answering))
        answering.addErrback(_cancelled)
        return NOT_DONE_YET

    @staticmethod
    def _left(request: Any, answering: Deferred[None]) -> None:
        request.is_gone = True
        answering.cancel()

    async def _answer(self, request: Any) -> None:
        try:
            found = await self._find(request)
            status = found.status if isinstance(found, File) else 200
        except CancelledError:
            raise
        except TocsinError as error:
            refusal = refusal_of(error)
            status, found = refusal.status, error_answer(refusal)
        except Exception:  # noqa: BLE001 - the supervisor of web requests: one defect ends one request
            refusal = defect(self.log, "error in a web request; the client was told the id {id}")
            status, found = refusal.status, error_answer(refusal)
        if not request.is_gone:  # what ended with an error or a result all the same has nobody to tell
            self._write(request, status, found)

    def _write(self, request: Any, status: int, found: object) -> None:
        data = found.data if isinstance(found, File) else msgspec.json.encode(found)
        request.setResponseCode(status)
        request.setHeader("Content-Type", found.content_type if isinstance(found, File) else "application/json")
        request.setHeader("Content-Length", str(len(data)))
        request.setHeader("Cache-Control", _kept(found, is_api=_is_api(request)))
        if _is_api(request):
            request.setHeader("Vary", "Authorization, Accept")  # what one may keep is for nobody without the token
        if isinstance(found, File) and found.missing:
            request.setHeader(MISSING, quote("\n".join(found.missing)[:MAX_MISSING]))
        if status == RefusalError("unauthorized", "").status:
            request.setHeader("WWW-Authenticate", "Bearer")
        if request.is_too_large:
            request.setHeader("Connection", "close")
        request.write(b"" if request.method == b"HEAD" else data)
        request.finish()

    async def _find(self, request: Any) -> object:
        path = request.path.decode("ascii", "replace")
        method = request.method.decode("ascii", "replace")
        if not path.startswith(PREFIX):
            return static_file(self._static, method, path)
        bearer = authorization(request)
        trusted = self._tokens.is_operator(bearer)
        route: Route | None = None
        names: dict[str, str] = {}
        try:
            route, names = self._router.find(method, path.removeprefix(PREFIX))
        except RefusalError:
            if trusted:
                raise
        trusted = trusted or (route is not None and route.for_pushing and self._tokens.may_push(bearer))
        if not trusted and (route is None or not route.is_open):
            kept = "push.token" if route is not None and route.for_pushing else "operator.token"
            raise RefusalError("unauthorized", f"the token is missing or wrong; it is in the hub's file {kept}")
        assert route is not None
        if request.is_too_large:
            raise RefusalError("too_large", f"the body is larger than {request.limit} bytes")
        accept, kind = _header(request, b"accept"), _header(request, b"content-type")
        return await route.answer(Call(names, _query(request), request.content.read(), accept, kind))


def _cancelled(failure: Failure) -> Failure | None:
    return None if isinstance(failure.value, CancelledError) else failure


def _kept(found: object, *, is_api: bool) -> str:
    """How long an answer may be kept; only by whoever has asked, for it took the token."""
    if not isinstance(found, File):
        return "no-store"
    if not is_api:
        return "no-cache"
    return f"private, max-age={found.max_age_s}" if found.max_age_s else "no-store"


def _is_api(request: Any) -> bool:
    return bool(request.path.startswith(PREFIX.encode()))


def _header(request: Any, name: bytes) -> str:
    values = request.requestHeaders.getRawHeaders(name) or []
    return ",".join(value.decode("latin-1") for value in values)[:1000]


def _query(request: Any) -> dict[str, list[str]]:
    text = request.uri.partition(b"?")[2].decode("ascii", "replace")
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise RefusalError("bad_request", "the parameters cannot be read") from None


class Connection(ProtocolWrapper):
    """One connection.

    Attributes:
        is_trusted: a request with the token has come by it.
    """

    is_trusted = False


class Connections(WrappingFactory):
    """Bounds how many connections there are, and can end them all."""

    log = Logger()
    noisy = False
    protocol = Connection
    protocols: dict[Any, Any]

    def __init__(self, site: WebSite) -> None:
        stock: Any = super()
        stock.__init__(site)
        self._leaving = Leaving()
        self._was_full = False

    def buildProtocol(self, addr: Any) -> Any:
        """Admit a connection; when there are too many, the eldest makes room that never had the token.

        None, which closes the new one, when all have it.
        """
        if len(self.protocols) >= MAX_CONNECTIONS:
            eldest = next((one for one in self.protocols if not one.is_trusted), None)
            if not self._was_full:
                self.log.warn("there are {number} connections for HTTP; strangers are cut off", number=MAX_CONNECTIONS)  # noqa: G010 - its name
            self._was_full = True
            if eldest is None:
                return None
            eldest.transport.abortConnection()
        stock: Any = super()
        return stock.buildProtocol(addr)

    def unregisterProtocol(self, p: Any) -> None:
        """A connection is gone."""
        stock: Any = super()
        stock.unregisterProtocol(p)
        if len(self.protocols) < MAX_CONNECTIONS // 2:
            self._was_full = False
        if not self.protocols:
            self._leaving.over()

    async def close(self) -> None:
        """End all connections, and the requests that wait on them; wait until they are gone."""
        for protocol in list(self.protocols):
            protocol.transport.abortConnection()
        if self.protocols:
            await self._leaving.wait()


class WebServer(Service):
    """Listens for HTTP."""

    log = Logger()

    def __init__(self, reactor: Any, host: str, port: int, tokens: Tokens, router: Router, static: Path) -> None:
        self._host = host
        site = WebSite(reactor, Root(router, static, tokens), tokens)
        self._connections = Connections(site)
        self._listening = Listening(reactor, host, port)

    @property
    def port(self) -> int:
        """The port that is listened on; the real one once the service runs."""
        return self._listening.port

    @property
    def url(self) -> str:
        """Where the API and the page are."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def startService(self) -> None:
        """Listen.

        Raises:
            SettingsError: the port is taken, or the address is not this machine's.
        """
        try:
            self._listening.open(self._connections)
        except CannotListenError as error:
            raise SettingsError(
                f"cannot listen for HTTP on {self._host} port {self.port}: {error.socketError}; "
                "stop what uses it, or set another web.host and web.port"
            ) from None
        stock: Any = super()  # it has no types
        stock.startService()
        self.log.info("the web page and the API are at {url}", url=self.url)

    def stopService(self) -> Deferred[None]:
        """Close the door; requests that wait are ended."""
        stock: Any = super()  # it has no types
        stock.stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._listening.close()
        await self._connections.close()

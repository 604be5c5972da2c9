"""What hosts may ask that have no certificate yet: two requests, one for each connection.

GET  /api/v1/enrol                          the site's authority, to be compared with the token
POST /api/v1/enrol {token, request}         a certificate
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.x509 import Certificate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from common.certificates import ends_at
from common.edge.enrolwire import ENROL_PATH, Authority, Enrolled, Wanted
from common.edge.pem import pem
from common.edge.quota import LineQuota
from common.edge.tokens import read_token
from common.errors import PermanentError, SettingsError, TocsinError
from hub.enrol.desk import EnrolDesk
from hub.enrol.tokenbook import TokenError
from hub.web.erroranswers import defect, error_answer
from hub.web.refusals import RefusalError, bad_request, not_found
from hub.web.shapes import iso

MAX_BODY_BYTES = 8192


class Front:
    """Answers the two requests; knows nothing of HTTP."""

    log = Logger()

    def __init__(
        self,
        desk: EnrolDesk,
        lines: LineQuota,
        wall: Callable[[], float],
        broker_port: Callable[[], int],
    ) -> None:
        self._desk = desk
        self._lines = lines
        self._wall = wall
        self._broker_port = broker_port

    def answer(self, method: bytes, path: bytes, body: bytes, peer: str) -> object:
        """Answer a request.

        Raises:
            RefusalError: with the sentence for the host.
        """
        if path != ENROL_PATH.encode():
            raise not_found("hosts are enrolled here, and nothing else is")
        if method == b"GET":
            return Authority(
                ca=_text(self._desk.authority),
                at=self._wall(),
                broker_port=self._broker_port(),
            )
        if method != b"POST":
            raise RefusalError("method_not_allowed", "GET and POST are for this path")
        return self._enrol(body, peer)

    def _enrol(self, body: bytes, peer: str) -> Enrolled:
        name = "?"
        try:
            try:
                wanted = msgspec.json.decode(body, type=Wanted)
            except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
                raise bad_request("the body does not fit: a token and a request are wanted") from None
            token = read_token(wanted.token)
            name = token.name
            certificate = self._desk.enrol(token, wanted.request)
        except TocsinError as error:
            refusal = _refusal(error)
            self.refused(peer, f"collector {name}: {error.message[:300]}")
            raise refusal from None
        self.log.info("{peer}: collector {name} was enrolled", peer=peer, name=name)
        return Enrolled(
            collector=name,
            certificate=_text(certificate),
            ca=_text(self._desk.authority),
            expires=iso(ends_at(certificate)),
            broker_port=self._broker_port(),
        )

    def refused(self, peer: str, reason: str) -> None:
        """Write a line about who got nothing; bounded."""
        self._lines.warn(self.log, peer, f"enrolment refused: {reason}")


def _refusal(error: TocsinError) -> RefusalError:
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, TokenError):
        return RefusalError("unauthorized", error.message)
    if isinstance(error, SettingsError):  # names files of ours
        return RefusalError("unavailable", "the hub cannot store the certificate now; its log has more")
    return RefusalError("bad_request" if isinstance(error, PermanentError) else "unavailable", error.message)


def _text(certificate: Certificate) -> str:
    return pem(certificate).decode("ascii")


class OneRequest(Request):
    """The only request of its connection; a body that is too large ends it."""

    received = 0

    def gotLength(self, length: int | None) -> None:
        """Refuse what announces too much."""
        if (length or 0) > MAX_BODY_BYTES:
            self._end("a body that is too large")
            return
        stock: Any = super()
        stock.gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        """Keep what fits."""
        self.received += len(data)
        if self.received > MAX_BODY_BYTES:
            self._end("a body that is too large")
            return
        stock: Any = super()
        stock.handleContentChunk(data)

    def _end(self, reason: str) -> None:
        channel: Any = self.channel
        channel.site.refused(peer_of(channel), reason)
        channel.forceAbortClient()


def peer_of(transport: Any) -> str:
    """Address of the other end, for the log."""
    return str(getattr(transport.getPeer(), "host", "?"))


class EnrolSite(Site):
    """HTTP for the front."""

    def __init__(self, clock: IReactorTime, front: Front, idle_s: float) -> None:
        stock: Any = super()
        root = Root(front)
        stock.__init__(root, requestFactory=OneRequest, timeout=idle_s, reactor=clock, parsePOSTFormSubmission=False)
        self.displayTracebacks = False
        self.noisy = False
        self.refused = front.refused

    def log(self, request: Any) -> None:
        """Write no line for each request."""


class Root(Resource):
    """Answers every path, and closes."""

    isLeaf = True  # noqa: N815 - Twisted's name
    log = Logger()

    def __init__(self, front: Front) -> None:
        stock: Any = super()
        stock.__init__()
        self._front = front

    def render(self, request: Any) -> bytes:
        """Answer at once."""
        status = 200
        try:
            found: object = self._front.answer(
                request.method, request.path, request.content.read(), peer_of(request.channel)
            )
        except RefusalError as error:
            status, found = error.status, error_answer(error)
        except Exception:  # noqa: BLE001 - the supervisor of web requests: one defect ends one request
            refusal = defect(self.log, "error in an enrolment; the host was told the id {id}")
            status, found = refusal.status, error_answer(refusal)
        request.setResponseCode(status)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Server", "tocsin"),
            ("Connection", "close"),
        ):
            request.setHeader(name, value)
        request.channel.persistent = False
        return msgspec.json.encode(found)

"""Serves the status tree over HTTP, on the loopback of this host alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource

from collectors.framework.outlets.pageport import PagePort
from collectors.status.api import ROOT, Reply, Request, reply
from collectors.status.live import Live
from common.statustree import JSON, error_json

HOST = "127.0.0.1"

_log = Logger()


class TreeServer(Service):
    """Listens once there is something to tell; a port that is taken is tried again.

    Args:
        reactor: for the port.
        clock: monotonic.
        wall: epoch seconds.
        live: has the tree.
        port: 0 lets the kernel choose.
        on_problem: told a sentence when something goes wrong, and "" when all is well again.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        wall: Callable[[], float],
        live: Live,
        port: int,
        software: str,
        on_problem: Callable[[str], None],
    ) -> None:
        self._wall = wall
        self._live = live
        self._wanted = port
        self._software = software
        self._port = PagePort(reactor, clock, _Api(self), "the status tree", ROOT, on_problem)

    @property
    def address(self) -> str:
        """Where the tree is served now; empty for nowhere."""
        return self._port.url

    def startService(self) -> None:
        """Wait for the first pass, then listen."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        Deferred.fromCoroutine(self._begin())

    def stopService(self) -> Deferred[None]:
        """Listen no more."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._port.close())

    def reply(self, request: Request) -> Reply:
        """Answer a request."""
        try:
            return reply(request, self._live.tree, self._wall(), self._software)
        except Exception:  # noqa: BLE001 - the supervisor of requests: one defect ends one request
            _log.failure("defect while the status tree was asked for")
            return Reply(500, JSON, error_json("this is a defect of Tocsin; the collector's log has more"))

    async def _begin(self) -> None:
        await self._live.first()
        if self.running:
            self._port.open(HOST, self._wanted, self._taken)

    def _taken(self, reason: str) -> str:
        return (
            f"the status tree cannot be served at {HOST} port {self._wanted} ({reason}); stop what uses it, or change "
            "[status] http_port"
        )


class _Api(Resource):
    """Every path."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, server: TreeServer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._server = server

    def render(self, request: Any) -> bytes:
        """Answer at once."""
        found = self._server.reply(
            Request(
                method=request.method.decode("latin-1"),
                path=request.path.decode("latin-1"),
                hosts=_header(request, "host"),
                accepted=_header(request, "accept"),
                content_types=_header(request, "content-type"),
            )
        )
        request.setResponseCode(found.status)
        request.setHeader("Content-Type", found.content_type)
        request.setHeader("Content-Length", str(len(found.data)))
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("X-Content-Type-Options", "nosniff")
        request.setHeader("Server", "tocsin")
        if found.status == 405:
            request.setHeader("Allow", "GET, HEAD")
        return b"" if request.method == b"HEAD" else found.data


def _header(request: Any, name: str) -> tuple[str, ...]:
    return tuple(value.decode("latin-1") for value in request.requestHeaders.getRawHeaders(name.encode(), []))

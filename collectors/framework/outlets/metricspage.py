"""A page of metrics: last values of all devices, and how the daemon fares; for Prometheus and its like.

It is written some series at a time, as fast as it is read, so that a page of a hundred thousand lines delays no scan.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPEN_METRICS
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPullProducer, IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from collectors.framework.data.spool.intake import Latest
from collectors.framework.outlets.openmetrics import END, value_lines
from collectors.framework.outlets.pageport import PagePort
from collectors.framework.outlets.selfmetrics import self_lines
from collectors.framework.outlets.settings import MetricsSettings, secret_of

MOST_AT_ONCE = 4
"""Pages that are written at the same time; who comes then is asked to come again."""
PAGE_S = 60.0
"""Who has not read a page by then makes room for others."""
MAX_DEVICES = 1000

_log = Logger()


class Shown(Struct, frozen=True, kw_only=True):
    """What the page tells of.

    Attributes:
        figures: the daemon's own, as for `stats`.
        latest: the newest samples of all series.
        collector: its name.
        program: name of the daemon's command.
    """

    figures: Callable[[], Mapping[str, Any]]
    latest: Callable[[], Sequence[Latest]]
    collector: Callable[[], str]
    program: str
    version: str


class MetricsPage(Service):
    """Serves the page.

    Args:
        clock: monotonic.
        wall: epoch seconds.
        on_problem: told a sentence when something goes wrong, and "" when all is well again.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        wall: Callable[[], float],
        settings: MetricsSettings,
        shown: Shown,
        on_problem: Callable[[str], None],
    ) -> None:
        self._reactor = reactor
        self.clock = clock
        self._wall = wall
        self._settings = settings
        self._shown = shown
        self._on_problem = on_problem
        root = Resource()  # type: ignore[no-untyped-call]  # Twisted has no types here
        root.putChild(b"metrics", _Metrics(self))
        self._port = PagePort(reactor, clock, root, "the metrics page", "/metrics", on_problem)
        self.writing = 0

    @property
    def address(self) -> str:
        """Where it is served now; empty for nowhere."""
        return self._port.url

    def startService(self) -> None:
        """Listen; what fails is tried again."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._settings.listen:
            host, port = self._settings.address()
            self._port.open(host, port, self._taken)

    def stopService(self) -> Deferred[None]:
        """Listen no more."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._port.close())

    def _taken(self, reason: str) -> str:
        return f"The metrics page cannot be served at {self._settings.listen} ({reason}); change [metrics] listen"

    def refusal(self, given: str) -> tuple[int, str] | None:
        """Status and sentence for who may not see the page; None for who may."""
        if self._settings.token_file:
            try:
                token = secret_of(self._settings.token_file)
            except (OSError, ValueError) as error:
                _log.error("The metrics page is shown to nobody: {error}", error=str(error))
                return 503, "The token file of this collector cannot be read; see its log"
            if not hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode()):
                return 401, "Send the token of this collector's token file: Authorization: Bearer TOKEN"
        if self.writing >= MOST_AT_ONCE:
            return 503, f"{self.writing} others are being answered; come again"
        return None

    def lines(self, devices: Collection[str], *, open_metrics: bool) -> Iterator[str]:
        """The page, some of it at a time."""
        shown = self._shown
        yield self_lines(shown.figures(), shown.program, shown.version, open_metrics=open_metrics)
        if self._settings.values:
            yield from value_lines(shown.latest(), shown.collector(), self._wall(), devices, open_metrics=open_metrics)
        if open_metrics:
            yield END


class _Metrics(Resource):
    """The page itself."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, page: MetricsPage) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._page = page

    def render_GET(self, request: Any) -> bytes | int:
        """Show it."""
        refused = self._page.refusal(request.getHeader("authorization") or "")
        if refused is not None:
            return _say(request, *refused)
        devices = {name.decode("utf-8", "replace") for name in (request.args or {}).get(b"device", [])}
        if len(devices) > MAX_DEVICES:
            return _say(request, 400, f"parameter device: at most {MAX_DEVICES} of them")
        open_metrics = _wants_open_metrics(request.getHeader("accept") or "")
        request.setHeader(b"content-type", OPEN_METRICS if open_metrics else CONTENT_TYPE_LATEST)
        request.setHeader(b"cache-control", b"no-store")
        if request.method == b"HEAD":
            return b""
        _Writing(self._page, request, self._page.lines(devices, open_metrics=open_metrics)).begin()
        return NOT_DONE_YET


@implementer(IPullProducer)
class _Writing:
    """Writes a page as fast as it is read."""

    def __init__(self, page: MetricsPage, request: Any, lines: Iterator[str]) -> None:
        self._page = page
        self._request = request
        self._lines = lines
        self._late: IDelayedCall | None = None

    def begin(self) -> None:
        """Take a place, and write when the transport asks."""
        self._page.writing += 1
        self._late = self._page.clock.callLater(PAGE_S, self._request.transport.abortConnection)
        self._request.notifyFinish().addBoth(self._end)
        self._request.registerProducer(self, False)  # noqa: FBT003 - Twisted's own signature

    def resumeProducing(self) -> None:
        """Write some."""
        try:
            part = next(self._lines, None)
        except Exception:  # noqa: BLE001 - the supervisor of a page: whatever ails it, the daemon goes on
            _log.failure("The metrics page could not be written")
            self._request.unregisterProducer()
            self._request.loseConnection()
            return
        if part is not None:
            if part:  # there may be series of which there is nothing to show: others have their turn all the same
                self._request.write(part.encode("utf-8", "replace"))
            return
        self._request.unregisterProducer()
        self._request.finish()

    def stopProducing(self) -> None:
        """The reader has gone."""

    def _end(self, _result: object) -> None:
        self._page.writing -= 1
        if self._late is not None and self._late.active():
            self._late.cancel()


def _wants_open_metrics(accept: str) -> bool:
    """Whether a client takes OpenMetrics; one that takes plain text alone gets the older format."""
    return "application/openmetrics-text" in accept or "text/plain" not in accept


def _say(request: Any, status: int, sentence: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    if status == 401:
        request.setHeader(b"www-authenticate", b'Bearer realm="tocsin"')
    return f"{sentence}.\n".encode()

"""A port where pages are served; one that is taken is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource

from collectors.framework.outlets.pagedoor import Door

AGAIN_S = 30.0

_log = Logger()


class PagePort:
    """Listens from `open` to `close`.

    Args:
        reactor: for the port.
        clock: monotonic.
        root: what is served.
        what: its name, for the log.
        path: where people begin to read it, for example `/metrics`.
        on_problem: told a sentence when the port is not to be had, and "" when it is.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        root: Resource,
        what: str,
        path: str,
        on_problem: Callable[[str], None],
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._root = root
        self._what = what
        self._path = path
        self._on_problem = on_problem
        self._listening: IListeningPort | None = None
        self._again: IDelayedCall | None = None

    @property
    def url(self) -> str:
        """Where it listens now, for example `http://127.0.0.1:9470/metrics`; empty for nowhere."""
        if self._listening is None:
            return ""
        host = self._listening.getHost()
        shown = f"[{host.host}]" if ":" in host.host else host.host  # type: ignore[attr-defined]  # an address of TCP
        return f"http://{shown}:{host.port}{self._path}"  # type: ignore[attr-defined]  # as above

    def open(self, host: str, port: int, taken: Callable[[str], str]) -> None:
        """Listen, now or as soon as it can be.

        Args:
            host: an IP address.
            port: 0 lets the kernel choose.
            taken: makes the sentence for `on_problem`, from the reason that the system gives.
        """
        try:
            self._listening = self._reactor.listenTCP(port, Door(self._root, self._clock), interface=host)
        except CannotListenError as error:
            self._on_problem(taken(str(error.socketError)))
            self._again = self._clock.callLater(AGAIN_S, self.open, host, port, taken)
        else:
            self._on_problem("")
            _log.info("{what} is at {url}", what=self._what, url=self.url)

    async def close(self) -> None:
        """Listen no more."""
        if self._again is not None and self._again.active():
            self._again.cancel()
        listening, self._listening = self._listening, None
        if listening is not None:
            closed = listening.stopListening()
            if isinstance(closed, Deferred):
                await closed

"""The text of a page or of files, bounded in size and time."""

from __future__ import annotations

import stat
from base64 import b64encode
from collections.abc import Callable, Sequence
from os.path import normpath, realpath
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.protocol import Protocol
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from collectors.framework.worker import Worker
from collectors.probes.allowing import is_allowed
from common.durable import read_beginning
from common.errors import TransientError

MAX_BYTES = 16 * 1024 * 1024
MAX_FILES = 200
ACCEPT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"


class Text(Struct, frozen=True):
    """What was read.

    Attributes:
        texts: pairs of where it is from, and what it says.
        flaws: what could not be read of it, each a sentence.
        oldest: epoch second of the oldest file; None for a page.
    """

    texts: Sequence[tuple[str, str]]
    flaws: Sequence[str] = ()
    oldest: float | None = None


class Fetcher:
    """Fetches pages over HTTP, and reads files.

    Args:
        reactor: for sockets.
        clock: monotonic.
        worker: reads files.
        allowed: paths of files that may be read; `*` stands for any part of a name.
    """

    def __init__(self, reactor: Any, clock: Any, worker: Worker, allowed: Sequence[str]) -> None:
        self._clock = clock
        self._worker = worker
        self._allowed = allowed
        stock: tuple[Any, Any] = HTTPConnectionPool, Agent  # they have no types
        self._pool = stock[0](reactor, persistent=True)
        self._pool.maxPersistentPerHost = 1
        self._agent = stock[1](reactor, connectTimeout=10, pool=self._pool)

    async def fetch(self, url: str, timeout_s: float) -> Text:
        """Read it.

        Raises:
            TransientError: it cannot be had; the sentence says why.
        """
        if url.lower().startswith("file:"):
            pattern = unquote(urlsplit(url).path)
            return await self._worker.run(lambda: read_files(pattern, self._allowed))
        getting: Deferred[str] = Deferred.fromCoroutine(self._get(url))
        getting.addTimeout(timeout_s, self._clock)
        try:
            return Text([(url, await getting)])
        except TimeoutError:
            raise TransientError(f"{shown(url)} did not answer whole within {timeout_s:g} s") from None
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a stranger's server makes of HTTP
            raise TransientError(f"{shown(url)} cannot be read: {_why(error)}") from None

    async def close(self) -> None:
        """Let go of connections."""
        await self._pool.closeCachedConnections()

    async def _get(self, url: str) -> str:
        headers = Headers({"Accept": [ACCEPT], "User-Agent": ["tocsin-probe"]})
        account = unquote(urlsplit(url).netloc.rpartition("@")[0])
        if account:
            headers.addRawHeader("Authorization", f"Basic {b64encode(account.encode()).decode()}")
        response = await self._agent.request(b"GET", shown(url).encode("ascii"), headers)
        body = _Body(MAX_BYTES)
        response.deliverBody(body)
        if response.code != 200:
            await body.done  # the connection is then as good as before
            where = (response.headers.getRawHeaders("location") or [""])[0][:200]
            more = f" to {where!a}; name that one in its place" if where else ""
            raise TransientError(f"{shown(url)} answers {response.code}{more}")
        try:
            return (await body.done).decode("utf-8", "replace")
        except _TooLargeError:
            raise TransientError(f"{shown(url)} has more than {MAX_BYTES >> 20} MiB") from None


class _TooLargeError(Exception):
    """More than is read."""


class _Body(Protocol):
    """Takes a body, up to a size."""

    def __init__(self, limit: int) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._abort())
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._limit:
            self._parts.append(data)
        else:
            self._parts.clear()
            self._abort()

    def connectionLost(self, reason: Any = None) -> None:
        if self.done.called:
            return
        if self._size > self._limit:
            self.done.errback(_TooLargeError())
        elif reason is None or reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(reason)

    def _abort(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()


def read_files(pattern: str, allowed: Sequence[str], opened: Callable[[Path], bytes] | None = None) -> Text:
    """Read the files of a pattern that may be read.

    Raises:
        TransientError: there are none, or they may not be read.
    """
    read = opened or _read
    pattern = normpath(pattern)
    if not is_allowed(pattern, allowed):
        raise TransientError(
            f"{pattern} may not be read; allow it with [prometheus] files in the settings of tocsin-probe on this host"
        )
    paths = sorted(map(str, Path("/").glob(pattern.lstrip("/"))))[: MAX_FILES + 1]
    if not paths:
        raise TransientError(f"there is no file {pattern}")
    texts: list[tuple[str, str]] = []
    flaws = [f"there are more than {MAX_FILES} files {pattern}; the others are not read"] if paths[MAX_FILES:] else []
    oldest: float | None = None
    size = 0
    for name in paths[:MAX_FILES]:
        path = Path(name)
        try:
            told = path.stat()
            if not stat.S_ISREG(told.st_mode):
                flaws.append(f"{name} is no file")
            elif path.is_symlink() and not is_allowed(realpath(path), allowed):
                flaws.append(f"{name} is not read: it leads to {realpath(path)}, which may not be read")
            elif size + told.st_size > MAX_BYTES:
                flaws.append(f"{name} is not read: there are more than {MAX_BYTES >> 20} MiB")
            else:
                data = read(Path(realpath(path)))[: MAX_BYTES - size]
                size += len(data)
                texts.append((name, data.decode("utf-8", "replace")))
                oldest = min(told.st_mtime, oldest if oldest is not None else told.st_mtime)
        except OSError as error:
            flaws.append(f"{name} cannot be read: {error.strerror or error}")
    return Text(texts, flaws, oldest)


def shown(url: str) -> str:
    """An address without what stands before the `@` in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _read(path: Path) -> bytes:
    return read_beginning(path, MAX_BYTES)


def _why(error: Exception) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons:
        error = reasons[0].value
    return (str(error) or type(error).__name__)[:300]

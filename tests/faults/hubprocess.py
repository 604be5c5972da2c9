# mypy: allow-untyped-calls
"""A real tocsin-hub in a process of its own, that can be killed, stopped still, and started again on its folder."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers

from collectors.framework.hublink import HubLink
from collectors.framework.linksettings import LinkSettings
from common.certificates import ensure_collector, ensure_site
from tests.fakes.ports import held_port
from tests.fakes.watching import memory_mib, until
from tests.integration.hubs import Answer, Body, Content

ROOT = Path(__file__).parents[2]

SETTINGS = """
folder = "{folder}"
[http]
port = {http_port}
[broker]
port = {broker_port}
{broker}
"""


_daemons: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()


def spawn(argv: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a daemon; one that a test leaves behind, because it was interrupted, ends with the tests."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(), cwd=ROOT)
    _daemons.add(process)
    return process


@atexit.register
def _end_daemons() -> None:
    for process in _daemons:
        if process.poll() is None:
            process.kill()


def environment() -> dict[str, str]:
    """What a daemon gets: nothing of ours, but that it writes where it stands when it is aborted."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return {**given, "PYTHONFAULTHANDLER": "1"}


class HubProcess:
    """One hub; `broker` are settings of its door, as lines of TOML, `argv` is what its command line begins with."""

    def __init__(self, reactor: Any, folder: Path, broker: str = "", argv: Iterable[str] = ()) -> None:
        self.reactor = reactor
        self.home = folder
        self.folder = folder / "hub"
        self.broker = broker
        self.argv = list(argv)
        self.log_file = folder / "hub.out"
        self.process: subprocess.Popen[bytes] | None = None
        self.run: dict[str, Any] = {}
        self._seats = [held_port(), held_port()]
        self._pool: Any = HTTPConnectionPool(reactor, persistent=True)
        self._pool.maxPersistentPerHost = 10
        self._pool.cachedConnectionTimeout = 10  # long before the hub ends one: what is sent just then is not answered

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self, within_s: float = 180.0) -> None:
        """Start it and wait until it answers; the ports are the same at each start."""
        self.spawn()
        await self.answers(within_s)

    def spawn(self) -> None:
        """Start it, and do not wait."""
        run_file = self.folder / "run.json"
        run_file.unlink(missing_ok=True)
        settings = self.home / "hub.toml"
        settings.write_text(
            SETTINGS.format(
                folder=self.folder,
                http_port=self._seats[0].getsockname()[1],
                broker_port=self._seats[1].getsockname()[1],
                broker=self.broker,
            )
        )
        with self.log_file.open("ab") as log:
            self.process = spawn(
                [*self.argv, sys.executable, "-m", "tests.faults.hubprogram", "run", "--config", str(settings)], log
            )

    async def answers(self, within_s: float = 180.0) -> None:
        """Wait until it has told its ports, which it does when it answers."""

        def told() -> dict[str, Any]:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the hub ended: {self.log()[-3000:]}")
            with contextlib.suppress(OSError, ValueError):
                found: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
                return found
            return {}

        try:
            self.run = await until(self.reactor, "the hub answers", told, within_s)
        except AssertionError as error:
            self._end(signal.SIGABRT)  # it writes where it stands
            raise AssertionError(f"{error}; {self.log()[-6000:]}") from None

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it as an operator would."""
        process = self.process
        if process is not None:
            process.send_signal(signal.SIGTERM)
            await until(self.reactor, "the hub stops", lambda: process.poll() is not None, 40)
            self.process = None

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(how)
            process.wait()

    async def close(self) -> None:
        """End it, whatever state it is in."""
        self.kill()
        for seat in self._seats:
            seat.close()
        await self._pool.closeCachedConnections()

    # --- what can be seen from outside --------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """Where collectors connect."""
        return int(self.run["broker_port"])

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self.process is not None
        return self.process.pid

    @property
    def memory_mib(self) -> float:
        """Resident memory."""
        return memory_mib(self.pid)

    def log(self) -> str:
        """All that it has written."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def defects(self) -> list[str]:
        """Tracebacks, and defects that it has written about."""
        return re.findall(r".*(?:Traceback|Unhandled|defect|error of ours).*", self.log())

    def late_s(self, since: float) -> tuple[float, float]:
        """For how long its loop was late at most since a time of the monotonic clock: by the wall, by its own CPU."""
        rows = [[float(part) for part in line.split()] for line in (self.folder / "loop").read_text().splitlines()]
        after = [row for row in rows if len(row) == 3 and row[0] > since]
        return max((row[1] for row in after), default=0.0), max((row[2] for row in after), default=0.0)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API; give the JSON.

        Raises:
            AssertionError: it refuses.
        """
        answer = await self._answer(method, path, body)
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.content[:500]!r}")
        return answer.json

    async def _answer(self, method: str, path: str, body: Any) -> Answer:
        headers = Headers({"Content-Type": ["application/json"]})
        headers.addRawHeader("Authorization", f"Bearer {self.token}")
        agent = Agent(self.reactor, connectTimeout=5, pool=self._pool)
        url = f"{self.run['url']}/api/v1/{path}".encode()
        sent = None if body is None else Body(json.dumps(body).encode())
        response = await agent.request(method.encode(), url, headers, sent)
        content = Content()
        response.deliverBody(content)
        kind = response.headers.getRawHeaders("content-type", [""])[0]
        return Answer(response.code, await content.done, kind)

    @property
    def token(self) -> str:
        """The operator's."""
        return (self.folder / "operator.token").read_text().strip()

    async def apply(self, text: str) -> int:
        """Apply documents; give the revision, the newest when nothing changes."""
        files = [{"path": "faults.yaml", "text": text}]
        done = await self.ask("POST", "apply", {"files": files, "message": "", "author": "test", "dry_run": False})
        return int(done["revision"] or await self.revision())

    async def revision(self) -> int:
        """The newest."""
        return int((await self.ask("GET", "status"))["hub"]["revision"])

    async def live(self, revision: int, wait_s: float = 120.0) -> None:
        """Wait until a revision runs wherever it should.

        Raises:
            AssertionError: it does not; names where and why.
        """
        deadline = time.monotonic() + wait_s
        while True:
            answer = await self.ask("GET", f"revisions/{revision}/live?wait=10")
            if answer["live"]:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"revision {revision} is not live after {wait_s} s: {answer['behind'][:5]}")

    async def collectors(self) -> dict[str, dict[str, Any]]:
        """Collector daemons of the service `process`, by name."""
        answer = await self.ask("GET", "collectors")
        return {row["id"]: row for row in answer["collectors"] if row["daemon"] == "process"}

    async def figures(self) -> dict[str, Any]:
        """What `tocsin-hub stats` shows."""
        path = self.folder / "hub.stats.json"
        path.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR2)

        def told() -> dict[str, Any]:
            with contextlib.suppress(OSError, ValueError):
                found: dict[str, Any] = json.loads(path.read_text())
                return found
            return {}

        answer: dict[str, Any] = await until(self.reactor, "the hub tells its figures", told, 90)
        return answer

    async def events(self, **filters: str) -> list[dict[str, Any]]:
        """All events that match, however many."""
        wanted = "".join(f"&{name}={value}" for name, value in filters.items())
        answer = await self.ask("GET", f"events?limit=1000&state=new,acknowledged,closed,aged{wanted}")
        return list(answer["events"])

    # --- who connects -------------------------------------------------------------------------------------------------

    def certificates(self, name: str) -> Path:
        """Folder of a collector's certificate; made at the first call."""
        site = ensure_site(self.folder / "pki", time.time)
        return ensure_collector(site, name, self.home / "certs" / name)

    def link(self, name: str, client: Any, port: int = 0, source: str = "127.0.0.1", **settings: Any) -> HubLink:
        """A collector's end of a session with this hub, directly or by a proxy's port; not started.

        `source` is the address that it connects from: many from one would be turned away.
        """
        found = LinkSettings(certificates=self.certificates(name), port=port or self.port, **settings)
        return HubLink(
            self.reactor,
            self.reactor,
            random.Random(name),
            found,
            client,
            endpoints=lambda hub: TCP4ClientEndpoint(
                self.reactor, hub.host, hub.port, found.timeout_s, bindAddress=(source, 0)
            ),
        )


def stopped(link: HubLink) -> Deferred[None]:
    """Stop a link; fires when it is gone."""
    return link.stopService()

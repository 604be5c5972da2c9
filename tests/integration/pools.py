"""A hub and three collectors in a pool, each a real daemon, one of them behind a line that can be cut."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

from common.certificates import ensure_collector, ensure_site
from tests.integration.stack import BIN, STOP_S, Stack, wait_for

MEMBERS = ("c1", "c2", "c3")
FAILOVER_S = 30
INTERVAL_S = 2


class Tunnel:
    """Forwards connections to a port; while it is silent it takes everything and passes nothing on, either way."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._silent = threading.Event()  # of the connections that are there; those after the next cure have another
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self) -> None:
        """Pass nothing on; nobody is told."""
        self._silent.set()

    def heal(self) -> None:
        """Work again, for new connections."""
        self._end_all()

    def close(self) -> None:
        """End it."""
        self._listener.close()
        self._end_all()

    def _end_all(self) -> None:
        with self._lock:
            ended, self._sockets = self._sockets, []
            self._silent = threading.Event()
        for one in ended:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                if self._listener.fileno() < 0:
                    return
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._sockets += [near, far]
                silent = self._silent
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink, silent), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket, silent: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not silent.is_set():
                    sink.sendall(data)
        if not silent.is_set():
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


class PoolStack(Stack):
    """`tocsin-hub`, and `tocsin-process` three times; `c2` reaches the hub through a tunnel.

    Attributes:
        members: names of the collectors.
    """

    members: tuple[str, ...] = MEMBERS

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.tunnel: Tunnel | None = None

    def start(self) -> None:
        """Start all, and wait until they are logged in."""
        path = self.data / "hub.toml"
        path.write_text(f'folder = "{self.data}/hub"\n[http]\nport = 0\n[broker]\nport = 0\n[enrol]\nport = 0\n')
        self.run("hub", "tocsin-hub", path)
        run = wait_for("the hub answers", self.run_file, 120)
        self.env["TOCSIN_URL"] = run["url"]
        self.env["TOCSIN_TOKEN"] = (self.data / "hub" / "operator.token").read_text().strip()
        self.tunnel = Tunnel(run["broker_port"])
        for name in self.members:
            self.collector(name, self.tunnel.port if name == "c2" else run["broker_port"])
        wait_for("all have logged in", lambda: len(self.connected()) == len(self.members), 120)

    def run_file(self) -> dict[str, Any]:
        """What the hub says of itself, once it runs."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads((self.data / "hub" / "run.json").read_text())
            return found
        return {}

    def collector(self, name: str, port: int = 0) -> None:
        """Start a collector, with its certificate; without a port, again as it was."""
        path = self.data / f"{name}.toml"
        if port:
            site = ensure_site(self.data / "hub" / "pki", time.time)
            certificates = ensure_collector(site, name, self.data / name / "certs")
            link = f'[hub]\nhost = "127.0.0.1"\nport = {port}\ncertificates = "{certificates}"\n'
            path.write_text(f'folder = "{self.data}/{name}/process"\nname = "{name}"\n{link}')
        self.run(name, "tocsin-process", path)

    def run(self, name: str, program: str, settings: Path) -> None:
        """Start a daemon."""
        with (self.data / f"{name}.log").open("ab") as log:
            command = [str(BIN / program), "run", "--config", str(settings)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ})
        self.running[name] = process

    def kill(self, name: str) -> None:
        """SIGKILL one and reap it."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End all."""
        if self.tunnel is not None:
            self.tunnel.close()
        for process in self.running.values():
            process.terminate()
        late = []
        for name, process in self.running.items():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                late.append(name)
                process.kill()
                process.wait()
        self.running.clear()
        assert not late, f"{', '.join(late)} did not stop within {STOP_S:g} s"

    # --- what they say ------------------------------------------------------------------------------------------------

    def connected(self) -> list[str]:
        """Collectors whose session stands."""
        return [row["id"] for row in self.ask("collectors")["collectors"] if row["connected"]]

    def states(self) -> dict[str, str]:
        """How each member stands."""
        return {row["id"]: row["state"] for row in self.ask("pools/eu")["pool"]["members"]}

    def owners(self) -> dict[str, str]:
        """Who has each device."""
        return {row["id"]: row["collected_by"] for row in self.ask("devices")["devices"]}

    def settled(self) -> bool:
        """Whether all runs as it should."""
        return bool(self.ask("status")["revision_live"])

    def times(self, device: str, component: str) -> list[int]:
        """When a device was collected by the one that has it now, as its series tell: ends of steps."""
        now = int(time.time())
        span = f"component={component}&source=process&point=count&start={now - 300}&end={now}"
        try:
            (series,) = self.ask(f"devices/{device}/series/fetch?{span}")["series"]
        except urllib.error.HTTPError:  # none has been written yet
            return []
        return [at for at, value in series["rows"] if value is not None]


def document(name: str, devices: int) -> str:
    """The pool, a process set, and devices that are all this machine."""
    parts = [
        f"kind: Pool\nid: eu\nmembers: [{', '.join(MEMBERS)}]\nfailover_after_s: {FAILOVER_S}\n",
        f"kind: ProcessSet\nid: {name}\ntitle: {name}\ninclude: '^{name} '\nrequired: true\n",
    ]
    properties = f"properties: {{source: local, interval_s: {INTERVAL_S}}}"
    parts += [
        f"kind: Device\nid: host{number}\naddress: 127.0.0.1\ncollector: eu\n{properties}\n"
        for number in range(devices)
    ]
    return "---\n".join(parts)

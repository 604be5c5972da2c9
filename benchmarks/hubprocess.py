"""A real `tocsin-hub` in a process of its own, for benchmarks, and what it costs.

CPU time and memory are those of the hub's process, read from /proc.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.fakes.watching import memory_mib

HERTZ = os.sysconf("SC_CLK_TCK")
TIMEOUT_S = 300.0

HUB = """
folder = "{folder}"
[http]
port = 0
[broker]
port = 0
"""


class Hub:
    """A hub in a process of its own, on a folder that stays over restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "hub"
        self.settings = folder / "hub.toml"
        self.settings.write_text(HUB.format(folder=self.folder))
        self.process: subprocess.Popen[bytes] | None = None
        self.url = self.token = ""

    def start(self) -> float:
        """Start it; return the CPU seconds that it took until it answered."""
        program = Path(sys.executable).parent / "tocsin-hub"
        run_file = self.folder / "run.json"
        self.process = subprocess.Popen(
            [program, "run", "--config", str(self.settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + TIMEOUT_S
        while not run_file.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the hub did not start")
            time.sleep(0.05)
        ready = self.cpu_s()
        self.url = json.loads(run_file.read_text())["url"]
        self.token = (self.folder / "operator.token").read_text().strip()
        return ready

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def cpu_s(self) -> float:
        """CPU seconds since its start."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / HERTZ

    def memory_mib(self) -> float:
        """Resident memory."""
        assert self.process is not None
        return memory_mib(self.process.pid)

    def settled(self) -> None:
        """Wait until it has nothing to do."""
        last = -1.0
        while (now := self.cpu_s()) - last > 0.03:
            last = now
            time.sleep(0.5)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/api/v1/{path}", data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    def apply(self, text: str, *, dry_run: bool = False) -> Any:
        """Apply a text."""
        files = [{"path": "fleet.yaml", "text": text}]
        return self.ask("POST", "apply", {"files": files, "message": "", "author": "bench", "dry_run": dry_run})

    def cost(self, work: Callable[[], Any]) -> tuple[float, float, Any]:
        """CPU seconds of the hub until it has nothing to do any more, wall seconds until it answered, the answer."""
        self.settled()
        before, began = self.cpu_s(), time.perf_counter()
        answer = work()
        waited = time.perf_counter() - began
        self.settled()
        return self.cpu_s() - before, waited, answer

"""A clock that can be set, for processes that are started with it (clock.c); the monotonic one goes on as it is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rrdtool

from common.daemon_verbs import ask_stats
from tests.faults.hubprocess import ROOT, environment

SETTINGS = """
folder = "{folder}"
name = "{name}"
[hub]
port = {port}
certificates = "{certificates}"
heartbeat_s = 2
"""
NAMES = ("LD_PRELOAD", "FAKE_CLOCK_FILE")
"""Of the environment of who sees it."""

SOURCE = Path(__file__).with_name("clock.c")


class FakeClock:
    """One for all processes that begin with `argv`."""

    def __init__(self, folder: Path) -> None:
        library = folder / "clock.so"
        subprocess.run(["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        self._path = folder / "clock"
        self.offset_s = 0
        self._path.write_bytes(bytes(8))
        values = (library, self._path)
        self.argv = ("env", *(f"{name}={value}" for name, value in zip(NAMES, values, strict=True)))

    def set(self, offset_s: int) -> None:
        """Let it be so much later than it is."""
        self.offset_s = offset_s
        with self._path.open("r+b", buffering=0) as file:  # not a new file: it is mapped
            file.write(offset_s.to_bytes(8, sys.byteorder, signed=True))

    def now(self) -> float:
        """What they see."""
        return time.time() + self.offset_s


class ProcessDaemon:
    """A real process collector."""

    def __init__(self, home: Path, name: str, certificates: Path, port: int, clock: FakeClock) -> None:
        self.folder = home / f"process-{name}"
        self.folder.mkdir()
        self._settings = home / f"process-{name}.toml"
        self._settings.write_text(SETTINGS.format(folder=self.folder, name=name, port=port, certificates=certificates))
        self._clock = clock
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and do not wait."""
        self.process = subprocess.Popen(
            [
                *self._clock.argv,
                sys.executable,
                "-m",
                "tests.faults.hostile.clockprogram",
                "run",
                "--config",
                str(self._settings),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd=ROOT,
        )

    def kill(self) -> None:
        """End it."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait(60)

    def figures(self) -> dict[str, Any]:
        """What `stats` shows."""
        text = ask_stats(self.folder / "process.pid", self.folder / "process.stats.json", 60.0)
        found: dict[str, Any] = json.loads(text)
        return found

    def log(self) -> str:
        """What it has written."""
        path = self.folder / "process.log"
        return path.read_text() if path.exists() else ""

    def last_updates(self) -> Iterator[tuple[str, int, int]]:
        """Path, last sample and step of each RRD file that is written to."""
        for path in (self.folder / "rrd").rglob("*.rrd"):
            info = rrdtool.info(str(path))
            yield path.name, int(info["last_update"]), int(info["step"])

"""A collector daemon in a process of its own: the real framework, with tasks that count (see edgeprogram.py)."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from collectors.framework.configcache import ConfigCache
from collectors.framework.spooldb import read_state
from common.configs import DeviceConfig
from common.digests import digest
from tests.faults.edgeprogram import KEY, state_key
from tests.faults.hubprocess import spawn

SETTINGS = """
folder = "{folder}"
name = "{name}"
[hub]
host = "{host}"
port = {port}
certificates = "{certificates}"
{link}
"""


class EdgeProcess:
    """One daemon, that can be killed, stopped still, and started again on its folder.

    `link` are settings of its hub link, as lines of TOML; `argv` is what its command line begins with, to run it
    elsewhere than here.
    """

    def __init__(
        self,
        home: Path,
        name: str,
        certificates: Path,
        port: int,
        *,
        host: str = "127.0.0.1",
        link: str = "",
        argv: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.folder = home / f"edge-{name}"
        self.folder.mkdir()
        self.log_file = home / f"edge-{name}.out"
        self._settings = home / f"edge-{name}.toml"
        self._settings.write_text(
            SETTINGS.format(folder=self.folder, name=name, host=host, port=port, certificates=certificates, link=link)
        )
        self._argv = list(argv)
        self.process: subprocess.Popen[bytes] | None = None
        self.per_run(0)

    def per_run(self, events: int) -> None:
        """Set how many events each run raises from now on."""
        fresh = self.folder / "per_run.new"
        fresh.write_text(str(events))
        fresh.replace(self.folder / "per_run")

    def start(self) -> None:
        """Start it, and do not wait."""
        with self.log_file.open("ab") as log:
            self.process = spawn(
                [*self._argv, sys.executable, "-m", "tests.faults.edgeprogram", "run", "--config", str(self._settings)],
                log,
            )

    def kill(self) -> None:
        """End it as a crash would."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Let it do nothing more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def attached(self) -> int:
        """How often it has logged in."""
        return self.log().count("attached to the hub")

    def detached(self) -> int:
        """How often it has noticed that a session was over."""
        return self.log().count("no session with the hub")

    # --- its own record -----------------------------------------------------------------------------------------------

    def log(self) -> str:
        """All that it has written."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def defects(self) -> list[str]:
        """Tracebacks, and defects that it has written about."""
        return re.findall(r".*(?:Traceback|Unhandled|defect|error of ours).*", self.log())

    def configs(self) -> dict[str, DeviceConfig]:
        """What is on its disk, and would run without a hub."""
        return ConfigCache(self.folder / "configs").load()

    def digests(self) -> dict[str, str]:
        """The same, by digest."""
        return {device: digest(config) for device, config in self.configs().items()}

    def last_number(self, device: str) -> int:
        """How many events a device has raised."""
        return int(read_state(self.folder / "spool.db", state_key(device)) or 0)

    def runs(self, device: str) -> list[tuple[int, float]]:
        """Slot and monotonic time of each run of a device."""
        path = self.folder / "runs"
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [(int(row[1]), float(row[2])) for row in rows if len(row) == 3 and row[0] == device]


def stored(hub_folder: Path, device: str) -> Counter[str]:
    """How often the hub has stored each event that was counted for a device, by its number."""
    uri = f"{(hub_folder / 'hub.db').absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=10)) as db:
        rows: list[Any] = db.execute(
            "SELECT component, count FROM events WHERE device = ? AND event_key = ?", (device, KEY)
        ).fetchall()
    found: Counter[str] = Counter()
    for component, count in rows:
        found[component] += count
    return found


def expected(last: int) -> Counter[str]:
    """What must be stored when a device has counted so far: each once."""
    return Counter(f"n{number:07}" for number in range(1, last + 1))


def read_run_file(hub_folder: Path) -> dict[str, Any]:
    """The ports of a hub that runs."""
    found: dict[str, Any] = json.loads((hub_folder / "run.json").read_text())
    return found

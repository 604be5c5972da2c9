"""A folder as /proc, with processes that the test lets begin, work, change and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from collectors.framework.local.handles import Handles
from collectors.framework.local.host import LocalHost
from collectors.framework.local.own import OwnDaemons
from collectors.framework.source_local import ProcSource
from collectors.status.asleep import Asleep
from collectors.status.passes import ProcessName
from collectors.status.processes import ProcessReader, Reading, Ways, at_once
from collectors.status.ways import proc_ways

TICKS = 100
PAGE_BYTES = 4096
NOBODY = 0


class ProcTree:
    """Reads itself through the source of this host.

    Attributes:
        now: seconds since the boot, and on the clock; passes are taken at it.
        every_s: the pace that passes are said to have; at a slow one all processes are read in each.
        asleep: who is not.
        ways: how what is not in the table is told; a test may have them lie.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self.every_s = 60.0
        self.asleep = Asleep()
        self.host = LocalHost(Handles(100))
        self.host.own = OwnDaemons(None, pid=NOBODY, owner=lambda _: None)
        self.source = ProcSource(
            lambda: self.now, lambda: self.now, lambda _: False, path, self.host, lambda: self.asleep.pids
        )
        self.source._boot = 0.0
        ways = proc_ways(str(path))
        self.ways = msgspec.structs.replace(
            ways,
            affinity=lambda _: {1, 0},
            age_s=lambda row: self.now - (row.started or 0.0),
            memory_bytes=lambda: 1000 * PAGE_BYTES,
        )
        self.reader = self.new_reader()
        self._processes: dict[int, dict[str, object]] = {}
        self.put(1, "init", ["/sbin/init"], parent=0)

    def close(self) -> None:
        """Close the files that the source keeps open."""
        at_once(self.source.close())

    def new_reader(self, ways: Ways | None = None) -> ProcessReader:
        """Another one, which knows nothing yet."""
        self.asleep = Asleep()
        self.reader = ProcessReader(self.source, self.host, ways or self.ways, self.asleep)
        return self.reader

    def put(
        self,
        pid: int,
        name: str,
        arguments: Sequence[str] = (),
        *,
        parent: int = 1,
        cpu_s: float = 0.0,
        state: str = "S",
        started: float = 10.0,
        pages: tuple[int, int, int] = (50, 20, 5),
    ) -> None:
        """Let a process be there, or be otherwise."""
        folder = self.path / str(pid)
        folder.mkdir(exist_ok=True)
        fields = ["0"] * 50
        fields[0], fields[1], fields[11] = state, str(parent), str(round(cpu_s * TICKS))
        fields[19], fields[20], fields[21] = str(round(started * TICKS)), str(pages[0] * PAGE_BYTES), str(pages[1])
        (folder / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")
        (folder / "cmdline").write_bytes(b"".join(one.encode() + b"\0" for one in arguments))
        (folder / "statm").write_text(f"{pages[0]} {pages[1]} {pages[2]} 1 0 7 0\n")

    def drop(self, pid: int) -> None:
        """Let a process end."""
        for file in (self.path / str(pid)).iterdir():
            file.unlink()
        (self.path / str(pid)).rmdir()

    def read(self, *names: ProcessName, after_s: float = 1.0) -> Reading:
        """Take a pass so much later."""
        self.now += after_s
        return self.reader.read(names, self.every_s)

    def pids(self, *names: ProcessName) -> Mapping[str, list[int]]:
        """Take a pass, and tell who is shown for each name."""
        return {name.name: list(of.processes) for name, of in self.read(*names).names.items()}

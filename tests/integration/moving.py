"""A hub and two collectors, one of them behind a line that can be cut, and files that go from one to the other."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import rrdtool

from tests.integration.pools import PoolStack

INTERVAL_S = 2


class MoveStack(PoolStack):
    """`c1` reaches the hub directly, `c2` through a tunnel."""

    members = ("c1", "c2")

    def moves(self, device: str) -> dict[str, Any]:
        """How the files of a device stand."""
        found: dict[str, Any] = self.ask(f"moves/{device}")
        return found

    def files(self, collector: str, ending: str = ".rrd") -> list[Path]:
        """Series files of a collector, without those of itself."""
        folder = self.data / collector / "process" / "rrd"
        return sorted(path for path in folder.glob(f"?/?/*{ending}") if self.points(path) & {"count"})

    @staticmethod
    def points(path: Path) -> set[str]:
        """Names of the data sources of a file; none of one that is gone by now."""
        try:
            told = rrdtool.info(str(path))
        except rrdtool.OperationalError:
            if path.exists():
                raise
            return set()
        return {key[3:-7] for key in told if key.startswith("ds[") and key.endswith("].index")}

    def came(self, collector: str) -> int:
        """How many bytes of a file have come to a collector, while it is not whole."""
        folder = self.data / collector / "process" / "incoming"
        sizes = [0]
        for path in folder.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):  # it is whole by now
                sizes.append(path.stat().st_size)
        return max(sizes)

    def served(self, device: str, component: str) -> dict[int, float]:
        """All that the collector of a device tells of one point at full step."""
        now = int(time.time())
        span = f"component={component}&source=process&point=count&start={now - 300}&end={now}"
        (series,) = self.ask(f"devices/{device}/series/fetch?{span}")["series"]
        return {at: value for at, value in series["rows"] if value is not None}

    def move(self, device: str, collector: str, *options: str) -> dict[str, Any]:
        """Move a device, and wait until that is live."""
        done = self.tocsin("device", "move", device, "--collector", collector, "--json", *options, check=False)
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def known(path: Path, point: str = "count") -> dict[int, float]:
    """What a file knows of a point at full step in the last five minutes."""
    now = int(time.time())
    (start, _, step), names, rows = rrdtool.fetch(str(path), "AVERAGE", "-s", str(now - 300), "-e", str(now))
    assert step == INTERVAL_S
    place = names.index(point)
    stamped = ((start + step * number, row[place]) for number, row in enumerate(rows, start=1))
    return {at: value for at, value in stamped if value is not None}


def document(name: str) -> str:
    """A process set, and this machine as a device of c1."""
    return (
        f"kind: ProcessSet\nid: {name}\ntitle: {name}\ninclude: '^{name} '\nname: {name}\nrequired: true\n"
        "---\n"
        f"kind: Device\nid: host\naddress: 127.0.0.1\ncollector: c1\n"
        f"properties: {{source: local, interval_s: {INTERVAL_S}}}\n"
    )

"""The writer process without a daemon, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def start_writer(folder: Path) -> subprocess.Popen[bytes]:
    """One that reads the spool in `samples`, and writes below `rrd`, until its input ends; it has time to convert."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.writerprogram", "--hold", "0",
         "--spool", str(folder / "samples"), "--rrd", str(folder / "rrd")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def dumps(folder: Path) -> dict[str, bytes]:
    """What is in each file, also in those that are beside others."""
    return {
        path.relative_to(folder).as_posix(): subprocess.run(
            ["rrdtool", "dump", str(path)], capture_output=True, check=True
        ).stdout
        for path in sorted((folder / "rrd").glob("*/*/*"))
    }

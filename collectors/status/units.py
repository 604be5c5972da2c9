"""Units of systemd that failed, as `systemctl` tells."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RUNNING = Path("/run/systemd/system")
"""There where systemd is process 1 (sd_booted(3))."""
TIME_LIMIT_S = 10.0
MOST_UNITS = 200
MOST_LETTERS = 256
COMMAND = ("systemctl", "--failed", "--plain", "--no-legend", "--no-pager", "--full")
PATH = "/usr/bin:/bin:/usr/sbin:/sbin"


def units(running: Path = RUNNING, command: Sequence[str] = COMMAND) -> dict[str, dict[str, Any]]:
    """How many have failed, and which.

    Raises:
        OSError: as `failed_units`; it is not found where systemd does not run this host.
    """
    if not running.is_dir():
        raise FileNotFoundError(errno.ENOENT, "is not there: systemd does not run this host", str(running))
    failed = failed_units(command)
    return {"": {"units_failed": len(failed), "failed": failed[:MOST_UNITS]}}


def failed_units(command: Sequence[str] = COMMAND, time_limit_s: float = TIME_LIMIT_S) -> list[str]:
    """Their names.

    Raises:
        FileNotFoundError: there is no systemctl.
        OSError: it could not tell in time; its text is a sentence.
    """
    environment = {"PATH": os.environ.get("PATH", PATH), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=time_limit_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"systemctl did not answer within {time_limit_s:g} s") from error
    if done.returncode:
        said = _clean(done.stderr.decode("utf-8", "replace"))
        raise OSError(f"systemctl ended with status {done.returncode}: {said or 'it said nothing'}")
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return [_clean(words[0]) for line in lines if (words := line.split())]


def _clean(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:MOST_LETTERS]

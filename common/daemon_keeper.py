"""Who keeps a daemon running: `tocsin up` starts its daemons again when they end."""

from __future__ import annotations

import os
from pathlib import Path

KEEPER = "TOCSIN_KEPT_BY"
"""In the environment of a daemon: process id of its keeper."""


def kept_by(pid: int) -> int | None:
    """Process id of the keeper of a daemon; None when nobody starts it again, or that cannot be seen.

    Args:
        pid: of the daemon; 0 for none.
    """
    folder = Path(f"/proc/{pid}")
    try:
        variables = (folder / "environ").read_bytes().split(b"\0")
        parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return parent if f"{KEEPER}={parent}".encode() in variables else None


def environment() -> dict[str, str]:
    """The environment of a daemon whose keeper is this process."""
    return {**os.environ, KEEPER: str(os.getpid())}

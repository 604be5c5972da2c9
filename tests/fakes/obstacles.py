"""What may stand in the place of a file that a program keeps."""

from __future__ import annotations

import os
from pathlib import Path


def pipe(path: Path) -> None:
    """A named pipe, which nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    """A folder."""
    path.unlink()
    path.mkdir()


def endless(path: Path) -> None:
    """A link to a file without end."""
    path.unlink()
    path.symlink_to("/dev/zero")

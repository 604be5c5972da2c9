"""Files that are on disk when it is said that they are."""

from __future__ import annotations

import os
from pathlib import Path

from common.errors import SettingsError


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """Put a file in its place whole, with its mode from the first moment, durable on return.

    Raises:
        SettingsError: it cannot be written; the file is named.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from None


def sync(path: Path) -> None:
    """Make durable what was written to a file, or made, renamed or removed in a folder.

    Raises:
        OSError: the disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Files that are on disk when it is said that they are, and are files when they are read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from common.errors import SettingsError


def write_whole(path: Path, data: bytes, mode: int, *, durable: bool = True) -> None:
    """Put a file in its place whole, with its mode from the first moment.

    Args:
        path: the file.
        data: all of it.
        mode: its permissions.
        durable: it outlives a sudden end of the host from the return on; else it is whole or not there.

    Raises:
        SettingsError: it cannot be written; the file is named.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
            file.write(data)
            if durable:
                file.flush()
                os.fsync(descriptor)
        temporary.replace(path)
        if durable:
            sync(path.parent)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from None


def regular_files(folder: Path) -> list[str]:
    """Names of the files in a folder; what else bears a name there is left alone.

    Raises:
        OSError: there is no such folder, or it cannot be read.
    """
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]


def read_whole(path: Path, most_bytes: int) -> bytes:
    """Read a file that is one, and no larger than it can be: nothing that stands in its place holds up who reads.

    Raises:
        OSError: it is not there, is no file, is too large, or cannot be read.
    """
    data = read_beginning(path, most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def read_beginning(path: Path, most_bytes: int) -> bytes:
    """Read so much of a file that is one: whoever may write there may have put a pipe, or a link, in its place.

    Raises:
        OSError: it is not there, is no file, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most_bytes)
    finally:
        os.close(descriptor)  # of a folder, open() itself fails, and leaves it open


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

"""The undo slot: a file's header, or all of a file, as it was before the update that is under way.

librrd changes a file's header in place, bit by bit. A kill in the middle leaves a file that looks sound and is skewed
for ever. With the header put back, and the same samples written again, it becomes what it would have been.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import struct
from pathlib import Path

SLOT_BYTES = 256 * 1024
_HEAD = struct.Struct("<BxHI")
_SUSPECT_BYTES = 128
_AS_FILE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""What lies where a file should be may be a pipe that nobody writes to, or a link that leads elsewhere."""
_NO_FILE = (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.EISDIR)
_MOST_NAME = 128
MOST_UNDONE = SLOT_BYTES - _SUSPECT_BYTES - _HEAD.size - _MOST_NAME
"""Bytes that have room in it, whatever the name."""
FILE_NAME = re.compile(r"^[0-9a-f]/[0-9a-f]/[0-9a-f]{32}\.rrd(?:\.likely\.[A-Za-z0-9.-]{1,60})?$")


class UndoSlot:
    """A small mapped file that outlives a kill of the process (not a power loss).

    Raises:
        OSError: it cannot be made, for example on a full disk.

    Attributes:
        suspect: name of the file whose update was cut short last, and how often in a row; ("", 0) once one succeeded.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self._root = str(root)  # joined once for each update: a Path would cost a tenth of it
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            # Real blocks, or a full disk would kill us at the first touch of the mapping.
            os.posix_fallocate(fd, 0, SLOT_BYTES)
            self._map = mmap.mmap(fd, SLOT_BYTES)
        finally:
            os.close(fd)
        count, name = self._map[SLOT_BYTES - 1], self._map[-_SUSPECT_BYTES:-1].rstrip(b"\0").decode("ascii", "replace")
        self.suspect: tuple[str, int] = (name, count)

    def restore(self) -> str | None:
        """Put back the header that was kept, if an update was cut short; return the name of its file."""
        flag, name_length, length = _HEAD.unpack_from(self._map)
        start = _HEAD.size + name_length
        name = self._map[_HEAD.size : start].decode("ascii", "replace")
        if not flag or not FILE_NAME.match(name) or start + length > SLOT_BYTES:
            return None
        self._suspect(name, self.suspect[1] + 1 if self.suspect[0] == name else 1)
        try:
            fd = os.open(f"{self._root}/{name}", os.O_WRONLY | _AS_FILE)
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
            self._map[0] = 0
            return None
        try:
            os.pwrite(fd, self._map[start : start + length], 0)
        finally:
            os.close(fd)
        self._map[0] = 0
        return name

    def keep(self, name: str, length: int) -> None:
        """Copy the begin of a file before it is changed.

        Args:
            name: path below the root.
            length: bytes: of its header, or, where an update changes rows that are there, of all of it.

        Raises:
            OSError: the file cannot be read, or is none.
            ValueError: the header does not fit the slot.
        """
        raw = name.encode()
        start = _HEAD.size + len(raw)
        if start + length > SLOT_BYTES - _SUSPECT_BYTES:
            raise ValueError(f"a header of {length} bytes does not fit the undo slot of {SLOT_BYTES}")
        fd = os.open(f"{self._root}/{name}", os.O_RDONLY | _AS_FILE)
        try:
            if os.preadv(fd, [memoryview(self._map)[start : start + length]], 0) < length:
                raise OSError(f"{name} is shorter than its header")
        finally:
            os.close(fd)
        self._map[_HEAD.size : start] = raw
        _HEAD.pack_into(self._map, 0, 0, len(raw), length)
        self._map[0] = 1

    def clear(self, name: str) -> None:
        """The update of a file is done."""
        self._map[0] = 0
        if self.suspect[0] == name:
            self._suspect("", 0)

    def _suspect(self, name: str, count: int) -> None:
        self.suspect = (name, count)
        self._map[-_SUSPECT_BYTES:] = name.encode()[: _SUSPECT_BYTES - 1].ljust(_SUSPECT_BYTES - 1, b"\0") + bytes(
            (min(count, 255),)
        )

    def close(self) -> None:
        """Let go of the mapping."""
        self._map.close()

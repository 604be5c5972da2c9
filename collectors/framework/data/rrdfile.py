"""An RRD file as bytes: what its header says, checked, and its rows.

librrd believes what a header says and ends the process where it is wrong, so that each file is looked at here before it
is handed over. And it cannot convert a file without loss (docs/adr/0025), so that `convert` reads and writes rows here.

Source: rrd_format.h of rrdtool 1.7, as it lies on a 64-bit machine.
"""

from __future__ import annotations

import errno
import math
import os
import re
import stat
import struct
from array import array
from collections.abc import Sequence

from msgspec import Struct

from common.errors import PermanentError
from common.rrd import CONSOLIDATIONS

_HEAD = struct.Struct("=4s5s7xdQQQ80x")
_SOURCE = struct.Struct("=20s20sQdd56x")
_ARCHIVE = struct.Struct("=20s4xQQd72x")
_LIVE = struct.Struct("=qq")
_READY = struct.Struct("=30s2xQd64x")
_CELL = struct.Struct("=dQ64x")
_POINTER = struct.Struct("=Q")
_FLOAT_COOKIE = 8.642135e130
_VERSIONS = (b"0003\0", b"0004\0", b"0005\0")
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,19}\0")
_WORD = re.compile(rb"[A-Z]{1,19}\0")
TYPES = ("GAUGE", "COUNTER", "DERIVE", "ABSOLUTE", "DCOUNTER", "DDERIVE")
MAX_SOURCES = 1_000
MAX_ARCHIVES = 1_000
UNKNOWN = math.nan


class DamagedError(PermanentError):
    """A file that is no RRD file, or no more."""


class Source(Struct, frozen=True):
    """A data source; None is no limit."""

    name: str
    type: str
    heartbeat_s: int
    minimum: float | None
    maximum: float | None


class Archive(Struct, frozen=True):
    """A ring of rows.

    Attributes:
        steps: that one row covers.
        known_share: more than that much of a row must be known (xff).
        place: offset of its rows in the file.
        newest: index of the row that was written last.
    """

    cf: str
    steps: int
    rows: int
    known_share: float
    place: int
    newest: int


class Header(Struct, frozen=True):
    """What a file says of itself.

    Attributes:
        last: epoch second of the last update.
        size: of the header, in bytes.
        raw: the header.
    """

    step_s: int
    last: int
    sources: tuple[Source, ...]
    archives: tuple[Archive, ...]
    size: int
    raw: bytes

    def source(self, name: str) -> int | None:
        """The place of a data source among the others."""
        return next((place for place, source in enumerate(self.sources) if source.name == name), None)

    @property
    def _prepared(self) -> int:
        return _HEAD.size + _SOURCE.size * len(self.sources) + _ARCHIVE.size * len(self.archives) + _LIVE.size

    @property
    def file_bytes(self) -> int:
        """Of the whole file."""
        return self.size + 8 * len(self.sources) * sum(archive.rows for archive in self.archives)

    def ready_at(self, source: int) -> slice:
        """Where the state of the step that is under way lies."""
        start = self._prepared + _READY.size * source
        return slice(start, start + _READY.size)

    def cell_at(self, archive: int, source: int) -> slice:
        """Where the state of the row that is under way lies."""
        sources = len(self.sources)
        start = self._prepared + _READY.size * sources + _CELL.size * (archive * sources + source)
        return slice(start, start + _CELL.size)

    def pointer_at(self, archive: int) -> slice:
        """Where the index of an archive's newest row lies."""
        start = self.size - _POINTER.size * (len(self.archives) - archive)
        return slice(start, start + _POINTER.size)

    def row_end(self, archive: int) -> int:
        """Epoch second at which the newest row of an archive ends."""
        return self.last - self.last % (self.archives[archive].steps * self.step_s)


def header_size(sources: int, archives: int) -> int:
    """Bytes before the rows."""
    one = _HEAD.size + _LIVE.size + _SOURCE.size * sources + _READY.size * sources
    return one + archives * (_ARCHIVE.size + _POINTER.size + _CELL.size * sources)


def look(path: str) -> Header:
    """Read and check the header of a file.

    Raises:
        DamagedError: it is none that librrd could work with, or no file at all but something else of that name.
        OSError: it cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise DamagedError(f"{path} is no file, but a link or a socket") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise DamagedError(f"{path} is no file, but something else of that name")
        return read_header(fd, path)
    finally:
        os.close(fd)


def read_header(fd: int, path: str) -> Header:
    """Read and check the header of an open file.

    Raises:
        DamagedError: it is none that librrd could work with.
        OSError: it cannot be read.
    """
    head = os.pread(fd, _HEAD.size, 0)
    if len(head) < _HEAD.size:
        raise DamagedError(f"{path} is too short for an RRD file ({len(head)} bytes)")
    cookie, version, number, source_count, archive_count, step_s = _HEAD.unpack(head)
    if cookie != b"RRD\0" or version not in _VERSIONS or number != _FLOAT_COOKIE:
        raise DamagedError(f"{path} is not an RRD file of this kind of machine")
    if not (1 <= source_count <= MAX_SOURCES and 1 <= archive_count <= MAX_ARCHIVES and 1 <= step_s <= 2**31):
        raise DamagedError(f"{path} has a damaged header: {source_count} sources, {archive_count} archives")
    size = header_size(source_count, archive_count)
    raw = os.pread(fd, size, 0)
    if len(raw) < size:
        raise DamagedError(f"{path} ends in its header ({len(raw)} bytes of {size})")
    header = _parse(raw, source_count, archive_count, step_s, path)
    if (found := os.fstat(fd).st_size) != header.file_bytes:
        raise DamagedError(f"{path} has {found} bytes, where its header tells of {header.file_bytes}")
    return header


def _parse(raw: bytes, source_count: int, archive_count: int, step_s: int, path: str) -> Header:
    offset = _HEAD.size
    sources = tuple(_source(raw, offset + _SOURCE.size * i, path) for i in range(source_count))
    if len({source.name for source in sources}) != source_count:
        raise DamagedError(f"{path} has a damaged header: two sources of one name")
    offset += _SOURCE.size * source_count
    live = offset + _ARCHIVE.size * archive_count
    last, microseconds = _LIVE.unpack_from(raw, live)
    if not 0 <= last < 2**40 or not 0 <= microseconds < 1_000_000:
        raise DamagedError(f"{path} has a damaged header: last updated at {last}")
    ready = live + _LIVE.size
    for i in range(source_count):
        text, unknown_s, _ = _READY.unpack_from(raw, ready + _READY.size * i)
        if b"\0" not in text or unknown_s > step_s:
            raise DamagedError(f"{path} has a damaged header: the last value of {sources[i].name}")
    archives, place = [], len(raw)
    for i in range(archive_count):
        (newest,) = _POINTER.unpack_from(raw, len(raw) - _POINTER.size * (archive_count - i))
        archive = _archive(raw, offset + _ARCHIVE.size * i, place, newest)
        if archive is None:
            raise DamagedError(f"{path} has a damaged header: its archive {i}")
        archives.append(archive)
        place += 8 * source_count * archive.rows
    return Header(step_s, last, sources, tuple(archives), len(raw), raw)


def _source(raw: bytes, offset: int, path: str) -> Source:
    name, type_, heartbeat_s, low, high = _SOURCE.unpack_from(raw, offset)
    word = type_.partition(b"\0")[0].decode("ascii", "replace")
    if not _NAME.match(name) or not _WORD.match(type_) or word not in TYPES:
        raise DamagedError(f"{path} has a damaged header: a data source that cannot be")
    limits = (None if math.isnan(limit) else limit for limit in (low, high))
    return Source(name.partition(b"\0")[0].decode("ascii"), word, heartbeat_s, *limits)


def _archive(raw: bytes, offset: int, place: int, newest: int) -> Archive | None:
    cf, rows, steps, share = _ARCHIVE.unpack_from(raw, offset)
    if not _WORD.match(cf) or not 1 <= rows <= 2**40 or not 1 <= steps <= 2**40 or newest >= rows:
        return None
    word = cf.partition(b"\0")[0].decode("ascii")
    if word in CONSOLIDATIONS and not 0.0 <= share < 1.0:
        return None
    return Archive(word, steps, rows, share, place, newest)


# --- rows -------------------------------------------------------------------------------------------------------------


def read_rows(fd: int, header: Header, archive: int) -> array[float]:
    """All rows of an archive, oldest first, the sources of each beside each other."""
    ring, sources = header.archives[archive], len(header.sources)
    length, row = ring.rows * sources * 8, sources * 8
    data = os.pread(fd, length, ring.place)
    if len(data) < length:
        raise OSError(f"{length} bytes of rows wanted, {len(data)} read")
    cut = (ring.newest + 1) * row
    return array("d", data[cut:] + data[:cut])


# --- the state between two updates ------------------------------------------------------------------------------------


def ready_of(raw: bytes | bytearray, place: slice) -> tuple[bytes, int, float]:
    """Last value as text, seconds of the step under way that are unknown, and the sum of value times seconds."""
    text, unknown_s, value = _READY.unpack_from(raw, place.start)
    return text, unknown_s, value


def put_ready(raw: bytearray, place: slice, text: bytes, unknown_s: int, value: float) -> None:
    """Set what `ready_of` gives."""
    _READY.pack_into(raw, place.start, text, unknown_s, value)


def put_cell(raw: bytearray, place: slice, value: float, unknown: int) -> None:
    """Set the sum, minimum or maximum of the row under way, and how many of its steps are unknown."""
    _CELL.pack_into(raw, place.start, value, unknown)
    struct.pack_into("=dd", raw, place.stop - 16, UNKNOWN, UNKNOWN)


def put_pointers(raw: bytearray, header: Header, newest: Sequence[int]) -> None:
    """Set the index of the newest row of each archive."""
    for place, index in enumerate(newest):
        _POINTER.pack_into(raw, header.pointer_at(place).start, index)

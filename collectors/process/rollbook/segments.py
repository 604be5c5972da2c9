"""The files of one device's roll book: a folder of segments, each of which begins with the whole table.

A segment is only ever added to. When it is closed it is compressed. Its name tells its number, by which segments are in
the order in which they were written, however the clock was set, and when it began.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import zstandard
from msgspec import Struct

from collectors.process.rollbook.records import Begin, Read, Record, unpack
from common.durable import read_whole, regular_files, sync
from common.hashing import name_of

FOLDER = "rollbook"
OPEN, CLOSED = ".roll", ".roll.zst"
MAX_SEGMENT_BYTES = 64 * 1024 * 1024
"""Beyond this a file is none of ours."""
LEVEL = 3

_NAME = re.compile(r"(\d{8})-(\d{1,16})(b?)(\.roll(?:\.zst)?)", re.ASCII)


class Segment(Struct, frozen=True, order=True):
    """A segment.

    Attributes:
        began: milliseconds since 1970.
        back: the clock was set back before it began, so that the one before may reach beyond its beginning.
    """

    number: int
    began: int
    back: bool = False
    closed: bool = False

    @property
    def file(self) -> str:
        """Its file's name."""
        return f"{self.number:08}-{self.began}{'b' if self.back else ''}{CLOSED if self.closed else OPEN}"

    def as_file(self, *, closed: bool) -> str:
        """The name of the one or the other of the files that it has in turn."""
        return Segment(self.number, self.began, self.back, closed).file


def folder_of(root: Path, device: str) -> Path:
    """The folder of a device: hex digits only, whatever its name holds."""
    name = name_of(device)
    return root / FOLDER / name[:2] / name


def segments(folder: Path) -> list[Segment]:
    """All segments, the oldest first; none where there is no folder."""
    found: dict[int, Segment] = {}
    try:
        names = regular_files(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        segment = Segment(int(match[1]), int(match[2]), bool(match[3]), match[4] == CLOSED)
        if segment.number not in found or segment.closed:  # both are there when compressing was broken off
            found[segment.number] = segment
    return [found[number] for number in sorted(found)]


def read(folder: Path, segment: Segment, device: str) -> list[Record]:
    """The records of a segment, as far as they are whole; none of one that has been dropped, or is another's."""
    data = _content(folder, segment)
    if data is None:
        return []
    records = list(unpack(data))
    first = records[0] if records else None
    return records if isinstance(first, Begin) and first.device == device else []


def first(folder: Path, segment: Segment) -> Record | None:
    """The first record of a segment; None when it cannot be read."""
    data = _content(folder, segment)
    return next(unpack(data), None) if data is not None else None


def _content(folder: Path, segment: Segment) -> bytes | None:
    for closed in (segment.closed, not segment.closed):  # it may have been closed since
        try:
            data = read_whole(folder / segment.as_file(closed=closed), MAX_SEGMENT_BYTES)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return _plain(data) if closed else data
    return None


def _plain(data: bytes) -> bytes | None:
    try:
        if zstandard.get_frame_parameters(data).content_size > MAX_SEGMENT_BYTES:
            return None
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_SEGMENT_BYTES)
    except zstandard.ZstdError:
        return None


def begin(folder: Path, segment: Segment, data: bytes) -> None:
    """Make a segment with its first records.

    Raises:
        OSError: the disk refuses; nothing is left of it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / segment.file
    try:
        _write(file, data, os.O_EXCL | os.O_CREAT)
    except OSError:
        file.unlink(missing_ok=True)
        raise


def append(folder: Path, segment: Segment, data: bytes) -> None:
    """Add records to a segment.

    Raises:
        OSError: the disk refuses; nothing may be added any more, for a part of them may be there, where reading ends.
    """
    _write(folder / segment.file, data, os.O_APPEND)


def _write(file: Path, data: bytes, how: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | how, 0o600)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def close(folder: Path, segment: Segment) -> None:
    """Compress a segment that is not written to any more; what is not whole at its end is cut off.

    Raises:
        OSError: the disk refuses; the segment is as before.
    """
    file, compressed = folder / segment.file, folder / segment.as_file(closed=True)
    data = read_whole(file, MAX_SEGMENT_BYTES)
    how_far = Read()
    for _ in unpack(data, how_far):
        pass
    if how_far.end:
        new = compressed.with_name(f".{compressed.name}.new")
        try:
            new.unlink(missing_ok=True)
            _write(new, zstandard.ZstdCompressor(level=LEVEL).compress(data[: how_far.end]), os.O_EXCL | os.O_CREAT)
            sync(new)
            new.replace(compressed)
        except OSError:
            new.unlink(missing_ok=True)
            raise
    file.unlink()


def tidy(folder: Path, known: Iterable[Segment]) -> None:
    """Compress what an earlier run of the daemon has left open, and remove what is left of broken-off work.

    Raises:
        OSError: the disk refuses; what does not concern it is done all the same.
    """
    names = set(regular_files(folder))
    refused: OSError | None = None
    for segment in known:
        try:
            if not segment.closed:
                close(folder, segment)
            elif segment.as_file(closed=False) in names:
                (folder / segment.as_file(closed=False)).unlink()
        except OSError as error:
            refused = error
    for name in names:
        if name.endswith(".new"):
            (folder / name).unlink(missing_ok=True)
    if refused is not None:
        raise refused


def size_bytes(folder: Path, segment: Segment) -> int:
    """What a segment takes on disk."""
    try:
        return (folder / segment.file).stat().st_size
    except FileNotFoundError:
        return 0


def drop(folder: Path, which: Iterable[Segment]) -> None:
    """Remove segments, and the folder when nothing is left in it.

    Raises:
        OSError: the disk refuses.
    """
    for segment in which:
        for closed in (True, False):
            (folder / segment.as_file(closed=closed)).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError:
        return  # there are others in it, or it is gone


def aged(known: list[Segment], oldest: int) -> list[Segment]:
    """Segments that have ended before this stamp: the next one began before it.

    Where the clock was set back, a segment may have begun after the one that follows it.
    """
    ends: list[int | None] = []
    end: int | None = None
    for segment in reversed(known):
        ends.append(end)
        end = segment.began if end is None else min(end, segment.began)
    return [segment for segment, end in zip(reversed(known), ends, strict=True) if end is not None and end < oldest][
        ::-1
    ]

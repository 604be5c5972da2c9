"""What is given away: the files of a device that another collector has now, listed and read (in the reader process)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from collectors.framework.data.baselinefiles import bands
from collectors.framework.data.copies import copies_of
from collectors.framework.data.index import Series, read_device, read_devices
from collectors.framework.data.rrdfile import DamagedError, read_header
from collectors.framework.moving.form import layout_of
from common.errors import NotFoundError, TransientError
from common.moving import (
    MAX_FILE_BYTES,
    Left,
    LeftQuery,
    MovedFile,
    Outgoing,
    OutgoingQuery,
    Piece,
    PieceQuery,
    digest_of,
    digest_of_file,
)

PAGE_FILES = 100
PAGE_BYTES = 16 * 1024 * 1024
"""So much is read for one page, because digests are taken."""
PAGE_CHARACTERS = 100_000


def look(root: Path, query: LeftQuery | OutgoingQuery | PieceQuery) -> Left | Outgoing | Piece:
    """Answer a question about files.

    Raises:
        NotFoundError: what was asked for is not here.
        TransientError: it is not what it was.
        OSError: it cannot be read.
    """
    if isinstance(query, LeftQuery):
        return list_left(root, query)
    return list_outgoing(root, query) if isinstance(query, OutgoingQuery) else read_piece(root, query)


def list_left(root: Path, query: LeftQuery) -> Left:
    """A page of all devices that have files here; who asks knows which of them are collected."""
    names = read_devices(root, query.limit + 1, query.after)
    page = names[: query.limit]
    return Left(devices=page, last=page[-1] if page else query.after, more=len(names) > query.limit)


def list_outgoing(root: Path, query: OutgoingQuery) -> Outgoing:
    """A page of the files of a device, with their digests."""
    held = sorted(read_device(root, query.device), key=lambda series: series.file)
    sizes = [] if query.after else [_size(path) for series in held for path, _ in _together(root, series)]
    files: list[MovedFile] = []
    unread: list[str] = []
    seen = characters = 0
    last = query.after
    for series in held:
        name = name_of(series.file)
        if name <= query.after:
            continue
        if len(files) + len(unread) >= PAGE_FILES or seen >= PAGE_BYTES or characters >= PAGE_CHARACTERS:
            return _page(files, sizes, last, unread, more=True)
        last = name
        for told in _described(root, series, unread):
            files.append(told)
            seen += told.size
            characters += len(series.key.component) + len(series.key.source) + 60 * len(told.layout.points)
    return _page(files, sizes, last, unread, more=False)


def _page(files: list[MovedFile], sizes: list[int], last: str, unread: list[str], *, more: bool) -> Outgoing:
    return Outgoing(
        files=files,
        more=more,
        last=last,
        unread=unread,
        files_in_all=sum(size > 0 for size in sizes),
        bytes_in_all=sum(sizes),
    )


def _described(root: Path, series: Series, unread: list[str]) -> Iterator[MovedFile]:
    for one, first in _together(root, series):
        try:
            yield describe(one, series, first)
        except FileNotFoundError:
            continue  # named before it exists, and never made
        except (OSError, DamagedError) as error:
            unread.append(f"{series.key.component} / {series.key.source}: {error}"[:500])


def _together(root: Path, series: Series) -> list[tuple[Path, int]]:
    """What lies beside a file, then itself, each with its first second.

    Who has put that away knows of the others no more.
    """
    path = root / series.file
    copies = [(Path(copy.path), copy.first) for copy in copies_of(path)]
    learned = [(path.with_name(Path(band.path).name), band.begun) for band in bands(root, series.file)]
    return [*copies, *learned, (path, series.first)]


def describe(path: Path, series: Series, first: int) -> MovedFile:
    """A file as it is offered.

    Args:
        path: of the file.
        series: whose it is.
        first: epoch second of its first sample.

    Raises:
        OSError: it is not there, or cannot be read.
        DamagedError: it is none that librrd could work with.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_size > MAX_FILE_BYTES:
            raise DamagedError(f"it is larger than {MAX_FILE_BYTES} bytes")
        header = read_header(file.fileno(), "it")
        digest = digest_of_file(file)
    return MovedFile(
        file=name_of(series.file),
        version=_version(found),
        key=series.key,
        layout=layout_of(header, series.layout),
        first=max(0, min(first, header.last)),
        last=header.last,
        size=found.st_size,
        digest=digest,
        beside=path.name.partition(".rrd.")[2],
    )


def read_piece(root: Path, query: PieceQuery) -> Piece:
    """A part of a file.

    Raises:
        NotFoundError: it is not there any more.
        TransientError: it has changed since it was listed.
    """
    try:
        with path_of(root, query.file, query.beside).open("rb") as file:
            if _version(os.fstat(file.fileno())) != query.version:
                raise TransientError("The file has changed since it was listed")
            data = os.pread(file.fileno(), query.size, query.offset)
    except FileNotFoundError:
        raise NotFoundError("The file is not here any more") from None
    return Piece(data=data, check=digest_of(data))


def version_of(path: Path) -> str:
    """What tells two states of a file apart.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    return _version(path.stat())


def name_of(path: str) -> str:
    """The name of a series' file, of its path below the folder."""
    return path.rpartition("/")[2].partition(".")[0]


def path_of(root: Path, name: str, beside: str = "") -> Path:
    """Where the file of a name lies, or one that lies beside it; a name is 32 hex digits."""
    return root / name[0] / name[1] / (f"{name}.rrd.{beside}" if beside else f"{name}.rrd")


def _version(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

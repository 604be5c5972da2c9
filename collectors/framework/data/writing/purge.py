"""Deletes all files of devices that have left, in the writer process.

By the index alone, and by whole names: a file goes when it is that of a series whose device bears exactly this name,
and lies where the files of that series lie. Each file goes before what the index says of it, so that a second run finds
what the first one left.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator, Iterator

from msgspec import Struct

from collectors.framework.data.orders import Progress, Purge, PurgeDone
from collectors.framework.data.writing.writer import Writer
from common import rrd
from common.errors import TransientError
from common.holdings import PurgedDevice
from common.series import SeriesKey

FILES_A_SLICE = 500
_BESIDE = re.compile(r"(?:\.[A-Za-z0-9-]{1,59}){1,3}")


class _File(Struct, frozen=True):
    path: str
    key: SeriesKey
    aside: bool


def purge(writer: Writer, order: Purge) -> Generator[Progress, None, PurgeDone]:
    """Delete the files of devices.

    Raises:
        TransientError: the disk refuses; what is left, the same order deletes.
    """
    devices = list(dict.fromkeys(order.devices))
    writer.flush(set(devices))  # what is held would make the files anew
    try:
        files = {device: list(_files_of(writer, device)) for device in devices}
        of = sum(len(some) for some in files.values())
        gone, told = 0, []
        for device, some in files.items():
            count = size = 0
            for file in some:
                freed, deleted = _delete(writer, file)
                size, count = size + freed, count + deleted
                gone += 1
                if gone % FILES_A_SLICE == 0:
                    yield Progress(gone, of)
            if some:
                told.append(PurgedDevice(device, count, size))
    except (OSError, sqlite3.Error) as error:
        raise TransientError(f"files in {writer.root} cannot be deleted: {error}") from None
    return PurgeDone(devices=told)


def _files_of(writer: Writer, device: str) -> Iterator[_File]:
    for file, key, aside in writer.index.files_of(device):
        place = rrd.file_name(key)
        beside = aside and file.startswith(place) and _BESIDE.fullmatch(file[len(place) :])
        if key.device == device and (beside or (not aside and file == place)):
            yield _File(file, key, aside)


def _delete(writer: Writer, file: _File) -> tuple[int, int]:
    """Delete a file with its copies, and what was learned; give bytes and number of what there was."""
    size = count = 0
    if not file.aside:
        for copy in writer.index.copies.of_series(file.path):
            size, count = size + writer.copying.drop(copy), count + 1
        freed, deleted = writer.baselines.drop(file.path)
        size, count = size + freed, count + deleted
    path = writer.root / file.path
    try:
        freed = path.stat().st_size
        path.unlink()
        size, count = size + freed, count + 1
    except FileNotFoundError:
        pass  # gone at an earlier run
    if file.aside:
        writer.index.forget_aside(file.path)
    else:
        writer.index.remove(file.path)
        writer.changed(file.key)
    return size, count

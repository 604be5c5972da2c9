"""Lists the files of the RRD folder, with what the index says of them (in the reader process)."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from collectors.framework.data.baselinefiles import known
from collectors.framework.data.copies import copy_in
from collectors.framework.data.index import INDEX
from common.holdings import HeldAs, HeldFile, Holdings, HoldingsQuery
from common.queries import MAX_PAGE_BYTES
from common.series import SeriesKey

_FILE = re.compile(r"^(?P<file>[0-9a-f]{32}\.rrd)(?P<rest>|\.[A-Za-z0-9.-]{1,59})$")
_BEING_MADE = re.compile(r"\.(new|part)[A-Za-z0-9]{0,6}$")
_ROW_BYTES = 120
"""Of a row beside its names, at most."""
MAX_REASON = 300


def inventory(root: Path, query: HoldingsQuery) -> Holdings:
    """A page of what there is."""
    files: list[HeldFile] = []
    room = MAX_PAGE_BYTES
    with contextlib.ExitStack() as stack:
        db = _index(root)
        if db is not None:
            stack.enter_context(contextlib.closing(db))
        for folder in _folders(query.after):
            whose = _Whose(db, folder)
            for name, size, written in _listed(root, folder, query.after):
                told = whose.file(name, size, written)
                room -= _ROW_BYTES + _length(told)
                if len(files) == query.limit or (room < 0 and files):
                    return Holdings(files=files, last=files[-1].file, more=True)
                files.append(told)
    return Holdings(files=files, last=files[-1].file if files else "", more=False)


def _folders(after: str) -> Iterator[str]:
    begin = after[:3]
    digits = "0123456789abcdef"
    return (folder for one in digits for two in digits if (folder := f"{one}/{two}") >= begin)


def _listed(root: Path, folder: str, after: str) -> Iterator[tuple[str, int, float]]:
    """Files of a folder in order: path, size, time of the last change."""
    try:
        names = sorted(entry.name for entry in (root / folder).iterdir())
    except OSError:
        return
    for name in names:
        path = f"{folder}/{name}"
        if path <= after or not _FILE.match(name) or _BEING_MADE.search(name):
            continue
        with contextlib.suppress(OSError):  # it has gone meanwhile
            found = (root / path).stat()
            yield path, found.st_size, found.st_mtime


def _index(root: Path) -> sqlite3.Connection | None:
    path = root / INDEX
    if not path.exists():
        return None
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)


class _Whose:
    """Whose the files of a folder are."""

    def __init__(self, db: sqlite3.Connection | None, folder: str) -> None:
        self._series: dict[str, SeriesKey] = {}
        self._aside: dict[str, tuple[SeriesKey | None, str, float]] = {}
        if db is None:
            return
        between = (f"{folder}/", f"{folder}0")  # the character after a slash
        for file, *key in db.execute(
            "SELECT file, device, component, source FROM series WHERE file > ? AND file < ?", between
        ):
            self._series[file] = SeriesKey(*key)
        for file, device, component, source, reason, at in db.execute(
            "SELECT file, device, component, source, reason, at FROM aside WHERE file > ? AND file < ?", between
        ):
            key = SeriesKey(device, component, source) if device is not None else None
            self._aside[file] = key, str(reason)[:MAX_REASON], at

    def file(self, path: str, size: int, written: float) -> HeldFile:
        if path in self._series:
            return HeldFile(path, size, written, HeldAs.SERIES, self._series[path])
        if path in self._aside:
            key, reason, at = self._aside[path]
            return HeldFile(path, size, written, HeldAs.ASIDE, key, at, reason)
        folder, _, name = path.rpartition("/")
        copy = copy_in(name)
        if copy is not None:
            return HeldFile(path, size, written, HeldAs.COPY, self._series.get(f"{folder}/{copy[0]}"))
        learned = known(name)
        if learned is not None:
            return HeldFile(path, size, written, HeldAs.LEARNED, self._series.get(f"{folder}/{learned.series}"))
        return HeldFile(path, size, written, HeldAs.UNKNOWN)


def _length(told: HeldFile) -> int:
    key = told.key
    names = len(told.reason.encode("utf-8", "replace")) + len(told.file)
    if key is not None:
        names += sum(len(part.encode("utf-8", "replace")) for part in (key.device, key.component, key.source))
    return names

"""Keeps what an outage would blank: the writer process's side of `data.copies`.

Just before the first update after a gap that is so long that hardly anything of the last hours would be left at full
step, these hours are written into a file beside. That is bounded: so many hours of a file, so many copies of a file, so
many bytes in all; on a full disk there is none, and samples go on. A copy goes when its file keeps nothing of that time
in any archive any more, with the oldest first when there are too many.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import rrdtool

from collectors.framework.data.copies import copy_in, copy_name
from collectors.framework.data.copybook import CopyBook, CopyRow
from collectors.framework.data.room import spare_bytes
from common import rrd
from common.series import Layout, Number

Row = tuple[int, list[Number | None]]

WINDOW_S = 6 * 3600
"""How much before the gap is kept."""
LEAST_ROWS = 5
"""Fewer are not worth a file."""
MOST_OF_A_FILE = 3
MOST_BYTES = 2 * 1024**3
"""Of all copies of a collector."""
NEWER_S = 86_400
"""Where there is no room, a copy goes for one that is newer by more than this: an outage of many devices at once does
not take from some of them what it gives to others."""
TIDY_S = 3600.0
NOTE_S = 3600.0
PART = ".part"


class File(Protocol):
    """What is needed of a series' file."""

    last: int | None

    @property
    def name(self) -> str:
        """Its path below the folder."""

    @property
    def path(self) -> str:
        """Where it lies."""

    @property
    def layout(self) -> Layout:
        """What it holds."""


@lru_cache(maxsize=256)
def window_s(layout: Layout) -> int:
    """How much of a file's time a copy has at most."""
    full = rrd.archives(layout.step_s, layout.retention)[0]
    return min(WINDOW_S, full.rows * full.steps * layout.step_s)


@lru_cache(maxsize=256)
def gap_s(layout: Layout) -> int:
    """From what gap on the window before it is copied: something of it, and half of the full step, would be blanked."""
    full = rrd.archives(layout.step_s, layout.retention)[0]
    span_s = full.rows * full.steps * layout.step_s
    return max(span_s - window_s(layout) + layout.step_s, span_s // 2)


@lru_cache(maxsize=256)
def lasts_s(layout: Layout) -> int:
    """How long a copy tells more than its file: as long as the file has any archive of that time."""
    return max(one.rows * one.steps * layout.step_s for one in rrd.archives(layout.step_s, layout.retention))


class Copying:
    """Makes copies, and lets them go.

    Args:
        root: the RRD folder.
        book: knows the copies.
        wall: epoch seconds.
        note: takes a sentence for the operator.
    """

    def __init__(
        self,
        root: Path,
        book: CopyBook,
        wall: Callable[[], float],
        note: Callable[[str], None],
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._root = root
        self._book = book
        self._wall = wall
        self._note = note
        self._most_bytes = most_bytes
        self._bytes: int | None = None
        self._tidy_at = 0.0
        self._said_at = -NOTE_S
        self._left = 0

    def parts(self, file: File, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """Rows in pieces, each to be written before the next is asked for; a copy is made at each long gap.

        Args:
            file: with the time of its last sample.
            rows: in order of time, all after that.
        """
        last, limit_s = file.last or 0, gap_s(file.layout)
        if rows[-1][0] - last < limit_s:  # nearly always
            yield rows
            return
        begun = 0
        for number, (at, _) in enumerate(rows):
            if at - last >= limit_s:
                if number > begun:
                    yield rows[begun:number]
                    begun = number
                self._keep(file, last)
            last = at
        yield rows[begun:]

    def recover(self, folder: Path) -> None:
        """Put right what a kill left in one folder of files: copies half made, copies that the index does not know."""
        for path in folder.glob("*.rrd.gap-*"):
            parsed = copy_in(path.name)
            if parsed is None:
                path.unlink(missing_ok=True)  # half made, also one of rrdtool's own
                continue
            name = str(path.relative_to(self._root))
            if self._book.get(name) is None:
                series, first, last = parsed
                until = last + lasts_s(Layout(points=(), step_s=60))  # nobody knows of what plan its file was
                size = path.stat().st_size
                self._book.put(CopyRow(name, f"{name.rpartition('/')[0]}/{series}", first, last, size, until))

    def tidy(self) -> None:
        """Let go of copies whose time has passed; now and then."""
        now = self._wall()
        if now >= self._tidy_at or self._tidy_at > now + 2 * TIDY_S:
            self._tidy_at = now + TIDY_S
            for row in self._book.over(int(now)):
                self.drop(row)

    def drop(self, row: CopyRow) -> int:
        """Delete a copy; give its bytes."""
        (self._root / row.file).unlink(missing_ok=True)
        self._book.drop(row.file)
        self._bytes = self._used() - row.bytes
        return row.bytes

    def _keep(self, file: File, last: int) -> None:
        """Make a copy of what a file knows before a moment; where that is not possible, say so and go on."""
        try:
            self.tidy()
            rows = self._window(file, last)
            if len(rows) < LEAST_ROWS or self._has(file, rows[0][0], rows[-1][0]):
                return  # nothing worth it, or made before the process was killed
            if self._make_room(file, last, rows):
                self._make(file, rows)
        except (OSError, sqlite3.Error, rrdtool.OperationalError, rrdtool.ProgrammingError) as error:
            text = str(error) or "the disk is full"
            self._say(f"What {file.path} knew before an outage could not be kept: {text}")

    def _has(self, file: File, first: int, last: int) -> bool:
        """Whether there is a copy of this time: a kill while rrdtool blanks the ring leaves the newest rows of it."""
        return any(one.first <= first and last <= one.last for one in self._book.of_series(file.name))

    def _window(self, file: File, last: int) -> list[tuple[int, tuple[float | None, ...]]]:
        """Rows at full step up to a moment, from the first that knows something on."""
        step_s = file.layout.step_s
        options = ["AVERAGE", "-r", str(step_s), "-s", str(last - window_s(file.layout)), "-e", str(last)]
        try:
            (begin, _, step), names, rows = rrdtool.fetch(file.path, *options)
        except rrdtool.OperationalError:
            return []  # there is no such file, or none that can be read: nothing is lost
        if step != step_s or not names:
            return []
        stamped = [(begin + step * number, row) for number, row in enumerate(rows, start=1)]
        known = [at for at, row in stamped if at <= last and any(value is not None for value in row)]
        return [(at, row) for at, row in stamped if known and known[0] <= at <= known[-1]]

    def _make_room(self, file: File, last: int, rows: Sequence[Any]) -> bool:
        own = self._book.of_series(file.name)
        for row in own[: max(0, len(own) - MOST_OF_A_FILE + 1)]:
            self.drop(row)
        needed = copy_bytes(len(rows[0][1]), len(rows))
        disk = os.statvfs(self._root)
        least = spare_bytes(disk)
        if disk.f_bavail * disk.f_frsize - needed < least:
            self._left += 1
            little = f"less than {least / 1024**2:.1f} MiB of the disk of {self._root} are free"
            self._say(f"What {self._left} files knew before an outage could not be kept: {little}")
            return False
        while self._used() + needed > self._most_bytes:
            oldest = self._book.oldest(last - NEWER_S)
            if oldest is None:
                self._left += 1
                self._say(
                    f"What {self._left} files knew before an outage was not kept: the copies of outages have "
                    f"{self._used() / 1024**2:,.0f} MiB, which is as much as they may"
                )
                return False
            self.drop(oldest)
        return True

    def _make(self, file: File, rows: Sequence[tuple[int, tuple[float | None, ...]]]) -> None:
        first, last, step_s = rows[0][0], rows[-1][0], file.layout.step_s
        name = copy_name(file.name, first, last)
        path, part = self._root / name, f"{self._root}/{name}{PART}"
        Path(part).unlink(missing_ok=True)
        _, names, _ = rrdtool.fetch(file.path, "AVERAGE", "-s", str(last - step_s), "-e", str(last))
        sources = [f"DS:{one}:GAUGE:{2 * step_s}:U:U" for one in names]
        rras = [f"RRA:{cf}:{rrd.KNOWN_SHARE}:1:{len(rows)}" for cf in rrd.CONSOLIDATIONS]
        try:
            rrdtool.create(part, "--start", str(first - step_s), "--step", str(step_s), *sources, *rras)
            rrdtool.update(part, *(rrd.update_text(at, row, [False] * len(names)) for at, row in rows))
            Path(part).rename(path)
        finally:
            Path(part).unlink(missing_ok=True)
        size = path.stat().st_size
        self._book.put(CopyRow(name, file.name, first, last, size, last + lasts_s(file.layout)))
        self._bytes = self._used() + size

    def _used(self) -> int:
        if self._bytes is None:
            self._bytes = self._book.total_bytes()
        return self._bytes

    def _say(self, sentence: str) -> None:
        now = self._wall()
        if not self._said_at <= now < self._said_at + NOTE_S:
            self._said_at = now
            self._note(sentence)


def copy_bytes(points: int, rows: int) -> int:
    """Length of a copy."""
    count = len(rrd.CONSOLIDATIONS)
    return (
        128 + 120 * points + 120 * count + 16 + 112 * points + 80 * points * count + 8 * count + 8 * points * rows * 3
    )

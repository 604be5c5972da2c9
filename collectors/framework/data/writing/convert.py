"""Builds a series file of a wanted layout from files that are there, and puts it in place.

Data sources are taken over by name, where the figures still mean the same. What the old and the new file keep at the
same resolution is copied row by row; other rows are made from the best archive that has their time (`resampling`). The
last value of each source, the step and the rows that are under way go along, so that the next update consolidates as if
nothing had happened.

The new file is complete and on disk before it takes the name of the old one: a kill, a full disk or a loss of power
leaves the one or the other.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Sequence
from math import isnan
from pathlib import Path

import rrdtool

from collectors.framework.data import rrdfile
from collectors.framework.data.writing.oldfile import Old, OldFile, reading
from collectors.framework.data.writing.resampling import Ring, Span, fill, under_way, unknown_ring
from common import rrd
from common.durable import sync
from common.errors import PermanentError, TransientError
from common.series import Layout, Point

NEW = ".new"
"""After the name of a file that is being built; what a kill left of it is deleted at the next start."""
_NO_VALUE = b"U"


def convert(olds: Sequence[Old], path: str, layout: Layout, *, complete: str = "") -> int:
    """Build a file from one or several in order of time, and have it take a name, whatever has it.

    Several do not overlap: the file of one writer goes on where that of another ended. Where they do, the later one
    counts from its first known row on.

    Args:
        olds: the files that are there.
        path: of the one that is made.
        layout: that is wanted.
        complete: path of the one whose known rows stand, whatever others say; what the file whose time it is does not
            know is taken from any that does: another one has written while it stood still.

    Returns:
        Epoch second of its last update.

    Raises:
        PermanentError: one of the files is damaged, or cannot be converted.
        TransientError: the disk refused. Nothing has changed.
    """
    new = path + NEW
    try:
        last = build(olds, new, layout, complete=complete)
        Path(new).replace(path)
        sync(Path(path).parent)
    except (OSError, rrdtool.OperationalError) as error:
        raise TransientError(_why_not(path, error)) from None
    finally:
        with contextlib.suppress(OSError):
            Path(new).unlink()
    return last


def build(olds: Sequence[Old], path: str, layout: Layout, *, complete: str = "") -> int:
    """As `convert`, but the file is made under a name of its own, which nothing else has.

    Raises:
        DamagedError: as above.
        OSError, rrdtool.OperationalError: the disk refused.
    """
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(reading(old)) for old in olds]
        files.sort(key=lambda file: file.header.last)
        last = files[-1].header.last
        if last < rrd.EARLIEST:
            raise PermanentError(f"{files[-1].path} was last updated in {last}, before time began")
        Path(path).unlink(missing_ok=True)
        rrdtool.create(*rrd.create_arguments(path, layout, last + layout.step_s))
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            _Target(fd, path, layout, files, complete=complete).write()
            os.fsync(fd)
        finally:
            os.close(fd)
    return last


def _why_not(path: str, error: Exception) -> str:
    text = str(error)
    if not text or "No space left" in text:
        return f"{path} cannot be converted: the disk is full; free some space there"
    return f"{path} cannot be converted: {text}"


_Part = tuple[OldFile, int, int, int]
"""A file, the time that it has the last word on, and the place of a source in it."""


class _Target:
    """A file that was just created, and is filled from others."""

    def __init__(self, fd: int, path: str, layout: Layout, files: Sequence[OldFile], *, complete: str) -> None:
        self._fd = fd
        self._completes = bool(complete) and len(files) > 1
        self._stands = complete
        self._completed: list[int] = []  # ends of rows at the finest resolution
        self._began: dict[int, int] = {}
        self._header = rrdfile.read_header(fd, path)
        self._layout = layout
        self._newest = files[-1]
        self._ranges: list[tuple[OldFile, int, int]] = []  # newest first, with the time that each has the last word on
        until = files[-1].header.last
        for file in reversed(files):
            begin = file.began() if file is not files[0] or self._completes else 0
            self._began[id(file)] = begin
            begin = begin if file is not files[0] else 0
            self._ranges.append((file, begin, min(until, file.header.last)))
            until = begin
        self._raw = bytearray(self._header.raw)
        self._rows: dict[int, array[float]] = {}

    def write(self) -> None:
        """Fill rows and header: one consolidation after the other, so that a third of the rows is in memory at once."""
        newest = [archive.newest for archive in self._header.archives]
        for cf in rrd.CONSOLIDATIONS:
            for place, point in enumerate(self._layout.points):
                self._fill(place, point, cf)
            for number, rows in self._rows.items():
                archive = self._header.archives[number]
                newest[number] = archive.rows - 1
                _write(self._fd, memoryview(rows).cast("B"), archive.place)
            self._rows.clear()
            for file, _, _ in self._ranges:
                file.forget()
        rrdfile.put_pointers(self._raw, self._header, newest)
        _write(self._fd, memoryview(self._raw), 0)

    def _fill(self, place: int, point: Point, cf: str) -> None:
        parts = [
            (file, begin, end, where) for file, begin, end in self._ranges if (where := file.place(point)) is not None
        ]
        if not parts:
            return
        numbers = [number for number, archive in enumerate(self._header.archives) if archive.cf == cf]
        numbers.sort(key=lambda number: self._header.archives[number].steps)
        rings: list[Ring] = []
        for number in numbers:
            ring = self._ring(number, parts, rings)
            self._put(number, place, ring)
            rings.append(ring)
        for number, ring in zip(numbers, rings, strict=True):
            self._set_under_way(number, place, ring, rings)
        if cf == "AVERAGE":
            self._set_ready(place)

    def _ring(self, number: int, parts: Sequence[_Part], finer: Sequence[Ring]) -> Ring:
        archive = self._header.archives[number]
        ring = unknown_ring(archive.steps * self._header.step_s, self._header.row_end(number), archive.rows)
        above = len(ring.values)
        for file, begin, end, where in parts:
            first, last = ring.inside(begin, end)
            first, last = min(first, above), min(last, above)
            fill(ring, (first, last), archive.cf, file.rings(archive.cf, where))
            if last < above:
                self._mend(ring, (last, above), archive.cf, parts, finer)
            above = first
        if above > 0:
            self._mend(ring, (above - 1, above), archive.cf, parts, finer)
        if self._completes:
            self._complete(ring, archive.cf, parts, finer)
        return ring

    def _complete(self, ring: Ring, cf: str, parts: Sequence[_Part], finer: Sequence[Ring]) -> None:
        """Rows that the file whose time it is does not know, of any other that has known something round them.

        A coarse row that was known in part is made anew of the finer ones, where these were completed.
        """
        if not finer:
            self._completed = []
        self._let_stand(ring, cf, parts, is_finest=not finer)
        rows = len(ring.values)
        again = {(end - 1 - ring.begin) // ring.every_s for end in self._completed}
        for row in again.intersection(range(rows)):
            self._take_over(ring, (row, row + 1), cf, finer, known_too=True)
        for file, begin, end, where in parts:
            first, last = ring.inside(self._began[id(file)], file.header.last)
            first, last = max(0, first - 1), min(rows, last + 1)
            own = ring.inside(begin, end)
            rings = [one for one in file.rings(cf, where) if one.every_s <= max(ring.every_s, file.header.step_s)]
            for span in ((first, min(last, own[0])), (max(first, own[1]), last)):
                taken = self._take_over(ring, span, cf, rings, known_too=False)
                if not finer:
                    self._completed += [ring.begin + (row + 1) * ring.every_s for row in taken]

    def _let_stand(self, ring: Ring, cf: str, parts: Sequence[_Part], *, is_finest: bool) -> None:
        """Rows that the file which stands knows, also where a newer one has the last word.

        Of coarse ones not the first and the last of a time, which it may know in part.
        """
        for file, _, _, where in parts[1:]:
            if file.path == self._stands:
                rings = [one for one in file.rings(cf, where) if one.every_s <= max(ring.every_s, file.header.step_s)]
                span = ring.inside(max(self._began[id(file)], parts[0][1]), file.header.last)
                taken = self._take_over(ring, span, cf, rings, known_too=True, inner=not is_finest)
                self._completed += [ring.begin + (row + 1) * ring.every_s for row in taken]

    @staticmethod
    def _take_over(
        ring: Ring, rows: Span, cf: str, rings: Sequence[Ring], *, known_too: bool, inner: bool = False
    ) -> list[int]:
        """Set rows from other rings where these know something; give those that were set."""
        if rows[0] >= rows[1]:
            return []
        other = unknown_ring(ring.every_s, ring.begin + rows[1] * ring.every_s, rows[1] - rows[0])
        fill(other, (0, len(other.values)), cf, rings)
        known = [False, *(not isnan(value) for value in other.values), False]
        taken = []
        for row, value in enumerate(other.values, rows[0]):
            place = row - rows[0] + 1
            if inner and not (known[place - 1] and known[place + 1]):
                continue
            if known[place] and (known_too or isnan(ring.values[row])):
                ring.values[row] = value
                taken.append(row)
        return taken

    def _mend(self, ring: Ring, rows: Span, cf: str, parts: Sequence[_Part], finer: Sequence[Ring]) -> None:
        """Rows across the end of one file and the begin of the next: made from the finer ones, which have both.

        Where those do not go back so far, what one of the files has of such a row stands for all of it.
        """
        for first, last in fill(ring, rows, cf, finer):
            for file, _, _, where in parts:
                own = unknown_ring(ring.every_s, ring.end, len(ring.values))
                fill(own, (first, last), cf, [one for one in file.rings(cf, where) if one.every_s == ring.every_s])
                for row in range(first, last):
                    if isnan(ring.values[row]):
                        ring.values[row] = own.values[row]

    def _put(self, number: int, place: int, ring: Ring) -> None:
        sources = len(self._header.sources)
        if number not in self._rows:
            self._rows[number] = array("d", (rrdfile.UNKNOWN,)) * (sources * len(ring.values))
        self._rows[number][place::sources] = ring.values

    def _set_under_way(self, number: int, place: int, ring: Ring, rings: Sequence[Ring]) -> None:
        archive, header = self._header.archives[number], self._header
        cell = header.cell_at(number, place)
        file, begin, _ = self._ranges[0]
        where = file.place(self._layout.points[place])
        same = file.same(archive, header.step_s)
        if where is not None and same is not None and (begin <= ring.end or file is self._ranges[-1][0]):
            self._raw[cell] = file.header.raw[file.header.cell_at(same, where)]
        elif archive.steps > 1:
            finer = [one for one in rings if one.every_s < ring.every_s]
            end = header.last - header.last % header.step_s
            rrdfile.put_cell(self._raw, cell, *under_way(finer, archive.cf, ring.end, end, header.step_s))

    def _set_ready(self, place: int) -> None:
        """What the step under way has so far, and the last value, which a rate is made with."""
        header, old = self._header, self._newest.header
        where = self._newest.place(self._layout.points[place])
        if where is None:
            return
        text, unknown_s, value = rrdfile.ready_of(old.raw, old.ready_at(where))
        if old.sources[where].type != header.sources[place].type:
            text = _NO_VALUE
        if old.step_s != header.step_s:
            unknown_s, value = self._begun(where)
        rrdfile.put_ready(self._raw, header.ready_at(place), text, unknown_s, value)

    def _begun(self, where: int) -> tuple[int, float]:
        """Seconds of the step under way that are unknown, and the sum of the others: its step is another one."""
        header = self._header
        begin = header.last - header.last % header.step_s
        rows = [ring for ring in self._newest.rings("AVERAGE", where) if ring.every_s == self._newest.header.step_s]
        begun = unknown_ring(1, header.last, header.last - begin)
        fill(begun, (0, len(begun.values)), "AVERAGE", rows)
        known = [value for value in begun.values if not isnan(value)]
        return len(begun.values) - len(known), sum(known)


def _write(fd: int, view: memoryview, offset: int) -> None:
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written

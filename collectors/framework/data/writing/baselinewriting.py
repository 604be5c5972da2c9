"""Keeps the files in which it is learned what is likely of points, in the writer process (`data.baselinefiles`).

They get each sample just before the file of its series gets it: a crash between the two loses nothing, as what is
written again is skipped here. Whatever goes wrong here hurts no series: a file that is damaged is begun anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import rrdtool

from collectors.framework.data import rrdfile
from collectors.framework.data.baselinefiles import Known, create_arguments, known, part_s
from collectors.framework.data.rrdfile import DamagedError, Header
from collectors.framework.data.spool.intake import AHEAD_S
from collectors.framework.data.writing.undo import MOST_UNDONE, UndoSlot
from common import rrd
from common.series import Baseline, Layout, Number, Point

Row = tuple[int, list[Number | None]]

FORGOTTEN_S = 60 * 86_400
"""After so long a gap it is learned anew."""
NOTE_S = 3600.0
MOST_CRASHES = 3
"""A file at which rrdtool has crashed so often is begun anew."""
_HALF_MADE = re.compile(r"^[0-9a-f]{32}\.rrd\.learns")
_FRESH = ".learns"


class File(Protocol):
    """What is needed of a series' file."""

    @property
    def name(self) -> str:
        """Its path below the folder."""

    @property
    def layout(self) -> Layout:
        """What it holds."""


class _Open:
    """A file that is there; `last` is the epoch second of its last sample, `header` and `size` are bytes."""

    __slots__ = ("header", "known", "last", "name", "size")

    def __init__(self, name: str, what: Known, header: Header) -> None:
        self.name = name
        self.known = what
        self.last = header.last
        self.header = header.size
        self.size = header.file_bytes


class Baselines:
    """The files of all series of a folder.

    Args:
        root: the RRD folder.
        undo: holds the header of the file that is being updated.
        wall: epoch seconds.
        note: takes a sentence for the operator.
    """

    def __init__(self, root: Path, undo: UndoSlot, wall: Callable[[], float], note: Callable[[str], None]) -> None:
        self._root = root
        self._undo = undo
        self._wall = wall
        self._note = note
        self._there: dict[str, dict[Baseline, str]] = {}  # by the path of the series file below the folder
        self._open: dict[str, _Open] = {}
        self._noted = -NOTE_S

    def recover(self, folder: Path) -> None:
        """Learn what lies in a folder, and delete what was half made at a kill.

        Raises:
            OSError: the disk refused.
        """
        for path in folder.iterdir():
            what = known(path.name)
            if what is None:
                if _HALF_MADE.match(path.name):
                    path.unlink(missing_ok=True)
                continue
            place = str(folder.relative_to(self._root))
            others = self._there.setdefault(f"{place}/{what.series}", {})
            if what.baseline in others or self._is_suspect(f"{place}/{path.name}"):
                path.unlink(missing_ok=True)
            else:
                others[what.baseline] = f"{place}/{path.name}"

    def is_one(self, name: str) -> bool:
        """Whether a file of the folder is one of these."""
        return known(name.rpartition("/")[2]) is not None

    def feed(self, file: File, rows: Sequence[Row]) -> None:
        """Learn from samples that the file of a series takes; those that were learned from are skipped."""
        wanted = file.layout.baselines
        if not wanted and not self._there:
            return
        try:
            there = self._there.get(file.name)
            if there:
                self._drop(file.name, [one for one in there if one not in wanted])
            for baseline in wanted:
                self._learn(file, baseline, rows)
        except (OSError, ValueError, rrdtool.OperationalError) as error:
            self._trouble(file, error)

    def drop(self, series: str) -> tuple[int, int]:
        """Delete all that was learned of a series file; gives bytes and number of the files.

        Raises:
            OSError: the disk refused.
        """
        return self._drop(series, list(self._there.get(series, ())))

    def forget(self, series: str, baseline: Baseline) -> None:
        """Delete what was learned of one point: another collector has it.

        Raises:
            OSError: the disk refused.
        """
        if baseline in self._there.get(series, {}):
            self._drop(series, [baseline])

    def yields(self, series: str, what: Known) -> bool:
        """Whether what was learned elsewhere is worth more than what is here: it was begun earlier, or nothing is."""
        name = self._there.get(series, {}).get(what.baseline)
        here = None if name is None else known(name.rpartition("/")[2])
        return here is None or what.begun < here.begun

    def took(self, series: str, what: Known) -> None:
        """A file that was learned elsewhere lies in its place; it counts from now on.

        Raises:
            OSError: the disk refused.
        """
        self.forget(series, what.baseline)
        self._there.setdefault(series, {})[what.baseline] = f"{series.rpartition('/')[0]}/{what.name}"

    def _drop(self, series: str, baselines: Iterable[Baseline]) -> tuple[int, int]:
        there = self._there.get(series, {})
        size = count = 0
        for baseline in baselines:
            path = self._root / there[baseline]
            try:
                freed = path.stat().st_size
                path.unlink()
                size, count = size + freed, count + 1
            except FileNotFoundError:
                pass
            self._open.pop(there.pop(baseline), None)
        if not there:
            self._there.pop(series, None)
        return size, count

    def _learn(self, file: File, baseline: Baseline, rows: Sequence[Row]) -> None:
        points = file.layout.points
        place = next((number for number, point in enumerate(points) if point.name == baseline.point), None)
        length_s = part_s(baseline, file.layout.step_s)
        if place is None or not length_s:
            return
        point = points[place]
        one = self._opened(file.name, baseline, point, length_s, rows)
        fresh = [(at, values[place]) for at, values in rows if at > one.last]
        if not fresh:
            return
        for texts, last in _calls(_texts(point, one.last, fresh, file.layout.step_s), one.last, length_s):
            self._update(one, texts, last, length_s)

    def _update(self, one: _Open, texts: Sequence[str], last: int, length_s: int) -> None:
        """One call; where it ends a part, all of the file can be undone, as rows that were learned are changed."""
        ends = last // length_s > one.last // length_s
        self._undo.keep(one.name, one.size if ends and one.size <= MOST_UNDONE else one.header)
        try:
            rrdtool.update(f"{self._root}/{one.name}", "--skip-past-updates", *texts)
        except rrdtool.OperationalError:
            self._open.pop(one.name, None)
            raise
        finally:
            self._undo.clear(one.name)
        one.last = last

    def _opened(self, series: str, baseline: Baseline, point: Point, length_s: int, rows: Sequence[Row]) -> _Open:
        name = self._there.get(series, {}).get(baseline)
        if name is not None:
            one = self._open.get(name) or self._look(name, point, length_s)
            if one is not None and one.last <= self._wall() + AHEAD_S and rows[0][0] - one.last < FORGOTTEN_S:
                self._open[name] = one
                return one
            self._drop(series, [baseline])
        return self._create(series, baseline, point, length_s, rows[0][0])

    def _look(self, name: str, point: Point, length_s: int) -> _Open | None:
        """A file that is there; None when it is damaged, or for samples of another kind or step."""
        what = known(name.rpartition("/")[2])
        try:
            header = rrdfile.look(f"{self._root}/{name}")
        except (DamagedError, FileNotFoundError):
            return None
        fits = header.step_s == length_s and [(one.name, one.type) for one in header.sources] == [
            (point.name, rrd.rrd_type(point.kind))
        ]
        return _Open(name, what, header) if fits and what is not None else None

    def _create(self, series: str, baseline: Baseline, point: Point, length_s: int, first: int) -> _Open:
        folder, _, of = series.rpartition("/")
        what = Known(of, baseline, first)
        fresh = f"{self._root}/{series}{_FRESH}"
        Path(fresh).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        Path(fresh).unlink(missing_ok=True)
        rrdtool.create(*create_arguments(fresh, baseline, point, length_s, first))
        _begin_at_first_row(fresh)
        name = f"{folder}/{what.name}"
        Path(fresh).rename(self._root / name)
        self._there.setdefault(series, {})[baseline] = name
        one = self._open[name] = _Open(name, what, rrdfile.look(f"{self._root}/{name}"))
        return one

    def _is_suspect(self, name: str) -> bool:
        """Whether rrdtool has crashed at it before."""
        suspect, crashes = self._undo.suspect
        return crashes >= MOST_CRASHES and suspect == name

    def _trouble(self, file: File, error: Exception) -> None:
        now = self._wall()
        if not -NOTE_S < now - self._noted < NOTE_S:
            self._noted = now
            reason = str(error) or "the disk is full"  # librrd says nothing at all then
            self._note(f"What is likely of {file} cannot be learned: {reason}")


def _begin_at_first_row(path: str) -> None:
    """A new file of librrd begins at any row by chance, and it smooths a season at one of its rows.

    What a file comes to is to depend on its samples alone.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        header = rrdfile.read_header(fd, path)
        raw = bytearray(header.raw)
        rrdfile.put_pointers(raw, header, [archive.rows - 1 for archive in header.archives])
        os.pwrite(fd, raw, 0)
    finally:
        os.close(fd)


Arguments = list[tuple[int, str]]
"""Of `rrdtool update`: epoch second and text."""


def _calls(arguments: Arguments, last: int, length_s: int) -> Iterator[tuple[list[str], int]]:
    """Arguments of each call, and the second of its last one: a call ends where a part does.

    librrd smooths what was learned once at the end of a call: what a file comes to would else depend on how many
    samples had waited for it.
    """
    call: list[str] = []
    for at, text in arguments:
        call.append(text)
        if at // length_s > last // length_s:
            yield call, at
            call = []
        last = at
    if call:
        yield call, last


def _texts(point: Point, last: int, rows: Iterable[tuple[int, Number | None]], step_s: int) -> Arguments:
    """Samples as arguments of `rrdtool update`; a gap takes no more than is missing."""
    whole = rrd.whole_numbers([point])
    texts: Arguments = []
    for at, value in rows:
        if at - last > step_s:
            filler = rrd.before_gap([value], [point], at - step_s - last, step_s)
            texts.append((at - step_s, rrd.update_text(at - step_s, filler, whole)))
        texts.append((at, rrd.update_text(at, [value], whole)))
        last = at
    return texts

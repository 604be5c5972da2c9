"""The RRD folder, as the writer process changes it: create, update, set aside.

Only this module calls the parts of rrdtool that change a file, never with `--daemon`, and only one process does so.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import rrdtool
from msgspec import Struct

from collectors.framework.data.copying import Copying
from collectors.framework.data.index import Index, Series
from collectors.framework.data.intake import AHEAD_S
from collectors.framework.data.undo import UndoSlot
from common import rrd
from common.errors import TransientError
from common.series import Layout, Number, SeriesKey

Row = tuple[int, list[Number | None]]

_DAMAGE = ("is not an RRD file", "is too small", "reached EOF while loading", "mmaping file")
"""What librrd says of a file that it will never be able to read (rrd_open.c)."""
_FRESH_FILE = re.compile(r"^[0-9a-f]{32}\.rrd[A-Za-z0-9]{6}$")
"""A file that rrdtool was creating when it was killed; it is renamed when it is complete."""

BROKEN = "broken"
OLD = "old"
AHEAD = "ahead"
MAX_CRASHES = 3


class StuckError(TransientError):
    """A file cannot be written now; its samples must wait in the spool."""


class Tally(Struct):
    """What became of samples, since the process started.

    Attributes:
        written: they are in their files.
        skipped: not after the last one of their file: replayed, or measured twice.
        future: stamped later than now, which would lock the file until then.
        refused: rrdtool would not take them.
    """

    written: int = 0
    skipped: int = 0
    future: int = 0
    refused: int = 0


class Form(Struct, frozen=True):
    """What all files of a layout have alike: arguments of `rrdtool update`, and the bytes of a new file's header."""

    layout: Layout
    template: str
    whole: tuple[bool, ...]
    header: int


_file_name = lru_cache(maxsize=16)(rrd.file_name)
"""Asked for some times while a file is written; of many files, the names would be more than all else of them."""


@lru_cache(maxsize=256)
def form_of(layout: Layout) -> Form:
    """What files of a layout have alike; the same for all of them, as there are many files and few layouts."""
    header = rrd.header_bytes(len(layout.points), layout.step_s, layout.retention)
    return Form(layout, rrd.template(layout.points), rrd.whole_numbers(layout.points), header)


class SeriesFile:
    """One file, as far as this process knows it.

    Attributes:
        last: epoch second of its last sample; None until it was looked at.
        header: bytes of its header.
        held: of the points that it is there for those that it has; `form` is of all.
        other: the next one in the ring of those that are the same file with another layout; None for no other.
    """

    __slots__ = ("_root", "form", "header", "held", "key", "last", "other")

    def __init__(self, root: str, key: SeriesKey, layout: Layout, other: SeriesFile | None = None) -> None:
        self._root = root
        self.key = key
        self.form = self.held = form_of(layout)
        self.header = self.form.header
        self.last: int | None = None
        self.other: SeriesFile | None = None
        if other is not None:
            self.other, other.other = other.other or other, self

    @property
    def name(self) -> str:
        """Its path below the folder."""
        return _file_name(self.key)

    @property
    def layout(self) -> Layout:
        """What it holds."""
        return self.form.layout

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"{self._root}/{self.name}"

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """Samples as arguments of `rrdtool update`, with what makes a gap before one of them exact."""
        points, step_s, whole = self.held.layout.points, self.layout.step_s, self.held.whole
        if self.held is not self.form:
            places = [self.layout.points.index(point) for point in points]
            rows = [(at, [values[place] for place in places]) for at, values in rows]
        last = self.last or 0
        texts = []
        for at, values in rows:
            if at - last > step_s:
                filler = rrd.before_gap(values, points, at - step_s - last, step_s)
                texts.append(rrd.update_text(at - step_s, filler, whole))
            texts.append(rrd.update_text(at, values, whole))
            last = at
        return texts

    def __str__(self) -> str:
        return f"{self.key.device} / {self.key.component} / {self.key.source}"


class RrdFolder:
    """All files of one collector daemon.

    Args:
        root: the folder; it exists.
        wall: epoch seconds.
        note: takes a sentence for the operator about something that was set right.

    Attributes:
        copying: keeps what outages would blank.
    """

    def __init__(
        self, root: Path, index: Index, undo: UndoSlot, wall: Callable[[], float], note: Callable[[str], None]
    ) -> None:
        self._root = root
        self._index = index
        self._undo = undo
        self._wall = wall
        self._note = note
        self.copying = Copying(root, index.copies, wall, note)
        self.tally = Tally()

    def recover(self) -> None:
        """Put right what a kill left: a header half changed, files half created.

        Raises:
            OSError: the disk refused.
        """
        self._undo.restore()
        name, crashes = self._undo.suspect
        if crashes >= MAX_CRASHES and (self._root / name).exists():
            self._set_aside(self._root / name, BROKEN, f"rrdtool crashed {crashes} times when it was updated")
        for folder in self._root.glob("[0-9a-f]/[0-9a-f]"):
            self.copying.recover(folder)
            for path in folder.iterdir():
                if _FRESH_FILE.match(path.name):
                    path.unlink(missing_ok=True)

    def write(self, file: SeriesFile, rows: Sequence[Row]) -> None:
        """Bring samples into their file, in one call; it is created when there is none.

        Raises:
            StuckError: none of the rows is lost, but they cannot be written now.
        """
        known = file.last is not None and not self._is_ahead(file.last)
        if not known and not self._open(file, rows):
            return
        fresh = self._admit(file, rows)
        if not fresh:
            return
        try:
            for part in self.copying.parts(file, fresh):
                self._update(file, part)
        except rrdtool.OperationalError as error:
            self._update_failed(file, fresh, str(error))

    def _admit(self, file: SeriesFile, rows: Sequence[Row]) -> list[Row]:
        """Rows that the file can take; one bad stamp would lose all that stand after it in a call."""
        latest = int(self._wall()) + file.layout.step_s
        last = file.last or 0
        fresh = []
        for row in rows:
            at = row[0]
            if at <= last:
                self.tally.skipped += 1
            elif at > latest:
                self.tally.future += 1
            else:
                fresh.append(row)
                last = at
        return fresh

    def _update(self, file: SeriesFile, rows: Sequence[Row]) -> None:
        texts = file.texts(rows)
        try:
            self._undo.keep(file.name, file.header)
        except FileNotFoundError:
            raise rrdtool.OperationalError(f"opening '{file.path}': No such file or directory") from None
        except (OSError, ValueError) as error:
            raise StuckError(f"{file.path} cannot be read ({error})") from None
        try:
            rrdtool.update(file.path, "--skip-past-updates", "--template", file.held.template, *texts)
        finally:
            self._undo.clear(file.name)
        file.last = rows[-1][0]
        self.tally.written += len(rows)

    def _update_failed(self, file: SeriesFile, rows: Sequence[Row], reason: str) -> None:
        file.last = None
        if "could not lock" in reason:
            raise StuckError(f"{file.path} is locked by another program; end whatever writes to it")
        if not self._open(file, rows):
            return
        for row in self._admit(file, rows):
            try:
                self._update(file, [row])
            except rrdtool.OperationalError as error:
                self.tally.refused += 1
                self._note(f"A sample of {file} at {row[0]} was refused by rrdtool: {error}")

    def _open(self, file: SeriesFile, rows: Sequence[Row]) -> bool:
        """Learn what the file holds, or create it; False when none of the rows has a place in it."""
        info = self._look(file)
        if info is not None and self._is_ahead(int(info["last_update"])):
            days = (info["last_update"] - self._wall()) / 86_400
            self._set_aside(Path(file.path), AHEAD, f"its last sample is {days:.0f} days ahead of the clock")
            info = None
        file.held = form_of(_without_late(info, file.layout)) if info is not None else file.form
        if info is not None and (difference := _difference(info, file.held.layout)):
            if max(at for at, _ in rows) <= int(info["last_update"]):
                self.tally.skipped += len(rows)  # older than the file's layout: a replay
                return False
            self._set_aside(Path(file.path), OLD, f"its layout has changed: {difference}")
            info = None
        if info is None:
            file.held = file.form
            first = next((at for at in (row[0] for row in rows) if self._may_begin(at, file.layout.step_s)), None)
            if first is None:
                self.tally.future += len(rows)
                return False
            self._create(file, first)
            file.last = first - file.layout.step_s
        else:
            file.last = int(info["last_update"])
            header = int(info["header_size"])
            file.header = file.form.header if header == file.form.header else header
            self._register(file, file.last)
        other = file.other
        while other is not None and other is not file:
            other.last, other = None, other.other  # has to look at the file again
        return True

    def _is_ahead(self, last: int) -> bool:
        return last > self._wall() + AHEAD_S

    def _may_begin(self, at: int, step_s: int) -> bool:
        return rrd.EARLIEST + step_s < at <= self._wall() + step_s

    def _look(self, file: SeriesFile) -> dict[str, Any] | None:
        try:
            info: dict[str, Any] = rrdtool.info(file.path)
        except rrdtool.OperationalError as error:
            if not os.path.lexists(file.path):
                return None
            if not any(sign in str(error) for sign in _DAMAGE):
                raise StuckError(f"{file.path} cannot be read: {error}") from None
            self._set_aside(Path(file.path), BROKEN, f"it is damaged: {error}")
            return None
        return info

    def _set_aside(self, path: Path, word: str, reason: str) -> None:
        number = 1
        while os.path.lexists(kept := f"{path}.{word}-{number}"):
            number += 1
        name = str(path.relative_to(self._root))
        try:
            series = self._index.get(name)
            path.rename(kept)
            self._index.put_aside(f"{name}.{word}-{number}", series, reason, self._wall())
        except (OSError, sqlite3.Error) as error:
            raise StuckError(f"{path} cannot be set aside: {error}") from None
        whose = f"{series.key.device} / {series.key.component} / {series.key.source}" if series else "an unknown series"
        said = f"The file of {whose} was set aside as {kept}, and a new one begun: {reason}"
        if word != OLD:
            self._note(said)
        else:  # an operator wanted it so
            sys.stderr.write(f"{said}\n")

    def _register(self, file: SeriesFile, first: int) -> None:
        known = self._index.get(file.name)
        layout = file.held.layout
        if known is None or not _same_figures(known.layout, layout) or known.key != file.key:
            first = known.first if known else first
            self._index.put(Series(key=file.key, layout=layout, file=file.name, first=first))

    def _create(self, file: SeriesFile, first: int) -> None:
        try:
            # Named before it exists: a file that nobody knows would be worse than a name without a file.
            self._index.put(Series(key=file.key, layout=file.layout, file=file.name, first=first))
            Path(file.path).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            rrdtool.create(*rrd.create_arguments(file.path, file.layout, first))
        except (OSError, sqlite3.Error, rrdtool.OperationalError) as error:
            raise StuckError(self._why_not(error)) from None
        file.header = file.form.header

    def _why_not(self, error: Exception) -> str:
        # librrd says nothing at all when the disk is full.
        text = str(error)
        if not text or "No space left" in text or "disk is full" in text or "disk full" in text:
            return f"The disk of {self._root} is full; free some space there"
        return f"No file can be created below {self._root}: {text}"


def _same_figures(one: Layout, other: Layout) -> bool:
    return (one.points, one.step_s) == (other.points, other.step_s)


def _without_late(info: dict[str, Any], layout: Layout) -> Layout:
    """A layout without the late points that a file does not have: its history is worth more."""
    points = tuple(point for point in layout.points if not point.late or f"ds[{point.name}].type" in info)
    return layout if points == layout.points else msgspec.structs.replace(layout, points=points)


def _difference(info: dict[str, Any], layout: Layout) -> str:
    """In which way a file does not fit a layout; empty when it does. What it keeps for how long stays as it is."""
    if info["step"] != layout.step_s:
        return f"the step was {info['step']} s and is {layout.step_s} s"
    held = {key[3:-6]: info[key] for key in info if key.startswith("ds[") and key.endswith("].type")}
    wanted = {point.name: rrd.rrd_type(point.kind) for point in layout.points}
    if held == wanted:
        return ""
    words = [f"{name} is new" for name in wanted if name not in held]
    words += [f"{name} has gone" for name in held if name not in wanted]
    words += [
        f"{name} was {held[name]} and is {wanted[name]}"
        for name in wanted
        if held.get(name, wanted[name]) != wanted[name]
    ]
    return ", ".join(words)

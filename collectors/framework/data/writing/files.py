"""The RRD folder, as the writer process changes it: create, update, convert, set aside.

Only this module calls the parts of rrdtool that change a file, never with `--daemon`, and only one process does so.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import rrdtool
from msgspec import Struct

from collectors.framework.data import rrdfile
from collectors.framework.data.index import Index, Series
from collectors.framework.data.limits import FileSettings
from collectors.framework.data.rrdfile import DamagedError, Header
from collectors.framework.data.spool.intake import AHEAD_S
from collectors.framework.data.writing.baselinewriting import Baselines
from collectors.framework.data.writing.conversions import Pending
from collectors.framework.data.writing.convert import convert
from collectors.framework.data.writing.copying import Copying
from collectors.framework.data.writing.differing import Difference, difference
from collectors.framework.data.writing.growth import Growth
from collectors.framework.data.writing.oldfile import Old
from collectors.framework.data.writing.seriesfile import Row, SeriesFile, form_of
from collectors.framework.data.writing.undo import UndoSlot
from common import rrd
from common.errors import TransientError
from common.series import Layout

_FRESH_FILE = re.compile(r"^[0-9a-f]{32}\.rrd(\.new|(\.new)?[A-Za-z0-9]{6})$")
"""A file that was being created or converted at a kill; it is renamed when it is complete."""

_FORBIDDEN = ("not permitted", "Permission denied", "Read-only file system", "Input/output error", "No space left")
"""What the system says where a file is there and may not be written, or a disk is not well."""

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
        crowded: there are as many files as may be, and none of theirs.
    """

    written: int = 0
    skipped: int = 0
    future: int = 0
    refused: int = 0
    crowded: int = 0


class RrdFolder:
    """All files of one collector daemon.

    Args:
        root: the folder; it exists.
        wall: epoch seconds.
        monotonic: seconds that never go back.
        note: takes a sentence for the operator about something that was set right.
        limits: how many files there may be.

    Attributes:
        copying: keeps what outages would blank.
        baselines: learns what is likely.
        conversions: files that are not as their samples want them.
    """

    def __init__(
        self,
        root: Path,
        index: Index,
        undo: UndoSlot,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        note: Callable[[str], None],
        limits: FileSettings = FileSettings(),  # noqa: B008 - it is frozen
    ) -> None:
        self._root = root
        self._index = index
        self._undo = undo
        self._wall = wall
        self._note = note
        self.copying = Copying(root, index.copies, wall, note)
        self.baselines = Baselines(root, undo, wall, note)
        self.conversions = Pending(self._convert, monotonic)
        self.tally = Tally()
        self._growth = Growth(root, index, wall, note, limits)

    def recover(self) -> None:
        """Put right what a kill left: a header half changed, files half created.

        Raises:
            OSError: the disk refused.
        """
        self._undo.restore()
        name, crashes = self._undo.suspect
        if crashes >= MAX_CRASHES and not self.baselines.is_one(name) and (self._root / name).exists():
            self._set_aside(self._root / name, BROKEN, f"rrdtool crashed {crashes} times when it was updated")
        for folder in self._root.glob("[0-9a-f]/[0-9a-f]"):
            self.copying.recover(folder)
            self.baselines.recover(folder)
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
        self.baselines.feed(file, fresh)
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
        if not texts:  # it waits for being converted, and its own steps of that time are written
            self.tally.skipped += len(rows)
            return
        try:
            self._undo.keep(file.name, file.header)
        except OSError as error:  # it is looked at again, and what is wrong is told
            raise rrdtool.OperationalError(f"{file.path} cannot be read ({error})") from None
        except ValueError as error:
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
        if any(sign in reason for sign in _FORBIDDEN):
            raise StuckError(f"{file.path} cannot be written: {reason}")
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
        header = self._look(file)
        if header is not None and self._is_ahead(header.last):
            days = (header.last - self._wall()) / 86_400
            self._set_aside(Path(file.path), AHEAD, f"its last sample is {days:.0f} days ahead of the clock")
            header = None
        if header is not None and max(at for at, _ in rows) <= header.last:
            self.tally.skipped += len(rows)  # a replay, maybe of what another layout was for
            return False
        if header is not None:
            header = self._fit(file, header)
            if not file.held.layout.points:  # of a layout that is over, and the file has nothing of it any more
                self.tally.refused += len(rows)
                return False
        if header is None:
            first = next((at for at in (row[0] for row in rows) if self._may_begin(at, file.layout.step_s)), None)
            if first is None:
                self.tally.future += len(rows)
                return False
            if not self._admits(file):
                self.tally.crowded += len(rows)
                return False
            self._create(file, first)
            last = first - file.layout.step_s
        else:
            last = header.last
        file.forget()
        file.last = last
        return True

    def _fit(self, file: SeriesFile, header: Header) -> Header | None:
        """Have the file take what is to be written; None when it had to be set aside."""
        known = self._known(file)
        different = difference(header, known.layout.points if known else (), file.layout)
        if different is not None and file.is_over:
            return self._as_it_is(file, header, different)
        if different is not None and different.hopeless:
            self._set_aside(Path(file.path), OLD, f"nothing of it can be kept: {different.reason}")
            return None
        if different is not None and different.tuned:
            self._tune(file, header, different)
        elif different is not None and self._may_grow(file, known) and self.conversions.want(file, different.reason):
            header = rrdfile.look(file.path)
        elif different is not None:
            return self._as_it_is(file, header, different)
        self.conversions.settled(file.key)
        self._register(file, known, header.last)
        file.reached = True
        file.held = file.form
        file.header = file.form.header if header.size == file.form.header else header.size
        return header

    @staticmethod
    def _as_it_is(file: SeriesFile, header: Header, different: Difference) -> Header:
        """Write what fits into a file that is not as it is wanted."""
        file.held, file.header = form_of(different.held), header.size
        if not different.held.points and not file.is_over:
            raise StuckError(f"{file.path} waits for being converted: {different.reason}")
        return header

    def reason_to_convert(self, file: SeriesFile) -> str:
        """In which way a file is not as its samples want it; empty when it is, or cannot be read."""
        try:
            header = rrdfile.look(file.path)
        except (OSError, DamagedError):
            return ""
        known = self._known(file)
        different = difference(header, known.layout.points if known else (), file.layout)
        return different.reason if different is not None and not different.hopeless and not different.tuned else ""

    def _convert(self, file: SeriesFile) -> None:
        """Have a file become what its samples want (for `Pending`)."""
        known = self._known(file)
        last = convert([Old(path=file.path, points=known.layout.points if known else ())], file.path, file.layout)
        self._growth.grown(file.key, known.layout if known else None, file.layout)
        file.forget()
        file.reached = True
        self._register(file, known, last)

    def _tune(self, file: SeriesFile, header: Header, different: Difference) -> None:
        try:
            self._undo.keep(file.name, header.size)
            rrdtool.tune(file.path, *different.tuned)
        except (OSError, ValueError, rrdtool.OperationalError) as error:
            raise StuckError(f"{file.path} cannot be changed: {error}") from None
        finally:
            self._undo.clear(file.name)

    def _is_ahead(self, last: int) -> bool:
        return last > self._wall() + AHEAD_S

    def _may_begin(self, at: int, step_s: int) -> bool:
        return rrd.EARLIEST + step_s < at <= self._wall() + step_s

    def _look(self, file: SeriesFile) -> Header | None:
        try:
            return rrdfile.look(file.path)
        except FileNotFoundError:
            return None
        except DamagedError as error:
            self._set_aside(Path(file.path), BROKEN, f"it {error.message.removeprefix(f'{file.path} ')}")
            return None
        except OSError as error:
            raise StuckError(f"{file.path} cannot be read: {error}") from None

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

    def _known(self, file: SeriesFile) -> Series | None:
        """What is noted of a file, if it is of this series."""
        try:
            known = self._index.get(file.name)
        except sqlite3.Error as error:
            raise StuckError(f"The index of {self._root} cannot be read: {error}") from None
        return known if known is not None and known.key == file.key else None

    def _register(self, file: SeriesFile, known: Series | None, first: int) -> None:
        if known is None or not _same_figures(known.layout, file.layout):
            first = known.first if known else first
            try:
                self._index.put(Series(key=file.key, layout=file.layout, file=file.name, first=first))
            except sqlite3.Error as error:
                raise StuckError(self._why_not(error)) from None

    def _admits(self, file: SeriesFile) -> bool:
        """Whether there may be one more file."""
        try:
            if not self._growth.admits(file.key, file.layout):
                return False
            wait = self._growth.short_of_room(file.layout)
        except (OSError, sqlite3.Error) as error:
            raise StuckError(self._why_not(error)) from None
        if wait:
            raise StuckError(wait)
        return True

    def _may_grow(self, file: SeriesFile, known: Series | None) -> bool:
        try:
            return self._growth.may_grow(file.key, known.layout if known else None, file.layout)
        except sqlite3.Error as error:
            raise StuckError(self._why_not(error)) from None

    def _create(self, file: SeriesFile, first: int) -> None:
        try:
            # Named before it exists: a file that nobody knows would be worse than a name without a file.
            self._index.put(Series(key=file.key, layout=file.layout, file=file.name, first=first))
            Path(file.path).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            rrdtool.create(*rrd.create_arguments(file.path, file.layout, first))
        except (OSError, sqlite3.Error, rrdtool.OperationalError) as error:
            raise StuckError(self._why_not(error)) from None
        self._growth.added(file.key, file.layout)
        file.reached = True
        file.held, file.header = file.form, file.form.header

    def _why_not(self, error: Exception) -> str:
        # librrd says nothing at all when the disk is full.
        text = str(error)
        if not text or "No space left" in text or "disk is full" in text or "disk full" in text:
            return f"The disk of {self._root} is full; free some space there"
        return f"No file can be created below {self._root}: {text}"


def _same_figures(one: Layout, other: Layout) -> bool:
    return (one.points, one.step_s) == (other.points, other.step_s)

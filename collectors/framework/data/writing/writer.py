"""Brings samples from the spool to their files, and what is done if a file cannot be written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from msgspec import Struct

from collectors.framework.data.index import Index
from collectors.framework.data.limits import FileSettings
from collectors.framework.data.orders import Answer
from collectors.framework.data.spool.tail import SpoolTail
from collectors.framework.data.writing.conversions import Counts
from collectors.framework.data.writing.files import RrdFolder, StuckError, Tally
from collectors.framework.data.writing.holding import FILES_A_SECOND, HOLD_S, Holding
from collectors.framework.data.writing.seriesfile import SeriesFile
from collectors.framework.data.writing.stuck import Stuck
from collectors.framework.data.writing.undo import UndoSlot
from collectors.framework.samplespool import PROGRESS
from common.series import Layout, SeriesKey

FILES_AT_ONCE = 2_000
"""So many are written before the daemon is told how things stand; the first time a file takes up to a millisecond."""
MAX_HELD = 400_000
"""Samples; each takes some 80 bytes."""
READ_AT_ONCE = 40_000
"""So many samples are read before the daemon is listened to again."""
NOTE_S = 300.0
"""How long something that was set right stays in the report."""


class Report(Struct, omit_defaults=True, kw_only=True):
    """What the writer process tells the daemon.

    Attributes:
        done: number of the last sample that needs no more work.
        lost: samples missing in the spool.
        flushed: the number of the `flush` that this answers.
        problem: a sentence; empty when all is well.
        answers: what became of orders.
        conversions: files that wait for being converted, were converted, could not be.
        behind: there is so much in the spool that not all of it has been read.
    """

    done: int
    tally: Tally
    lost: int = 0
    flushed: int = 0
    problem: str = ""
    answers: list[Answer] = []
    conversions: Counts = Counts(0, 0, 0)
    behind: bool = False


class Writer:
    """Brings samples from the spool to their files.

    Args:
        wall: epoch seconds.
        monotonic: seconds that never go back.
        hold_s: how long samples wait for more of their file at most, when nobody asks for them.
        limits: how many files there may be.

    Attributes:
        root: folder of the files.
        index: whose they are.
        copying: what is kept of outages.
        baselines: what is learned of points.
        conversions: files that are not as their samples want them.
        behind: there is more in the spool than was read.
        stopped: set when the process is to end; what takes long leaves off then.
    """

    def __init__(
        self,
        spool: Path,
        root: Path,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        hold_s: float = HOLD_S,
        *,
        files_a_second: float = FILES_A_SECOND,
        files_at_once: int = FILES_AT_ONCE,
        read_at_once: int = READ_AT_ONCE,
        max_held: int = MAX_HELD,
        limits: FileSettings = FileSettings(),  # noqa: B008 - it is frozen
    ) -> None:
        self._monotonic = monotonic
        self._files_at_once = files_at_once
        self._read_at_once = read_at_once
        self._notes: list[tuple[float, str]] = []
        self.root = root
        self.index = Index(root)
        self._undo = UndoSlot(spool / "undo", root)
        self._folder = RrdFolder(root, self.index, self._undo, wall, monotonic, self._take_note, limits)
        if self.index.damage:
            self._take_note(self.index.damage)
        self.copying = self._folder.copying
        self.baselines = self._folder.baselines
        self.conversions = self._folder.conversions
        self.reason_to_convert = self._folder.reason_to_convert
        self._folder.recover()
        self._root = str(root)
        self._files: dict[SeriesKey, SeriesFile] = {}
        self._of_device: dict[str, list[SeriesKey]] = {}
        self._tail: SpoolTail[SeriesFile] = SpoolTail(spool, spool / PROGRESS, self._file)
        self._held = Holding(monotonic, self._files.__len__, hold_s, files_a_second=files_a_second, most=max_held)
        self._stuck = Stuck(monotonic)
        self.behind = False
        self.stopped = False

    def gather(self) -> None:
        """Read what is new in the spool, and write what has waited long enough, some of it at a time."""
        if self._stuck.retry(self._folder.write):
            self._read_again()
        self._read()
        if self.stopped:
            return
        if due := self._held.due(self._files_at_once):
            self._write(due)
        self.conversions.step()

    def _read(self) -> None:
        """Read some of what is new in the spool, as long as it has room."""
        read = 0
        self.behind = self._held.full
        if self.behind:
            return
        for first, entries in self._tail.read():
            self._held.hold(first, entries, self._tail.series, self._stuck.files)
            read += len(entries)
            if self.stopped:
                return
            if read >= self._read_at_once or self._held.full:
                self.behind = True
                return

    def _read_again(self) -> None:
        """Begin with the first sample that needs more work: those that are held are among them."""
        self._held.clear()
        self._tail.rewind()

    def flush(self, devices: Collection[str] | None = None) -> None:
        """Write what is held, all of it or that of some devices, and keep the progress."""
        self._write(self._held.all() if devices is None else self.series_files(devices))

    def _write(self, files: Iterable[SeriesFile]) -> None:
        for file in files:
            if self.stopped:
                break
            for one in self._held.in_order(file):
                self._write_one(one)
        self._save()

    def _write_one(self, file: SeriesFile) -> None:
        first, rows = self._held.take(file)
        try:
            self._folder.write(file, rows)
        except StuckError as error:
            self._stuck.add(file, first, rows, error)

    def wait_s(self) -> float | None:
        """Seconds until there is something to do without being asked; None for never."""
        if self.behind:
            return 0.0
        waits = (self._held.wait_s(), self._stuck.wait_s(), self.conversions.wait_s())
        return min((wait for wait in waits if wait is not None), default=None)

    @property
    def done(self) -> int:
        """Number of the last sample that needs no more work."""
        return self._tail.done

    def report(self, flushed: int = 0) -> Report:
        """How things stand."""
        return Report(
            done=self._tail.done,
            tally=self._folder.tally,
            lost=self._tail.lost,
            flushed=flushed,
            problem=self._problem(),
            conversions=self.conversions.counts,
            behind=self.behind,
        )

    def close(self) -> None:
        """Release files; nothing that is held is lost, the spool has it."""
        self._tail.close()
        self._undo.close()
        self.index.close()

    def series_files(self, devices: Collection[str] = ()) -> list[SeriesFile]:
        """Those that have had samples since the process started: of some devices, or all."""
        if not devices:
            return list(self._files.values())
        return [self._files[key] for device in devices for key in self._of_device.get(device, ())]

    def wanted(self, key: SeriesKey) -> Layout | None:
        """What a file of a series is to be like; None where no sample has come since the process started."""
        file = self._files.get(key)
        return None if file is None else file.layout

    def changed(self, key: SeriesKey) -> None:
        """The file of a series was put there, taken away or made anew by an order: what was known of it is void."""
        if (file := self._files.get(key)) is not None:
            file.forget()

    def _file(self, key: SeriesKey, layout: Layout) -> SeriesFile:
        file = self._files.get(key)
        if file is None or file.layout != layout:
            # Read from the spool, each name is a text of its own; many files have names in common.
            key = SeriesKey(sys.intern(key.device), sys.intern(key.component), sys.intern(key.source))
            if file is not None:
                file.superseded = True
            else:
                self._of_device.setdefault(key.device, []).append(key)
            file = self._files[key] = SeriesFile(self._root, key, layout, file)
        return file

    def _save(self) -> None:
        waiting = [first for first in (self._held.first(), self._stuck.first()) if first is not None]
        try:
            self._tail.save(max(self._tail.done, min(waiting) - 1 if waiting else self._tail.seen))
        except OSError as error:
            self._take_note(f"The progress of the sample spool cannot be kept: {error}")

    def _take_note(self, sentence: str) -> None:
        self._notes = [*self._notes[-9:], (self._monotonic(), sentence)]
        sys.stderr.write(sentence + "\n")
        sys.stderr.flush()

    def _problem(self) -> str:
        self._notes = [note for note in self._notes if note[0] > self._monotonic() - NOTE_S]
        note = self._notes[-1][1] if self._notes else ""
        return self._stuck.problem() or note or self.conversions.problem()

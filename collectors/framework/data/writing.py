"""Brings samples from the spool to their files: which wait for which, and what is done if a file cannot be written."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from msgspec import Struct

from collectors.framework.data.conversions import Counts
from collectors.framework.data.files import RrdFolder, StuckError, Tally
from collectors.framework.data.frames import Entry
from collectors.framework.data.index import Index
from collectors.framework.data.orders import Answer
from collectors.framework.data.seriesfile import SeriesFile
from collectors.framework.data.stuck import Stuck
from collectors.framework.data.tail import SpoolTail
from collectors.framework.data.undo import UndoSlot
from collectors.framework.data.waiting import Waiting, begin, more, number_of, rows_of
from collectors.framework.samplespool import PROGRESS
from common.series import Layout, SeriesKey

HOLD_S = 5.0
"""How long samples wait for more of their file, when nobody asks for them, and there are not many files."""
MOST_HOLD_S = 180.0
FILES_A_SECOND = 400
"""Opening a file costs some 50 us, a sample 3 us: many files are written less often, so many of them a second, with
more samples each. A file that nobody has looked at yet does not wait for that."""
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
    ) -> None:
        self._monotonic = monotonic
        self._hold_s = hold_s
        self._files_a_second = files_a_second
        self._files_at_once = files_at_once
        self._read_at_once = read_at_once
        self._max_held = max_held
        self._notes: list[tuple[float, str]] = []
        self.root = root
        self.index = Index(root)
        self._undo = UndoSlot(spool / "undo", root)
        self._folder = RrdFolder(root, self.index, self._undo, wall, monotonic, self._take_note)
        if self.index.damage:
            self._take_note(self.index.damage)
        self.copying = self._folder.copying
        self.baselines = self._folder.baselines
        self.conversions = self._folder.conversions
        self.reason_to_convert = self._folder.reason_to_convert
        self._folder.recover()
        self._root = str(root)
        self._files: dict[SeriesKey, SeriesFile] = {}
        self._tail: SpoolTail[SeriesFile] = SpoolTail(spool, spool / PROGRESS, self._file)
        self._held: dict[SeriesFile, Waiting] = {}
        self._held_count = 0
        self._held_since = 0.0
        self._new: set[SeriesFile] = set()  # of those that are held, and not opened yet
        self._new_since = 0.0
        self._due: deque[SeriesFile] = deque()  # of those that are held, to be written now
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
        now = self._monotonic()
        if self._held and (now >= self._held_since + self._patience_s() or self._held_count >= self._max_held):
            self._due = deque(self._held)
            self._held_since = now
            self._new.clear()
        elif self._new and now >= self._new_since + self._hold_s:
            self._due.extend(self._new)
            self._new.clear()
        if self._due:
            self._write([self._due.popleft() for _ in range(min(len(self._due), self._files_at_once))])
        self.conversions.step()

    def _read(self) -> None:
        """Read some of what is new in the spool, as long as it has room."""
        read = 0
        self.behind = self._held_count >= self._max_held
        if self.behind:
            return
        for first, entries in self._tail.read():
            self._hold(first, entries)
            read += len(entries)
            if self.stopped:
                return
            if read >= self._read_at_once or self._held_count >= self._max_held:
                self.behind = True
                return

    def _read_again(self) -> None:
        """Begin with the first sample that needs more work: those that are held are among them."""
        self._held.clear()
        self._due.clear()
        self._new.clear()
        self._held_count = 0
        self._tail.rewind()

    def flush(self, devices: Collection[str] | None = None) -> None:
        """Write what is held, all of it or that of some devices, and keep the progress."""
        self._write([file for file in self._held if devices is None or file.key.device in devices])

    def _write(self, files: Iterable[SeriesFile]) -> None:
        for file in files:
            if self.stopped:
                break
            for one in self._in_order(file):
                self._write_one(one)
        self._save()

    def _in_order(self, file: SeriesFile) -> list[SeriesFile]:
        """A file with those that are the same file with other layouts, as far as they hold something, oldest first.

        Else what was held longer would find itself in the past.
        """
        held = self._held
        if file.other is None:
            return [file] if file in held else []
        return sorted((one for one in file.all() if one in held), key=lambda one: number_of(held[one]))

    def _write_one(self, file: SeriesFile) -> None:
        held = self._held.pop(file)
        rows = rows_of(held)
        self._held_count -= len(rows)
        self._new.discard(file)
        try:
            self._folder.write(file, rows)
        except StuckError as error:
            self._stuck.add(file, number_of(held), rows, error)

    def _patience_s(self) -> float:
        """How long samples wait for more of their file."""
        many_s = len(self._files) / self._files_a_second
        return max(self._hold_s, min(many_s, MOST_HOLD_S)) if self._hold_s else 0.0

    def wait_s(self) -> float | None:
        """Seconds until there is something to do without being asked; None for never."""
        if self._due or self.behind:
            return 0.0
        now = self._monotonic()
        moments = [self._held_since + self._patience_s()] if self._held else []
        moments += [self._new_since + self._hold_s] if self._new else []
        others_s = (self._stuck.wait_s(), self.conversions.wait_s())
        moments += [now + other_s for other_s in others_s if other_s is not None]
        return max(0.0, min(moments) - now) if moments else None

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
        return [file for key, file in self._files.items() if not devices or key.device in devices]

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
            file = self._files[key] = SeriesFile(self._root, key, layout, file)
        return file

    def _hold(self, first: int, entries: list[Entry]) -> None:
        if not self._held:
            self._held_since = self._monotonic()
        files = self._tail.series
        held, stuck = self._held, self._stuck.files
        for offset, (number, at, values) in enumerate(entries):
            file = files[number]
            if stuck and file.key in stuck:
                continue
            group = held.get(file)
            if group is None:
                held[file] = begin(first + offset, (at, values))
                if file.last is None:
                    self._note_new(file)
            else:
                held[file] = more(group, (at, values))
            self._held_count += 1

    def _note_new(self, file: SeriesFile) -> None:
        if not self._new:
            self._new_since = self._monotonic()
        self._new.add(file)

    def _save(self) -> None:
        waiting = [number_of(min(self._held.values()))] if self._held else []
        if (first := self._stuck.first()) is not None:
            waiting.append(first)
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

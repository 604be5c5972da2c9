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
from collectors.framework.data.seriesfile import Row, SeriesFile
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
RETRY_S = (2.0, 15.0)
"""First and longest pause before a file that could not be written is tried again."""
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
    """

    done: int
    tally: Tally
    lost: int = 0
    flushed: int = 0
    problem: str = ""
    answers: list[Answer] = []
    conversions: Counts = Counts(0, 0, 0)


class Writer:
    """Brings samples from the spool to their files.

    Args:
        wall: epoch seconds.
        monotonic: seconds that never go back.

    Attributes:
        root: folder of the files.
        index: whose they are.
        copying: what is kept of outages.
        conversions: files that are not as their samples want them.
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
    ) -> None:
        self._monotonic = monotonic
        self._hold_s = hold_s
        self._files_a_second = files_a_second
        self._files_at_once = files_at_once
        self._notes: list[tuple[float, str]] = []
        self.root = root
        self.index = Index(root)
        self._undo = UndoSlot(spool / "undo", root)
        self._folder = RrdFolder(root, self.index, self._undo, wall, monotonic, self._take_note)
        if self.index.damage:
            self._take_note(self.index.damage)
        self.copying = self._folder.copying
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
        self._stuck: dict[SeriesFile, tuple[int, list[Row]]] = {}
        self._stuck_why = ""
        self._retry_at = 0.0
        self._retry_s = RETRY_S[0]
        self.stopped = False

    def gather(self) -> None:
        """Read what is new in the spool, and write what has waited long enough, some of it at a time."""
        self._retry()
        for first, entries in self._tail.read():
            self._hold(first, entries)
            if self._held_count >= MAX_HELD:
                self.flush()
            if self.stopped:
                return
        now = self._monotonic()
        if self._held and now >= self._held_since + self._patience_s():
            self._due = deque(self._held)
            self._held_since = now
            self._new.clear()
        elif self._new and now >= self._new_since + self._hold_s:
            self._due.extend(self._new)
            self._new.clear()
        if self._due:
            self._write([self._due.popleft() for _ in range(min(len(self._due), self._files_at_once))])
        self.conversions.step()

    def flush(self, devices: Collection[str] | None = None) -> None:
        """Write what is held, all of it or that of some devices, and keep the progress."""
        self._write([file for file in self._held if devices is None or file.key.device in devices])

    def _write(self, files: Iterable[SeriesFile]) -> None:
        for file in files:
            if self.stopped:
                break
            if file not in self._held:
                continue
            held = self._held.pop(file)
            rows = rows_of(held)
            self._held_count -= len(rows)
            self._new.discard(file)
            try:
                self._folder.write(file, rows)
            except StuckError as error:
                self._set_stuck(file, number_of(held), rows, error)
        self._save()

    def _patience_s(self) -> float:
        """How long samples wait for more of their file."""
        many_s = len(self._files) / self._files_a_second
        return max(self._hold_s, min(many_s, MOST_HOLD_S)) if self._hold_s else 0.0

    def wait_s(self) -> float | None:
        """Seconds until there is something to do without being asked; None for never."""
        if self._due:
            return 0.0
        now = self._monotonic()
        moments = [self._held_since + self._patience_s()] if self._held else []
        moments += [self._new_since + self._hold_s] if self._new else []
        moments += [self._retry_at] if self._stuck else []
        conversions_s = self.conversions.wait_s()
        moments += [] if conversions_s is None else [now + conversions_s]
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
            file = self._files[key] = SeriesFile(self._root, key, layout, file)
        return file

    def _hold(self, first: int, entries: list[Entry]) -> None:
        if not self._held:
            self._held_since = self._monotonic()
        files = self._tail.series
        held, stuck = self._held, self._stuck
        for offset, (number, at, values) in enumerate(entries):
            file = files[number]
            if file in stuck:
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

    def _set_stuck(self, file: SeriesFile, first: int, rows: list[Row], error: StuckError) -> None:
        if not self._stuck:
            self._retry_at = self._monotonic() + self._retry_s
        self._stuck[file] = (first, rows[:1])
        self._stuck_why = error.message

    def _retry(self) -> None:
        """Try one of the files that could not be written; if it works, read again from the first sample that waits."""
        if not self._stuck or self._monotonic() < self._retry_at:
            return
        file, (_, rows) = next(iter(self._stuck.items()))
        try:
            self._folder.write(file, rows)
        except StuckError as error:
            self._stuck_why = error.message
            self._retry_s = min(RETRY_S[1], self._retry_s * 2)
            self._retry_at = self._monotonic() + self._retry_s
            return
        self.flush()
        self._stuck.clear()
        self._retry_s = RETRY_S[0]
        self._tail.rewind()

    def _save(self) -> None:
        waiting = [first for first, _ in self._stuck.values()]
        waiting += [number_of(min(self._held.values()))] if self._held else []
        try:
            self._tail.save(max(self._tail.done, min(waiting) - 1 if waiting else self._tail.seen))
        except OSError as error:
            self._take_note(f"The progress of the sample spool cannot be kept: {error}")

    def _take_note(self, sentence: str) -> None:
        self._notes = [*self._notes[-9:], (self._monotonic(), sentence)]
        sys.stderr.write(sentence + "\n")
        sys.stderr.flush()

    def _problem(self) -> str:
        if self._stuck:
            return f"{self._stuck_why}. {len(self._stuck)} series wait; their samples are kept in the spool."
        self._notes = [note for note in self._notes if note[0] > self._monotonic() - NOTE_S]
        return self._notes[-1][1] if self._notes else self.conversions.problem()

"""The writer process: the only one that changes RRD files.

Started by the collector daemon as `python -m collectors.framework.rrdwriter --spool DIR --rrd DIR`. It follows the
sample spool and writes, file by file, what has come. On its standard input it gets lines: `go` (there is something
new), `flush N` (write what you hold, and say N), `flush N ["DEVICE"]` (what you hold of these devices). It answers each
with one line of JSON, a `Report`. The end of the
input means that the daemon has gone: what is spooled is written, and the process ends. SIGTERM ends it after the update
under way; the rest waits in the spool.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from collectors.framework.data.files import Row, RrdFolder, SeriesFile, StuckError, Tally
from collectors.framework.data.frames import Entry, read_progress
from collectors.framework.data.index import Index
from collectors.framework.data.tail import SpoolTail
from collectors.framework.data.undo import UndoSlot
from collectors.framework.samplespool import PROGRESS
from common.series import Layout, SeriesKey

HOLD_S = 5.0
"""How long samples wait for more of their file, when nobody asks for them, and there are not many files."""
MOST_HOLD_S = 180.0
FILES_A_SECOND = 400
"""Opening a file costs some 50 us, a sample 3 us: many files are written less often, so many of them a second, with
more samples each. A file that nobody has looked at yet does not wait for that."""
MAX_HELD = 400_000
"""Samples; each takes some 80 bytes."""
RETRY_S = (2.0, 15.0)
"""First and longest pause before a file that could not be written is tried again."""
REOPEN_S = 0.5
"""How often a folder that cannot be opened is tried again."""
NOTE_S = 300.0
"""How long something that was set right stays in the report."""


class Report(Struct, omit_defaults=True, kw_only=True):
    """What the writer process tells the daemon.

    Attributes:
        done: number of the last sample that needs no more work.
        lost: samples missing in the spool.
        flushed: the number of the `flush` that this answers.
        problem: a sentence; empty when all is well.
    """

    done: int
    tally: Tally
    lost: int = 0
    flushed: int = 0
    problem: str = ""


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Row).decode


def _flush_of(line: bytes) -> tuple[int, list[str] | None]:
    """Number and devices of a line that asks for what is held; None for all devices."""
    number, _, devices = line.removeprefix(b"flush ").partition(b" ")
    return int(number), msgspec.json.decode(devices, type=list[str]) if devices else None


class Writer:
    """Brings samples from the spool to their files.

    Args:
        wall: epoch seconds.
        monotonic: seconds that never go back.
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
    ) -> None:
        self._monotonic = monotonic
        self._hold_s = hold_s
        self._files_a_second = files_a_second
        self._notes: list[tuple[float, str]] = []
        self._index = Index(root)
        self._undo = UndoSlot(spool / "undo", root)
        self._folder = RrdFolder(root, self._index, self._undo, wall, self._take_note)
        if self._index.damage:
            self._take_note(self._index.damage)
        self._folder.recover()
        self._root = str(root)
        self._files: dict[SeriesKey, SeriesFile] = {}
        self._tail: SpoolTail[SeriesFile] = SpoolTail(spool, spool / PROGRESS, self._file)
        self._held: dict[SeriesFile, tuple[int, list[bytes]]] = {}  # number of the first, and rows as `_pack` has them
        self._held_count = 0
        self._held_since = 0.0
        self._new: set[SeriesFile] = set()  # of those that are held, and not opened yet
        self._new_since = 0.0
        self._stuck: dict[SeriesFile, tuple[int, list[Row]]] = {}
        self._stuck_why = ""
        self._retry_at = 0.0
        self._retry_s = RETRY_S[0]
        self.stopped = False

    def gather(self) -> None:
        """Read what is new in the spool, and write what has waited long enough."""
        self._retry()
        for first, entries in self._tail.read():
            self._hold(first, entries)
            if self._held_count >= MAX_HELD:
                self.flush()
            if self.stopped:
                return
        if self._held and self._monotonic() >= self._held_since + self._patience_s():
            self.flush()
        elif self._new and self._monotonic() >= self._new_since + self._hold_s:
            self._write(list(self._new))

    def flush(self, devices: Collection[str] | None = None) -> None:
        """Write what is held, all of it or that of some devices, and keep the progress."""
        self._write([file for file in self._held if devices is None or file.key.device in devices])

    def _write(self, files: Iterable[SeriesFile]) -> None:
        for file in files:
            if self.stopped:
                break
            first, packed = self._held.pop(file)
            self._held_count -= len(packed)
            self._new.discard(file)
            rows = [_unpack(row) for row in packed]
            try:
                self._folder.write(file, rows)
            except StuckError as error:
                self._set_stuck(file, first, rows, error)
        self._save()

    def _patience_s(self) -> float:
        """How long samples wait for more of their file."""
        many_s = len(self._files) / self._files_a_second
        return max(self._hold_s, min(many_s, MOST_HOLD_S)) if self._hold_s else 0.0

    def wait_s(self) -> float | None:
        """Seconds until there is something to do without being asked; None for never."""
        now = self._monotonic()
        moments = [self._held_since + self._patience_s()] if self._held else []
        moments += [self._new_since + self._hold_s] if self._new else []
        moments += [self._retry_at] if self._stuck else []
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
        )

    def close(self) -> None:
        """Release files; nothing that is held is lost, the spool has it."""
        self._tail.close()
        self._undo.close()
        self._index.close()

    def _file(self, key: SeriesKey, layout: Layout) -> SeriesFile:
        file = self._files.get(key)
        if file is None or file.layout != layout:
            # Read from the spool, each name is a text of its own; many files have names in common.
            key = SeriesKey(sys.intern(key.device), sys.intern(key.component), sys.intern(key.source))
            file = self._files[key] = SeriesFile(self._root, key, layout)
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
                held[file] = (first + offset, [_pack((at, values))])
                if file.last is None:
                    self._note_new(file)
            else:
                group[1].append(_pack((at, values)))
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
        waiting = [first for first, _ in (*self._stuck.values(), *self._held.values())]
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
        return self._notes[-1][1] if self._notes else ""


class Loop:
    """Feeds a `Writer` from the process's input, and tells how things stand on its output."""

    def __init__(self, spool: Path, root: Path, hold_s: float) -> None:
        self._spool = spool
        self._root = root
        self._hold_s = hold_s
        self._writer: Writer | None = None
        self._trouble = ""
        self._input = b""
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopped = False
        self._lock: int | None = None
        self._told = -1

    def run(self) -> int:
        """Work until the input ends (write all, then go) or SIGTERM comes (go after the update under way)."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which then ends our input
        try:
            while not self._stopped:
                lines = self._wait()
                self._step(lines)
                if lines is None:
                    break
        except BrokenPipeError:
            self._step(None)
        finally:
            if self._writer is not None:
                self._writer.close()
        return 0

    def _stop(self, _signal: int, _frame: object) -> None:
        self._stopped = True
        if self._writer is not None:
            self._writer.stopped = True

    def _wait(self) -> list[bytes] | None:
        """Lines that came, or none when something is due without; None at the end of the input."""
        wait_s = self._writer.wait_s() if self._writer is not None else REOPEN_S
        ready, _, _ = select.select([0, self._wake_read], [], [], wait_s)
        if 0 not in ready:
            return []
        data = os.read(0, 65536)
        if not data:
            return None
        *lines, self._input = (self._input + data).split(b"\n")
        return lines

    def _step(self, lines: list[bytes] | None) -> None:
        writer = self._writer or self._open()
        flushes = [_flush_of(line) for line in lines or () if line.startswith(b"flush ")]
        if writer is not None:
            writer.gather()
            if lines is None or any(devices is None for _, devices in flushes):
                writer.flush()
            elif flushes:
                writer.flush({device for _, devices in flushes for device in devices or ()})
        if lines or (writer is not None and writer.done != self._told):
            self._tell(max((number for number, _ in flushes), default=0))

    def _tell(self, flushed: int) -> None:
        if self._writer is not None:
            report = self._writer.report(flushed)
        else:
            done = read_progress(self._spool / PROGRESS)
            report = Report(done=done, tally=Tally(), flushed=flushed, problem=self._trouble)
        data = msgspec.json.encode(report) + b"\n"
        self._told = report.done
        while data:
            data = data[os.write(1, data) :]

    def _open(self) -> Writer | None:
        try:
            self._root.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._spool.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._writer = Writer(self._spool, self._root, time.time, time.monotonic, self._hold_s)
        except (OSError, sqlite3.Error, StuckError) as error:
            self._trouble = f"The RRD folder {self._root} cannot be written: {error}. Samples are kept in the spool."
            return None
        self._writer.stopped = self._stopped
        return self._writer

    def _take_lock(self) -> None:
        """Two writers would corrupt files without a trace."""
        if self._lock is None:
            self._lock = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError("another writer process is still at work there") from None


def main(arguments: list[str]) -> int:
    """Run until the input ends or SIGTERM comes."""
    parser = argparse.ArgumentParser(prog="rrdwriter")
    parser.add_argument("--spool", type=Path, required=True)
    parser.add_argument("--rrd", type=Path, required=True)
    parser.add_argument("--hold", type=float, default=HOLD_S)
    options = parser.parse_args(arguments)
    with contextlib.suppress(OSError):  # under memory pressure, end anything else first; needs privileges
        Path("/proc/self/oom_score_adj").write_text("-500")
    return Loop(options.spool, options.rrd, options.hold).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

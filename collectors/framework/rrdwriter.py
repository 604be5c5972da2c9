"""The writer process: the only one that changes RRD files.

Started by the collector daemon as `python -m collectors.framework.rrdwriter --spool DIR --rrd DIR`. It follows the
sample spool and writes, file by file, what has come. On its standard input it gets lines: `go` (there is something
new), `flush N` (write what you hold, and say N), `flush N ["DEVICE"]` (what you hold of these devices). It answers each
with one line of JSON, a `Report`. `order TOKEN JSON` is an order (`data.orders`); what becomes of it stands in reports.
The end of the input means that the daemon has gone: what is spooled is written, and
the process ends. SIGTERM ends it after the update under way; the rest waits in the spool.
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
from collections.abc import Sequence
from pathlib import Path

import msgspec

from collectors.framework.data.limits import FileSettings
from collectors.framework.data.spool.frames import read_progress
from collectors.framework.data.writing.conversions import Counts
from collectors.framework.data.writing.desk import Desk
from collectors.framework.data.writing.files import StuckError, Tally
from collectors.framework.data.writing.holding import HOLD_S
from collectors.framework.data.writing.writer import Report, Writer
from collectors.framework.samplespool import PROGRESS

REOPEN_S = 0.5
"""How often a folder that cannot be opened is tried again."""


def _flush_of(line: bytes) -> tuple[int, list[str] | None]:
    """Number and devices of a line that asks for what is held; None for all devices."""
    number, _, devices = line.removeprefix(b"flush ").partition(b" ")
    return int(number), msgspec.json.decode(devices, type=list[str]) if devices else None


def _standing(writer: Writer) -> tuple[int, Counts]:
    """What the daemon wants to hear of unasked."""
    return writer.done, writer.conversions.counts


class Loop:
    """Feeds a `Writer` from the process's input, and tells how things stand on its output."""

    def __init__(self, spool: Path, root: Path, hold_s: float, limits: FileSettings) -> None:
        self._spool = spool
        self._root = root
        self._hold_s = hold_s
        self._limits = limits
        self._writer: Writer | None = None
        self._trouble = ""
        self._input = b""
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stopped = False
        self._lock: int | None = None
        self._told = (-1, Counts(0, 0, 0))
        self._desk = Desk()

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
        if self._desk.busy:
            wait_s = 0.0
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
            if lines is None:
                self._finish(writer)
            elif any(devices is None for _, devices in flushes):
                writer.flush()
            elif flushes:
                writer.flush({device for _, devices in flushes for device in devices or ()})
        self._orders(writer, lines or ())
        if lines or self._desk.answers or (writer is not None and _standing(writer) != self._told):
            self._tell(max((number for number, _ in flushes), default=0))

    @staticmethod
    def _finish(writer: Writer) -> None:
        """Write all that is spooled: nobody asks for anything any more."""
        while writer.behind and not writer.stopped:
            writer.gather()
        writer.flush()

    def _orders(self, writer: Writer | None, lines: Sequence[bytes]) -> None:
        for line in lines:
            if line.startswith(b"order "):
                self._desk.take(line.removeprefix(b"order "))
        if writer is None:
            self._desk.refuse(self._trouble)
        elif self._desk.busy and not self._stopped:
            self._desk.step(writer)

    def _tell(self, flushed: int) -> None:
        if self._writer is not None:
            report = self._writer.report(flushed)
        else:
            done = read_progress(self._spool / PROGRESS)
            report = Report(done=done, tally=Tally(), flushed=flushed, problem=self._trouble)
        report.answers, self._desk.answers = self._desk.answers, []
        data = msgspec.json.encode(report) + b"\n"
        self._told = (report.done, report.conversions)
        while data:
            data = data[os.write(1, data) :]

    def _open(self) -> Writer | None:
        try:
            self._root.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._spool.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._writer = Writer(self._spool, self._root, time.time, time.monotonic, self._hold_s, limits=self._limits)
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
    parser.add_argument("--limits", default="{}")
    options = parser.parse_args(arguments)
    with contextlib.suppress(OSError):  # under memory pressure, end anything else first; needs privileges
        Path("/proc/self/oom_score_adj").write_text("-500")
    limits = msgspec.json.decode(options.limits, type=FileSettings)
    return Loop(options.spool, options.rrd, options.hold, limits).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

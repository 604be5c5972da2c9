"""What is sent when, what waits, and what is dropped: samples from their spool to the other side."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from collectors.framework.data.spool.frames import Entry, segments
from collectors.framework.data.spool.tail import SpoolTail
from collectors.framework.outlets.posting import Fate, Post
from collectors.framework.outlets.sendingtask import PROGRESS, Sent
from collectors.framework.outlets.settings import RemoteWriteSettings
from collectors.framework.outlets.writerequest import Body, Row, Stream
from common.series import Layout, SeriesKey

LOOK_S = 1.0
"""How often it is looked for samples that are new."""
TRIM_S = 10.0
PAUSE_S = (1.0, 60.0)
"""The first and the longest pause after an attempt that failed."""
PATIENCE_S = 5.0
"""An attempt that fails is no problem where the next succeeds before that."""
REFUSED_S = 60.0
"""A refusal is told for so long at least: where a part of the requests is refused, it is one problem, and not many."""
RESERVE_BYTES = 64 * 1024 * 1024
"""A disk with less space than this keeps nothing for others: it is needed for our own files."""
ROWS = 500


class Sender:
    """Follows the spool and sends request after request, one at a time.

    Args:
        folder: its own links to the segments of the sample spool.
        labels: that each series gets.
        post: sends one.
        monotonic: seconds that never go back.
        wall: epoch seconds.
    """

    def __init__(
        self,
        settings: RemoteWriteSettings,
        folder: Path,
        labels: Mapping[str, str],
        post: Post,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._labels = labels
        self._post = post
        self._monotonic = monotonic
        self._wall = wall
        self._rng = rng
        folder.mkdir(parents=True, exist_ok=True)
        self._streams: dict[SeriesKey, Stream] = {}
        self._tail: SpoolTail[Stream] = SpoolTail(folder, folder / PROGRESS, self._stream)
        self._rows = self._read()
        self._body = Body()
        self._last = self._tail.done
        self._since = 0.0
        self._packed: bytes | None = None
        self._pause_s = PAUSE_S[0]
        self._again_at = 0.0
        self._trim_at = 0.0
        self._well_at = 0.0
        self._failing_since: float | None = None
        self._lost = 0
        self.report = Sent()

    def step(self) -> float:
        """Do what is due; give the seconds until there may be something again."""
        now = self._monotonic()
        if now >= self._trim_at:
            self._trim_at = now + TRIM_S
            self._trim()
        if now < self._again_at:
            return min(self._again_at, self._trim_at) - now
        self._fill(now)
        if self._packed is None:
            if not self._body.samples:
                self._save()
                return LOOK_S
            if self._body.samples < self._settings.samples and now - self._since < self._settings.wait_s:
                return min(LOOK_S, self._settings.wait_s)
            self._packed = self._body.packed()
        return self._send(self._packed)

    def close(self) -> None:
        """Let go of files; what was not taken waits."""
        self._tail.close()

    def _stream(self, key: SeriesKey, layout: Layout) -> Stream:
        stream = self._streams[key] = Stream(key, layout, self._labels, self._streams.get(key))
        return stream

    def _read(self) -> Iterator[tuple[int, list[Row]]]:
        """Samples as they lie in the spool, some at a time, each time with the number of the last."""
        while True:
            for first, entries in self._tail.read():
                series, begin = self._tail.series, 0
                while begin < len(entries):
                    part = list(self._fitting(entries, begin))
                    begin += len(part)
                    yield first + begin - 1, [(series[number], at, row) for number, at, row in part]
            yield 0, []

    def _fitting(self, entries: Sequence[Entry], begin: int) -> Iterator[Entry]:
        """As many as there is room for in the request; one at least."""
        room = self._settings.samples - self._body.samples
        for entry in entries[begin : begin + ROWS]:
            yield entry
            room -= len(entry[2])
            if room <= 0:
                return

    def _fill(self, now: float) -> None:
        while self._packed is None and self._body.samples < self._settings.samples:
            last, rows = next(self._rows)
            if not rows:
                return
            if not self._body.samples:
                self._since = now
            self._body.add(rows)
            self._last = last

    def _send(self, packed: bytes) -> float:
        answer = self._post(packed)
        if answer.fate is Fate.LATER:
            pause_s = max(answer.retry_after_s, self._pause_s * self._rng.uniform(0.5, 1.0))
            self._pause_s = min(PAUSE_S[1], self._pause_s * 2)
            now = self._monotonic()
            self._again_at = now + pause_s
            if self._failing_since is None:
                self._failing_since = now
            if self._again_at - self._failing_since >= PATIENCE_S:
                self.report.problem = f"{answer.why}. Samples wait for it, up to {self._settings.keep_mb} MB."
            return min(pause_s, TRIM_S)  # what waits is looked after meanwhile
        self._failing_since = None
        self.report.requests += 1
        if answer.fate is Fate.TAKEN:
            self.report.sent += self._body.samples
            if self._monotonic() >= self._well_at:
                self.report.problem = ""
        else:
            self._well_at = self._monotonic() + REFUSED_S
            self.report.refused += self._body.samples
            self.report.problem = f"{answer.why}. {self.report.refused} values were refused so far, and are dropped."
        self._pause_s = PAUSE_S[0]
        self._body, self._packed = Body(), None
        self._save()
        return 0.0

    def _save(self) -> None:
        try:
            self._tail.save(max(self._tail.done, self._last))
        except OSError as error:
            self.report.problem = (
                f"{self._folder} cannot be written ({error.strerror}); a restart sends some samples again."
            )
        self.report.dropped += self._tail.lost - self._lost
        self._lost = self._tail.lost

    def _trim(self) -> None:
        """Drop what has waited too long, and the oldest of what is too much; never what comes now."""
        kept: list[tuple[Path, int, float]] = []
        for _, path in segments(self._folder):
            with contextlib.suppress(FileNotFoundError):
                told = path.stat()
                kept.append((path, told.st_size, told.st_mtime))
        total = sum(size for _, size, _ in kept)
        disk = os.statvfs(self._folder)
        missing = RESERVE_BYTES - disk.f_bavail * disk.f_frsize
        oldest = self._wall() - self._settings.keep_hours * 3600
        for path, size, changed in kept[:-1]:
            if total <= self._settings.keep_mb * 1_000_000 and changed >= oldest and missing <= 0:
                break
            path.unlink(missing_ok=True)
            total -= size
            missing -= size
        self.report.waiting_bytes = total

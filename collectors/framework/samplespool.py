"""Where samples are durable before they are in their RRD files.

The collector appends, the writer process follows (`data.spool.tail`) and deletes what it has written. All calls block
and belong in one thread.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from collectors.framework.data.spool.frames import (
    Definition,
    Entry,
    Named,
    pack,
    read_progress,
    scan,
    segment_path,
    segments,
    size_of,
)
from common.durable import sync
from common.series import Layout, SeriesKey

PROGRESS = "progress"
MAX_BYTES = 256 * 1024 * 1024
MAX_AGE_S = 7 * 86_400.0
"""What could not be written for so long is older than what any file still keeps at full step."""
LOOK_S = 60.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
SEGMENT_BYTES = 4 * 1024 * 1024
"""Of samples, at least, before the next segment begins."""
SAMPLES_SHARE = 4
"""A segment holds so many bytes of samples for each byte of definitions, if it may become so large: each segment names
its series anew, and of many series the names would otherwise be more than the samples."""
FRAME_ENTRIES = 20_000


class SampleSpool:
    """The appending end of the spool.

    Args:
        followers: folders that get a link to each segment, for others who read it, and drop the link when they have.

    Attributes:
        next: number that the next sample will get.
        dropped: samples lost because the spool was full, since it was opened.
        aged: samples lost because they were in it for too long.
        cut: a sentence, when `open` found an end that cannot be read; empty otherwise.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int = MAX_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        followers: Sequence[Path] = (),
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._wall = wall
        self._looked_at = 0.0
        self._followers = tuple(followers)
        self._max_bytes = max_bytes
        self._largest_bytes = max(1, max_bytes // 4)
        self._segment_bytes = min(segment_bytes, self._largest_bytes)
        self._fd: int | None = None
        self._current = segment_path(folder, 0)
        self._size = 0
        self._defined = bytearray()  # by number, whether this segment names the series
        self._defined_bytes = 0
        self._layouts: dict[int, tuple[Layout, int]] = {}  # by identity, with a series of this segment that has it
        self._others_bytes = 0
        self.next = 1
        self.dropped = 0
        self.aged = 0
        self.cut = ""

    def open(self) -> None:
        """Make the folder, cut what a crash left torn, find where the numbers go on.

        Raises:
            OSError: the disk refused.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        # A follower may be further than what is here, where a crash or a hand has taken samples away: what comes now
        # must not bear numbers that it is done with.
        last = max(read_progress(folder / PROGRESS) for folder in (self._folder, *self._followers))
        found = segments(self._folder)
        for first, path in found[-1:]:
            data = path.read_bytes()
            end, newest = scan(data)
            if end < len(data):
                os.truncate(path, end)
                self.cut = f"the last {len(data) - end} bytes of {path} were torn or damaged, and are left out"
            last = max(last, first - 1, newest or 0)
        self.next = last + 1
        self._others_bytes = self._measure()

    def append(self, series: Mapping[int, Definition], entries: Sequence[Entry], *, press: bool = False) -> None:
        """Put samples on disk, durable on return.

        Args:
            series: definitions by number; only those that entries refer to and this segment lacks are written.
            entries: the samples, in order.
            press: there is no other place for them: on a full disk, the oldest samples go in their stead. What only
                followers still want goes in any case.

        Raises:
            OSError: the disk refused; `next` tells how many of the samples are stored all the same.
        """
        self._let_age()
        for start in range(0, len(entries), FRAME_ENTRIES):
            frame = entries[start : start + FRAME_ENTRIES]
            while True:
                try:
                    self._append_frame(series, frame)
                except OSError as error:
                    full = error.errno in _FULL
                    if full and (self._take_from_followers() or (press and self._drop_oldest())):
                        continue
                    raise
                break

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _append_frame(self, series: Mapping[int, Definition], entries: Sequence[Entry]) -> None:
        if self._fd is not None and self._is_full():
            self._others_bytes += self._size
            self.close()
        if self._fd is None:
            self._begin_segment()
        used = sorted({entry[0] for entry in entries})
        self._defined.extend(bytes(max(0, used[-1] + 1 - len(self._defined))))
        new = [number for number in used if not self._defined[number]]
        definitions = [self._named(*series[number]) for number in new]
        frame = pack(self.next, definitions, entries)
        self._make_room(len(frame))
        self._write(frame)
        for number in new:
            self._defined[number] = True
        self._defined_bytes += size_of(definitions)
        self.next += len(entries)

    def _is_full(self) -> bool:
        wanted = max(self._segment_bytes, SAMPLES_SHARE * self._defined_bytes)
        return self._size >= self._largest_bytes or self._size - self._defined_bytes >= wanted

    def _named(self, number: int, key: SeriesKey, layout: Layout) -> Named:
        """A definition, its layout told only once in a segment."""
        known = self._layouts.setdefault(id(layout), (layout, number))[1]
        return (number, key, layout if known == number else known)

    def _begin_segment(self) -> None:
        self._current = segment_path(self._folder, self.next)
        self._fd = os.open(self._current, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = self._defined_bytes = 0
        self._defined = bytearray()
        self._layouts = {}
        sync(self._folder)
        for follower in self._followers:
            self._link(follower)

    def _link(self, follower: Path) -> None:
        """Let a follower have the segment; one that cannot sees by the numbers of the samples what it has missed."""
        with contextlib.suppress(OSError):
            follower.mkdir(parents=True, exist_ok=True)
            (follower / self._current.name).unlink(missing_ok=True)
            os.link(self._current, follower / self._current.name)

    def _write(self, frame: bytes) -> None:
        fd = self._fd
        assert fd is not None
        try:
            written = os.write(fd, frame)
            while written < len(frame):
                written += os.write(fd, frame[written:])
            os.fdatasync(fd)
        except OSError:
            # What was written in part, or may not have reached the disk, must not count: the next try begins a
            # segment of its own, and a reader that has seen these numbers skips them.
            with contextlib.suppress(OSError):
                os.ftruncate(fd, self._size)
            if self._size == 0:
                self._current.unlink(missing_ok=True)
            self._others_bytes += self._size
            self.close()
            raise
        self._size += len(frame)

    def _make_room(self, wanted: int) -> None:
        if self._others_bytes + self._size + wanted <= self._max_bytes:
            return
        self._others_bytes = self._measure()
        for (first, path), (following, _) in itertools.pairwise(segments(self._folder)):
            if self._others_bytes + self._size + wanted <= self._max_bytes:
                return
            if path == self._current:
                continue
            with contextlib.suppress(FileNotFoundError):
                self._others_bytes -= path.stat().st_size
            self.dropped += self._delete(first, path, following)

    def _drop_oldest(self) -> bool:
        """Delete the segment that has waited longest; False when there is none but the one in use."""
        found = segments(self._folder)
        if not found or (found[0][1] == self._current and self._fd is not None):
            return False
        following = found[1][0] if len(found) > 1 else self.next
        self.dropped += self._delete(*found[0], following)
        self._others_bytes = self._measure()
        return True

    def _take_from_followers(self) -> bool:
        """Delete the oldest segment that a follower alone still wants: it is in our files. False when there is none."""
        for _, path in (segment for follower in self._followers for segment in segments(follower)):
            with contextlib.suppress(FileNotFoundError):
                told = path.stat()
                if told.st_nlink == 1 and told.st_size:
                    path.unlink()
                    return True
        return False

    def _let_age(self) -> None:
        """Delete segments that nobody has added to for too long."""
        now = self._wall()
        if 0 <= now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        for (first, path), (following, _) in itertools.pairwise(segments(self._folder)):
            with contextlib.suppress(FileNotFoundError):
                if path == self._current or now - path.stat().st_mtime < MAX_AGE_S:
                    break
                self.aged += self._delete(first, path, following)
                self._others_bytes = self._measure()

    def _delete(self, first: int, path: Path, following: int) -> int:
        """Delete a segment; give how many of its samples were not written."""
        done = read_progress(self._folder / PROGRESS)
        path.unlink(missing_ok=True)
        return max(0, following - max(done + 1, first))

    def _measure(self) -> int:
        """Bytes of all segments but the current one; the writer process deletes some in between."""
        total = 0
        for _, path in segments(self._folder):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size if path != self._current or self._fd is None else 0
        return total

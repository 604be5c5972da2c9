"""The reading end of the sample spool, in the writer process."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from collectors.framework.data.spool.frames import (
    Entry,
    Frame,
    pack_progress,
    read_progress,
    segments,
    unpack,
)
from common.series import Layout, SeriesKey

T = TypeVar("T")


class SpoolTail(Generic[T]):
    """Follows the spool from the first sample that is not done.

    Args:
        progress: file that keeps `done` over restarts.
        make: called for each definition; gives what stands for the series in `series`.

    Attributes:
        done: every sample up to this number needs no more work; kept on disk by `save`.
        seen: number of the last sample that was read.
        lost: samples that are missing between those that were read: damaged, or dropped because the spool was full.
        series: what `make` gave, at the numbers that entries of the frame just read use.
    """

    def __init__(self, folder: Path, progress: Path, make: Callable[[SeriesKey, Layout], T]) -> None:
        self._make = make
        self._folder = folder
        self._progress = progress
        self._fd: int | None = None
        self.done = read_progress(progress)
        self.lost = 0
        self._reached = 0
        self.rewind()

    def rewind(self) -> None:
        """Read again from the first sample that is not done."""
        self.close()
        self.seen = self.done
        self.series: list[T] = []
        self._layouts: dict[int, Layout] = {}
        self._first = -1
        self._offset = 0

    def read(self) -> Iterator[tuple[int, list[Entry]]]:
        """Frames not yet seen: number of the first sample, and the samples."""
        while True:
            # Looked for before the current one is read: when there is a following one, the current is complete.
            following = self._following()
            yield from self._frames()
            if following is None:
                return
            self._enter(*following)

    def save(self, done: int) -> None:
        """Keep the progress over restarts, and delete segments that nobody needs any more.

        Raises:
            OSError: the disk refused; a restart begins earlier, which does no harm.
        """
        if done == self.done:
            return
        # In place and in one write: a kill cannot tear it, and once it is there a full disk cannot refuse it.
        fd = os.open(self._progress, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            os.pwrite(fd, pack_progress(done), 0)
        finally:
            os.close(fd)
        self.done = done
        found = segments(self._folder)
        for (_, path), (following, _) in itertools.pairwise(found):
            if following > done + 1:
                break
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _following(self) -> tuple[int, Path] | None:
        found = segments(self._folder)
        if self._fd is None:
            begun = [segment for segment in found if segment[0] <= self.done + 1]
            return begun[-1] if begun else next(iter(found), None)
        # A segment that has lost its name was dropped, or begun anew under the same name.
        least = self._first if os.fstat(self._fd).st_nlink == 0 else self._first + 1
        return next((segment for segment in found if segment[0] >= least), None)

    def _enter(self, first: int, path: Path) -> None:
        self.close()
        self.series, self._layouts = [], {}
        self._first, self._offset = first, 0
        with contextlib.suppress(FileNotFoundError):  # dropped this moment: the next look finds another
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _frames(self) -> Iterator[tuple[int, list[Entry]]]:
        if self._fd is None:
            return
        base = self._offset
        rest = os.fstat(self._fd).st_size - base
        for frame in unpack(os.pread(self._fd, max(0, rest), base)):
            self._offset = base + frame.end
            fresh = self._fresh(frame)
            if fresh is not None:
                yield fresh

    def _fresh(self, frame: Frame) -> tuple[int, list[Entry]] | None:
        for number, key, told in frame.definitions:
            if isinstance(told, int):
                layout = self._layouts[told]
            else:
                layout = self._layouts[number] = told
            made = self._make(key, layout)
            self.series.extend([made] * (number + 1 - len(self.series)))  # what is between is named before it is used
            self.series[number] = made
        if frame.last <= self.seen:
            return None
        if self.seen:
            self.lost += max(0, frame.first - 1 - max(self.seen, self._reached))
        skip = max(0, self.seen + 1 - frame.first)
        self.seen = frame.last
        self._reached = max(self._reached, frame.last)
        return frame.first + skip, frame.entries[skip:]

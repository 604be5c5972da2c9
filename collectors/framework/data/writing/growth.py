"""Whether there may be one more file: names of series come from hosts and programs that may make up ever new ones.

Files are never deleted unasked, so that what there may be of a device and of a source is bounded, and the last room of
a disk is for samples of files that are there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from msgspec import Struct, field

from collectors.framework.data.index import Index
from collectors.framework.data.limits import FileSettings
from collectors.framework.data.room import spare_bytes
from common import rrd
from common.matching import printable
from common.series import PUSHED, Layout, Retention, SeriesKey

RECOUNT_S = 60.0
"""So often it is looked whether files of a device that has no room were deleted."""
NOTE_S = 240.0
MOST_FREE_BYTES = 256 * 1024**2
GIB = 1024**3

_size = lru_cache(maxsize=1024)(rrd.size_bytes)


class _Held(Struct):
    """What there is of a device."""

    counted_at: float
    size_bytes: int = 0
    of_source: Counter[str] = field(default_factory=Counter)


class Growth:
    """Knows what there is of the devices that get new files.

    Args:
        root: folder of the files.
        index: knows them.
        wall: epoch seconds.
        note: takes a sentence for the operator.
    """

    def __init__(
        self, root: Path, index: Index, wall: Callable[[], float], note: Callable[[str], None], limits: FileSettings
    ) -> None:
        self._root = root
        self._index = index
        self._wall = wall
        self._note = note
        self._limits = limits
        self._held: dict[str, _Held] = {}
        self._said: dict[str, float] = {}

    def admits(self, key: SeriesKey, layout: Layout) -> bool:
        """Whether a series may have a file; where it may not, that is told.

        Raises:
            sqlite3.Error: the index cannot be read.
        """
        wrong = self._wrong(key, layout)
        if wrong and self._wall() - self._held[key.device].counted_at >= RECOUNT_S:
            del self._held[key.device]
            wrong = self._wrong(key, layout)
        if wrong:
            self._tell(key.device, wrong)
        return not wrong

    def added(self, key: SeriesKey, layout: Layout) -> None:
        """A file was created."""
        held = self._held.get(key.device)
        if held is not None:
            held.size_bytes += _bytes(layout)
            held.of_source[group(key.source)] += 1

    def may_grow(self, key: SeriesKey, before: Layout | None, layout: Layout) -> bool:
        """Whether a file may be made anew for another layout; where it may not, that is told."""
        more = _bytes(layout) - _bytes(before)
        if more <= 0 or self._of(key.device).size_bytes + more <= self._limits.device_gib * GIB:
            return True
        self._tell(key.device, self._too_large(key))
        return False

    def grown(self, key: SeriesKey, before: Layout | None, layout: Layout) -> None:
        """A file was made anew."""
        if (held := self._held.get(key.device)) is not None:
            held.size_bytes += _bytes(layout) - _bytes(before)

    def short_of_room(self, layout: Layout) -> str:
        """Why a file of this layout has to wait, as a sentence; empty when it has not to.

        Raises:
            OSError: the disk cannot be asked.
        """
        disk = os.statvfs(self._root)
        least = spare_bytes(disk, self._limits.free_percent / 100, MOST_FREE_BYTES)
        free = disk.f_bavail * disk.f_frsize
        if not least or free - _bytes(layout) >= least:
            return ""
        return (
            f"The disk of {self._root} has {free // 1024**2} MiB left, and the last {least / 1024**2:.0f} MiB are for "
            "samples of files that are there: free some space there, or set [files] free_percent"
        )

    def _wrong(self, key: SeriesKey, layout: Layout) -> str:
        held, limits = self._of(key.device), self._limits
        if held.size_bytes + _bytes(layout) > limits.device_gib * GIB:
            return self._too_large(key)
        if held.of_source[group(key.source)] < limits.source:
            return ""
        whose = "figures that are pushed" if key.source.startswith(PUSHED) else f"source {printable(key.source, 60)}"
        return (
            f"{whose} of device {key.device} have {limits.source:,} files, as many as may be; "
            f"component {printable(key.component, 60)!r} gets none, and its samples are dropped: stop whatever makes "
            "up new names, and purge files of those that are gone, or set [files] source"
        )

    def _too_large(self, key: SeriesKey) -> str:
        return (
            f"the files of device {key.device} take {self._limits.device_gib:g} GiB, as much as they may; there is "
            f"none for {printable(key.component, 60)!r} of source {printable(key.source, 60)}, whose samples are "
            "dropped: purge what is not needed, or set [files] device_gib"
        )

    def _of(self, device: str) -> _Held:
        held = self._held.get(device)
        if held is None:
            held = self._held[device] = _Held(self._wall())
            for source, points, step_s in self._index.sizes_of(device):
                held.size_bytes += _size(points, step_s, Retention.STANDARD)
                held.of_source[group(source)] += 1
        return held

    def _tell(self, device: str, wrong: str) -> None:
        now = self._wall()
        if not 0 <= now - self._said.get(device, -NOTE_S) < NOTE_S:
            self._said[device] = now
            self._note(wrong[0].upper() + wrong[1:])


def _bytes(layout: Layout | None) -> int:
    return _size(len(layout.points), layout.step_s, layout.retention) if layout is not None else 0


def group(source: str) -> str:
    """What the files of a source are counted under."""
    return PUSHED if source.startswith(PUSHED) else source

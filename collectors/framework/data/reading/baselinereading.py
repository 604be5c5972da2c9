"""What is new of the baselines of devices, read from their files (in the reader process)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import rrdtool
from msgspec import Struct

from collectors.framework.data import rrdfile
from collectors.framework.data.baselinefiles import EXPECTED, KEPT, SPREAD, Band, bands
from collectors.framework.data.index import read_device
from collectors.framework.data.rrdfile import DamagedError
from collectors.framework.judging.baselines import Learned, Look
from common.series import finite

MOST_DEVICES = 20
MOST_LOOKS = 100_000
"""In an answer, about: some megabytes."""
_LEAST_LOOKS = 16
_OVERLAP = 3
"""So many parts that were told are told again, in case the one that they were told to has lost them."""


class LessonsQuery(Struct, frozen=True, tag=True):
    """What is new of the baselines of devices?

    Attributes:
        after: by device, epoch second of the last part that was told; 0 for none.
    """

    after: dict[str, int]


class LessonsTold(Struct, frozen=True, tag=True):
    """What is new, by device; those that are not among them are to be asked about again."""

    learned: dict[str, list[Learned]]


def lessons(root: Path, query: LessonsQuery) -> LessonsTold:
    """Read what is new."""
    told: dict[str, list[Learned]] = {}
    count = 0
    for device, after in query.after.items():
        told[device] = list(_of(root, device, after))
        count += sum(len(learned.looks) for learned in told[device])
        if count >= MOST_LOOKS:
            break
    return LessonsTold(told)


def _of(root: Path, device: str, after: int) -> Iterator[Learned]:
    found = [(series, band) for series in read_device(root, device) for band in bands(root, series.file)]
    most = min(KEPT, max(_LEAST_LOOKS, MOST_LOOKS // max(1, len(found))))
    for series, band in found:
        looks = looks_of(band, after, most)
        if looks:
            yield Learned(series.key, band.baseline, band.begun, looks)


def looks_of(band: Band, after: int, most: int = KEPT) -> list[Look]:
    """The parts of a file that ended after an epoch second, and some before; none when it cannot be read.

    Args:
        band: the file.
        after: epoch second.
        most: so many of the last ones.
    """
    try:
        header = rrdfile.look(band.path)  # librrd would end the process at some that are damaged
        last, length_s = header.last, header.step_s
        start = max(after - _OVERLAP * length_s, last - most * length_s)
        values, expected, spreads = (_column(band.path, cf, start, last) for cf in ("AVERAGE", EXPECTED, SPREAD))
    except (rrdtool.OperationalError, DamagedError, OSError):
        return []  # it has gone meanwhile, or is damaged: the writer process sees to it
    return [Look(end, values[end], expected.get(end), spreads.get(end)) for end in sorted(values) if end <= last]


def _column(path: str, cf: str, start: int, last: int) -> dict[int, float | None]:
    """Rows of an archive by the end of the part; None is unknown."""
    if start >= last:
        return {}
    (begin, _, step_s), _, rows = rrdtool.fetch(path, cf, "-s", str(start), "-e", str(last))
    return {begin + step_s * place: finite(row[0]) for place, row in enumerate(rows, start=1)}

"""Copies of what a file knew at full step before an outage, as whoever reads them sees them.

When samples come again after a long gap, rrdtool blanks all rows that its rings have passed meanwhile: the last hours
before a host went silent would be left as averages alone. The writer process keeps them as a small file of their own,
beside the series' file, with the same names of data sources (`data.writing.copying`). A data source of a copy is a
gauge, also that of a counter: what a row holds is the rate that the file held.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from msgspec import Struct

MARK = ".gap-"
_NAME = re.compile(r"^(?P<file>[0-9a-f]{32}\.rrd)\.gap-(?P<first>\d{9,11})-(?P<last>\d{9,11})$")


class Copy(Struct, frozen=True, order=True):
    """A copy: rows at full step, of both ends and all between them.

    Attributes:
        first, last: epoch seconds of the first and the last row, both within.
    """

    path: str
    first: int
    last: int


def copy_name(name: str, first: int, last: int) -> str:
    """The path of a copy, from that of its file."""
    return f"{name}{MARK}{first}-{last}"


def copy_in(name: str) -> tuple[str, int, int] | None:
    """Name of the file, first and last row of a copy, by its name without a folder; None for what is none."""
    found = _NAME.match(name)
    return (found["file"], int(found["first"]), int(found["last"])) if found else None


def copies_of(series_file: str | Path) -> list[Copy]:
    """The copies that lie beside a series' file, in order of time; none where there is no such folder.

    One that vanishes, or that cannot be read, tells nothing: it is as if there were none.
    """
    folder, name = os.path.split(series_file)
    begin = name + MARK
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for entry in entries if entry.name.startswith(begin)]
    except OSError:
        return []
    found = [(copy, f"{folder}/{one}" if folder else one) for one in names if (copy := copy_in(one)) is not None]
    return [Copy(path, first, last) for (_, first, last), path in sorted(found)]

"""One series file, as far as the writer process knows it (pure): whose it is, what it holds, how rows are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from common import rrd
from common.series import Layout, Number, SeriesKey

Row = tuple[int, list[Number | None]]


class Form(Struct, frozen=True):
    """What all files of a layout have alike: arguments of `rrdtool update`, and the bytes of a new file's header."""

    layout: Layout
    template: str
    whole: tuple[bool, ...]
    header: int


_file_name = lru_cache(maxsize=16)(rrd.file_name)
"""Asked for some times while a file is written; of many files, the names would be more than all else of them."""


@lru_cache(maxsize=256)
def form_of(layout: Layout) -> Form:
    """What files of a layout have alike; the same for all of them, as there are many files and few layouts."""
    header = rrd.header_bytes(len(layout.points), layout.step_s, layout.retention)
    return Form(layout, rrd.template(layout.points), rrd.whole_numbers(layout.points), header)


class SeriesFile:
    """One file, as far as this process knows it.

    Attributes:
        last: epoch second of its last sample; None until it was looked at.
        header: bytes of its header.
        held: what it takes of `form` as it is, while it waits for being converted; else `form`.
        other: the next one in the ring of those that are the same file with another layout; None for no other.
        superseded: another one has come since, and says what the file is to be.
        reached: the file was like this, since the process started.
    """

    __slots__ = ("_root", "form", "header", "held", "key", "last", "other", "reached", "superseded")

    def __init__(self, root: str, key: SeriesKey, layout: Layout, other: SeriesFile | None = None) -> None:
        self._root = root
        self.key = key
        self.form = self.held = form_of(layout)
        self.header = self.form.header
        self.last: int | None = None
        self.superseded = self.reached = False
        self.other: SeriesFile | None = None
        if other is not None:
            self.other, other.other = other.other or other, self

    @property
    def name(self) -> str:
        """Its path below the folder."""
        return _file_name(self.key)

    @property
    def layout(self) -> Layout:
        """What it is to hold."""
        return self.form.layout

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"{self._root}/{self.name}"

    def all(self) -> Iterator[SeriesFile]:
        """All that are this file, itself first."""
        yield self
        file = self.other
        while file is not None and file is not self:
            yield file
            file = file.other

    @property
    def is_over(self) -> bool:
        """Whether the file has been like one that came later: it is not turned back for what was held longer."""
        file: SeriesFile | None = self
        while file is not None and file.superseded:
            file = file.other
            if file is not None and file.reached:
                return True
        return False

    def forget(self) -> None:
        """What was known of the file is void, for all that are this file."""
        for file in self.all():
            file.last = None

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """Samples as arguments of `rrdtool update`, with what makes a gap before one of them exact."""
        points, step_s, whole = self.held.layout.points, self.held.layout.step_s, self.held.whole
        last = self.last or 0
        taken: Iterable[Row] = rows
        if self.held is not self.form:
            places = [self.layout.points.index(point) for point in points]
            taken = [(at, [values[place] for place in places]) for at, values in rows]
            if step_s < self.layout.step_s:
                taken = _finer(taken, self.layout.step_s, step_s)
        texts = []
        for at, values in taken:
            if at <= last:
                continue
            if at - last > step_s:
                filler = rrd.before_gap(values, points, at - step_s - last, step_s)
                texts.append(rrd.update_text(at - step_s, filler, whole))
            texts.append(rrd.update_text(at, values, whole))
            last = at
        return texts

    def __str__(self) -> str:
        return f"{self.key.device} / {self.key.component} / {self.key.source}"


def _finer(rows: Iterable[Row], step_s: int, into_s: int) -> list[Row]:
    """Rows of a step on the finer grid of a file that waits for being converted: each stands for all of its step."""
    return [
        (moment, values)
        for at, values in rows
        for moment in range(at - at % into_s - (step_s - 1) // into_s * into_s, at + 1, into_s)
    ]

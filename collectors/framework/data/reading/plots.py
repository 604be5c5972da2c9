"""What a picture is of: the series that it names, and the rows of their files that it is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from collectors.framework.data.copies import copies_of
from collectors.framework.data.index import Series, read_device
from collectors.framework.data.reading.naming import component_of, unknown_device
from collectors.framework.data.reading.rows import Stored, stored
from common import graphplots
from common.errors import NotFoundError, PermanentError
from common.graphdefs import File
from common.graphplots import Plots, Whose, plots_from
from common.graphs import Drawing, Subject
from common.queries import GraphQuery

SLACK = 0.02
"""So much of a range may be missing at its start where only finer rows show the rest well."""


def plots_of(query: GraphQuery, root: Path, step_s: int) -> tuple[Plots, tuple[str, ...]]:
    """What is to be drawn, and sentences on what cannot be read.

    Args:
        query: that asks for it.
        root: the RRD folder.
        step_s: least seconds of what is drawn as one value.

    Raises:
        NotFoundError: a device, component, graph or point that there is not.
        PermanentError: an expression that is none; no file can be read.
    """
    files = Files(query, step_s)
    try:
        plots = plots_from(query, _whose(query, query.drawing or Drawing(), root), files)
    except NotFoundError:
        if files.broken:
            raise files.broken[0] from None
        raise
    return plots, tuple(error.message for error in files.broken)


# --- who --------------------------------------------------------------------------------------------------------------


def _whose(query: GraphQuery, drawing: Drawing, root: Path) -> list[Whose]:
    subjects = drawing.subjects or (Subject(device=query.device, component=query.component),)
    devices = {device: read_device(root, device) for device in {subject.device for subject in subjects}}
    several = len(devices) > 1
    found: list[Whose] = []
    missing: NotFoundError | None = None
    for subject in subjects:
        try:
            found += _components(query, subject, devices[subject.device], root, several=several)
        except NotFoundError as error:
            missing = missing or error
    if not found and missing is not None:
        raise missing
    return found


def _components(
    query: GraphQuery, subject: Subject, held: Sequence[Series], root: Path, *, several: bool
) -> list[Whose]:
    device = subject.device
    if not held:
        raise unknown_device(device, root)
    chosen = held if subject.component is None else component_of(device, subject.component, held, root)
    by_component: dict[str, list[Series]] = {}
    for series in chosen:
        by_component.setdefault(series.key.component, []).append(series)
    whose = []
    for component, ones in by_component.items():
        shown = query.shown.get(component, component) or ones[0].key.source
        if subject.component is None:
            label = f"{subject.shown or device} {shown}" if several else shown
        else:
            label = subject.shown or (f"{device} {shown}" if several else shown)
        whose.append(Whose(device, component, label, ones))
    return whose


# --- files ------------------------------------------------------------------------------------------------------------


class Files:
    """Files of the picture, each looked at once."""

    def __init__(self, query: GraphQuery, step_s: int) -> None:
        self._query = query
        self._step_s = step_s
        self._files: dict[str, tuple[File, int]] = {}
        self.paths: dict[str, int] = {}
        self.broken: list[PermanentError] = []

    def of(self, series: graphplots.Series) -> tuple[File, int]:
        """The file of a series, and the seconds of the rows that are drawn."""
        if series.file not in self._files:
            try:
                self._files[series.file] = self._look(series)
            except PermanentError as error:
                self.broken.append(error)
                self._files[series.file] = File(path=series.file, names=frozenset()), 1
        return self._files[series.file]

    def _look(self, series: graphplots.Series) -> tuple[File, int]:
        assert isinstance(series, Series)
        held = stored(series)
        self.paths[series.file] = held.last
        row_s, start = chosen_rows(held, self._query.start, self._query.end, self._step_s)
        finest_s = held.kept[0][0]
        copies: list[str] = []
        if row_s == finest_s or row_s > self._step_s:
            copies = [
                copy.path
                for copy in copies_of(series.file)
                if copy.first <= self._query.end and copy.last >= self._query.start
            ]
        file = File(
            path=series.file,
            names=frozenset(held.names),
            start=start,
            copies=tuple(copies[:8]),
            copies_first=row_s != finest_s,
        )
        drawn_s = row_s * -(-self._step_s // row_s) if row_s < self._step_s else row_s
        return file, drawn_s


def chosen_rows(held: Stored, start: int, end: int, step_s: int) -> tuple[int, int]:
    """The seconds a row that rrdtool will take of a file, and the epoch second from which on it is to read.

    rrdtool takes, of the archives that reach back to the start, that whose rows are nearest to a pixel. Where finer
    ones begin a little later, as those of a day do a moment after they were asked for, the start is moved there;
    else it is 0.
    """
    reaching = [seconds for seconds, _ in held.kept if held.oldest(seconds) <= start]
    best = min(reaching, key=lambda seconds: abs(seconds - step_s), default=held.kept[-1][0])
    late = start + (end - start) * SLACK
    for seconds, _ in held.kept:
        oldest = held.oldest(seconds)
        if start < oldest <= late and abs(seconds - step_s) < abs(best - step_s):
            return seconds, oldest
    return best, 0

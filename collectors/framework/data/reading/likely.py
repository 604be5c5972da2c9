"""What is likely of the curves of a picture: the files that it is learned in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collectors.framework.data import rrdfile
from collectors.framework.data.baselinefiles import EXPECTED, SPREAD, Band, bands
from collectors.framework.data.rrdfile import DamagedError
from common.graphlikely import Wanted, can_be_drawn, wanted
from common.graphpicture import Likely
from common.graphplots import Plots
from common.graphs import Drawing
from common.series import Baseline


def likely_of(drawing: Drawing, plots: Plots, root: Path, step_s: int) -> Iterator[Likely]:
    """The bands of a picture; a curve whose file is away, damaged or of other seasons has none.

    Args:
        drawing: says of which points.
        plots: the curves.
        root: the RRD folder, in which the process is.
        step_s: least seconds of what is drawn as one value.
    """
    for one in wanted(drawing, plots):
        if can_be_drawn(one.baseline.season_s, step_s):
            band = _newest(root, one)
            found = _read(root, one, band) if band is not None else None
            if found is not None:
                yield found


def _newest(root: Path, one: Wanted) -> Band | None:
    learned = Baseline(point=one.term.point, season_s=one.baseline.season_s, pace=one.baseline.pace)
    found = [band for band in bands(root, one.term.file.path) if band.baseline == learned]
    return max(found, key=lambda band: band.begun, default=None)


def _read(root: Path, one: Wanted, band: Band) -> Likely | None:
    try:
        header = rrdfile.look(band.path)  # librrd would end the process at some that are damaged
    except (DamagedError, OSError):
        return None
    place = header.source(band.source)
    if place is None or not {EXPECTED, SPREAD} <= {archive.cf for archive in header.archives}:
        return None
    source = header.sources[place]
    until = band.begun + one.baseline.learn_s
    return Likely(
        place=one.place,
        term=one.term,
        baseline=one.baseline,
        path=str(Path(band.path).relative_to(root)),
        minimum=source.minimum,
        maximum=source.maximum,
        learns_until=until if header.last < until else None,
    )

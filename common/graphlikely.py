"""What is likely of a curve by what was learned of it, as a band around it: between which variables of rrdtool (pure).

Likely is what a threshold of the form baseline does not complain of: what was expected, and on either side the greatest
of so many times the usual deviation, and of the least that counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from common import rrd
from common.graphdefs import OWN, Definitions, File, Term
from common.graphkinds import Unit
from common.graphpicture import Likely, Plot
from common.graphplots import Plots
from common.graphs import Draw, Drawing
from common.judged import BaselineConfig
from common.rpn import compile_rpn, number_rpn

MAX_PLOTS = 2
"""Around more curves than that bands would hide each other."""
LEAST_PARTS = 12
"""In fewer values for a season nothing is seen of it."""


class Wanted(Struct, frozen=True):
    """A curve that is to have a band; `place` is that of its plot."""

    place: int
    term: Term
    baseline: BaselineConfig


def wanted(drawing: Drawing, found: Plots) -> Iterator[Wanted]:
    """The curves of a picture that are to have a band: of one point each, none on top of another."""
    if len(found.plots) > MAX_PLOTS or found.stacked or found.unit is Unit.EVENTS:
        return
    by_point = {one.point: one.baseline for one in reversed(drawing.likely)}
    for place, plot in enumerate(found.plots):
        baseline = by_point.get(plot.terms[0].point)
        if baseline is not None and _is_alone(plot):
            yield Wanted(place, plot.terms[0], baseline)


def _is_alone(plot: Plot) -> bool:
    return len(plot.terms) == 1 and not plot.terms[0].needs and plot.draw is not Draw.BARS


def can_be_drawn(season_s: int, step_s: int) -> bool:
    """Whether anything of a season is to be seen in values of so many seconds."""
    return step_s * LEAST_PARTS <= season_s


def edges(definitions: Definitions, one: Likely, *, each: str = "", least: float | None = None) -> tuple[str, str]:
    """The variables of the lower and the upper edge.

    Args:
        definitions: of the picture.
        one: what is likely.
        each: what is done with each value, as RPN.
        least: below that nothing is drawn; before `each`.
    """
    baseline, term = one.baseline, one.term
    file = File(path=one.path, names=frozenset({term.point}))
    source = (Term(file=file, point=term.point),)
    expected, spread = (definitions.total(source, cf) for cf in (rrd.EXPECTED, rrd.SPREAD))
    far = definitions.reckoned(
        f"{spread},{number_rpn(baseline.width)},*,{number_rpn(baseline.least)},MAX,"
        f"{expected},ABS,{number_rpn(baseline.least_percent / 100)},*,MAX"
    )
    bounds = "".join(
        f",{number_rpn(bound)},{word}"
        for bound, word in ((one.maximum, "MIN"), (one.minimum, "MAX"))
        if bound is not None
    )
    ends = [definitions.reckoned(f"{expected},{far},{sign}{bounds}") for sign in "-+"]
    if term.transform:
        names = [{OWN: end, term.point: end} for end in ends]
        ends = [definitions.reckoned(compile_rpn(term.transform, name)) for name in names]
    after = f",{number_rpn(term.factor)},*" if term.factor != 1 else ""
    after += f",{number_rpn(least)},MAX" if least is not None else ""
    after += f",{each}" if each else ""
    # What falls where its point rises has its lower edge where that has its upper one.
    low, high = (definitions.reckoned(f"{ends[0]},{ends[1]},{word}{after}") for word in ("MIN", "MAX"))
    return low, high

from __future__ import annotations

from collections.abc import Sequence

from common.graphmeasures import Measured, reach_of
from common.graphpicture import Figures, Plot


def _measured(values: Sequence[float | None]) -> Measured:
    return Measured(Figures(), values, values, values)


def test_stacked_curves_of_other_steps_reach_as_high_as_they_are_drawn() -> None:
    plots = [Plot(label=name, terms=(), stack=name != "a") for name in "abc"]
    columns = [_measured([1.0, 9.0]), _measured([1.0, 1.0, None, 2.0]), _measured([4.0])]
    assert reach_of(columns, plots, band=False).high == 15.0
    assert reach_of([columns[1], columns[0], columns[2]], plots, band=False).high == 15.0

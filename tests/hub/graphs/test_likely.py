from __future__ import annotations

from common.events import Severity
from common.graphs import Likely
from common.judged import BaselineConfig, Level, ThresholdConfig, ThresholdForm
from hub.graphs.likely import likely


def threshold(width: float, *points: str) -> ThresholdConfig:
    return ThresholdConfig(
        id=f"w{width:g}",
        points=points,
        form=ThresholdForm.BASELINE,
        levels=(Level(severity=Severity.WARNING),),
        baseline=BaselineConfig(width=width),
    )


def test_each_point_that_is_drawn_has_the_band_that_complains_first() -> None:
    wide, narrow = threshold(6, "cpu", "memory"), threshold(3, "cpu")
    limit = ThresholdConfig(id="busy", points=("io",), levels=(Level(severity=Severity.ERROR, maximum=9),))
    expected = (
        Likely(point="cpu", baseline=BaselineConfig(width=3)),
        Likely(point="memory", baseline=BaselineConfig(width=6)),
    )
    curves = [("cpu", ""), ("memory", "value / 2"), ("io", "")]
    assert likely([wide, narrow, limit], curves) == expected
    assert likely([narrow, wide, limit], curves) == expected
    assert likely([wide], [("io", "")]) == ()

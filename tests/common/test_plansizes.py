"""What a plan may ask for."""

from __future__ import annotations

import pytest

from common import rrd
from common.series import Kept, Plan, Retention


@pytest.mark.parametrize(
    ("points", "step_s", "retention", "sentence"),
    [
        (6, 60, Retention.LONG, ""),
        (19, 1, Retention.LONG, ""),
        (6, 1, Plan(name="own", full_days=4.7), "would have 406,080 rows a point; at most 400,000"),
        (40, 1, Plan(name="own", full_days=4.5), "would take 373,267,408 bytes"),
        (
            100,
            60,
            Plan(name="own", full_days=1, archives=tuple((600 * n, 10.0 * n) for n in range(1, 11))),
            "the header",
        ),
    ],
)
def test_a_plan_that_is_too_large_is_told_so(points: int, step_s: int, retention: Kept, sentence: str) -> None:
    told = rrd.wrong_with_size(points, step_s, retention)
    assert (sentence in told) if sentence else not told, told

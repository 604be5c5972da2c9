"""MIN <= AVERAGE <= MAX in all that can be asked, whatever has become of a file before."""

from __future__ import annotations

import math
import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import rrdtool
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from collectors.framework.data.copies import copies_of
from collectors.framework.data.reading.answers import Request, answer
from collectors.framework.moving.orders import Adopt
from common.queries import FetchQuery, Rows
from common.series import Layout, Plan, Point, SeriesKey
from tests.fakes.moving import NOW, Side
from tests.fakes.stores import done

FIGURES = ("MIN", "AVERAGE", "MAX")
KEY = SeriesKey("web1", "sshd", "process")
PLANS = (
    Plan(name="small", full_days=0.25, archives=((600, 3),)),
    Plan(name="other", full_days=0.5, archives=((300, 1), (3600, 3))),
)
VALUES = st.one_of(st.none(), st.floats(-1e12, 1e12), st.integers(-(2**53), 2**53), st.sampled_from([0.1, 1e-300, 1.0]))
LAYOUTS = st.builds(
    lambda step_s, plan, extra: Layout(
        points=(Point(name="cpu"), *((Point(name="extra"),) if extra else ())), step_s=step_s, retention=plan
    ),
    st.sampled_from([60, 120, 90]),
    st.sampled_from(PLANS),
    st.booleans(),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), LAYOUTS, st.lists(VALUES, min_size=1, max_size=30),
        st.sampled_from([0, 0, 0, 300, 7 * 3600, 14 * 3600]),
    ),
    min_size=1, max_size=6,
)  # fmt: skip
"""Who samples, as what, which values, and for how long nobody samples before."""


def _told(side: Side, cf: str, start: int, resolution_s: int, edges: list[int]) -> list[Any]:
    rows = answer(
        side.root,
        Request(
            FetchQuery(
                device=KEY.device, component=KEY.component, source=KEY.source, points=["cpu"], start=start, end=NOW,
                cf=cf, resolution_s=0 if edges else resolution_s, edges=edges,
            ),
            [],
        ),
        NOW,
    )  # fmt: skip
    assert isinstance(rows, Rows)
    return [(at, row[0]) for at, row in rows.rows]


def _archives(path: str) -> list[tuple[list[Any], ...]]:
    """Rows of each resolution, for MIN, AVERAGE and MAX."""
    info = rrdtool.info(path)
    steps = {info[key] * info["step"] for key in info if key.endswith(".pdp_per_row")}
    place, window = info["ds[cpu].index"], ["-s", str(NOW - 3 * 86_400), "-e", str(NOW)]
    return [
        tuple([row[place] for row in rrdtool.fetch(path, cf, "-r", str(step), *window)[2]] for cf in FIGURES)
        for step in sorted(steps)
    ]


def _check(low: float | None, middle: float | None, high: float | None) -> None:
    if low is None or middle is None or high is None:
        assert (low, middle, high) == (None, None, None)
    else:
        slack = 1e-12 * max(abs(low), abs(high))  # rrdtool's own sums are rounded
        assert low - slack <= middle <= high + slack


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, resolution_s=st.sampled_from([60, 300, 1000, 3600, 86_400]))
def test_after_conversions_outages_and_moves(steps: list[Any], resolution_s: int) -> None:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: Side(Path(folder), name, Clock()) for name in "ab"}
        length_s = sum(30 * layout.step_s + gap_s + 120 for _, layout, _, gap_s in steps)
        begin = at = (NOW - length_s) // 3600 * 3600
        holder = sides["a"]
        for name, layout, values, gap_s in steps:
            side, at = sides[name], at + gap_s
            stamps = range(at - at % layout.step_s + layout.step_s, NOW, layout.step_s)
            side.sample(dict(zip(stamps, values, strict=False)), KEY, layout)
            at = stamps[min(len(stamps), len(values)) - 1]
            if side is not holder and holder.path(KEY).exists() and side.path(KEY).exists():
                series = holder.writer.index.get(str(holder.path(KEY).relative_to(holder.root)))
                assert series is not None
                path = str(holder.path(KEY))
                done(side.order(Adopt(path=path, key=KEY, layout=series.layout, first=series.first, last=at)))
            holder = side
        path = str(holder.path(KEY))
        os.chdir(holder.root)
        try:
            for one in (path, *(copy.path for copy in copies_of(path))):
                for rows in _archives(one):
                    for row in zip(*rows, strict=True):
                        _check(*row)
            days = list(range(begin, NOW + 20_000, 19_800))
            assert all(one < other for one, other in pairwise(days))
            for edges in ([], days):
                told = [_told(holder, cf, begin, resolution_s, edges) for cf in FIGURES]
                for (_, low), (_, middle), (_, high) in zip(*told, strict=True):
                    _check(low, middle, high)
                    assert middle is None or math.isfinite(middle)
        finally:
            os.chdir(before)
            for side in sides.values():
                side.close()

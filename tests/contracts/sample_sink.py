"""What every `ISampleSink` must do; a test class mixes this in and says how to make one."""

from __future__ import annotations

import math
from typing import Any

from zope.interface.verify import verifyObject

from collectors.framework.interfaces import ISampleSink
from common.series import Layout, Point, Sample, SeriesKey

NOW = 1_800_000_000
LAYOUT = Layout(points=(Point(name="cpu"), Point(name="count")), step_s=10)


def sample(at: int, component: str = "sshd", **values: Any) -> Sample:
    return Sample(key=SeriesKey("web1", component, "process"), layout=LAYOUT, at=at, values=values)


class SampleSinkContract:
    """Mixin; `make_sink` gives a sink whose wall clock stands at NOW and that tells `dropped`."""

    def make_sink(self) -> Any:
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        assert verifyObject(ISampleSink, self.make_sink())

    def test_good_samples_are_not_dropped(self) -> None:
        sink = self.make_sink()
        sink.write([sample(NOW - 20, cpu=1, count=2), sample(NOW - 20, "nginx", cpu=0.5), sample(NOW - 10, cpu=None)])
        sink.write([])
        sink.write([sample(NOW, cpu=1.5, count=0)])
        assert sink.dropped == 0

    def test_equal_and_past_stamps_are_dropped_for_that_series_alone(self) -> None:
        sink = self.make_sink()
        sink.write([sample(NOW, cpu=1), sample(NOW, cpu=2), sample(NOW - 10, cpu=3), sample(NOW - 10, "nginx", cpu=3)])
        assert sink.dropped == 2

    def test_a_stamp_more_than_a_step_ahead_is_dropped(self) -> None:
        sink = self.make_sink()
        sink.write([sample(NOW + 10, cpu=1), sample(NOW + 20, cpu=1), sample(NOW + 10**9, "nginx", cpu=1)])
        assert sink.dropped == 2

    def test_what_is_no_finite_number_is_dropped(self) -> None:
        sink = self.make_sink()
        bad = (math.inf, -math.inf, math.nan, 10**400, "5", True, b"5")
        sink.write([sample(NOW - 10 * i, f"c{i}", cpu=value) for i, value in enumerate(bad)])
        assert sink.dropped == len(bad)

    def test_what_is_no_finite_number_takes_no_other_value_with_it(self) -> None:
        sink = self.make_sink()
        sink.write([sample(NOW, cpu=math.inf, count=3)])
        sink.write([sample(NOW, cpu=1, count=3)])  # the stamp is taken
        assert sink.dropped == 2

    def test_series_that_cannot_be_are_dropped(self) -> None:
        sink = self.make_sink()
        twice = Layout(points=(Point(name="a"), Point(name="a")), step_s=10)
        long = Layout(points=(Point(name="a" * 20),), step_s=10)
        none = Layout(points=(), step_s=10)
        newline = Layout(points=(Point(name="a\n"),), step_s=10)
        for layout in (twice, long, none, newline):
            sink.write([Sample(key=SeriesKey("d", "c", "s"), layout=layout, at=NOW, values={})])
        sink.write([Sample(key=SeriesKey("d", "\ud800", "s"), layout=LAYOUT, at=NOW, values={"cpu": 1})])
        sink.write([sample(NOW, unheard=1, of=2, and_more=3)])
        assert sink.dropped == 6

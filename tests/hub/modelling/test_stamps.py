from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from common.wire import ModelReport
from hub.modelling.stamps import Stamps

NOW = 1_800_000_000.0


def report(told: float, age_s: float | None = 0.0) -> ModelReport:
    return ModelReport(device="box", at=told, age_s=age_s)


def test_a_clock_that_is_put_back_makes_no_report_older() -> None:
    stamps = Stamps()
    assert stamps.reckon(report(NOW + 9000), NOW) == NOW
    assert stamps.reckon(report(NOW - 9000), NOW + 60) == NOW + 60


def test_an_old_report_that_comes_late_is_old() -> None:
    stamps = Stamps()
    assert stamps.reckon(report(500.0), NOW) == NOW
    assert stamps.reckon(report(400.0, 100.0), NOW + 1) == NOW - 99


def test_a_collector_that_does_not_tell_the_age_is_believed() -> None:
    assert Stamps().reckon(report(5.0, None), NOW) == 5.0


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 15)), min_size=2, max_size=8))
def test_reports_that_follow_each_other_do_so_here_however_long_they_are_on_their_way(
    sent: list[tuple[float, float]],
) -> None:
    stamps, now, before = Stamps(), NOW, 0.0
    for told, way_s in sorted(sent):
        now = max(now, NOW + told + way_s)
        at = stamps.reckon(report(told, max(0.0, now - NOW - told - way_s)), now)
        assert before <= at <= now
        before = at

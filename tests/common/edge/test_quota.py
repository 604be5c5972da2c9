"""Turns come back with time, and strangers cannot fill the memory with buckets."""

from __future__ import annotations

from twisted.internet.task import Clock

from common.edge.quota import LineQuota, Quota


def test_a_burst_is_granted_then_the_rate() -> None:
    clock = Clock()
    quota = Quota(clock, per_s=2.0, burst=3)
    assert [quota.take("a") for _ in range(4)] == [True, True, True, False]
    assert quota.take("b")
    clock.advance(0.5)
    assert [quota.take("a") for _ in range(2)] == [True, False]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = Clock()
    quota = Quota(clock, per_s=100.0, burst=2)
    clock.advance(1000)
    assert [quota.take() for _ in range(3)] == [True, True, False]


def test_the_oldest_buckets_are_forgotten() -> None:
    quota = Quota(Clock(), per_s=0.001, burst=1, max_keys=10)
    for n in range(1000):
        quota.take(str(n))
    assert len(quota._buckets) == 10


def test_lines_that_were_kept_back_are_counted_in_the_next() -> None:
    clock = Clock()
    lines = LineQuota(clock, per_minute=2)
    assert [lines.take("p") for _ in range(5)] == [0, 0, None, None, None]
    clock.advance(30)
    assert lines.take("p") == 3


def test_a_thousand_peers_share_the_lines_that_are_for_all() -> None:
    clock = Clock()
    lines = LineQuota(clock, per_minute=2, for_all_per_minute=60)
    assert sum(lines.take(str(n)) is not None for n in range(1000)) == 60
    clock.advance(1)
    assert lines.take("another") == 940
    assert lines.take("yet another") is None

"""Messages are as large as a line takes in a second or two, and find that size by themselves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.distribution.pace import AIM_S, FIRST_BYTES, LEAST_BYTES, MOST_BYTES, Pace


def send(pace: Pace, bytes_per_s: float, latency_s: float = 0.0, messages: int = 1, size: int | None = None) -> float:
    """Send full messages over a line; the seconds that the last one took."""
    seconds = 0.0
    for _ in range(messages):
        size_bytes = min(size or pace.limit_bytes, pace.limit_bytes)
        seconds = latency_s + size_bytes / bytes_per_s
        pace.answered(size_bytes, seconds)
    return seconds


def test_it_begins_small_and_a_fast_line_has_the_largest_after_three() -> None:
    pace = Pace()
    assert pace.limit_bytes == FIRST_BYTES
    send(pace, 10e6, messages=3)
    assert pace.limit_bytes == MOST_BYTES


def test_on_a_slow_line_messages_take_no_longer_than_they_should() -> None:
    pace = Pace()
    assert send(pace, 20_000, messages=3) <= AIM_S + 0.01
    assert LEAST_BYTES < pace.limit_bytes < FIRST_BYTES


def test_the_slowest_line_gets_the_smallest() -> None:
    pace = Pace()
    send(pace, 500, messages=3)
    assert pace.limit_bytes == LEAST_BYTES


def test_a_line_that_becomes_fast_again_gets_large_ones_again() -> None:
    pace = Pace()
    send(pace, 500, messages=3)
    send(pace, 10e6, messages=6)
    assert pace.limit_bytes == MOST_BYTES


def test_one_that_becomes_slow_gets_small_ones_within_two() -> None:
    pace = Pace()
    send(pace, 10e6, messages=5)
    send(pace, 5_000, messages=2)
    assert pace.limit_bytes == LEAST_BYTES


def test_what_takes_its_time_however_little_is_sent_does_not_make_them_small() -> None:
    pace = Pace()
    send(pace, 10e6, latency_s=3.0, messages=8)
    assert pace.limit_bytes == MOST_BYTES


def test_small_messages_say_nothing_of_large_ones() -> None:
    pace = Pace()
    send(pace, 10e6, messages=50, size=900)
    assert pace.limit_bytes == FIRST_BYTES


def test_a_message_that_was_not_answered_halves_the_next() -> None:
    pace = Pace()
    pace.lost()
    assert pace.limit_bytes == FIRST_BYTES // 2
    for _ in range(9):
        pace.lost()
    assert pace.limit_bytes == LEAST_BYTES


@given(st.floats(200, 1e8), st.floats(0, 1.0))
def test_on_any_line_it_comes_to_rest_at_what_the_line_takes(bytes_per_s: float, latency_s: float) -> None:
    pace = Pace()
    seconds = send(pace, bytes_per_s, latency_s, messages=12)
    assert pace.limit_bytes == LEAST_BYTES or seconds <= 2 * AIM_S + latency_s
    sound = min(float(MOST_BYTES), AIM_S * bytes_per_s)
    assert pace.limit_bytes >= min(sound, MOST_BYTES) / 4


@given(st.lists(st.tuples(st.integers(0, MOST_BYTES), st.floats(0, 1e6))))
def test_whatever_is_measured_the_limit_stays_within_bounds(answers: list[tuple[int, float]]) -> None:
    pace = Pace()
    for size_bytes, seconds in answers:
        pace.answered(size_bytes, seconds)
        assert LEAST_BYTES <= pace.limit_bytes <= MOST_BYTES

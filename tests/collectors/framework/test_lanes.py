"""Who is served next, lane by lane."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.framework.lanes import Lanes


def taken(lanes: Lanes[str]) -> list[str]:
    """All that may begin now."""
    found = []
    while (item := lanes.take()) is not None:
        found.append(item)
    return found


def queue(limit: int, *items: str) -> Lanes[str]:
    """Items wait in the lane of their first letter; a dash is none."""
    lanes: Lanes[str] = Lanes(limit)
    for item in items:
        lanes.put(item, lane_of(item))
    return lanes


def lane_of(item: str) -> str:
    return "" if item[0] == "-" else item[0]


def test_those_of_one_lane_go_in_order_and_lanes_in_turn() -> None:
    assert taken(queue(9, "a1", "a2", "a3", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_who_waits_for_a_full_lane_is_passed_by_others() -> None:
    lanes = queue(2, "a1", "a2", "a3", "a4", "b1", "b2", "b3")
    assert taken(lanes) == ["a1", "b1", "a2", "b2"]
    assert (len(lanes), lanes.may_begin) == (3, False)
    lanes.put("c1", "c")
    assert lanes.may_begin
    assert taken(lanes) == ["c1"]
    lanes.done("a")
    assert taken(lanes) == ["a3"]
    lanes.done("b")
    lanes.done("b")
    assert taken(lanes) == ["b3"]
    assert len(lanes) == 1


def test_who_is_in_no_lane_waits_for_nobody() -> None:
    assert taken(queue(1, "-1", "-2", "-3")) == ["-1", "-2", "-3"]


def test_the_first_ones_go_before_all_others_the_last_one_in_front() -> None:
    lanes = queue(2, "a1", "b1")
    for item in ("b9", "a9", "a8"):
        lanes.put(item, lane_of(item), first=True)
    assert taken(lanes) == ["a8", "b9", "a9", "b1"]
    assert len(lanes) == 1


def test_the_first_ones_wait_for_their_lane_too_and_hold_up_nobody() -> None:
    lanes = queue(1, "a1", "b1")
    assert lanes.take() == "a1"
    lanes.put("a9", "a", first=True)
    assert taken(lanes) == ["b1"]
    lanes.put("a2", "a")
    lanes.done("a")
    assert taken(lanes) == ["a9"]


def test_one_that_waits_no_more_is_not_served() -> None:
    lanes = queue(9, "a1", "a2", "b1")
    lanes.put("c9", "c", first=True)
    for item in ("a1", "b1", "c9", "a7"):
        lanes.discard(item, lane_of(item))
    assert len(lanes) == 1
    assert taken(lanes) == ["a2"]
    lanes.put("b2", "b")
    assert taken(lanes) == ["b2"]


def test_nobody_is_left_when_all_are_sent_away() -> None:
    lanes = queue(9, "a1", "b1")
    lanes.clear()
    assert (taken(lanes), len(lanes), lanes.may_begin) == ([], 0, False)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_whatever_comes_limits_hold_all_are_served_and_order_is_kept(seed: int, limit: int) -> None:
    rng = random.Random(seed)
    lanes: Lanes[str] = Lanes(limit)
    running: list[str] = []
    served: dict[str, list[int]] = {}
    waiting = 0
    for number in range(300):
        if rng.random() < 0.5:
            item = f"{rng.choice('-abcd')}{number}"
            lanes.put(item, lane_of(item))
            waiting += 1
        elif running and rng.random() < 0.6:
            lanes.done(lane_of(running.pop(rng.randrange(len(running)))))
        if rng.random() < 0.7 and (item_taken := lanes.take()) is not None:
            running.append(item_taken)
            served.setdefault(item_taken[0], []).append(int(item_taken[1:]))
            waiting -= 1
        held = Counter(lane_of(item) for item in running)
        assert all(count <= limit for lane, count in held.items() if lane)
        assert len(lanes) == waiting
    while waiting or running:
        before = waiting
        for item in taken(lanes):
            running.append(item)
            served.setdefault(item[0], []).append(int(item[1:]))
            waiting -= 1
        assert running or before == 0  # somebody can always begin
        for item in running:
            lanes.done(lane_of(item))
        running = []
    assert all(numbers == sorted(numbers) for numbers in served.values())

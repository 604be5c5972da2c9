"""One writer for each source, component and point."""

from __future__ import annotations

from typing import Any

from collectors.probes.claims import FIRM, MISSES, Claims, Conflict, Values

PLACE = ("tracking", "worker")


def take(claims: Claims, writer: str, now: float = 0.0, **values: Any) -> tuple[Values, list[Conflict]]:
    granted = claims.take(writer, {PLACE: dict(values)} if values else {}, whole=True, now=now, until=now + 120)
    return granted.figures.get(PLACE, {}), granted.conflicts


def test_the_one_that_had_it_before_keeps_it_whatever_the_others_name() -> None:
    claims = Claims()
    for _ in range(FIRM):
        assert take(claims, "zebra", x=1) == ({"x": 1}, [])
    assert take(claims, "ant", x=2) == ({}, [Conflict(*PLACE, ("x",), "zebra")])
    kept = Claims(claims.dump())
    assert take(kept, "ant", x=2)[1] == [Conflict(*PLACE, ("x",), "zebra")]
    assert take(kept, "zebra", x=3) == ({"x": 3}, [])


def test_of_two_new_ones_the_first_name_has_it_whoever_comes_first() -> None:
    for order in (("ant", "zebra"), ("zebra", "ant")):
        claims = Claims()
        for _ in range(3):
            found = {writer: take(claims, writer, x=1) for writer in order}
        assert found["ant"] == ({"x": 1}, [])
        assert found["zebra"] == ({}, [Conflict(*PLACE, ("x",), "ant")])


def test_it_is_taken_over_when_the_first_is_gone() -> None:
    claims = Claims()
    for _ in range(FIRM):
        take(claims, "ant", x=1)
    assert claims.only({"ant", "zebra"}) is False
    assert take(claims, "zebra", x=2)[1]
    assert claims.only({"zebra"}) is True
    assert take(claims, "zebra", x=2) == ({"x": 2}, [])


def test_it_is_free_when_the_first_tells_no_such_point_any_more() -> None:
    claims = Claims()
    for _ in range(FIRM):
        take(claims, "ant", x=1)
    for _ in range(MISSES):
        assert take(claims, "zebra", x=2)[1]
        take(claims, "ant", y=1)
    assert take(claims, "zebra", x=2)[1] == []


def test_different_points_of_a_component_go_into_one_sample() -> None:
    claims = Claims()
    for _ in range(FIRM):
        take(claims, "ant", now=0, x=1)
    assert take(claims, "zebra", now=10, y=2, x=9) == ({}, [Conflict(*PLACE, ("x",), "ant")])
    assert take(claims, "ant", now=60, x=3) == ({"x": 3, "y": 2}, [])
    assert take(claims, "ant", now=600, x=4) == ({"x": 4}, []), "what is old does not count"
    assert claims.points("tracking") == {"x", "y"}
    assert claims.writers("tracking") == {"ant", "zebra"}


def test_what_is_kept_and_damaged_is_nothing() -> None:
    assert Claims(b"\xc1").points("tracking") == frozenset()

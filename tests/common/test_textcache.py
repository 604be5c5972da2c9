"""A cache with bounds."""

from __future__ import annotations

from common.textcache import TextCache


def test_it_remembers_so_many_things_and_so_many_characters() -> None:
    cache: TextCache[int, str] = TextCache(3, 100)
    assert [cache.keep(number, "x", 10) for number in range(3)] == ["x", "x", "x"]
    assert set(cache) == {0, 1, 2}
    cache.keep(3, "y", 10)
    assert dict(cache) == {3: "y"}
    cache.keep(4, "z", 90)
    assert set(cache) == {3, 4}
    cache.keep(5, "z", 1)
    assert set(cache) == {5}

"""Items of this host and their points."""

from __future__ import annotations

import msgspec

from common.series import Kind, Point
from common.sources import DEVICE
from common.statuspoints import ITEMS


def test_names_of_points_fit_into_files_and_no_two_of_a_kind_of_component_are_the_same() -> None:
    kinds: dict[str, list[str]] = {}
    for item in ITEMS.values():
        for point in item.points:
            msgspec.convert(msgspec.to_builtins(point), Point)
        names = [point.name for point in item.points]
        assert len(names) == len(set(names))
        kinds.setdefault(item.component, []).extend(names)
    assert len(kinds[DEVICE]) == len(set(kinds[DEVICE]))


def test_counts_of_the_kernel_are_counters_with_units_and_shares_end_at_a_hundred() -> None:
    assert {point.kind for point in ITEMS["interfaces"].points} == {Kind.COUNTER}
    assert all(point.unit for item in ITEMS.values() for point in item.points)
    assert {point.name: point.maximum for point in ITEMS["disks"].points}["percent"] == 100.0
    assert {point.name: point.maximum for point in ITEMS["processes"].points}["cpu_sum"] is None
    assert [item.name for item in ITEMS.values() if item.must_name] == ["processes"]

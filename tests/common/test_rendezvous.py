"""Rendezvous hashing: the same for everybody, even, and nothing moves that need not."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.rendezvous import Rendezvous, owner_of

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
members = st.lists(names, min_size=2, max_size=8, unique=True)
FOR_EVER = ["c1", "c2", "c3", "c2", "c1", "c1", "c2", "c2", "c2", "c3", "c1", "c3"]
devices = st.lists(names, max_size=40, unique=True)


def owners(named: list[str], among: list[str]) -> dict[str, str]:
    rendezvous = Rendezvous(among)
    return {device: rendezvous.owner_of(device) for device in named}


@given(devices, members, st.randoms(use_true_random=False))
def test_the_order_of_the_members_does_not_matter(named: list[str], among: list[str], chance: object) -> None:
    shuffled = list(among)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert owners(named, among) == owners(named, shuffled)


@given(devices, members)
def test_a_member_that_goes_moves_its_own_devices_alone(named: list[str], among: list[str]) -> None:
    before, after = owners(named, among), owners(named, among[1:])
    for device in named:
        assert after[device] == before[device] or before[device] == among[0]
        assert after[device] != among[0]


@given(devices, members)
def test_one_that_comes_takes_only_what_is_its_own(named: list[str], among: list[str]) -> None:
    before, after = owners(named, among[1:]), owners(named, among)
    for device in named:
        assert after[device] in {before[device], among[0]}


@given(devices, members)
def test_who_goes_and_comes_back_has_what_it_had(named: list[str], among: list[str]) -> None:
    rendezvous = Rendezvous(among)
    assert owners(named, among) == {device: rendezvous.owner_of(device) for device in reversed(named)}


def test_it_is_the_same_on_every_hub_for_ever() -> None:
    """When this fails, an update of the hub moves devices all over the pools."""
    among = ["c1", "c2", "c3"]
    assert [owner_of(f"host{n}", among) for n in range(12)] == FOR_EVER


@pytest.mark.parametrize("among", [["c1", "c2"], [f"collector-{n}" for n in range(3)], [f"c{n}" for n in range(10)]])
@pytest.mark.parametrize("pattern", ["host{:05d}.example.net", "10.1.{}", "{}", "db-{}-a"])
def test_devices_are_spread_evenly(pattern: str, among: list[str]) -> None:
    rendezvous = Rendezvous(among)
    counts = Counter(rendezvous.owner_of(pattern.format(n)) for n in range(10_000))
    fair = 10_000 / len(among)
    assert all(0.85 * fair < counts[member] < 1.15 * fair for member in among), counts


def test_what_one_leaves_is_spread_evenly_too() -> None:
    among = [f"c{n}" for n in range(5)]
    named = [f"host{n}" for n in range(10_000)]
    before, after = owners(named, among), owners(named, among[1:])
    counts = Counter(after[device] for device in named if before[device] == "c0")
    assert all(0.8 * 500 < counts[member] < 1.2 * 500 for member in among[1:]), counts


def test_what_was_reckoned_once_is_only_looked_up() -> None:
    rendezvous = Rendezvous(["c1", "c2"])
    assert rendezvous.owner_of("a") == owner_of("a", ["c2", "c1"])
    rendezvous._found["a"] = "looked up"
    assert rendezvous.owner_of("a") == "looked up"
    rendezvous.forget(["a", "nobody"])
    assert rendezvous.owner_of("a") == owner_of("a", ["c1", "c2"])


def test_a_pool_without_members_is_nobodys() -> None:
    with pytest.raises(ValueError, match="without members"):
        owner_of("host", [])

"""Starts stand for the dict that they are made of, and are kept as one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.process.memory import DeviceMemory, SetMemory, dump, load
from collectors.process.starts import Starts

PIDS = st.integers(0, 2**31 - 1)
TIMES = st.none() | st.sampled_from([1.5, 2.5]) | st.floats(0, 4e9)
KNOWN = st.dictionaries(PIDS, TIMES, max_size=20).map(lambda found: dict(sorted(found.items())))


@given(KNOWN, st.lists(PIDS, max_size=5))
def test_they_are_what_the_dict_is(known: dict[int, float | None], others: list[int]) -> None:
    starts = Starts(list(known), list(known.values()))
    assert starts == known
    assert list(starts) == list(known)
    assert starts.are_of(list(known))
    for pid in [*known, *others]:
        assert (pid in starts, starts.get(pid, -1.0)) == (pid in known, known.get(pid, -1.0))
    asked = sorted({*others, *list(known)[1:]})
    assert set(starts.values_of(asked)) == set(map(known.get, asked))
    assert set(starts.values_of(list(known))) == set(known.values())
    assert starts.are_of(asked) == (asked == list(known))


@given(KNOWN)
def test_they_are_kept_as_a_dict(known: dict[int, float | None]) -> None:
    starts = Starts(list(known), list(known.values()))
    memory = DeviceMemory(sets={"web": SetMemory(definition="web", since=1.0, pids=starts)})
    again = load(dump(memory)).sets["web"].pids
    assert isinstance(again, dict | Starts)
    assert again == known
    assert again == starts

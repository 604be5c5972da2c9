"""What differs between two tables, whether they are rows or columns."""

from __future__ import annotations

import random

import msgspec
import pytest

from collectors.framework.processtable import ProcessRow
from collectors.process.rollbook.difference import difference
from tests.collectors.process.rollbook.host import columns_of


def row(pid: int, parameters: str = "-x", cpu_s: float = 1.0, *, alive: bool = True) -> ProcessRow:
    return ProcessRow(
        pid=pid,
        name="p",
        path="/bin/p",
        parameters=parameters,
        started=None,
        cpu_s=cpu_s,
        memory_bytes=1,
        status="running",
        alive=alive,
    )


@pytest.mark.parametrize("seed", range(20))
def test_columns_tell_the_same_as_rows(seed: int) -> None:
    chance = random.Random(seed)
    before = {pid: row(pid, alive=chance.random() < 0.9) for pid in range(1, 40)}
    after = {pid: one for pid, one in before.items() if chance.random() < 0.9}
    for pid in chance.sample(range(1, 60), seed):
        after[pid] = row(pid, chance.choice(["-x", "-y"]), chance.choice([0.5, 1.0, 2.0]), alive=chance.random() < 0.8)
    by_rows, by_columns = difference(before, after), difference(columns_of(before), columns_of(after))
    if by_rows is None or by_columns is None:
        assert by_rows == by_columns
        return
    for name in ("gone", "new", "other"):
        assert sorted(getattr(by_rows, name)) == sorted(getattr(by_columns, name)), name


def test_other_figures_are_no_difference() -> None:
    before = {pid: row(pid) for pid in range(9)}
    after = {pid: msgspec.structs.replace(one, cpu_s=5.0, memory_bytes=7) for pid, one in before.items()}
    assert difference(before, after) is None
    assert difference(columns_of(before), columns_of(after)) is None


def test_a_dead_process_that_goes_is_no_difference() -> None:
    before = {1: row(1), 2: row(2, alive=False)}
    assert difference(before, {1: row(1)}) is None
    assert difference(columns_of(before), columns_of({1: row(1)})) is None

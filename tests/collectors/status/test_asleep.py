"""Processes that are not read in each pass: what is seen at once all the same, and what within a few passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.framework.local.own import OwnDaemons
from collectors.status.asleep import TURN_S, YOUNG_S, Asleep
from collectors.status.passes import ProcessName
from common.sources import Follow
from tests.collectors.status.proctree import ProcTree

SELF = ProcessName(name="work", follow=Follow.SELF)
CHILD = ProcessName(name="work", follow=Follow.FIRST_CHILD)
OTHERS = range(100, 200)
TURNS = int(TURN_S)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[ProcTree]:
    """Passes once a second over a hundred processes that have been there for long."""
    tree = ProcTree(tmp_path)
    tree.every_s = 1.0
    for pid in OTHERS:
        tree.put(pid, "other")
    yield tree
    tree.close()


def settled(tree: ProcTree, name: ProcessName) -> None:
    for _ in range(int(YOUNG_S) + 1):
        tree.read(name)


def test_most_of_those_whom_nobody_asks_for_are_left_out_and_all_have_their_turn() -> None:
    asleep, pids = Asleep(), set(OTHERS)
    read: list[set[int]] = []
    for now in range(20):
        read.append(pids - asleep.pids)
        asleep.scanned(float(now), pids, (), 1.0)
    assert read[0] == pids
    assert all(len(some) == len(pids) / TURNS for some in read[1:])
    for first in range(1, 16):
        assert set().union(*read[first : first + TURNS]) == pids
    asleep.wake()
    assert not asleep.pids


@pytest.mark.parametrize("every_s", [TURN_S / 2 + 0.1, 60.0])
def test_at_a_slow_pace_nobody_is_left_out(every_s: float) -> None:
    asleep = Asleep()
    for _ in range(3):
        asleep.scanned(1.0, set(OTHERS), (), every_s)
        assert not asleep.pids


def test_who_is_shown_and_what_descends_from_it_is_read_in_each_pass(tree: ProcTree) -> None:
    tree.put(20, "bash", ["bash", "work.sh"])
    tree.put(30, "first", parent=20, started=11)
    tree.put(31, "second", parent=20, started=12)
    tree.put(32, "grandchild", parent=31)
    settled(tree, CHILD)
    assert tree.asleep.pids
    for _ in range(TURNS):
        assert not tree.asleep.pids & {20, 30, 31, 32}
        tree.read(CHILD)
    tree.put(30, "first", parent=20, started=11, state="Z")
    assert tree.pids(CHILD) == {"work": [31]}


def test_a_new_process_is_seen_at_once_also_when_it_soon_begins_another_program(tree: ProcTree) -> None:
    settled(tree, SELF)
    for pid in range(20, 20 + TURNS):  # whatever its turn would be
        tree.put(pid, "sh", ["sh"], started=tree.now)
    tree.read(SELF)
    for pid in range(20, 20 + TURNS):
        tree.put(pid, "worker", started=tree.now)
    assert tree.pids(SELF) == {"work": list(range(20, 20 + TURNS))}


def test_old_ones_that_begin_another_program_are_seen_within_the_turn_with_their_true_cpu(tree: ProcTree) -> None:
    shown = []
    for count in range(3 * TURNS):
        for pid in OTHERS:
            tree.put(pid, "worker" if count >= 2 * TURNS else "other", cpu_s=0.5 * (tree.now + 1.0))
        found = tree.read(SELF).names[SELF].processes.values()
        assert all(one.cpu_percent == pytest.approx(50.0) for one in found)
        shown.append(len(found))
    assert 0 < shown[2 * TURNS] < len(OTHERS)
    assert shown[-1] == len(OTHERS)


def test_another_process_of_a_pid_is_seen_within_the_turn_with_cpu_of_its_own_time(tree: ProcTree) -> None:
    settled(tree, SELF)
    pid = next(pid for pid in OTHERS if pid in tree.asleep.pids)
    tree.put(pid, "worker", started=tree.now, cpu_s=0.0)
    begun = tree.now
    for _ in range(TURNS):
        tree.put(pid, "worker", started=begun, cpu_s=0.5 * (tree.now + 1.0 - begun))
        found = tree.read(SELF).names[SELF].processes
        if found:
            break
    assert found[pid].cpu_percent == pytest.approx(50.0)


def test_tocsins_own_stay_its_own_while_they_are_not_read(tree: ProcTree) -> None:
    tree.host.own = OwnDaemons(None, pid=100, owner=lambda _: None)
    tree.put(101, "worker", parent=100)
    for _ in range(3 * TURNS):
        assert tree.pids(SELF) == {"work": []}


def test_other_names_and_another_pace_begin_with_all_that_there_are(tree: ProcTree) -> None:
    settled(tree, SELF)
    for pid in OTHERS:
        tree.put(pid, "new")
    assert len(tree.pids(ProcessName(name="new", follow=Follow.SELF))["new"]) == len(OTHERS)


def test_while_something_is_wrong_with_the_table_all_are_read(tree: ProcTree) -> None:
    settled(tree, SELF)
    assert tree.asleep.pids
    tree.drop(1)
    assert tree.read(SELF).problem
    assert not tree.asleep.pids

"""Processes by name: who is shown, what each uses, and what happens beside; on a folder that stands for /proc."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from collectors.framework.local.own import OwnDaemons
from collectors.framework.source_local import HIDDEN
from collectors.status.passes import ProcessFigures, ProcessName
from collectors.status.processes import LEAST_AGE_S, summary
from common.sources import Follow, Match
from tests.collectors.status.proctree import PAGE_BYTES, ProcTree

SELF = ProcessName(name="work", follow=Follow.SELF)
CHILD = ProcessName(name="work", follow=Follow.FIRST_CHILD)
TREE = ProcessName(name="work", follow=Follow.TREE)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[ProcTree]:
    tree = ProcTree(tmp_path)
    yield tree
    tree.close()


def only(tree: ProcTree, name: ProcessName, after_s: float = 1.0) -> ProcessFigures:
    (found,) = tree.read(name, after_s=after_s).names[name].processes.values()
    return found


# --- who is shown -----------------------------------------------------------------------------------------------------


def test_a_name_without_a_process_has_none_and_one_that_comes_is_taken_up(tree: ProcTree) -> None:
    assert tree.pids(SELF) == {"work": []}
    tree.put(20, "worker")
    assert tree.pids(SELF) == {"work": [20]}
    tree.drop(20)
    assert tree.pids(SELF) == {"work": []}


def test_follow_shows_the_process_itself_its_oldest_child_or_all_that_descend(tree: ProcTree) -> None:
    tree.put(20, "bash", ["bash", "work.sh"])
    tree.put(40, "sleep", parent=20, started=11)
    tree.put(30, "second", parent=20, started=12)
    tree.put(50, "grandchild", parent=40, started=13)
    tree.put(60, "other")
    assert tree.pids(SELF) == {"work": [20]}
    assert tree.pids(CHILD) == {"work": [40]}
    assert tree.pids(TREE) == {"work": [20, 30, 40, 50]}


def test_without_a_child_the_process_stands_for_itself_and_parent_and_child_that_match_are_one(tree: ProcTree) -> None:
    tree.put(20, "work.sh")
    assert tree.pids(CHILD) == {"work": [20]}
    tree.put(30, "worker", parent=20)
    assert tree.pids(CHILD) == {"work": [30]}


def test_what_has_ended_or_is_stopped_is_not_shown_and_a_child_that_has_stands_for_nobody(tree: ProcTree) -> None:
    for pid, state in ((20, "Z"), (21, "T"), (22, "X"), (23, "t"), (24, "D"), (25, "R"), (26, "I")):
        tree.put(pid, "worker", state=state)
    assert tree.pids(SELF) == {"work": [23, 24, 25, 26]}
    tree.put(30, "zombie", parent=25, state="Z", started=1)
    tree.put(31, "child", parent=25, started=2)
    tree.put(32, "child", parent=21)
    assert tree.pids(CHILD) == {"work": [23, 24, 26, 31, 32]}


def test_tocsins_own_daemons_are_never_shown_nor_anybodys_child_that_is_one(tree: ProcTree) -> None:
    tree.put(20, "worker")
    tree.put(21, "worker", parent=20)
    tree.put(22, "work.sh", ["work.sh"])
    tree.put(23, "tocsin-process", ["/usr/bin/tocsin-process", "--work"], parent=22)
    tree.put(24, "other", ["--work"], parent=23)
    tree.host.own = OwnDaemons(None, pid=20, owner=lambda _: os.geteuid())
    assert tree.pids(SELF) == {"work": [22]}
    assert tree.pids(CHILD) == {"work": [22]}
    assert tree.pids(TREE) == {"work": [22]}


def test_a_daemon_that_is_process_1_is_not_shown_nor_anybody_in_its_place(tree: ProcTree) -> None:
    tree.put(20, "other")
    tree.host.own = OwnDaemons(None, pid=1, owner=lambda _: None)
    init, other = ProcessName(name="init"), ProcessName(name="other")
    assert tree.pids(init, other) == {"init": [], "other": [20]}


def test_arguments_are_those_that_the_process_was_given(tree: ProcTree) -> None:
    tree.put(20, "sh", ["sh", "", "a b", "é"])
    assert tree.ways.arguments(20) == ("sh", "", "a b", "é")
    tree.put(20, "sh", [])
    assert tree.ways.arguments(20) == ()


def test_all_names_are_found_in_one_scan_each_in_its_own_way(tree: ProcTree) -> None:
    tree.put(20, "python3", ["python3", "/srv/a b.py"])
    tree.put(21, "nginx", ["nginx: worker"])
    names = (
        ProcessName(name="a b", follow=Follow.SELF),
        ProcessName(name="nginx", match=Match.EXACT, follow=Follow.SELF),
        ProcessName(name="^(python|nginx)", match=Match.REGEX, follow=Follow.SELF),
        ProcessName(name=""),
    )
    assert tree.pids(*names) == {"a b": [20], "nginx": [21], "^(python|nginx)": [20, 21], "": []}


def test_a_process_that_begins_another_program_is_another_and_titles_are_read_again(tree: ProcTree) -> None:
    tree.put(20, "sh", ["sh"])
    assert tree.pids(SELF) == {"work": []}
    tree.put(20, "worker", ["worker"])
    assert tree.pids(SELF) == {"work": [20]}
    tree.put(20, "worker", ["worker"])
    tree.put(21, "sh", ["sh"])
    title = ProcessName(name="title", follow=Follow.SELF)
    assert tree.pids(title) == {"title": []}
    tree.put(21, "sh", ["a new title"])
    for _ in range(61):
        found = tree.pids(title)
    assert found == {"title": [21]}


# --- what each uses ---------------------------------------------------------------------------------------------------


def test_memory_processors_and_a_first_pass_without_cpu(tree: ProcTree) -> None:
    tree.put(20, "worker", cpu_s=500, pages=(50, 20, 5))
    found = only(tree, SELF)
    assert (found.rss, found.vms, found.shared) == (20 * PAGE_BYTES, 50 * PAGE_BYTES, 5 * PAGE_BYTES)
    assert found.memory_percent == pytest.approx(2.0)
    assert found.cpu_affinity == (0, 1)
    assert found.cpu_percent is None
    assert found.cpu_s == 500
    tree.put(20, "worker", cpu_s=500, pages=(60, 30, 6))
    found = only(tree, SELF)
    assert (found.rss, found.vms, found.shared) == (30 * PAGE_BYTES, 60 * PAGE_BYTES, 6 * PAGE_BYTES)


def test_cpu_is_of_the_time_since_the_pass_before_also_over_one_core(tree: ProcTree) -> None:
    tree.put(20, "worker", cpu_s=500)
    tree.read(SELF)
    tree.put(20, "worker", cpu_s=500.5)
    assert only(tree, SELF, after_s=2.0).cpu_percent == pytest.approx(25)
    tree.put(20, "worker", cpu_s=503.5)
    assert only(tree, SELF, after_s=1.0).cpu_percent == pytest.approx(300)
    assert only(tree, SELF).cpu_percent == 0.0


def test_a_process_that_is_shown_from_now_on_has_its_cpu_from_the_pass_before(tree: ProcTree) -> None:
    tree.put(20, "work.sh", cpu_s=1)
    tree.put(30, "child", parent=1, cpu_s=100)
    tree.read(CHILD)
    tree.put(30, "child", parent=20, cpu_s=100.75)
    found = only(tree, CHILD)
    assert found.pid == 30
    assert found.cpu_percent == pytest.approx(75)


def test_the_time_of_a_new_one_begins_with_its_start_and_another_of_the_same_pid_is_a_new_one(tree: ProcTree) -> None:
    tree.put(20, "worker", cpu_s=100)
    tree.read(SELF)
    tree.put(20, "worker", cpu_s=0.25, started=tree.now + 0.5)
    assert only(tree, SELF, after_s=1.0).cpu_percent == pytest.approx(50)
    tree.put(21, "other", cpu_s=0.01, started=tree.now + 0.999)
    other = ProcessName(name="other", follow=Follow.SELF)
    assert only(tree, other, after_s=1.0).cpu_percent == pytest.approx(1.0 / LEAST_AGE_S)


def test_what_a_name_has_spent_counts_processes_that_have_ended_too_and_only_grows(tree: ProcTree) -> None:
    def spent() -> float:
        return tree.read(SELF).names[SELF].spent_s

    tree.put(20, "worker", cpu_s=100)
    tree.put(21, "worker", cpu_s=100)
    assert spent() == 0.0
    tree.put(20, "worker", cpu_s=101)
    tree.put(21, "worker", cpu_s=100.5)
    assert spent() == pytest.approx(1.5)
    tree.drop(20)
    assert spent() == pytest.approx(1.5)
    tree.put(22, "worker", cpu_s=0.25, started=tree.now + 0.5)
    assert spent() == pytest.approx(1.75)


def test_points_of_a_name_are_sums_and_maxima_and_unknown_is_not_none() -> None:
    a = ProcessFigures(
        pid=1,
        started=1.0,
        cpu_s=1.0,
        cpu_percent=50.0,
        cpu_affinity=None,
        memory_percent=1.0,
        rss=10,
        vms=100,
        shared=None,
    )
    b = msgspec.structs.replace(a, cpu_percent=None, rss=30, vms=50)
    assert summary([a, b]) == {
        "count": 2,
        "cpu_sum": 50.0,
        "cpu_max": 50.0,
        "rss_sum": 40,
        "rss_max": 30,
        "vms_sum": 150,
        "vms_max": 100,
        "shared_sum": None,
        "memory_percent": 2.0,
    }
    assert set(summary([]).values()) == {0}


# --- what happens beside ----------------------------------------------------------------------------------------------


def test_one_that_ends_while_it_is_looked_at_hides_nobody_and_is_counted(tree: ProcTree) -> None:
    def sizes(pid: int) -> object:
        if pid == 20:
            raise ProcessLookupError(errno.ESRCH, "No such process")
        return tree.ways.sizes(pid)

    tree.new_reader(msgspec.structs.replace(tree.ways, sizes=sizes))
    tree.put(20, "worker")
    tree.put(21, "worker")
    reading = tree.read(SELF)
    assert list(reading.names[SELF].processes) == [21]
    assert reading.races == {"ended": 1}


def test_figures_that_are_denied_are_unknown_and_the_others_stand(tree: ProcTree) -> None:
    def denied(pid: int) -> Sequence[int]:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    def garbled(pid: int) -> object:
        raise ValueError("not enough values to unpack")

    tree.new_reader(msgspec.structs.replace(tree.ways, affinity=denied, sizes=garbled))
    tree.put(20, "worker", pages=(50, 20, 5))
    reading = tree.read(SELF)
    found = reading.names[SELF].processes[20]
    assert (found.cpu_affinity, found.vms, found.shared, found.rss) == (None, None, None, 20 * PAGE_BYTES)
    assert reading.races == {"denied": 1, "garbled": 1}


def test_arguments_that_could_not_be_read_are_asked_for_again(tree: ProcTree) -> None:
    answers: list[Exception | tuple[str, ...]] = [
        PermissionError(errno.EACCES, "Permission denied"),
        ("sh", "two words"),
    ]

    def arguments(pid: int) -> Sequence[str]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    tree.new_reader(msgspec.structs.replace(tree.ways, arguments=arguments))
    tree.put(20, "sh", ["sh", "two words"])
    words = ProcessName(name="two words", follow=Follow.SELF)
    first = tree.read(words)
    assert (list(first.names[words].processes), first.races) == ([], {"denied": 1})
    second = tree.read(words)
    assert (list(second.names[words].processes), second.races) == ([20], {})
    assert tree.pids(words) == {"two words": [20]}
    assert answers == []


def test_a_table_without_process_1_says_so_and_shows_what_it_has(tree: ProcTree) -> None:
    tree.drop(1)
    tree.put(20, "worker")
    reading = tree.read(SELF)
    assert reading.problem == HIDDEN
    assert list(reading.names[SELF].processes) == [20]

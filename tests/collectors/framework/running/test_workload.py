from __future__ import annotations

from collectors.framework.running.workload import Workload
from tests.fakes.tasks import config


def load(*devices: str) -> Workload:
    found = Workload()
    found.take({device: config(device) for device in devices}, later=False)
    return found


def test_a_new_process_is_given_everything_once_some_of_it_at_a_time() -> None:
    work = load("a", "b", "c")
    assert work.next(2) == {}
    work.begin()
    assert [list(work.next(2)), list(work.next(2)), list(work.next(2))] == [["a", "b"], ["c"], []]
    assert list(work.wanted) == ["a", "b", "c"]


def test_what_it_refuses_is_said_once_and_the_next_process_is_not_given_it() -> None:
    work = load("a", "b", "c")
    given = dict(work.wanted)
    work.judged(given, {"a": "no", "b": "not that"})
    assert work.refused({"a": config("a", 10)}) == {}, "somebody else waits for what became of another config"
    assert (work.refused({"a": given["a"], "c": given["c"]}), work.refused({"a": given["a"]})) == ({"a": "no"}, {})
    assert (work.all_refused(), work.all_refused()) == ({"b": "not that"}, {})
    work.begin()
    assert list(work.next(9)) == ["c"]


def test_a_word_about_a_config_says_nothing_of_another_one_that_has_come_meanwhile() -> None:
    work = load("a", "b")
    work.begin()
    given = work.next(9)
    work.take({"a": config("a", 10)}, later=True)
    work.drop(["b"])
    work.judged(given, {"a": "no", "b": "no"})
    assert (work.all_refused(), work.wanted) == ({}, {"a": config("a", 10)})
    assert work.next(9) == {"a": config("a", 10)}
    work.judged(work.wanted, {"a": "no"})
    work.take({"a": config("a")}, later=False)  # what was said of the one before it does not stand any more
    assert work.all_refused() == {}

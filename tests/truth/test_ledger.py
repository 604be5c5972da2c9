"""Whoever follows the facts knows who ran, and what was wrong, at any time."""

from __future__ import annotations

import pytest

from collectors.sim.facts import Alive, Fact
from tests.truth.ledger import Ledger


def fact(t: float, what: str, **more: object) -> Fact:
    return Fact(t=t, device="a", what=what, **more)  # type: ignore[arg-type]


def ledger(*facts: Fact) -> Ledger:
    made = Ledger({"web": [Alive(1, 5.0, 10.0), Alive(2, 0.0, 0.0)]}, agent_since=-100.0, host_since=-200.0)
    for one in facts:
        made.take(one)
    return made


def pids(made: Ledger, begin: float, end: float) -> tuple[set[int], set[int]]:
    seen = made.seen("web", begin, end)
    return {life.pid for life in seen.sure}, {life.pid for life in seen.maybe}


def test_who_runs_during_a_whole_reading_is_sure_and_who_comes_or_goes_meanwhile_is_not() -> None:
    made = ledger(
        fact(10, "exited", program="web", pid=1, why="dies"), fact(20, "started", program="web", pid=3, why="dies")
    )
    assert pids(made, 5, 6) == ({1, 2}, set())
    assert pids(made, 9, 11) == ({2}, {1})
    assert pids(made, 12, 13) == ({2}, set())
    assert pids(made, 19, 21) == ({2}, {3})
    assert pids(made, 0, 30) == ({2}, {1, 3})
    assert made.seen("other", 0, 1).most == 0


def test_a_restart_under_the_same_pid_is_another_life() -> None:
    made = ledger(fact(10, "restarted", program="web", pid=1, old_pid=1, cpu_percent=50.0))
    (old,) = (life for life in made.seen("web", 5, 5).sure if life.pid == 1)
    (new,) = (life for life in made.seen("web", 15, 15).sure if life.pid == 1)
    assert old is not new
    assert old.cpu_at(5) == pytest.approx(5.5)
    assert new.cpu_at(15) == pytest.approx(2.5)
    made.forget(12)
    assert pids(made, 5, 5) == ({2}, set())


def test_a_reboot_ends_everybody_and_the_uptimes_begin_anew() -> None:
    made = ledger(fact(10, "host_stopped"), fact(20, "host_started", running={"web": [Alive(7, 0.0, 1.0)]}))
    assert pids(made, 15, 16) == (set(), set())
    assert pids(made, 25, 26) == ({7}, set())
    assert made.uptimes(made.agent_starts, 5, 6) == (105.0, 106.0)
    assert made.uptimes(made.agent_starts, 25, 26) == (5.0, 6.0)
    assert made.uptimes(made.host_starts, 18, 22) == (0.0, 220.0)
    assert made.ails(12, 13) == {"reboots": True}
    assert made.ails(5, 12) == {"reboots": False}
    assert made.ails(30, 31) == {}


def test_ailments_last_from_their_beginning_to_their_end() -> None:
    made = ledger(
        fact(10, "begins", ailment="slow"), fact(15, "begins", ailment="lossy"), fact(20, "ends", ailment="slow")
    )
    assert made.ails(9, 11) == {"slow": False}
    assert made.ails(16, 17) == {"slow": True, "lossy": True}
    assert made.ails(19, 21) == {"slow": False, "lossy": True}
    assert made.since("slow", 18) == 10

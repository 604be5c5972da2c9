"""When a member of a pool goes, and when it comes back."""

from __future__ import annotations

import math

from hub.model.entities import Pool
from hub.pools.presence import ALONE_S, MOST_STEADY_S, REUNION_S, SLACK_S, STEADY_S, Presence, Standing

EU = Pool(id="eu", members=("c1", "c2", "c3"))
PATIENCE_S = EU.failover_after_s + SLACK_S


def presence(*there: str, pool: Pool = EU, start: float = 0.0) -> Presence:
    made = Presence(start, pool.members)
    made.adopt({pool.id: pool}, start)
    for name in there or pool.members:
        made.arrived(name, start)
    return made


def go(made: Presence, now: float) -> list[tuple[str, bool]]:
    """Do all that is due, and tell it: who, and whether it goes."""
    done: list[tuple[str, bool]] = []
    while turns := made.due(now)[0]:
        made.turn(turns[0], now)
        done.append((turns[0].collector, turns[0].goes))
    return done


def test_a_member_that_is_away_too_long_goes_and_not_before() -> None:
    made = presence()
    made.left("c2", 100.0)
    assert made.due(100.0 + PATIENCE_S - 0.1) == ([], 100.0 + PATIENCE_S)
    assert made.standing("eu", "c2") is Standing.AWAY
    assert made.candidates(EU) == EU.members
    assert go(made, 100.0 + PATIENCE_S) == [("c2", True)]
    assert made.candidates(EU) == ("c1", "c3")
    assert made.standing("eu", "c2") is Standing.ABSENT
    assert made.due(1e9) == ([], math.inf)


def test_it_comes_back_when_its_session_has_stood_for_a_while() -> None:
    made = presence()
    made.left("c2", 0.0)
    go(made, 500.0)
    made.arrived("c2", 600.0)
    assert made.standing("eu", "c2") is Standing.RETURNING
    assert made.due(600.0 + STEADY_S - 0.1) == ([], 600.0 + STEADY_S)
    assert go(made, 600.0 + STEADY_S) == [("c2", False)]
    assert made.standing("eu", "c2") is Standing.PRESENT


def test_one_that_is_back_in_time_moves_nothing() -> None:
    made = presence()
    made.left("c2", 0.0)
    made.arrived("c2", PATIENCE_S - 1)
    assert made.due(1e6) == ([], math.inf)


def test_the_end_of_a_session_that_was_replaced_is_told_once() -> None:
    made = presence()
    made.left("c2", 10.0)
    made.left("c2", 80.0)
    assert go(made, 10.0 + PATIENCE_S) == [("c2", True)]


def test_who_flaps_waits_longer_each_time_so_that_moves_are_bounded() -> None:
    made, now, moves, waits = presence("c1", "c2"), 0.0, 0, []
    while now < 86_400.0:
        made.left("c2", now)
        now += PATIENCE_S
        moves += len(go(made, now))
        made.arrived("c2", now)
        now = made.due(now)[1]
        waits.append(now - made._there["c2"])
        moves += len(go(made, now))
    assert waits[:7] == [10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0]
    assert max(waits) == MOST_STEADY_S
    assert moves < 2 * 24 * 12
    made.left("c2", now + 4000.0)
    go(made, now + 5000.0)
    made.arrived("c2", now + 5000.0)
    assert made.due(now + 5000.0)[1] == now + 5000.0 + STEADY_S, "what was long ago is forgiven"


def test_the_last_one_keeps_its_devices_however_long_it_is_away() -> None:
    made = presence("c1", "c2")
    made.left("c1", 0.0)
    made.left("c2", 50.0)
    assert made.due(1e6) == ([], math.inf)
    assert made.candidates(Pool(id="eu", members=("c1", "c2"))) == ("c1", "c2")


def test_who_comes_first_when_all_were_away_waits_for_the_others_a_little() -> None:
    made = presence()
    for name in EU.members:
        made.left(name, 0.0)
    made.arrived("c1", 1000.0)
    made.arrived("c2", 1000.0 + REUNION_S - 1)
    assert made.due(1000.0) == ([], 1000.0 + REUNION_S)
    assert go(made, 1000.0 + REUNION_S) == [("c3", True)]


def test_one_that_comes_when_nobody_is_there_has_its_devices_at_once() -> None:
    made = presence("c1", "c2")
    made.left("c2", 0.0)
    go(made, PATIENCE_S)
    made.left("c1", 200.0)
    made.arrived("c2", 300.0)
    assert go(made, 300.0) == []
    assert go(made, 300.0 + ALONE_S) == [("c2", False)]


def test_one_that_never_logged_in_has_nothing_until_it_does() -> None:
    made = Presence(0.0, ["c1"])
    made.adopt({"eu": EU}, 0.0)
    made.arrived("c1", 0.0)
    assert made.candidates(EU) == ("c1",)
    assert made.standing("eu", "c2") is Standing.UNKNOWN
    assert made.due(1e6) == ([], math.inf)
    made.arrived("c2", 100.0)
    assert made.candidates(EU) == ("c1",)
    assert go(made, 100.0 + STEADY_S) == [("c2", False)]
    assert made.candidates(EU) == ("c1", "c2")
    assert made.absent == set()


def test_a_pool_of_strangers_has_owners_and_the_first_to_come_gets_all() -> None:
    made = Presence(0.0)
    made.adopt({"eu": EU}, 0.0)
    assert made.candidates(EU) == EU.members
    made.arrived("c2", 5.0)
    assert made.candidates(EU) == EU.members, "until it is told"
    assert go(made, 5.0 + ALONE_S) == [("c2", False)]
    assert made.candidates(EU) == ("c2",)


def test_a_restart_finds_who_was_absent_and_gives_the_others_time() -> None:
    made = Presence(1000.0, EU.members, [("eu", "c2"), ("gone", "c1")])
    made.adopt({"eu": EU}, 1000.0)
    assert made.absent == {("eu", "c2")}
    assert made.candidates(EU) == ("c1", "c3")
    made.arrived("c1", 1001.0)
    assert made.due(1000.0 + PATIENCE_S - 0.1)[0] == []
    assert go(made, 1000.0 + PATIENCE_S) == [("c3", True)]


def test_a_restart_finds_who_had_not_come_in_yet() -> None:
    two = Pool(id="eu", members=("c1", "c2"))
    made = Presence(1000.0, two.members, strange=[("eu", "c2"), ("gone", "c1")])
    made.adopt({"eu": two}, 1000.0)
    assert made.strange == {("eu", "c2")}
    made.arrived("c1", 1001.0)
    assert made.candidates(two) == ("c1",)
    assert made.may_collect([two], "c2", 1001.0), "nothing is known of its lease"
    assert go(made, 1000.0 + PATIENCE_S) == [("c2", True)]
    assert made.strange == set()


def test_a_hub_that_stood_still_gives_everybody_time_again() -> None:
    made = presence()
    made.left("c2", 0.0)
    made.begin_anew(600.0)
    assert go(made, 600.0 + PATIENCE_S - 0.1) == []
    assert go(made, 600.0 + PATIENCE_S) == [("c2", True)]


def test_new_members_that_are_away_too_long_are_out_from_the_start() -> None:
    made = Presence(0.0, ["c1", "c2", "c3"])
    two = Pool(id="eu", members=("c1", "c2"))
    made.adopt({"eu": two}, 0.0)
    made.arrived("c1", 0.0)
    made.arrived("c2", 0.0)
    assert [turn.collector for turn in made.adopt({"eu": EU}, 200.0)] == ["c3"]
    assert made.candidates(EU) == ("c1", "c2")
    made.adopt({"eu": two}, 300.0)
    assert made.absent == set()
    made.arrived("c3", 400.0)
    assert made.adopt({"eu": EU}, 401.0) == []
    assert made.candidates(EU) == EU.members, "one that is there has its devices at once"


def test_new_members_that_are_away_for_a_moment_take_nothing_from_those_that_are_there() -> None:
    one, two = Pool(id="eu", members=("c1",)), Pool(id="eu", members=("c1", "c2"))
    made = Presence(0.0, ["c1", "c2"])
    made.adopt({"eu": one}, 0.0)
    made.arrived("c1", 0.0)
    made.arrived("c2", 0.0)
    made.left("c2", 1000.0)
    assert made.adopt({"eu": two}, 1005.0) == [], "it may still be in time"
    assert made.candidates(two) == ("c1",)
    assert made.standing("eu", "c2") is Standing.ABSENT
    assert go(made, 1000.0 + PATIENCE_S - 0.1) == []
    made.arrived("c2", 1050.0)
    assert go(made, 1050.0 + STEADY_S) == [("c2", False)]
    assert made.candidates(two) == ("c1", "c2")


def test_one_that_was_added_and_does_not_come_is_away_too_long_in_the_end() -> None:
    one, two = Pool(id="eu", members=("c1",)), Pool(id="eu", members=("c1", "c2"))
    made = presence("c1", pool=one)
    made.arrived("c2", 0.0)
    made.left("c2", 10.0)
    made.adopt({"eu": two}, 20.0)
    assert go(made, 10.0 + PATIENCE_S) == [("c2", True)]
    assert (made.absent, made.candidates(two)) == ({("eu", "c2")}, ("c1",))


def test_those_that_were_in_before_keep_all_while_nobody_is_there() -> None:
    """They may be cut off, and collect; the first that is back has what it had."""
    made = presence("c1", pool=Pool(id="eu", members=("c1",)))
    made.arrived("c2", 0.0)
    made.left("c1", 10.0)
    made.left("c2", 10.0)
    two = Pool(id="eu", members=("c1", "c2"))
    made.adopt({"eu": two}, 20.0)
    assert made.candidates(two) == ("c1",)
    made.arrived("c1", 30.0)
    assert made.candidates(two) == ("c1",)


def test_of_a_new_pool_those_have_the_devices_that_are_there() -> None:
    made = Presence(0.0, ["c1", "c2", "c3"])
    made.arrived("c3", 1.0)
    made.adopt({"eu": EU}, 2.0)
    assert made.candidates(EU) == ("c3",)
    assert go(made, PATIENCE_S) == [("c1", True), ("c2", True)]


def test_one_that_is_alone_and_not_in_yet_loses_nothing_to_one_that_is_added() -> None:
    made = presence("c1", "c2")
    made.left("c1", 0.0)
    go(made, PATIENCE_S)
    alone, two = Pool(id="eu", members=("c1",)), Pool(id="eu", members=("c1", "c4"))
    made.adopt({"eu": alone}, 200.0)
    made.arrived("c1", 201.0)
    made.adopt({"eu": two}, 202.0)
    assert made.candidates(two) == ("c1",)


def test_a_pool_keeps_owners_when_all_that_stay_are_out() -> None:
    made = presence("c1", "c2")
    made.left("c1", 0.0)
    go(made, 500.0)
    alone = Pool(id="eu", members=("c1",))
    made.adopt({"eu": alone}, 500.0)
    assert made.candidates(alone) == ("c1",)


# --- who may still collect --------------------------------------------------------------------------------------------


def test_a_collector_may_collect_until_its_lease_is_over() -> None:
    made = presence("c1", "c2")
    assert made.may_collect([EU], "c2", 0.0)
    made.left("c2", 100.0)
    assert made.may_collect([EU], "c2", 100.0 + PATIENCE_S - 0.1)
    assert not made.may_collect([EU], "c2", 100.0 + PATIENCE_S)
    assert made.next_lapse(100.0) == 100.0 + PATIENCE_S
    assert not made.may_collect([EU], "nobody", 0.0)


def test_after_a_restart_all_may_but_those_that_were_absent() -> None:
    made = Presence(1000.0, EU.members, [("eu", "c2")])
    made.adopt({"eu": EU}, 1000.0)
    assert [made.may_collect([EU], name, 1000.0) for name in EU.members] == [True, False, True]
    assert not made.may_collect([EU], "c1", 1000.0 + PATIENCE_S)


def test_a_shorter_patience_counts_when_all_that_knew_the_longer_are_over_it() -> None:
    made = presence("c1", "c2", pool=Pool(id="eu", members=("c1", "c2"), failover_after_s=300))
    made.left("c2", 100.0)
    short = Pool(id="eu", members=("c1", "c2"), failover_after_s=30)
    assert made.adopt({"eu": short}, 200.0) == []
    assert made.may_collect([short], "c2", 399.0)
    assert go(made, 399.0) == []
    assert go(made, 400.0 + SLACK_S) == [("c2", True)]
    made.arrived("c2", 403.0)
    go(made, 480.0)
    made.left("c2", 600.0)
    assert go(made, 630.0 + SLACK_S) == [("c2", True)]


def test_members_of_several_pools_go_by_the_patience_of_each() -> None:
    made = Presence(0.0, ["c1", "c2"])
    slow = Pool(id="slow", members=("c1", "c2"), failover_after_s=300)
    quick = Pool(id="quick", members=("c1", "c2"), failover_after_s=30)
    made.adopt({"slow": slow, "quick": quick}, 0.0)
    made.arrived("c1", 0.0)
    made.arrived("c2", 0.0)
    made.left("c2", 100.0)
    assert go(made, 130.0 + SLACK_S) == [("c2", True)]
    assert made.due(200.0)[1] == 400.0 + SLACK_S
    assert made.candidates(slow) == ("c1", "c2")
    assert made.candidates(quick) == ("c1",)

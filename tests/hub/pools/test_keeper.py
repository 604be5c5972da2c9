"""Devices of a pool go with the members that are there; who has to know is told, and a restart moves nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from common.events import Severity
from common.rendezvous import owner_of
from hub.model.entities import Collector, Device, WhenAlone
from hub.pools.interfaces import NEVER, Absence
from hub.pools.keeper import RETRY_S
from hub.pools.passages import HANDOVER_S
from hub.pools.presence import SLACK_S, STEADY_S
from tests.fakes.stores import done
from tests.hub.pools.fakes import START, PoolSite, hosts, pool

MEMBERS = ("c1", "c2", "c3")
AWAY_S = 90 + SLACK_S + 1
BACK_S = STEADY_S + 1


@pytest.fixture
def site() -> PoolSite:
    made = PoolSite(pool(*MEMBERS), *hosts(30), Device(id="alone", address="a", collector="c1"), known=MEMBERS)
    made.arrive(*MEMBERS)
    made.wait(1)
    return made


def among(site: PoolSite, *members: str) -> dict[str, str]:
    return {f"host{number}": owner_of(f"host{number}", members) for number in range(30)} | {"alone": "c1"}


def test_a_device_is_its_collectors_or_that_members_which_it_is_hashed_to(site: PoolSite) -> None:
    assert site.owners() == among(site, *MEMBERS)
    assert site.keeper.owner("nobody") is None
    assert (site.told, site.store.moved, site.alarms) == ([], [], {})
    assert site.clock.getDelayedCalls() == [], "nothing is due"


def test_the_devices_of_a_member_that_is_away_go_to_the_others_and_come_back(site: PoolSite) -> None:
    site.leave("c2")
    site.wait(AWAY_S - 2)
    assert site.owners() == among(site, *MEMBERS)
    site.wait(2)
    assert site.owners() == among(site, "c1", "c3")
    before = among(site, *MEMBERS)
    moved = [device for device, owner in before.items() if owner == "c2"]
    assert [sorted(one) for one in site.told] == [sorted(moved)]
    site.arrive("c2")
    site.wait(STEADY_S - 1)
    assert site.owners() == among(site, "c1", "c3")
    site.wait(2)
    assert site.owners() == before
    assert sorted(site.told[1]) == sorted(moved)
    assert len(site.told) == 2


def test_moves_are_recorded_and_an_event_stands_while_the_member_is_absent(site: PoolSite) -> None:
    site.leave("c2")
    site.wait(AWAY_S)
    targets = Counter(among(site, "c1", "c3")[name] for name, owner in among(site, *MEMBERS).items() if owner == "c2")
    summary = site.alarms["eu", "c2"]
    number = sum(targets.values())
    why = "c2 is away since 2027-01-15T08:00:01Z"
    where = ", ".join(f"{name} ({count})" for name, count in targets.most_common())
    assert summary == f"pool eu: {number} devices of c2 go to {where}: {why}"
    assert site.rung[0].severity is Severity.WARNING
    assert done(site.store.absences()) == [Absence("eu", "c2", START + 1)]
    assert {(m.source, m.target, m.devices, m.why) for m in site.store.moved} == {
        ("c2", target, count, why) for target, count in targets.items()
    }
    site.arrive("c2")
    site.wait(BACK_S)
    assert (site.alarms, done(site.store.absences())) == ({}, [])
    assert {(m.source, m.target, m.devices) for m in site.store.moved[len(targets) :]} == {
        (target, "c2", count) for target, count in targets.items()
    }
    assert {move.why for move in site.store.moved[len(targets) :]} == {"c2 is back"}


def test_a_restart_moves_nothing_and_knows_who_was_absent(site: PoolSite) -> None:
    site.leave("c2")
    site.wait(AWAY_S)
    site.told.clear()
    site.restart()
    assert site.owners() == among(site, "c1", "c3")
    site.arrive("c1", "c3")
    site.wait(500)
    assert (site.owners(), site.told) == (among(site, "c1", "c3"), [])
    assert site.keeper.since("eu", "c2") == START + 1
    site.arrive("c2")
    site.wait(BACK_S)
    assert site.owners() == among(site, *MEMBERS)
    assert site.alarms == {}


def test_a_restart_knows_who_had_not_come_in_yet(site: PoolSite) -> None:
    site.change(pool(*MEMBERS, "c4"))
    site.wait(1)
    site.arrive("c4")
    site.wait(STEADY_S - 3)
    site.leave("c4")
    assert site.owners() == among(site, *MEMBERS)
    site.restart()
    assert site.owners() == among(site, *MEMBERS)
    site.arrive(*MEMBERS)
    site.wait(AWAY_S - 2)
    assert (site.told, site.alarms) == ([], {})
    site.restart()
    site.arrive(*MEMBERS, "c4")
    site.wait(BACK_S)
    assert site.owners() == among(site, *MEMBERS, "c4")
    assert site.store.moved[-1].why == "c4 is there for the first time"
    assert site.store.kept == {}


def test_who_had_not_come_in_yet_and_is_no_member_any_more_is_forgotten(site: PoolSite) -> None:
    site.change(pool(*MEMBERS, "c4", "c5"))
    site.wait(1)
    assert done(site.store.absences()) == [Absence("eu", "c4", NEVER), Absence("eu", "c5", NEVER)]
    site.change(pool(*MEMBERS, "c5"))
    site.wait(1)
    assert set(site.store.kept) == {("eu", "c5")}
    site.restart()
    site.change(pool(*MEMBERS))
    site.wait(1)
    assert site.store.kept == {}
    assert site.rung == []


def test_members_that_do_not_come_after_a_restart_are_away_since_then(site: PoolSite) -> None:
    site.restart()
    site.arrive("c1", "c3")
    site.wait(AWAY_S - 2)
    assert site.owners() == among(site, *MEMBERS)
    site.wait(3)
    assert site.owners() == among(site, "c1", "c3")


def test_what_cannot_be_remembered_is_not_done(site: PoolSite) -> None:
    site.store.broken = "the disk is full"
    site.leave("c2")
    site.wait(AWAY_S + 60)
    assert (site.owners(), site.told, site.alarms) == (among(site, *MEMBERS), [], {})
    site.store.broken = ""
    site.wait(RETRY_S + 1)
    assert site.owners() == among(site, "c1", "c3")


def test_one_that_comes_back_while_its_going_is_written_down_keeps_its_devices(site: PoolSite) -> None:
    site.store.slow = True
    site.leave("c2")
    site.wait(AWAY_S)
    site.arrive("c2")
    site.store.go_on()
    site.wait(1)
    assert (site.owners(), site.told, site.alarms) == (among(site, *MEMBERS), [], {})
    assert site.store.kept == {}
    there, back = [move for move in site.store.moved if move.source == "c2"], site.store.moved[-2:]
    assert {(move.source, move.target, move.devices) for move in there} == {
        (move.target, move.source, move.devices) for move in back
    }
    assert {move.why for move in back} == {"c2 is there after all"}
    site.wait(AWAY_S)
    assert site.told == []


def test_one_that_leaves_while_its_coming_is_written_down_gets_nothing(site: PoolSite) -> None:
    site.leave("c2")
    site.wait(AWAY_S)
    kept, alarms = dict(site.store.kept), dict(site.alarms)
    site.told.clear()
    site.store.slow = True
    site.arrive("c2")
    site.wait(BACK_S)
    site.leave("c2")
    site.store.go_on()
    site.wait(AWAY_S)
    assert (site.owners(), site.told) == (among(site, "c1", "c3"), [])
    assert (site.store.kept, site.alarms) == (kept, alarms)
    assert site.store.moved[-1].why == "c2 is away again"


def test_a_new_one_that_leaves_while_its_coming_is_written_down_stays_new(site: PoolSite) -> None:
    site.change(pool(*MEMBERS, "c4"))
    site.wait(1)
    site.store.slow = True
    site.arrive("c4")
    site.wait(BACK_S)
    site.leave("c4")
    site.store.go_on()
    site.wait(1)
    assert site.owners() == among(site, *MEMBERS)
    assert site.store.kept == {("eu", "c4"): Absence("eu", "c4", NEVER)}


def test_one_that_is_put_out_of_the_pool_and_back_while_its_going_is_written_down(site: PoolSite) -> None:
    site.store.slow = True
    site.leave("c2")
    site.wait(AWAY_S)
    site.change(pool("c1", "c3"))
    site.change(pool(*MEMBERS))
    site.store.go_on()
    site.wait(1)
    assert site.owners() == among(site, "c1", "c3")
    assert site.keeper.presence.absent == set(site.store.kept) == set(site.alarms) == {("eu", "c2")}


def test_one_that_is_no_member_any_more_when_its_going_is_written_down(site: PoolSite) -> None:
    site.store.slow = True
    site.leave("c2")
    site.wait(AWAY_S)
    site.change(pool("c1", "c3"))
    site.store.go_on()
    site.wait(1)
    assert (site.keeper.presence.absent, site.store.kept, site.alarms) == (set(), {}, {})


def test_one_that_is_back_before_it_could_be_remembered_keeps_its_devices(site: PoolSite) -> None:
    site.store.broken = "the disk is full"
    site.leave("c2")
    site.wait(AWAY_S)
    site.arrive("c2")
    site.store.broken = ""
    site.wait(AWAY_S)
    assert (site.told, site.store.kept) == ([], {})


def test_a_hub_that_stood_still_itself_moves_nothing_for_that(site: PoolSite) -> None:
    site.leave("c2")
    site.clock.advance(0)
    site.clock.advance(600)
    site.wait(1)
    assert site.told == []
    site.wait(AWAY_S)
    assert site.owners() == among(site, "c1", "c3")


def test_when_nobody_is_there_nothing_moves(site: PoolSite) -> None:
    site.leave(*MEMBERS)
    site.wait(10_000)
    assert (site.owners(), site.told) == (among(site, *MEMBERS), [])


# --- changes of the model ---------------------------------------------------------------------------------------------


def test_a_member_that_is_removed_loses_its_devices_at_once(site: PoolSite) -> None:
    site.change(pool("c1", "c3"))
    assert site.owners() == among(site, "c1", "c3")
    assert len(site.told) == 1
    site.wait(1)
    assert {(move.source, move.why) for move in site.store.moved} == {("c2", "revision 2")}


def test_one_that_is_added_gets_its_own_at_once_if_it_is_there(site: PoolSite) -> None:
    site.arrive("c4")
    site.wait(1)
    site.change(pool(*MEMBERS, "c4", "stranger"))
    assert site.owners() == among(site, *MEMBERS, "c4")
    site.wait(1)
    assert {(move.target, move.why) for move in site.store.moved} == {("c4", "revision 2")}
    site.arrive("stranger")
    site.wait(BACK_S)
    assert site.owners() == among(site, *MEMBERS, "c4", "stranger")
    assert site.store.moved[-1].why == "stranger is there for the first time"
    assert site.alarms == {}


def test_one_that_is_added_while_it_is_away_for_long_gets_nothing(site: PoolSite) -> None:
    site.arrive("c4")
    site.leave("c4")
    site.wait(AWAY_S)
    site.change(pool(*MEMBERS, "c4"))
    assert site.owners() == among(site, *MEMBERS)
    assert "it had no devices" in site.alarms["eu", "c4"]
    site.wait(1)
    assert ("eu", "c4") in site.store.kept
    site.change(pool(*MEMBERS))
    site.wait(1)
    assert (site.alarms, site.store.kept) == ({}, {})
    assert site.told == []


def test_one_that_is_added_while_it_is_away_for_a_moment_takes_nothing_from_those_that_collect(site: PoolSite) -> None:
    site.arrive("c4")
    site.wait(100)
    site.leave("c4")
    site.wait(5)
    site.change(pool(*MEMBERS, "c4"))
    site.wait(AWAY_S - 7)
    assert (site.told, site.owners(), site.alarms) == ([], among(site, *MEMBERS), {})
    site.wait(3)
    assert "c4 is away since" in site.alarms["eu", "c4"]
    site.arrive("c4")
    site.wait(BACK_S)
    assert (site.owners(), site.alarms) == (among(site, *MEMBERS, "c4"), {})


def test_devices_that_come_to_a_pool_leave_it_or_go_move_by_the_model(site: PoolSite) -> None:
    site.change(Device(id="host0", address="a", collector="us"), Device(id="alone", address="a", collector="eu"))
    owner = owner_of("alone", MEMBERS)
    assert sorted(site.told[0]) == sorted(["host0"] + ["alone"] * (owner != "c1"))
    assert (site.keeper.owner("host0"), site.keeper.owner("alone")) == ("us", owner)
    site.change(gone=[("Device", "host1")])
    assert site.keeper.owner("host1") is None
    site.wait(1)
    assert site.store.moved == [], "the history of the model tells it"


def test_a_pool_that_gets_a_title_moves_nothing(site: PoolSite) -> None:
    site.leave("c2")
    site.wait(AWAY_S)
    site.told.clear()
    site.change(pool(*reversed(MEMBERS)), Collector(id="c1", title="one"))
    site.wait(1)
    assert (site.owners(), site.told) == (among(site, "c1", "c3"), [])


def test_a_collector_that_becomes_a_pool_of_two(site: PoolSite) -> None:
    site.change(pool("c1", "c2", id="c9"), Device(id="alone", address="a", collector="c9"))
    assert site.keeper.owner("alone") == owner_of("alone", ["c1", "c2"])


def test_what_a_plan_would_do_is_told_and_nothing_is_done(site: PoolSite) -> None:
    site.leave("c2")
    site.wait(AWAY_S)
    planned = site.model.changed(99, {("Pool", "eu"): pool("c1", "c2")})
    assert {site.keeper.owner_of(planned, device) for device in planned.devices.values()} == {"c1"}
    assert site.owners() == among(site, "c1", "c3")


# --- who is waited for ------------------------------------------------------------------------------------------------


def test_who_may_still_collect_is_known_and_waiting_ends(site: PoolSite) -> None:
    keeper = site.keeper
    assert keeper.rivals("host0") == MEMBERS
    assert keeper.may_collect("c2", "host0")
    site.leave("c2")
    site.wait(90)
    assert keeper.may_collect("c2", "host0")
    woken = site.woken
    site.wait(4)
    assert not keeper.may_collect("c2", "host0")
    assert site.woken > woken
    assert not keeper.may_collect("c1", "alone"), "of a collector's own device nobody is waited for"
    assert keeper.rivals("alone") == ()


def test_one_that_was_removed_while_it_was_away_is_waited_for(site: PoolSite) -> None:
    site.leave("c2")
    site.change(pool("c1", "c3"))
    site.wait(80)
    assert site.keeper.may_collect("c2", "host0")
    woken = site.woken
    site.wait(20)
    assert not site.keeper.may_collect("c2", "host0")
    assert site.woken > woken


@pytest.fixture
def two_pools() -> PoolSite:
    """Members of a pool that waits for long, and of one that does not."""
    made = PoolSite(
        pool(*MEMBERS, failover_after_s=300),
        pool("c1", "c2", id="quick", failover_after_s=30),
        *hosts(30),
        known=MEMBERS,
    )
    made.change(Device(id="own", address="a", collector="quick"))
    made.arrive(*MEMBERS)
    made.wait(1)
    return made


def test_a_device_that_came_from_another_pool_may_be_held_with_its_lease(two_pools: PoolSite) -> None:
    keeper = two_pools.keeper
    two_pools.leave("c2", "c3")
    two_pools.wait(50)
    assert ("quick", "c2") in keeper.presence.absent
    two_pools.change(Device(id="host0", address="a", collector="quick"))
    assert [keeper.may_collect(name, "host0") for name in MEMBERS] == [True] * 3
    assert "c3" in keeper.rivals("host0"), "it may not have told yet what it holds"
    assert not keeper.may_collect("c2", "own"), "it is waited for no longer than the lease of the device"
    two_pools.wait(250)
    assert [keeper.may_collect(name, "host0") for name in MEMBERS] == [True] * 3
    assert not keeper.is_over("c2", "host0")
    woken = two_pools.woken
    two_pools.wait(4)
    assert [keeper.may_collect(name, "host0") for name in MEMBERS] == [True, False, False]
    assert keeper.is_over("c2", "host0")
    assert two_pools.woken > woken


def test_one_that_had_time_to_be_told_has_the_lease_of_the_new_pool(two_pools: PoolSite) -> None:
    two_pools.change(Device(id="host0", address="a", collector="quick"))
    two_pools.wait(HANDOVER_S + 1)
    two_pools.leave("c2")
    two_pools.wait(30 + SLACK_S + 1)
    assert not two_pools.keeper.may_collect("c2", "host0")
    assert two_pools.keeper.may_collect("c2", "host1")


def test_the_pool_that_a_device_came_from_may_be_gone(two_pools: PoolSite) -> None:
    two_pools.leave("c3")
    moved = [Device(id=name, address="a", collector="quick") for name in two_pools.model.devices]
    two_pools.change(*moved, gone=[("Pool", "eu")])
    two_pools.wait(290)
    assert two_pools.keeper.may_collect("c3", "host0")
    woken = two_pools.woken
    two_pools.wait(20)
    assert not two_pools.keeper.may_collect("c3", "host0")
    assert two_pools.woken > woken


def test_after_a_restart_nobody_knows_where_devices_came_from(two_pools: PoolSite) -> None:
    two_pools.restart()
    two_pools.arrive("c1")
    two_pools.wait(50)
    assert ("quick", "c2") in two_pools.keeper.presence.absent
    assert two_pools.keeper.may_collect("c2", "own")
    two_pools.wait(260)
    assert not two_pools.keeper.may_collect("c2", "own")


def test_those_that_go_on_alone_are_waited_for_in_vain(site: PoolSite) -> None:
    alone = pool(*MEMBERS)
    site.change(type(alone)(id="eu", members=MEMBERS, when_alone=WhenAlone.CONTINUE))
    assert not site.keeper.may_collect("c2", "host0")
    assert site.keeper.rivals("host0") == ()


def test_one_who_is_told_and_fails_stops_nobody(site: PoolSite) -> None:
    def fail(_revision: int, _devices: object) -> None:
        raise ZeroDivisionError

    told: list[int] = []
    site.keeper.observe(fail)
    site.keeper.observe(lambda revision, _devices: told.append(revision))
    site.change(pool("c1", "c3"))
    assert told == [2]
    assert len(site.told) == 1


def test_it_stops_in_the_middle(site: PoolSite) -> None:
    site.leave("c2")
    site.store.broken = "full"
    site.wait(AWAY_S)
    site.keeper.stop()
    assert site.clock.getDelayedCalls() == []
    site.keeper.left("c3")
    assert site.clock.getDelayedCalls() == []

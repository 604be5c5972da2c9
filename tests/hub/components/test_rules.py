from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.components import ComponentKind, Lock
from common.wire import ModelReport
from hub.components.merged import Merged, What
from hub.components.rules import DAY_S, merge, rename, retire
from hub.components.values import (
    MAX_HELD,
    NOTHING,
    Component,
    DeviceComponents,
    State,
    decode_components,
    encode_components,
)
from hub.model.diff import FieldChange
from tests.hub.components.reports import NOW, PORT, SET, found, ids, outcome, report


class Site:
    """A device whose reports come one after the other."""

    def __init__(self, locks: Collection[Lock] = (), identifies: Any = None) -> None:
        self.held = NOTHING
        self.locks = locks
        self.lock_of: dict[str, list[Lock]] = {}
        self.new_id = ids()
        self.more = {} if identifies is None else {"identifies": identifies}

    def take(self, one: ModelReport, now: float | None = None) -> Merged:
        at = one.at if now is None else now
        merged = merge(self.held, one, lambda one: self.lock_of.get(one.name, self.locks), at, self.new_id, **self.more)
        self.held = merged.after
        return merged

    def one(self, name: str, kind: ComponentKind = SET) -> Component:
        component = self.held.find(kind, name)
        assert component is not None
        return component


def told(merged: Merged) -> list[tuple[str, str]]:
    return [(note.what.value, note.name) for note in merged.notes]


def test_what_is_found_first_is_added() -> None:
    site = Site()
    merged = site.take(report(found("nginx", "web", pids=3), outcome(kinds=(), attributes={"sysName": "w"})))
    assert told(merged) == [("added", "nginx")]
    assert merged.attributes == (FieldChange("sysName", None, "w"),)
    assert site.held == DeviceComponents(
        modelled_at=NOW,
        attributes={"sysName": "w"},
        components=(
            Component(
                id="0000000000000001", kind=SET, name="nginx", series="nginx", anchor="web", attributes={"pids": 3},
                first_seen=NOW, seen_at=NOW,
            ),
        ),
    )  # fmt: skip


def test_what_is_not_seen_any_more_is_absent_and_comes_back_as_the_same() -> None:
    site = Site()
    site.take(report(found("a"), found("b")))
    before = site.one("b")
    assert told(site.take(report(found("a"), at=NOW + 1))) == [("missed", "b")]
    assert told(site.take(report(found("a"), at=NOW + 2))) == [("still absent", "b")]
    gone = site.one("b")
    assert (gone.state, gone.absent_since, gone.seen_at, gone.id) == (State.ABSENT, NOW + 1, NOW, before.id)
    assert told(site.take(report(found("a"), found("b"), at=NOW + 3))) == [("back", "b")]
    back = site.one("b")
    assert (back.state, back.seen_at, back.id, back.first_seen) == (State.PRESENT, NOW + 3, before.id, NOW)


def test_a_retired_one_comes_back() -> None:
    site = Site()
    site.take(report(found("a")))
    site.take(report(at=NOW + 1))
    site.held = retire(site.held, NOW + DAY_S * 31, lambda _one: 30, lambda _one: False)
    assert site.one("a").state is State.RETIRED
    assert told(site.take(report(at=NOW + DAY_S * 32))) == []
    assert told(site.take(report(found("a"), at=NOW + DAY_S * 33))) == [("back", "a")]
    assert site.one("a").state is State.PRESENT


def test_what_is_of_the_moment_is_kept_and_is_no_change() -> None:
    site = Site()
    site.take(report(found("nginx", "web", count=3, example="nginx -g")))
    merged = site.take(report(found("nginx", "web", count=4, example="nginx -t"), at=NOW + 1))
    assert (merged.is_empty, merged.notes) == (True, ())
    assert site.one("nginx").attributes == {"count": 4, "example": "nginx -t"}
    site.locks = (Lock.UPDATE,)
    assert site.take(report(found("nginx", "web", count=5), at=NOW + 2)).notes == ()
    assert site.one("nginx").attributes == {"count": 4, "example": "nginx -t"}


def test_what_changed_is_told_field_by_field() -> None:
    site = Site()
    site.take(report(found("eth0", "m1", speed=1, mtu=1500), found("eth1")))
    merged = site.take(report(found("eth0", "m2", speed=2, mtu=1500, alias="x"), found("eth1"), at=NOW + 1))
    assert told(merged) == [("changed", "eth0")]
    assert merged.notes[0].fields == (
        FieldChange("anchor", "m1", "m2"), FieldChange("speed", 1, 2), FieldChange("alias", None, "x"),
    )  # fmt: skip
    assert site.one("eth0").attributes == {"speed": 2, "mtu": 1500, "alias": "x"}


def test_an_update_lock_keeps_all_but_whether_it_is_there() -> None:
    site = Site()
    site.take(report(found("eth0", "m1", speed=1)))
    site.take(report(at=NOW + 1))
    site.locks = [Lock.UPDATE]
    merged = site.take(report(found("eth0", "m2", speed=2), at=NOW + 2))
    assert told(merged) == [("back", "eth0"), ("kept", "eth0")]
    assert merged.of(What.KEPT)[0].fields == (FieldChange("anchor", "m1", "m2"), FieldChange("speed", 1, 2))
    one = site.one("eth0")
    assert (one.anchor, one.attributes, one.seen_at, one.state) == ("m1", {"speed": 1}, NOW + 2, State.PRESENT)


def test_only_kinds_that_were_looked_for_are_missed() -> None:
    site = Site()
    site.take(report(outcome(found("a"), found("eth0", kind=PORT), kinds=(SET, PORT))))
    merged = site.take(report(outcome(kinds=(PORT,)), at=NOW + 1))
    assert told(merged) == [("missed", "eth0")]


def test_a_plugin_that_could_not_tell_changes_nothing_of_its_kinds() -> None:
    site = Site()
    site.take(report(outcome(found("a"), found("eth0", kind=PORT), kinds=(SET, PORT))))
    broken = outcome(found("b"), plugin="interfaces", kinds=(PORT,), problem="the walk broke off", attributes={"x": 1})
    merged = site.take(report(outcome(found("eth9", kind=PORT), kinds=(SET, PORT)), broken, at=NOW + 1))
    assert told(merged) == [("missed", "a")]
    assert merged.problems == {"interfaces": "the walk broke off"}
    assert site.held.problem == "interfaces: the walk broke off"
    assert (site.held.modelled_at, site.held.attributes) == (NOW + 1, {})
    site.take(report(found("a"), at=NOW + 2))
    assert site.held.problem == ""


def test_a_report_of_nothing_but_problems_is_no_modelling() -> None:
    site = Site()
    site.take(report(found("a")))
    before = site.held
    merged = site.take(report(at=NOW + 1, problem="it does not answer"))
    assert merged.is_empty
    assert merged.problems == {"": "it does not answer"}
    assert (site.held.modelled_at, site.held.problem) == (NOW, "it does not answer")
    assert site.held.components == before.components
    site.take(report(outcome(problem="no"), at=NOW + 2))
    assert (site.held.modelled_at, site.held.problem) == (NOW, "processes: no")


def test_a_report_that_comes_late_changes_nothing() -> None:
    site = Site()
    site.take(report(found("a"), at=NOW + 5))
    before = site.held
    merged = site.take(report(found("b"), at=NOW + 4))
    assert (merged.after, merged.is_empty, merged.notes) == (before, True, ())
    assert merged.problems == {"": "a later modelling is known already"}


def test_a_clock_that_is_ahead_does_not_shut_out_what_comes_later() -> None:
    site = Site()
    site.take(report(found("a"), at=NOW + 1e6), now=NOW)
    assert site.held.modelled_at == NOW
    assert told(site.take(report(at=NOW + 1))) == [("missed", "a")]


def test_the_same_anchor_under_another_name_is_the_same_component() -> None:
    site = Site()
    site.take(report(found("eth0", "m1", speed=1), found("eth1", "m2")))
    before = site.one("eth0")
    merged = site.take(report(found("enp1s0", "m1", speed=2), found("eth1", "m2"), at=NOW + 1))
    assert told(merged) == [("changed", "enp1s0"), ("renamed", "enp1s0")]
    assert merged.of(What.RENAMED)[0].before == "eth0"
    one = site.one("enp1s0")
    assert (one.id, one.first_seen, one.series, one.name) == (before.id, NOW, "eth0", "enp1s0")
    assert site.held.find(SET, "eth0") is one, "it is found by the name of its series"
    assert len(site.held.components) == 2


def test_an_absent_one_comes_back_under_another_name() -> None:
    site = Site()
    site.take(report(found("a", "x")))
    site.take(report(at=NOW + 1))
    assert told(site.take(report(found("b", "x"), at=NOW + 2))) == [("back", "b"), ("renamed", "b")]


def test_an_anchor_that_several_have_tells_nothing() -> None:
    for first, second in (
        ([("a", "x"), ("b", "x")], [("c", "x")]),
        ([("a", "x")], [("b", "x"), ("c", "x")]),
        ([("a", "x"), ("b", "x")], [("a", "x"), ("c", "x")]),
        ([("a", "")], [("b", "")]),
    ):
        site = Site()
        site.take(report(*(found(*one) for one in first)))
        merged = site.take(report(*(found(*one) for one in second), at=NOW + 1))
        assert merged.of(What.RENAMED) == [], (first, second)
        assert merged.of(What.ADDED)
        assert merged.of(What.MISSED)


def test_an_anchor_of_another_kind_or_that_cannot_identify_is_no_rename() -> None:
    site = Site()
    site.take(report(found("a", "x")))
    assert not site.take(report(outcome(found("b", "x", PORT), kinds=(SET, PORT)), at=NOW + 1)).of(What.RENAMED)
    site = Site(identifies=lambda kind, anchor: (kind, anchor) != (SET, "x"))
    site.take(report(found("a", "x"), found("a2", "y")))
    merged = site.take(report(found("b", "x"), found("b2", "y"), at=NOW + 1))
    assert [(note.before, note.name) for note in merged.of(What.RENAMED)] == [("a2", "b2")]


def test_an_update_lock_keeps_the_name_of_what_is_there_and_makes_no_second_of_it() -> None:
    site = Site(locks=[Lock.UPDATE])
    site.take(report(found("a", "x")))
    for seconds in (1, 2):
        merged = site.take(report(found("b", "x"), at=NOW + seconds))
        assert told(merged) == [("kept", "a")]
        assert merged.of(What.KEPT)[0].fields == (FieldChange("name", "a", "b"),)
        assert (len(site.held.components), site.one("a").seen_at) == (1, NOW + seconds)
    site.take(report(at=NOW + 3))
    assert told(site.take(report(found("b", "x"), at=NOW + 4))) == [("back", "a"), ("kept", "a")]
    site.take(report(found("b", "x"), found("a", "y"), at=NOW + 5))
    assert [one.name for one in site.held.components] == ["a", "b"], "the name is another's by now"


def test_process_sets_whose_definitions_swap_names_keep_their_histories() -> None:
    site = Site()
    site.take(report(found("a", "x"), found("b", "y")))
    ids_ = {one.anchor: one.id for one in site.held.components}
    merged = site.take(report(found("b", "x"), found("a", "y"), at=NOW + 1))
    assert sorted((note.before, note.name) for note in merged.of(What.RENAMED)) == [("a", "b"), ("b", "a")]
    assert {one.anchor: one.id for one in site.held.components} == ids_
    assert (site.one("a").series, site.one("b").series) == ("b", "a")


def test_a_set_takes_the_name_that_another_leaves() -> None:
    site = Site()
    site.take(report(found("a", "x"), found("b", "y")))
    site.take(report(found("b", "x"), found("z", "y"), found("a", "new"), at=NOW + 1))
    assert [(one.name, one.anchor, one.series) for one in site.held.components] == [
        ("a", "new", "a ~0000000000000003"), ("b", "x", "a"), ("z", "y", "b"),
    ]  # fmt: skip


def test_a_name_that_its_owner_does_not_leave_is_the_owners() -> None:
    site = Site()
    site.take(report(found("a", "x"), found("b", "y")))
    merged = site.take(report(found("b", "x"), at=NOW + 1))
    assert told(merged) == [("missed", "a"), ("changed", "b")]


def test_ports_that_swap_names_are_told_by_their_names() -> None:
    site = Site()
    site.take(report(outcome(found("a", "x", PORT), found("b", "y", PORT), kinds=(PORT,))))
    merged = site.take(report(outcome(found("b", "x", PORT), found("a", "y", PORT), kinds=(PORT,)), at=NOW + 1))
    assert told(merged) == [("changed", "a"), ("changed", "b")]


def test_names_that_definitions_swap_or_pass_on_are_swapped_and_passed_on() -> None:
    site = Site()
    site.take(report(found("a", "x"), found("b", "y"), found("c", "w"), found("d", "v"), found("e", "u")))
    names = {"x": ("a", "b"), "y": ("b", "a"), "w": ("c", "d"), "v": ("d", "z"), "u": ("e", "e2")}
    after = rename(site.held, names, lambda _one: ())
    assert {one.anchor: (one.name, one.series) for one in after.components} == {
        "x": ("b", "a"), "y": ("a", "b"), "w": ("d", "c"), "v": ("z", "d"), "u": ("e2", "e"),
    }  # fmt: skip
    assert rename(after, names, lambda _one: ()) == after
    locked = rename(site.held, names, lambda one: [Lock.UPDATE] if one.name in {"b", "d"} else [])
    assert {one.anchor: one.name for one in locked.components} == {"x": "a", "y": "b", "w": "c", "v": "d", "u": "e2"}


def _but(name: str) -> Callable[[Component], bool]:
    return lambda one: one.name != name


def test_what_is_retired_makes_room() -> None:
    site = Site()
    site.take(report(*(found(f"a{n}") for n in range(MAX_HELD))))
    site.take(report(*(found(f"a{n}") for n in range(5, MAX_HELD)), at=NOW + 1))
    for name, day in (("a1", 40), ("a0", 41), ("a2", 42), ("a3", 43)):
        site.held = retire(site.held, NOW + day * DAY_S, lambda _one: 30, _but(name))
    site.lock_of = {"a0": [Lock.DELETE]}
    last = NOW + 50 * DAY_S
    merged = site.take(report(*(found(f"a{n}") for n in range(5, MAX_HELD)), found("b"), found("c"), at=last))
    assert (merged.left_out, len(site.held.components)) == (0, MAX_HELD)
    names = {one.name for one in site.held.components}
    assert {"a0", "a1", "a2", "a3", "a4", "b", "c"} & names == {"a0", "a3", "a4", "b", "c"}, "the oldest go first"
    known = sorted(names - {"a0", "a3", "a4"})
    merged = site.take(report(*(found(name) for name in known), found("d"), found("e"), at=last + 1))
    assert (len(merged.of(What.ADDED)), merged.left_out) == (1, 1), "what is locked, or only absent, stays"


def test_who_gets_the_old_name_of_another_gets_series_of_its_own() -> None:
    site = Site()
    site.take(report(found("a", "x")))
    site.take(report(found("b", "x"), at=NOW + 1))
    site.take(report(found("b", "x"), found("a", "y"), at=NOW + 2))
    assert (site.one("b").series, site.one("a").series) == ("a", "a ~0000000000000002")
    long = "n" * 255
    site = Site()
    site.take(report(found(long, "x")))
    site.take(report(found("b", "x"), at=NOW + 1))
    site.take(report(found("b", "x"), found(long), at=NOW + 2))
    assert len(site.one(long).series) == 255
    assert site.one(long).series != long


def test_of_doubles_the_first_goes() -> None:
    merged = Site().take(report(found("a", n=1), found("a", n=2)))
    assert told(merged) == [("added", "a"), ("double", "a")]
    assert merged.after.components[0].attributes == {"n": 1}


def test_figures_that_are_none_are_left_out() -> None:
    site = Site()
    site.take(report(outcome(found("a", x=math.nan, y=1.5), attributes={"z": math.inf, "w": "w"})))
    assert (site.one("a").attributes, site.held.attributes) == ({"y": 1.5}, {"w": "w"})
    assert decode_components(encode_components(site.held)) == site.held


def test_a_device_has_no_more_than_so_many_components() -> None:
    site = Site()
    site.take(report(*(found(f"a{n}") for n in range(MAX_HELD - 1))))
    merged = site.take(report(found("b"), found("c"), at=NOW + 1))
    assert (len(merged.of(What.ADDED)), merged.left_out, len(site.held.components)) == (1, 1, MAX_HELD)


def test_what_is_absent_for_long_retires_unless_something_holds_it() -> None:
    site = Site()
    site.take(report(found("a"), found("b"), found("kept"), found("slow"), found("there")))
    site.take(report(found("there"), at=NOW + 1))

    def days(one: Component) -> float:
        return 60 if one.name == "slow" else 30

    early = retire(site.held, NOW + 30 * DAY_S, days, lambda _one: False)
    assert early is site.held
    at = NOW + 1 + 30 * DAY_S
    after = retire(site.held, at, days, lambda one: one.name == "kept")
    assert {one.name: one.retired_at for one in after.components} == {
        "a": at, "b": at, "kept": None, "slow": None, "there": None,
    }  # fmt: skip
    assert retire(after, at + 1, days, lambda one: one.name == "kept") is after


# --- laws -------------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d"])
FOUND = st.builds(
    lambda name, anchor, kind, n: found(name, anchor, kind, n=n),
    NAMES,
    st.sampled_from(["", "x", "y"]),
    st.sampled_from([SET, PORT]),
    st.integers(0, 2),
)
OUTCOMES = st.builds(
    lambda components, kinds, problem, attributes: outcome(
        *components, kinds=tuple(kinds), problem=problem, attributes=attributes
    ),
    st.lists(FOUND, max_size=6),
    st.sets(st.sampled_from([SET, PORT])),
    st.sampled_from(["", "", "no"]),
    st.dictionaries(NAMES, st.integers(0, 2), max_size=2),
)
REPORTS = st.builds(
    lambda outcomes, at: report(*outcomes, at=NOW + at),
    st.lists(OUTCOMES, min_size=1, max_size=3),
    st.integers(0, 20),
)
LOCKS = st.dictionaries(st.tuples(st.sampled_from([SET, PORT]), NAMES), st.sets(st.sampled_from(list(Lock))))


@given(st.lists(REPORTS, max_size=6), LOCKS)
def test_laws(reports: list[ModelReport], locks: dict[Any, set[Lock]]) -> None:
    held, new_id = NOTHING, ids()

    def locks_of(one: Component) -> Collection[Lock]:
        return locks.get(one.key, ())

    for one in reports:
        merged = merge(held, one, locks_of, NOW + 10, new_id)
        before, after = {c.id: c for c in held.components}, {c.id: c for c in merged.after.components}
        assert before.keys() <= after.keys(), "nothing vanishes"
        assert len(after) == len(merged.after.components), "ids are unique"
        assert len({c.key for c in after.values()}) == len(after), "so are names of a kind"
        assert len({(c.kind, c.series) for c in after.values()}) == len(after), "and series"
        for id_, was in before.items():
            now = after[id_]
            assert (now.kind, now.series, now.first_seen) == (was.kind, was.series, was.first_seen)
            if Lock.UPDATE in locks_of(was):
                assert (now.name, now.anchor, now.attributes) == (was.name, was.anchor, was.attributes)
            if any(part.problem and was.kind in part.kinds for part in one.outcomes):
                assert now == was, "a problem changes nothing"
        again = merge(merged.after, one, locks_of, NOW + 10, new_id)
        assert again.is_empty
        assert again.after == merged.after
        assert decode_components(encode_components(merged.after)) == merged.after
        held = merged.after

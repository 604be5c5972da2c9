"""Which templates hold, and what each of them says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.model.bound import resolution_of
from hub.model.entities import (
    Device,
    DeviceClass,
    Group,
)
from hub.model.model import Model
from hub.model.resolution import Hidden, Origin, Resolution, Trace, Unheld, extended, rebound, resolve
from hub.model.sources import DataPoint, Source, SourceType
from hub.model.templates import (
    Curve,
    Graph,
    Target,
    Template,
    Threshold,
)

HIGH = Threshold(points=("cpu",), maximum=90.0)
LOW = Threshold(points=("cpu",), minimum=1.0)


def held(resolution: Resolution) -> list[tuple[str, str]]:
    return [(one.template.id, one.bound_by) for one in resolution.held]


def templates(*given: Template) -> dict[str, Any]:
    by_id = {one.id: one for one in given}
    return {id_: extended(by_id, id_) for id_ in by_id}


A, B, C = Template(id="a"), Template(id="b"), Template(id="c", replaces="a")
ABC = templates(A, B, C)


def test_what_is_bound_later_is_stronger_and_each_may_unbind_what_came_before() -> None:
    bindings = [("class /", ("a", "b")), ("group g", ("-a",)), ("device", ("a",))]
    assert held(resolve(ABC, bindings)) == [("b", "class /"), ("a", "device")]
    assert resolve(ABC, bindings).unheld == ()
    less = resolve(ABC, bindings[:2])
    assert held(less) == [("b", "class /")]
    assert less.unheld == (Unheld(id="a", bound_by="class /", why="unbound by group g"),)


def test_what_is_unbound_without_being_bound_and_what_is_not_there_do_nothing() -> None:
    assert resolve(ABC, [("class /", ("-a", "nobody", "-no"))]) == Resolution()


def test_a_template_replaces_another_wherever_both_are_bound_whoever_is_stronger() -> None:
    for bindings in ([("class /", ("a",)), ("device", ("c",))], [("class /", ("c",)), ("device", ("a",))]):
        found = resolve(ABC, bindings)
        who = {id_: by for by, ids in bindings for id_ in ids}
        assert held(found) == [("c", who["c"])]
        assert found.unheld == (Unheld(id="a", bound_by=who["a"], why=f"replaced by c, which {who['c']} binds"),)
    assert held(resolve(ABC, [("class /", ("a",)), ("device", ("c", "-c"))])) == [("a", "class /")]


def test_what_was_replaced_by_a_replaced_template_names_the_one_that_holds() -> None:
    chain = templates(Template(id="a"), Template(id="b", replaces="a"), Template(id="c", replaces="b"))
    found = resolve(chain, [("class /", ("a", "b")), ("device", ("c",))])
    assert held(found) == [("c", "device")]
    assert {one.id: one.why for one in found.unheld} == dict.fromkeys("ab", "replaced by c, which device binds")


def test_a_template_begins_with_all_that_the_one_it_extends_has() -> None:
    base = Template(
        id="base",
        component=Target.PROCESS_SET,
        replaces="x",
        thresholds={"high": HIGH, "low": LOW, "gone": LOW},
        graphs={"g": Graph(points=(Curve(point="cpu"),))},
    )
    middle = Template(id="middle", extends="base", thresholds={"high": LOW})
    leaf = Template(id="leaf", extends="middle", thresholds={"high": HIGH, "gone": None, "new": LOW})
    found = templates(base, middle, leaf)["leaf"]
    assert (found.component, found.chain, found.replaces) == (Target.PROCESS_SET, ("base", "middle", "leaf"), "")
    assert found.thresholds == {"high": HIGH, "low": LOW, "new": LOW}
    assert set(found.graphs) == {"g"}
    told = {(one.section, one.id): one for one in found.traces}
    assert told["thresholds", "high"] == Trace(
        section="thresholds", id="high", origin=Origin.REPLACED, said_by="leaf", instead_of="middle"
    )
    assert told["thresholds", "gone"] == Trace(
        section="thresholds", id="gone", origin=Origin.REMOVED, said_by="leaf", instead_of="base"
    )
    assert (told["thresholds", "low"].origin, told["thresholds", "low"].said_by) == (Origin.INHERITED, "base")
    assert told["thresholds", "new"].origin is Origin.OWN
    assert told["graphs", "g"].origin is Origin.INHERITED


def test_what_is_dropped_halfway_is_not_told_of_what_extends_that() -> None:
    base = Template(id="base", thresholds={"t": HIGH})
    middle = Template(id="middle", extends="base", thresholds={"t": None})
    leaf = Template(id="leaf", extends="middle", thresholds={"t": LOW})
    found = templates(base, middle, leaf)["leaf"]
    assert found.thresholds == {"t": LOW}
    assert [(one.origin, one.instead_of) for one in found.traces] == [(Origin.OWN, "")]


def test_an_entry_of_a_stronger_template_hides_that_of_a_weaker_one_for_the_same_kind_of_component() -> None:
    point: dict[str, Source | None] = {"p": Source(type=SourceType.PROCESS, points={"x": DataPoint(derived="cpu")})}
    weak = Template(id="weak", component=Target.PROCESS_SET, thresholds={"t": HIGH, "u": LOW}, sources=point)
    strong = Template(id="strong", component=Target.PROCESS_SET, thresholds={"t": LOW}, sources=point)
    other = Template(id="other", thresholds={"t": LOW})
    found = resolve(templates(weak, strong, other), [("class /", ("weak", "strong", "other"))])
    assert [(one.template.id, one.hidden) for one in found.held] == [
        ("weak", (Hidden("point", "x", "strong"), Hidden("threshold", "t", "strong"))), ("strong", ()), ("other", ()),
    ]  # fmt: skip


def test_a_circle_or_a_gap_ends_what_is_inherited() -> None:
    one, two = Template(id="one", extends="two", thresholds={"t": HIGH}), Template(id="two", extends="one")
    assert templates(one, two)["two"].chain == ("one", "two")
    assert templates(Template(id="x", extends="nobody"))["x"].chain == ("x",)


def test_classes_from_the_root_then_groups_the_first_last_then_the_device() -> None:
    device = Device(id="d", address="x", class_="/s/l", groups=("g1", "g2"), templates=("e",))
    model = Model(
        1,
        [
            *(Template(id=id_) for id_ in "abcde"),
            DeviceClass(id="/s/l", templates=("b",)),
            DeviceClass(id="/", templates=("a",)),
            Group(id="g1", templates=("d",)),
            Group(id="g2", templates=("c",)),
            device,
        ],
    )
    assert held(resolution_of(model, device)) == [
        ("a", "class /"), ("b", "class /s/l"), ("c", "group g2"), ("d", "group g1"), ("e", "device"),
    ]  # fmt: skip


def test_devices_of_one_scope_share_one_resolution_until_templates_change() -> None:
    model = Model(1, [Template(id="a"), DeviceClass(id="/", templates=("a",))])
    one, two = Device(id="one", class_="/s"), Device(id="two", class_="/s")
    first = resolution_of(model, one)
    assert resolution_of(model, two) is first
    assert resolution_of(model.changed(2, {("Device", "one"): one}), one) is first
    changed = model.changed(2, {("Template", "a"): Template(id="a", description="new")})
    assert resolution_of(changed, one).held[0].template.description == "new"


# --- laws -------------------------------------------------------------------------------------------------------------

IDS = "abcd"
word = st.sampled_from([*IDS, *(f"-{id_}" for id_ in IDS)])
words = st.lists(word, max_size=4, unique_by=lambda one: one.removeprefix("-")).map(tuple)
layers = st.lists(words, max_size=4).map(lambda said: [(f"layer {n}", one) for n, one in enumerate(said)])
replacing = st.dictionaries(st.sampled_from(IDS), st.sampled_from(IDS), max_size=2)


def plain() -> dict[str, Any]:
    return templates(*(Template(id=id_) for id_ in IDS))


@given(layers)
def test_the_last_word_on_a_template_decides(said: list[tuple[str, tuple[str, ...]]]) -> None:
    last: dict[str, tuple[str, bool]] = {}
    for who, one in said:
        last.update({text.removeprefix("-"): (who, not text.startswith("-")) for text in one})
    found = resolve(plain(), said)
    assert dict(held(found)) == {id_: who for id_, (who, bound) in last.items() if bound}
    ever = {text for _, one in said for text in one if not text.startswith("-")}
    assert {one.id for one in found.unheld} == ever - dict(held(found)).keys()


@given(layers, words)
def test_to_unbind_all_at_the_device_leaves_nothing(said: list[Any], own: tuple[str, ...]) -> None:
    assert resolve(plain(), [*said, ("device", own), ("device", tuple(f"-{id_}" for id_ in IDS))]).held == ()


@given(layers, st.sampled_from(IDS))
def test_to_bind_what_is_bound_and_to_unbind_what_is_not_changes_only_who_says_so(said: list[Any], id_: str) -> None:
    before = dict(held(resolve(plain(), said)))
    again = resolve(plain(), [*said, ("device", (id_ if id_ in before else f"-{id_}",))])
    assert dict(held(again)).keys() == before.keys()


@given(layers, words)
def test_layers_that_say_nothing_change_nothing(said: list[Any], own: tuple[str, ...]) -> None:
    padded = [one for pair in said for one in (("empty", ()), pair)]
    assert resolve(plain(), [*padded, ("device", own)]) == resolve(plain(), [*said, ("device", own)])


@given(layers, replacing)
def test_what_is_replaced_does_not_hold_and_the_rest_holds_as_without(
    said: list[Any], replaces: dict[str, str]
) -> None:
    known = templates(*(Template(id=id_, replaces=replaces.get(id_, "")) for id_ in IDS))
    bound = held(resolve(plain(), said))
    gone = {replaces[id_] for id_, _ in bound if id_ in replaces}
    found = resolve(known, said)
    assert held(found) == [(id_, who) for id_, who in bound if id_ not in gone]
    assert gone & dict(bound).keys() <= {one.id for one in found.unheld}


@given(words, st.sets(st.sampled_from(IDS)), st.data())
def test_what_a_device_binds_and_unbinds_is_its_last_word(own: tuple[str, ...], bind: set[str], data: Any) -> None:
    unbind = data.draw(st.sets(st.sampled_from(IDS))) - bind
    said = rebound(own, bind, unbind)
    named = [one.removeprefix("-") for one in said]
    assert len(set(named)) == len(named)
    assert {id_ for id_ in bind if id_ in said} == bind
    assert {id_ for id_ in unbind if f"-{id_}" in said} == unbind
    assert [one for one in said if one.removeprefix("-") not in bind | unbind] == [
        one for one in own if one.removeprefix("-") not in bind | unbind
    ]

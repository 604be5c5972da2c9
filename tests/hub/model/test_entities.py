from __future__ import annotations

import pytest

from common.errors import NotFoundError
from hub.model.entities import Device, Model, ProcessSet

WEB = Device(id="web", address="1", class_="/Server/Linux", groups=("g",))


def make(id_: str, order: int = 1, **fields: object) -> ProcessSet:
    return ProcessSet(id=id_, order=order, include="x", **fields)  # type: ignore[arg-type]  # fields of a test


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ("/", True), ("/Server", True), ("/Server/Linux", True), ("/Server/Linux/Web", False), ("/Serv", False),
        ("/Network", False), ("g", True), ("h", False),
    ],
)  # fmt: skip
def test_a_set_applies_to_a_class_with_all_below_it_and_to_groups(scope: str, applies: bool) -> None:
    assert make("s", applies_to=(scope,)).applies(WEB.class_, WEB.groups) is applies
    assert make("s", applies_to=("nobody", scope)).applies(WEB.class_, WEB.groups) is applies


def test_sets_are_in_order_and_the_same_order_is_by_id() -> None:
    model = Model(1, {}, [make("c", 2), make("b", 2), make("a", 3), make("d", 1)])
    assert [definition.id for definition in model.sets] == ["d", "b", "c", "a"]


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(NotFoundError, match="there is no device 'x'"):
        Model().device("x")


def test_a_model_does_not_change_when_another_is_made_of_it() -> None:
    before = Model(1, {"web": WEB}, [make("a")])
    after = before.changed(2, {("Device", "web"): None, ("Device", "new"): WEB, ("ProcessSet", "b"): make("b")})
    assert (set(before.devices), [s.id for s in before.sets]) == ({"web"}, ["a"])
    assert (set(after.devices), [s.id for s in after.sets], after.revision) == ({"new"}, ["a", "b"], 2)
    with pytest.raises(TypeError):
        before.devices["x"] = WEB  # type: ignore[index]  # that it cannot be done is the point


def test_what_applies_is_kept_while_the_sets_stay() -> None:
    before = Model(1, {"web": WEB}, [make("a"), make("b", applies_to=("h",))])
    found = before.sets_of(WEB)
    assert [definition.id for definition in found] == ["a"]
    assert before.changed(2, {("Device", "x"): WEB}).sets_of(WEB) is found
    after = before.changed(2, {("ProcessSet", "c"): make("c", 2)})
    assert [definition.id for definition in after.sets_of(WEB)] == ["a", "c"]
    assert [definition.id for definition in before.sets_of(WEB)] == ["a"]

"""Going back to a revision, and what revisions tell of themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from common.errors import NotFoundError, SettingsError, TransientError
from hub.interfaces import DocumentChange
from hub.model.documents import SourceFile
from hub.model.entities import encode_entity
from hub.model.model import Model
from hub.model.service import ModelService
from tests.fakes.stores import FakeModelStore, InlineWorker, done
from tests.hub.model.test_service import SlowStore

LOCAL = "kind: Device\nid: {}\nproperties: {{source: local, interval_s: {}}}\n---\n"
SET = "kind: ProcessSet\nid: {}\ninclude: '^{}'\n---\n"


def make(store: FakeModelStore | None = None) -> ModelService:
    service = ModelService(store or FakeModelStore(), lambda: 1000.0, InlineWorker())
    done(service.load())
    return service


def apply(service: ModelService, text: str, *, prune: bool = False) -> None:
    done(service.apply([SourceFile("f.yaml", text)], "ann", "", prune=prune))


def content(model: Model) -> list[str]:
    return sorted(encode_entity(entity) for entity in model.entities())


def test_the_model_says_what_it_said_and_history_goes_on() -> None:
    service = make()
    told: list[tuple[int, Sequence[str]]] = []
    apply(service, LOCAL.format("a", 10) + SET.format("s", "s"))
    before = content(service.model)
    apply(service, LOCAL.format("a", 20) + LOCAL.format("b", 10))
    apply(service, SET.format("t", "t"), prune=True)
    service.observe(lambda revision, _before, _after, devices: told.append((revision, devices)))
    result = done(service.roll_back(1, "bob", "it was better"))
    assert content(service.model) == before
    assert content(make(service._store).model) == before  # type: ignore[arg-type]  # the fake
    assert (result.revision, result.changed, result.created) == (4, (("Device", "a"),), (("ProcessSet", "s"),))
    assert result.removed == (("Device", "b"), ("ProcessSet", "t"))
    assert told == [(4, ("a", "b"))]
    newest = done(service.revisions(1))[0]
    assert (newest.number, newest.author, newest.text) == (4, "bob", "rollback to revision 1: it was better")


def test_back_to_the_present_is_the_empty_change() -> None:
    service = make()
    apply(service, LOCAL.format("a", 10))
    result = done(service.roll_back(1, "", ""))
    assert (result.revision, result.devices, service.model.revision) == (None, (), 1)
    assert done(make().roll_back(0, "", "")).revision is None


def test_back_to_nothing_and_forth_again() -> None:
    service = make()
    apply(service, LOCAL.format("a", 10) + SET.format("s", "s"))
    before = content(service.model)
    assert len(done(service.roll_back(0, "", "")).removed) == 2
    assert content(service.model) == []
    done(service.roll_back(1, "", ""))
    assert content(service.model) == before


def test_a_preview_changes_nothing() -> None:
    service = make()
    apply(service, LOCAL.format("a", 10) + SET.format("s", "s"))
    apply(service, LOCAL.format("a", 20))
    change = done(service.preview_roll_back(1))
    assert (change.changed, change.devices, change.unchanged) == ((("Device", "a"),), ("a",), 1)
    assert (service.model.revision, service.model.device("a").properties["interval_s"]) == (2, 20)


def test_a_revision_that_is_not_there_is_named() -> None:
    service = make()
    for work in (service.roll_back(1, "", ""), service.preview_roll_back(1), service.revision(1)):
        with pytest.raises(NotFoundError, match="there is no revision 1; nothing was ever changed"):
            done(work)
    apply(service, LOCAL.format("a", 10))
    with pytest.raises(NotFoundError, match="there is no revision 2; the newest is 1"):
        done(service.roll_back(2, "", ""))


def test_what_this_version_does_not_understand_is_named() -> None:
    service = make()
    apply(service, LOCAL.format("a", 10))
    odd = DocumentChange(kind="Device", id="x", before='{"id": "x", "state": "dreaming"}', after=None)
    done(service._store.commit(1, "", "", "", [odd]))
    service = make(service._store)  # type: ignore[arg-type]  # the fake
    with pytest.raises(SettingsError, match="the model cannot go back to revision 1") as caught:
        done(service.roll_back(1, "", ""))
    assert "Device x: " in caught.value.details[0]
    assert service.model.revision == 2


def test_it_waits_for_its_turn_and_goes_back_from_what_is_then_the_newest() -> None:
    store = SlowStore()
    service = make(store)
    first = Deferred.fromCoroutine(service.apply([SourceFile("f", LOCAL.format("a", 10))], "", ""))
    back = Deferred.fromCoroutine(service.roll_back(0, "", ""))
    store.gates[0].callback(None)
    assert done(first).revision == 1
    store.gates[1].callback(None)
    assert done(back).removed == (("Device", "a"),)
    assert content(service.model) == []


def test_a_store_that_refuses_leaves_the_model_as_it_was() -> None:
    store = FakeModelStore()
    service = make(store)
    apply(service, LOCAL.format("a", 10))
    store.broken = "the disk is full"
    with pytest.raises(TransientError):
        done(service.roll_back(0, "", ""))
    assert (service.model.revision, list(service.model.devices)) == (1, ["a"])


def test_a_revision_tells_who_why_and_every_field() -> None:
    service = make()
    apply(service, LOCAL.format("a", 10))
    done(service.apply([SourceFile("f", LOCAL.format("a", 20) + SET.format("s", "s"))], "bob", "slower"))
    revision, (device, definition) = done(service.revision(2))
    assert (revision.number, revision.author, revision.text) == (2, "bob", "slower")
    assert [(one.field, one.old, one.new) for one in device.fields] == [("properties.interval_s", 10, 20)]
    assert (definition.what, definition.fields[0].field) == ("created", "order")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3), min_size=1), min_size=1, max_size=6))
def test_every_revision_can_be_gone_back_to(steps: list[dict[str, int]]) -> None:
    service = make()
    said = {0: content(service.model)}
    for step in steps:
        apply(service, "".join(LOCAL.format(name, seconds) for name, seconds in step.items()), prune=True)
        said[service.model.revision] = content(service.model)
    for number in sorted(said, reverse=True) + sorted(said):
        done(service.roll_back(number, "", ""))
        assert content(service.model) == said[number]

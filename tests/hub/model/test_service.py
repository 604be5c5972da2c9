from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from common.errors import NotFoundError, SettingsError, TransientError
from hub.interfaces import DocumentChange, IModelStore, Revision
from hub.model.devicechanges import DeviceChanges
from hub.model.documents import SourceFile
from hub.model.model import Model
from hub.model.service import ApplyResult, ModelService
from tests.fakes.stores import FakeModelStore, InlineWorker, done

SETS = "kind: ProcessSet\nid: {}\ninclude: '^{}'\napplies_to: {}\n---\n"
DEVICE = "kind: Device\nid: {}\naddress: 10.0.0.1\n---\n"


@implementer(IModelStore)
class SlowStore(FakeModelStore):
    """Commits when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: list[Deferred[None]] = []

    async def commit(
        self, at: float, author: str, text: str, summary: str, changes: Sequence[DocumentChange]
    ) -> Revision:
        gate: Deferred[None] = Deferred()
        self.gates.append(gate)
        await gate
        return await super().commit(at, author, text, summary, changes)


class ServiceTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = FakeModelStore()
        self.told: list[tuple[int, Model, Model, Sequence[str]]] = []
        self.service = self.make(self.store)

    def make(self, store: FakeModelStore) -> ModelService:
        service = ModelService(store, lambda: 1000.0, InlineWorker())
        done(service.load())
        service.observe(lambda *call: self.told.append(call))
        return service

    def apply(self, text: str, service: ModelService | None = None, **options: Any) -> ApplyResult:
        return done((service or self.service).apply([SourceFile("f.yaml", text)], "ann", "why", **options))

    def test_an_empty_store_is_an_empty_model(self) -> None:
        assert (self.service.model.revision, len(self.service.model.devices), self.service.model.sets) == (0, 0, ())
        assert self.service.epoch == "fake-epoch"

    def refused(self, text: str) -> SettingsError:
        before = self.service.model
        with pytest.raises(SettingsError) as caught:
            self.apply(text)
        assert self.service.model is before
        return caught.value

    def test_a_device_that_could_not_be_watched_is_refused_with_file_and_line(self) -> None:
        error = self.refused(
            "# two\nkind: Device\nid: d\n---\nkind: Device\nid: e\naddress: x\nproperties: {snmp_version: 3}\n"
        )
        assert error.message == "2 devices could not be watched so; nothing was applied"
        missing = "is missing; only a device with the property source: local does without"
        assert list(error.details) == [
            f"f.yaml:2: Device d: field 'address': {missing}",
            "f.yaml:5: Device e: field 'properties': snmp_version 3 needs snmp_user",
        ]

    def test_classes_and_groups_that_nobody_has_are_warned_of_in_a_plan_as_well(self) -> None:
        files = [SourceFile("f.yaml", "kind: ProcessSet\nid: s\ninclude: x\napplies_to: nobody\n")]
        change = done(self.service.preview(files))
        (warning,) = self.apply(files[0].text).warnings
        assert change.warnings == (warning,)
        assert warning.startswith("f.yaml:4: ProcessSet s: field 'applies_to': no device is in the group 'nobody'")

    def test_members_of_pools_are_looked_up_among_the_collectors_that_have_logged_in(self) -> None:
        text = "kind: Pool\nid: eu\nmembers: [eu1, eu9]\n"
        assert self.apply(text, dry_run=True).warnings == ()
        present: list[str] = []
        self.service.know_collectors(lambda: present)
        present.append("eu1")
        (warning,) = self.apply(text, dry_run=True).warnings
        assert "has ever logged in, and no document has it: 'eu9'; " in warning

    def test_what_a_wrong_document_stands_beside_is_refused_with_it(self) -> None:
        error = self.refused("kind: Group\nid: g\ntemplates: [nope]\n---\nkind: Group\nid: h\nlock: x\n")
        assert error.message == "2 mistakes in f.yaml; nothing was applied"

    def test_what_a_device_lacks_may_come_from_its_class_or_group(self) -> None:
        self.apply(
            "kind: DeviceClass\nid: /Server\nproperties: {snmp_version: 3, snmp_user: ann}\n---\n"
            "kind: Group\nid: here\nproperties: {source: local}\n---\n"
            "kind: Device\nid: d\naddress: x\n---\nkind: Device\nid: e\ngroups: here\n"
        )
        error = self.refused("kind: DeviceClass\nid: /Server\nproperties: {snmp_version: 3}\n")
        assert error.message == "device d could not be watched so; nothing was applied"
        assert list(error.details) == [
            "Device d: field 'properties': snmp_version 3 needs snmp_user (with what it inherits)"
        ]
        assert "address" in self.refused("kind: Group\nid: here\n").details[0]

    def test_a_class_concerns_those_below_it_that_do_not_say_otherwise(self) -> None:
        self.apply(
            "".join(
                f"kind: Device\nid: {id_}\naddress: x\n{more}\n---\n"
                for id_, more in (
                    ("below", "class: /Server/Linux"),
                    ("says", "class: /Server\nproperties: {interval_s: 20}"),
                    ("grouped", "class: /Server\ngroups: [quick]"),
                    ("other", "class: /Network"),
                )
            )
            + "kind: Group\nid: quick\nproperties: {interval_s: 5}\n"
        )
        result = self.apply("kind: DeviceClass\nid: /Server\nproperties: {interval_s: 33}\n")
        assert result.devices == ("below",)
        assert self.apply("kind: Group\nid: quick\nproperties: {interval_s: 6}\n").devices == ("grouped",)
        assert self.apply("kind: DeviceClass\nid: /\ndescription: all\nproperties: {snmp_port: 161}\n").devices == ()
        assert self.make(self.store).model.classes["/Server"].properties == {"interval_s": 33}

    def test_applying_makes_one_revision_and_tells_observers_after_it(self) -> None:
        result = self.apply(DEVICE.format("a") + DEVICE.format("b") + SETS.format("s", "x", "/"))
        assert result == ApplyResult(
            revision=1,
            dry_run=False,
            created=(("Device", "a"), ("Device", "b"), ("ProcessSet", "s")),
            changed=(),
            unchanged=0,
            removed=(),
            devices=("a", "b"),
        )
        (revision,) = done(self.service.revisions(10))
        assert (revision.at, revision.author, revision.text) == (1000.0, "ann", "why")
        assert revision.summary == "2 devices, process set s added"
        ((number, before, after, devices),) = self.told
        assert (number, before.revision, after.revision, list(devices)) == (1, 0, 1, ["a", "b"])
        assert after is self.service.model
        assert set(after.devices) == {"a", "b"}

    def test_what_is_so_already_makes_no_revision(self) -> None:
        text = DEVICE.format("a") + SETS.format("s", "x", "/")
        self.apply(text)
        result = self.apply(text)
        assert (result.revision, result.unchanged, result.created, result.changed) == (None, 2, (), ())
        assert (self.service.model.revision, len(self.told)) == (1, 1)

    def test_only_what_changed_is_written(self) -> None:
        self.apply(DEVICE.format("a") + SETS.format("s", "x", "/") + SETS.format("t", "x", "/"))
        result = self.apply(DEVICE.format("a") + SETS.format("s", "x", "/") + SETS.format("t", "y", "/"))
        assert (result.revision, result.changed, result.unchanged) == (2, (("ProcessSet", "t"),), 2)
        (change,) = [change for number, change in self.store.changes if number == 2]
        assert change.before is not None
        assert change.after is not None
        assert (msgspec.json.decode(change.before)["include"], msgspec.json.decode(change.after)["include"]) == (
            "^x",
            "^y",
        )

    def test_a_dry_run_changes_nothing(self) -> None:
        self.apply(DEVICE.format("a"))
        result = self.apply(SETS.format("s", "x", "/"), dry_run=True)
        assert (result.revision, result.dry_run, result.created, result.devices) == (
            None, True, (("ProcessSet", "s"),), ("a",),
        )  # fmt: skip
        assert (self.service.model.revision, self.service.model.sets, len(self.told)) == (1, (), 1)

    def test_pruning_removes_what_is_not_there_of_the_kinds_that_are(self) -> None:
        self.apply(DEVICE.format("a") + SETS.format("s", "x", "/") + SETS.format("t", "x", "/"))
        result = self.apply(SETS.format("s", "x", "/"), prune=True)
        assert result.removed == (("ProcessSet", "t"),)
        assert set(self.service.model.devices) == {"a"}
        assert [definition.id for definition in self.service.model.sets] == ["s"]

    def test_a_mistake_anywhere_applies_nothing(self) -> None:
        with pytest.raises(SettingsError):
            self.apply(DEVICE.format("a") + "kind: Device\nid: b\n")
        assert (self.service.model.revision, self.store.changes) == (0, [])

    def test_a_store_that_refuses_leaves_the_model_as_it_was(self) -> None:
        self.store.broken = "the disk is full"
        with pytest.raises(TransientError):
            self.apply(DEVICE.format("a"))
        assert (self.service.model.revision, dict(self.service.model.devices), self.told) == (0, {}, [])
        self.store.broken = ""
        assert self.apply(DEVICE.format("a")).revision == 1

    def test_the_model_is_the_same_after_a_restart(self) -> None:
        self.apply(DEVICE.format("a") + SETS.format("s", "x", "/") + SETS.format("r", "x", "web"))
        again = self.make(self.store).model
        now = self.service.model
        assert (again.revision, dict(again.devices), again.sets) == (now.revision, dict(now.devices), now.sets)

    def test_a_document_that_cannot_be_read_is_named(self) -> None:
        change = DocumentChange(kind="Device", id="x", before=None, after='{"id":"x","state":"dreaming"}')
        done(self.store.commit(1, "", "", "", [change]))
        with pytest.raises(SettingsError) as caught:
            self.make(self.store)
        assert "Device x: " in str(caught.value)

    def test_putting_a_device(self) -> None:
        first = done(DeviceChanges(self.service).put("a", {"address": "x", "properties": {"snmp_port": 1}}, "ann", ""))
        assert (first.revision, first.created, first.device.class_) == (1, True, "/Server/Linux")
        same = done(DeviceChanges(self.service).put("a", {"address": "x", "properties": {"snmp_port": 1}}, "ann", ""))
        assert (same.revision, same.created) == (None, False)
        other = done(DeviceChanges(self.service).put("a", {"address": "y", "class": "/Network"}, "ann", ""))
        assert (other.revision, other.created, other.device.properties) == (2, False, {})
        with pytest.raises(SettingsError):
            done(DeviceChanges(self.service).put("a b", {"address": "x"}, "ann", ""))

    def test_removing_a_device(self) -> None:
        self.apply(DEVICE.format("a"))
        assert done(DeviceChanges(self.service).remove("a", "ann", "gone")) == 2
        assert self.told[-1][3] == ("a",)
        with pytest.raises(NotFoundError) as caught:
            done(DeviceChanges(self.service).remove("a", "ann", ""))
        assert "there is no device 'a'" in str(caught.value)

    def test_writers_come_one_after_the_other_each_on_the_newest_model(self) -> None:
        store = SlowStore()
        service = self.make(store)
        first = Deferred.fromCoroutine(service.apply([SourceFile("f", DEVICE.format("a"))], "", ""))
        second = Deferred.fromCoroutine(service.apply([SourceFile("f", DEVICE.format("a"))], "", ""))
        third = Deferred.fromCoroutine(DeviceChanges(service).put("b", {"address": "x"}, "", ""))
        assert len(store.gates) == 1
        store.gates[0].callback(None)
        assert self.successResultOf(first).revision == 1
        assert self.successResultOf(second).revision is None
        assert len(store.gates) == 2
        store.gates[1].callback(None)
        assert self.successResultOf(third).revision == 2
        assert set(service.model.devices) == {"a", "b"}

    def test_a_caller_that_gives_up_does_not_part_memory_from_disk(self) -> None:
        store = SlowStore()
        service = self.make(store)
        given_up = Deferred.fromCoroutine(service.apply([SourceFile("f", DEVICE.format("a"))], "", ""))
        given_up.cancel()
        with pytest.raises(CancelledError):
            done(given_up)
        store.gates[0].callback(None)
        assert set(service.model.devices) == {"a"}
        assert service.model.revision == 1

    def test_a_failure_that_nobody_waits_for_is_logged_and_lets_the_next_one_in(self) -> None:
        store = SlowStore()
        service = self.make(store)
        given_up = Deferred.fromCoroutine(service.apply([SourceFile("f", DEVICE.format("a"))], "", ""))
        given_up.cancel()
        with pytest.raises(CancelledError):
            done(given_up)
        store.gates[0].errback(TransientError("full"))
        again = Deferred.fromCoroutine(DeviceChanges(service).put("b", {"address": "x"}, "", ""))
        store.gates[1].callback(None)
        assert self.successResultOf(again).revision == 1

    def test_an_observer_that_fails_stops_nothing(self) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        service = ModelService(self.store, lambda: 1.0, InlineWorker())
        service.observe(broken)
        service.observe(lambda *call: self.told.append(call))
        assert self.apply(DEVICE.format("a"), service).revision == 1
        assert len(self.told) == 1
        assert len(self.flushLoggedErrors(ZeroDivisionError)) == 1  # type: ignore[no-untyped-call]  # trial has no types

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from common.components import ComponentKind
from hub.components.rules import DAY_S
from tests.hub.components.reports import NOW, PORT, found, outcome, report
from tests.hub.web.test_changes import ChangeCase

FILESYSTEM = ComponentKind.FILESYSTEM
HOME = "devices/web1/components/filesystem/%2Fsrv%2Fdata"


class ComponentCase(ChangeCase):
    def take(self, *parts: Any, **fields: Any) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.book.take(report(*parts, **fields))))

    def setUp(self) -> None:
        super().setUp()
        self.put(groups=["g"])
        identity = outcome(plugin="identity", kinds=(), attributes={"sysName": "web1.example.org"})
        self.take(found("nginx", "web"), outcome(found("eth0", "m1", PORT, speed=1), kinds=(PORT,)), identity)

    def names(self, query: str = "") -> list[str]:
        answer = self.client.get(f"devices/web1/components{query}")
        return [f"{row['kind']}/{row['name']} {row['state']}" for row in answer.json["components"]]

    def alter(self, name: str = "process_set/nginx", **body: Any) -> Any:
        return self.client.ask("PATCH", f"/api/v1/devices/web1/components/{name}", body)

    def remove(self, name: str) -> Any:
        return self.client.ask("DELETE", f"/api/v1/devices/web1/components/{name}")


class ComponentTests(ComponentCase):
    def test_components_are_listed(self) -> None:
        answer = self.client.get("devices/web1/components").json
        assert answer["modelled_at"] == "2027-01-15T08:00:00.000Z"
        assert (answer["device"], answer["problem"], answer["attributes"]) == (
            "web1",
            "",
            {"sysName": "web1.example.org"},
        )
        assert self.names() == ["interface/eth0 present", "process_set/nginx present"]
        assert answer["components"][0] == {
            "id": "0000000000000001", "kind": "interface", "name": "eth0", "state": "present", "series": "eth0",
            "anchor": "m1", "attributes": {"speed": 1}, "first_seen": "2027-01-15T08:00:00.000Z",
            "seen_at": "2027-01-15T08:00:00.000Z", "absent_since": None, "retired_at": None, "lock": [],
            "properties": {},
        }  # fmt: skip

    def test_they_are_chosen_by_kind_and_state(self) -> None:
        self.clock.advance(5)
        self.take(at=NOW + 5)
        assert self.names("?kind=interface") == ["interface/eth0 present"]
        assert self.names("?state=absent") == ["process_set/nginx absent"]
        assert self.names("?kind=interface&state=absent") == []
        assert self.client.get("devices/web1/components?kind=disk").error[0] == "bad_request"
        assert self.client.get("devices/web9/components").status == 404

    def test_a_name_may_have_slashes(self) -> None:
        self.take(outcome(found("/srv/data", kind=FILESYSTEM), kinds=(FILESYSTEM,)))
        assert self.client.get(HOME).json["name"] == "/srv/data"
        assert self.alter("filesystem/%2Fsrv%2Fdata", set={"retire_after_days": 90}).json == {
            "revision": 2, "device": "web1", "component": "filesystem//srv/data",
            "properties": {"retire_after_days": 90},
        }  # fmt: skip

    def test_what_is_not_there_is_not_found(self) -> None:
        for path in ("process_set/apache", "interface/nginx"):
            assert self.client.get(f"devices/web1/components/{path}").error[0] == "not_found"
            assert self.alter(path, lock=["delete"]).error[0] == "not_found"
            assert self.remove(path).error[0] == "not_found"
        assert "known: process_set, interface" in self.client.get("devices/web1/components/disk/sda").error[1]
        assert self.model.model.revision == 1

    def test_what_is_said_of_one_is_one_revision_and_the_rest_stays(self) -> None:
        answer = self.alter(set={"monitor": False}, lock=["update", "delete"], author="ann", message="why")
        assert answer.json["properties"] == {"monitor": False, "lock": ["delete", "update"]}
        device = self.model.model.device("web1")
        assert (device.groups, device.components) == (
            ("g",), {"process_set/nginx": {"monitor": False, "lock": ("delete", "update")}},
        )  # fmt: skip
        assert self.alter(unlock=["delete"]).json["properties"] == {"monitor": False, "lock": ["update"]}
        assert self.alter(lock=["update"]).json["revision"] is None
        row = self.client.get("devices/web1/components/process_set/nginx").json
        assert (row["lock"], row["properties"]) == (["update"], {"monitor": False, "lock": ["update"]})
        assert self.alter(reset=["monitor", "lock", "missing_severity"]).json["properties"] == {}
        assert self.model.model.device("web1").components == {}

    def test_a_lock_that_is_inherited_can_be_taken_from_one(self) -> None:
        self.put(properties={"lock": ["delete", "update"]})
        assert self.alter(unlock=["delete"]).json["properties"] == {"lock": ["update"]}
        assert self.alter("interface/eth0", lock=["delete"]).json["properties"] == {"lock": ["delete", "update"]}

    def test_a_lock_of_the_definition_is_told_too(self) -> None:
        self.apply({"path": "a", "text": "kind: ProcessSet\nid: web\ninclude: x\nlock: delete\n"})
        assert self.client.get("devices/web1/components/process_set/nginx").json["lock"] == ["delete"]
        assert self.client.get("devices/web1/components/interface/eth0").json["lock"] == []

    def test_a_lock_of_the_definition_is_not_taken_from_one(self) -> None:
        self.apply({"path": "a", "text": "kind: ProcessSet\nid: web\ninclude: x\nlock: delete\n"})
        code, text = self.alter(unlock=["delete", "update"]).error
        assert code == "conflict"
        assert (
            "nginx of web1 is locked against delete by the definition of its process set, web, for all devices" in text
        )
        assert self.alter(unlock=["update"]).status == 200
        assert self.alter("interface/eth0", unlock=["delete"]).status == 200

    def test_what_cannot_be_said_is_refused(self) -> None:
        for body, code, part in (
            ({"set": {"snmp_port": 5}}, "invalid", "cannot be stored"),
            ({"set": {"monitor": "maybe"}}, "invalid", "cannot be stored"),
            ({"reset": ["snmp_port"]}, "invalid", "cannot be changed so"),
            ({"lock": ["keep"]}, "bad_request", "keep"),
            ({"lock": ["delete"], "set": {"lock": []}}, "bad_request", "twice"),
            ({"more": 1}, "bad_request", "more"),
        ):  # type: tuple[dict[str, Any], str, str]
            error = self.alter(**body).error
            assert error[0] == code, body
            assert part in error[1], body
        assert self.model.model.revision == 1

    def test_before_a_device_was_modelled_something_may_be_said_of_what_will_be_found(self) -> None:
        self.put("web2")
        answer = self.client.ask("PATCH", "/api/v1/devices/web2/components/process_set/x", {"lock": ["delete"]})
        assert answer.json["properties"] == {"lock": ["delete"]}

    def test_only_what_is_gone_is_removed(self) -> None:
        assert self.remove("process_set/nginx").error[0] == "conflict"
        self.clock.advance(5)
        self.take(at=NOW + 5)
        assert self.remove("process_set/nginx").json == {
            "device": "web1", "component": "process_set/nginx", "id": "0000000000000002",
        }  # fmt: skip
        assert self.names() == ["interface/eth0 present"]

    def test_a_renamed_one_is_found_and_altered_by_either_name(self) -> None:
        self.alter("interface/eth0", set={"retire_after_days": 5})
        self.clock.advance(5)
        self.take(outcome(found("lan0", "m1", PORT), kinds=(PORT,)), at=NOW + 5)
        for name in ("eth0", "lan0"):
            row = self.client.get(f"devices/web1/components/interface/{name}").json
            assert (row["name"], row["series"]) == ("lan0", "eth0")
            assert row["properties"]["retire_after_days"] == 5
            assert self.alter(f"interface/{name}", lock=["delete"]).json["component"] == "interface/eth0"
        assert list(self.model.model.device("web1").components) == ["interface/eth0"]

    def test_a_device_counts_its_components_and_tells_what_it_is(self) -> None:
        self.put("web2")
        one = self.client.get("devices/web1").json
        assert (one["components"], one["modelled_at"]) == (2, "2027-01-15T08:00:00.000Z")
        assert one["attributes"] == {"sysName": "web1.example.org"}
        assert [row["attributes"] for row in self.client.get("devices").json["devices"]] == [{}, {}]
        two = self.client.get("devices/web2").json
        assert (two["components"], two["modelled_at"], two["attributes"]) == (0, None, {})
        self.clock.advance(1 + 40 * DAY_S)
        self.take(at=NOW + 1)
        assert self.client.get("devices/web1").json["components"] == 2, "absent, not retired"

    def test_where_the_properties_of_a_component_come_from(self) -> None:
        self.alter(set={"missing_severity": "critical"})
        rows = self.client.get("devices/web1/properties?component=process_set/nginx").json["properties"]
        told = {row["name"]: (row["value"], row["origin"]) for row in rows}
        assert told == {
            "monitor": (True, "default"), "missing_severity": ("critical", "component process_set/nginx"),
            "restart_severity": ("definition", "default"), "lock": ([], "default"),
            "retire_after_days": (30, "default"),
        }  # fmt: skip
        assert self.client.get("devices/web1/properties?component=nginx").error[0] == "bad_request"
        assert self.client.get("devices/web1/properties?component=process_set/x").error[0] == "not_found"

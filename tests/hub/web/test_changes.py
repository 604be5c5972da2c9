# mypy: allow-untyped-calls
"""The topics that change the model, over the real model service in an in-memory database."""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hub.compile.process import ProcessCompiler
from hub.components.book import ComponentBook
from hub.components.modelrules import ModelRules
from hub.components.store import SqlComponentStore
from hub.distribution.departures import Departures
from hub.distribution.distributor import Distributor
from hub.distribution.everywhere import Everywhere
from hub.distribution.modelview import ModelView
from hub.model.database import Database
from hub.model.entities import Device
from hub.model.model import Model
from hub.model.service import ModelService
from hub.model.store import SqlModelStore
from hub.web.components import ComponentTopic
from hub.web.devices import DeviceTopic
from hub.web.longpolls import LongPolls
from hub.web.revisions import RevisionTopic
from hub.web.templates import TemplateTopic
from tests.hub.components.reports import ids
from tests.hub.distribution.fakes import FakeCollector, FakeReports, FakeSession
from tests.hub.web.http import Client, Connection, site_of
from tests.hub.web.test_topics import NOW, Here

LOCAL = {"source": "local"}
SSHD = {"path": "a.yaml", "text": "kind: ProcessSet\nid: sshd\norder: 1\ninclude: sshd\n"}


def first_member(model: Model, device: Device) -> str:
    """Who would watch a device, were the first member of each pool the only one that is there."""
    pool = model.pools.get(device.collector)
    return device.collector if pool is None else pool.members[0]


class ChangeCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        database = Database("sqlite://", Here(), lambda: "epoch1")
        self.successResultOf(Deferred.fromCoroutine(database.open()))
        self.model = ModelService(SqlModelStore(database), self.clock.seconds, Here())
        self.successResultOf(Deferred.fromCoroutine(self.model.load()))
        self.distributor = Distributor(
            self.clock,
            random.Random(1),
            ModelView(self.model, ProcessCompiler()),
            FakeReports(),
            is_known=lambda _: False,
            whereabouts=lambda name: f"collector {name} is not connected",
        )
        self.model.observe(lambda revision, _before, _after, devices: self.distributor.model_changed(revision, devices))
        self.distributor.start()
        self.polls = LongPolls(1)
        rules = ModelRules(lambda: self.model.model)
        self.book = ComponentBook(SqlComponentStore(database), self.clock.seconds, ids(), rules)

        async def counts() -> dict[str, dict[int, int]]:
            return {"web1": {4: 2}}

        topics = (
            DeviceTopic(self.model, self.distributor, counts, self.book),
            ComponentTopic(self.model, self.book),
            TemplateTopic(self.model),
            RevisionTopic(self.model, Everywhere([self.distributor]), self.polls, owner=first_member),
        )
        self.site = site_of(self.clock, [route for topic in topics for route in topic.routes()])
        self.client = Client(self.site)

    def attach(self) -> FakeSession:
        session = FakeSession(FakeCollector("local"))
        self.distributor.attached(session)
        return session

    def put(self, name: str = "web1", **body: Any) -> Any:
        return self.client.ask("PUT", f"/api/v1/devices/{name}", {"address": "192.0.2.1", **body})

    def apply(self, *files: dict[str, str], **fields: Any) -> Any:
        body = {"files": list(files), "message": "why", "author": "ann", "dry_run": False, **fields}
        return self.client.post("apply", body)


class ChangeTests(ChangeCase):
    def test_a_device_is_added_changed_and_left_as_it_is(self) -> None:
        added = self.put(properties={"snmp_community": "hush"}, groups=["eu"], message="new", author="ann").json
        self.assertEqual((added["revision"], added["created"]), (1, True))
        self.assertEqual(
            added["device"],
            {
                "id": "web1",
                "address": "192.0.2.1",
                "class": "/Server/Linux",
                "collector": "local",
                "collected_by": "local",
                "state": "production",
                "groups": ["eu"],
                "properties": {"snmp_community": "(set)"},
                "components": 0,
                "open_events": {"error": 2},
                "modelled_at": None,
                "in_sync": False,
                "attributes": {},
                "templates": [],
                "moves": [],
            },
        )
        same = self.put(properties={"snmp_community": "hush"}, groups=["eu"]).json
        self.assertEqual((same["revision"], same["created"]), (None, False))
        changed = self.put(collector="far").json
        self.assertEqual((changed["revision"], changed["device"]["collector"]), (2, "far"))
        (_, first) = self.client.get("revisions").json["revisions"]
        self.assertEqual((first["number"], first["author"], first["text"]), (1, "ann", "new"))
        self.assertEqual(first["at"], "2027-01-15T08:00:00.000Z")

    def alter(self, **body: Any) -> Any:
        return self.client.ask("PATCH", "/api/v1/devices/web1", body)

    def test_a_part_of_a_device_is_changed_and_the_rest_stays(self) -> None:
        self.put(properties={"snmp_community": "hush", "interval_s": 30}, groups=["eu"])
        answer = self.alter(set={"snmp_port": 1161}, reset=["interval_s"], collector="far", author="ann").json
        device = answer["device"]
        self.assertEqual((answer["revision"], answer["created"]), (2, False))
        self.assertEqual((device["collector"], device["groups"]), ("far", ["eu"]))
        self.assertEqual(device["properties"], {"snmp_community": "(set)", "snmp_port": 1161})
        self.assertEqual(self.model.model.devices["web1"].properties["snmp_community"], "hush")
        self.assertIsNone(self.alter(set={"snmp_port": 1161}).json["revision"])
        for body, code in (
            ({"set": {"snmp_port": "x"}}, "invalid"),
            ({"reset": ["nosuch"]}, "invalid"),
            ({"colour": "red"}, "invalid"),
            ({"set": [1]}, "bad_request"),
            ({"reset": "snmp_port"}, "bad_request"),
            ({"properties": {}}, "bad_request"),
        ):
            self.assertEqual(self.alter(**body).error[0], code, body)
        self.assertEqual(self.client.ask("PATCH", "/api/v1/devices/nosuch", {}).error[0], "not_found")

    def test_where_properties_come_from_is_told_without_secrets(self) -> None:
        self.apply({"path": "f", "text": "kind: Group\nid: eu\nproperties: {snmp_community: hush, interval_s: 9}\n"})
        self.put(properties={"interval_s": 30}, groups=["eu"])
        rows = {row["name"]: row for row in self.client.get("devices/web1/properties").json["properties"]}
        self.assertEqual(
            (rows["interval_s"]["value"], rows["interval_s"]["origin"], rows["interval_s"]["overrides"]),
            (30, "device", [{"origin": "group eu", "value": 9}, {"origin": "default", "value": 60}]),
        )
        self.assertEqual((rows["snmp_community"]["value"], rows["snmp_community"]["origin"]), ("(set)", "group eu"))

    def test_what_is_wrong_with_a_device_is_said_and_nothing_changes(self) -> None:
        for body in ({"class": 7}, {"properties": {"interval_s": 0}}, {"colour": "red"}, {"address": ""}):
            answer = self.put(**body)
            self.assertEqual((answer.status, answer.error[0]), (422, "invalid"), body)
            self.assertTrue(answer.json["error"]["details"])
        for body in ({"message": 7}, {"author": "x" * 5000}, {"id": "other"}):
            self.assertEqual(self.put(**body).error[0], "bad_request", body)
        self.assertEqual(self.put("no%20blanks").error[0], "invalid")
        self.assertEqual(self.client.get("revisions").json, {"revisions": []})

    def test_devices_are_listed_shown_and_removed(self) -> None:
        self.put("web2")
        self.put("web1")
        self.assertEqual([row["id"] for row in self.client.get("devices").json["devices"]], ["web1", "web2"])
        self.assertEqual(self.client.get("devices/web2").json["open_events"], {})
        self.assertEqual(self.client.ask("DELETE", "/api/v1/devices/web2?message=old").json, {"revision": 3})
        for method in ("GET", "DELETE"):
            answer = self.client.ask(method, "/api/v1/devices/web2")
            self.assertEqual((answer.status, answer.error[0]), (404, "not_found"))

    def test_files_are_applied_whole_or_not_at_all(self) -> None:
        self.put(properties=LOCAL)
        planned = self.apply(SSHD, dry_run=True).json
        self.assertEqual((planned["revision"], planned["created"]), (None, [{"kind": "ProcessSet", "id": "sshd"}]))
        done = self.apply(SSHD).json
        self.assertEqual((done["revision"], done["dry_run"], done["devices"]), (2, False, ["web1"]))
        self.assertEqual(self.apply(SSHD).json["unchanged"], 1)
        self.assertEqual(self.client.get("devices/web1").json["components"], 1)
        answer = self.apply(SSHD, {"path": "b.yaml", "text": "kind: ProcessSet\nid: x\ninclude: '('\norder: 2\n"})
        self.assertEqual((answer.status, answer.error[0]), (422, "invalid"))
        self.assertIn("b.yaml:3", answer.json["error"]["details"][0])
        self.assertEqual(self.client.post("apply", {"files": "all"}).error[0], "bad_request")

    def test_live_waits_until_it_is_and_ends_when_nobody_waits_any_more(self) -> None:
        revision = self.put(properties=LOCAL).json["revision"]
        now = self.client.get(f"revisions/{revision}/live").json
        self.assertEqual((now["live"], now["behind"][0]["reason"]), (False, "collector local is not connected"))
        connection = Connection(self.site)
        connection.send("GET", f"/api/v1/revisions/{revision}/live?wait=30&device=web1")
        self.assertFalse(connection.answered)
        self.attach()
        self.clock.advance(0.25)
        self.assertEqual(connection.answer().json, {"revision": 1, "live": True, "behind": [], "behind_total": 0})
        self.put(properties=LOCAL, groups=["eu"], collector="far")
        second = Connection(self.site)
        second.send("GET", "/api/v1/revisions/2/live?wait=30")
        self.assertEqual(self.client.get("revisions/2/live?wait=1").error[0], "busy")
        second.lose()
        self.assertEqual(self.polls.waiting, 0)
        self.assertEqual(self.client.get("revisions/99/live").error[0], "not_found")
        self.assertEqual(self.client.get("revisions/2/live?wait=61").error[0], "bad_request")

    def test_a_push_sends_again_what_is_named(self) -> None:
        session = self.attach()
        self.put("web1", properties=LOCAL)
        self.put("web2", properties=LOCAL)
        self.clock.advance(0.25)
        self.assertEqual(self.client.post("push", {"devices": ["web1", "web1"]}).json, {"devices": 1, "revision": 2})
        self.assertEqual([item.device for item in session.batches[-1].changed], ["web1"])
        self.assertEqual(self.client.post("push", {"all": True}).json["devices"], 2)
        self.assertEqual(self.client.post("push", {"devices": ["web1", "nobody"]}).error[0], "not_found")
        for body in ({}, {"all": True, "devices": ["web1"]}):
            self.assertEqual(self.client.post("push", body).error[0], "bad_request")


class DepartureTests(ChangeCase):
    def test_events_of_a_device_are_closed_when_it_has_left_and_not_when_it_came_back(self) -> None:
        closed: list[list[str]] = []

        async def close(devices: Any, by: str, at: float, *_: Any) -> int:
            closed.append(list(devices))
            return 1

        async def standing(_devices: Any, _daemon: str) -> dict[tuple[int, str], int]:
            return {}

        departures = Departures(self.clock, self.clock.seconds, self.distributor, close, close, standing)
        self.model.observe(departures.model_changed)
        self.attach()
        self.put("web1", properties=LOCAL)
        self.put("web2", properties=LOCAL)
        self.clock.advance(0.25)
        self.client.ask("DELETE", "/api/v1/devices/web1")
        self.client.ask("DELETE", "/api/v1/devices/web2")
        self.put("web2", properties=LOCAL)
        self.clock.advance(0.25)
        self.assertEqual(closed, [])
        self.clock.advance(2.0)
        self.assertEqual(closed, [["web1"]])
        self.clock.advance(2.0)
        self.assertEqual(closed, [["web1"]])
        departures.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

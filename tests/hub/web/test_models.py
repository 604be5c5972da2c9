# mypy: allow-untyped-calls
"""The API of modelling on demand, over the real desk."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.components import ComponentKind
from common.wire import ModelReport
from hub.components.merged import Merged, Note, What
from hub.components.values import NOTHING
from hub.model.database import Database
from hub.model.devicechanges import DeviceChanges
from hub.model.diff import FieldChange
from hub.model.service import ModelService
from hub.model.store import SqlModelStore
from hub.modelling.desk import ModellingDesk
from hub.modelling.findings import packed
from hub.web.longpolls import LongPolls
from hub.web.models import MAX_PAGE, ModelTopic
from tests.hub.modelling.test_desk import FakeConfigs, FakeSession
from tests.hub.web.http import Client, Connection, site_of
from tests.hub.web.test_topics import Here


class ModelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        database = Database("sqlite://", Here(), lambda: "epoch1")
        self.successResultOf(Deferred.fromCoroutine(database.open()))
        model = ModelService(SqlModelStore(database), self.clock.seconds, Here())
        self.successResultOf(Deferred.fromCoroutine(model.load()))
        for name, class_ in (("web1", "/Server/Linux/Web"), ("web2", "/Server/Linux/Web"), ("db", "/Server")):
            fields = {"address": "192.0.2.1", "class": class_}
            self.successResultOf(Deferred.fromCoroutine(DeviceChanges(model).put(name, fields, "ann", "")))
        self.configs = FakeConfigs()
        self.configs.owners = dict.fromkeys(("web1", "web2", "db"), "eu")
        session: Any = FakeSession()
        self.desk: ModellingDesk[bytes] = ModellingDesk(
            self.clock,
            lambda: "r1",
            packed(self.take),
            self.configs,
            lambda _c, _d: session,
            lambda c, d: f"{c}/{d}",
            lambda: 3,
            self.clock.seconds,
        )
        self.session = session
        topic = ModelTopic(model, self.desk, LongPolls(), self.clock)
        self.client = Client(site_of(self.clock, topic.routes()))

    async def take(self, report: ModelReport) -> Merged:
        field = FieldChange("mtu", None, 1500)
        notes = (Note(what=What.ADDED, kind=ComponentKind.INTERFACE, name="eth0", fields=(field,)),)
        if report.problem:
            return Merged(device=report.device, after=NOTHING, problems={"": report.problem})
        return Merged(
            device=report.device, after=NOTHING, notes=notes, attributes=(field,), problems={"hardware": "no table"}
        )

    def report(self, device: str, problem: str = "") -> None:
        report = ModelReport(device=device, at=1.0, run="r1", problem=problem)
        self.successResultOf(Deferred.fromCoroutine(self.desk.report("eu", report)))

    def test_a_modelling_is_begun_and_answered(self) -> None:
        self.assertEqual(
            self.client.post("models", {"devices": ["web1", "db"], "dry_run": True}).json,
            {"run": "r1", "dry_run": True, "total": 2},
        )
        self.assertEqual(self.session.asked[0].devices, ["web1", "db"])
        nothing = self.client.get("models/r1").json
        self.assertEqual((nothing["answers"], nothing["waiting"], nothing["waiting_for"]), ([], 2, ["web1", "db"]))
        self.report("db")
        self.report("web1", problem="no answer")
        page = self.client.get("models/r1?after=0").json
        field = {"field": "mtu", "old": None, "new": 1500}
        self.assertEqual(
            page["answers"],
            [
                {
                    "device": "db",
                    "problem": "",
                    "problems": {"hardware": "no table"},
                    "notes": [{"what": "added", "kind": "interface", "name": "eth0", "before": "", "fields": [field]}],
                    "attributes": [field],
                    "left_out": 0,
                },
                {
                    "device": "web1",
                    "problem": "no answer",
                    "problems": {},
                    "notes": [],
                    "attributes": [],
                    "left_out": 0,
                },
            ],
        )
        self.assertEqual((page["waiting"], page["more"], page["total"]), (0, 0, 2))
        self.assertEqual(len(self.client.get("models/r1?after=1").json["answers"]), 1)

    def test_devices_of_a_class_and_all_devices(self) -> None:
        for body, devices in (({"class": "/Server/Linux"}, ["web1", "web2"]), ({"all": True}, ["db", "web1", "web2"])):
            self.client.post("models", body)
            self.assertEqual(self.session.asked[-1].devices, devices)

    def test_what_cannot_be_asked_is_refused(self) -> None:
        for body, status, words in (
            ({}, 400, "name devices, or a class, or say all"),
            ({"devices": ["web1"], "all": True}, 400, "name devices, or a class, or say all"),
            ({"devices": ["nobody"]}, 404, "'nobody'"),
            ({"class": "/Network"}, 404, "no device of class /Network or below"),
        ):
            answer = self.client.post("models", body)
            self.assertEqual(answer.status, status)
            self.assertIn(words, answer.json["error"]["message"])
        self.assertEqual(self.client.get("models/r9").status, 404)

    def test_who_waits_is_answered_when_there_is_something(self) -> None:
        self.client.post("models", {"all": True})
        waits = Connection(self.client.site)
        waits.send("GET", "/api/v1/models/r1?wait=10")
        self.assertFalse(waits.answered)
        self.report("db")
        self.assertEqual(len(waits.answer().json["answers"]), 1)

    def test_answers_come_in_pages(self) -> None:
        names = [f"d{number}" for number in range(MAX_PAGE + 3)]
        self.configs.owners |= dict.fromkeys(names, "eu")
        self.desk.begin(names, dry_run=False)
        for name in names:
            self.report(name)
        page = self.client.get("models/r1").json
        self.assertEqual((len(page["answers"]), page["more"]), (MAX_PAGE, 3))

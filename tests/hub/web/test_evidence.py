# mypy: allow-untyped-calls
"""The API of evidence: asked of the collector that raised the event, whoever has the device now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import RemoteError
from common.events import CLASS_PROCESS, Event, Severity
from common.evidence import Evidence, EvidenceRow, HostEvidence, SetEvidence
from common.queries import Done, EvidenceQuery, Query, Result
from common.wire import FailureCode
from hub.data.reader import Reader
from hub.events.store import SqlEventStore
from hub.model.database import Database
from hub.web.evidence import EvidenceTopic
from tests.hub.distribution.fakes import FakeCollector, FakeSession
from tests.hub.web.http import Client, site_of
from tests.hub.web.test_topics import NOW, Here

ID = "1a3185c53e84fe9f7402"


def evidence(**fields: Any) -> Evidence:
    given: dict[str, Any] = {
        "id": ID, "device": "web1", "at": NOW, "before_at": None, "processes": 3, "more_sets": 0,
        "sets": [SetEvidence(set="nginx", before=None, now=[EvidenceRow(pid=7, memory_bytes=5)])],
        "by_cpu": [], "by_memory": [EvidenceRow(pid=9, gone=True, started_at=NOW)],
        "host": HostEvidence(load=(1.0, 2.0, 3.0)),
    }  # fmt: skip
    return Evidence(**(given | fields))


class EvidenceTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        database = Database("sqlite://", Here(), lambda: "epoch1")
        self.done(database.open())
        self.store = SqlEventStore(database, self.clock.seconds)
        self.asked: list[Query] = []
        self.sessions = {"east": FakeSession(FakeCollector("east"))}
        reader = Reader(
            self.clock,
            {"web1": "west"}.get,  # it has moved since
            lambda _: False,
            lambda name, _: self.sessions.get(name),
            lambda name, _: f"collector {name} is not connected",
        )
        self.client = Client(site_of(self.clock, EvidenceTopic(self.store, reader).routes()))

    def done(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def add(self, collector: str = "east", **details: Any) -> None:
        event = Event(
            device="web1", component="nginx", event_class=CLASS_PROCESS, event_key="process_missing",
            severity=Severity.ERROR, summary="gone", at=NOW, details=details,
        )  # fmt: skip
        self.done(self.store.add(event, collector, "process"))

    def answer(self, what: Callable[[], Result]) -> None:
        def answers(query: Query) -> Result:
            self.asked.append(query)
            return what()

        self.sessions["east"].answers = answers

    def test_who_raised_the_event_is_asked(self) -> None:
        self.answer(evidence)
        self.add(evidence=ID)
        found = self.client.get("events/1/evidence")
        self.assertEqual(self.asked, [EvidenceQuery(device="web1", evidence=ID)])
        self.assertEqual(found.status, 200)
        shown = found.json
        self.assertEqual((shown["event"], shown["collector"], shown["before_at"]), (1, "east", None))
        self.assertEqual(shown["at"], "2027-01-15T08:00:00.000Z")
        self.assertEqual(shown["sets"][0]["before"], None)
        self.assertEqual(shown["sets"][0]["now"][0]["memory_bytes"], 5)
        self.assertEqual((shown["by_memory"][0]["gone"], shown["by_memory"][0]["set"]), (True, None))
        self.assertEqual(shown["host"]["load"], [1.0, 2.0, 3.0])
        self.assertEqual(shown["host"]["memory_bytes"], None)

    def test_an_event_without_any_is_not_found(self) -> None:
        self.answer(evidence)
        self.add()
        self.add(evidence="../../x")
        for number in (1, 2, 3):
            self.assertEqual(self.client.get(f"events/{number}/evidence").status, 404)
        self.assertEqual(self.asked, [])

    def test_what_a_collector_has_no_more_is_not_found_in_its_words(self) -> None:
        def refuse() -> Result:
            raise RemoteError(FailureCode.NOT_FOUND.value, "evidence is not kept: it was too old")

        self.answer(refuse)
        self.add(evidence=ID)
        answer = self.client.get("events/1/evidence")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (404, "not_found"))
        self.assertIn("too old", answer.json["error"]["message"])

    def test_a_collector_that_is_away_or_tells_something_else_is_told(self) -> None:
        self.add(evidence=ID)
        for what in (lambda: evidence(device="web2"), lambda: evidence(id="0" * 20), Done):
            self.answer(what)
            self.assertEqual(self.client.get("events/1/evidence").status, 503)
        del self.sessions["east"]
        answer = self.client.get("events/1/evidence")
        self.assertEqual(answer.status, 503)
        self.assertIn("collector east is not connected", answer.json["error"]["message"])

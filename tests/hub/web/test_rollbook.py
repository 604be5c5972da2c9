# mypy: allow-untyped-calls
"""The API of the roll book, with a collector in memory."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.queries import Query, Result, RollAtQuery, RollBetweenQuery, RollChanges, RollTable
from common.roll import RollChange, RollGap, RollRow
from hub.data.reader import Reader
from hub.data.rollbook import RollReader
from hub.web.rollbook import RollTopic
from tests.hub.distribution.fakes import FakeCollector, FakeSession
from tests.hub.web.http import Client, site_of

NOW = 1_800_000_000.0
PATH = "devices/web1/roll"
ROW = RollRow(pid=7, set="web", name="x", command="/bin/x", started_at=NOW - 60, seen_after=None, seen_at=None)
GAP = RollGap(start=NOW - 90, end=None, why="stopped")


class RollTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.session = FakeSession(FakeCollector("local"))
        sessions = {"local": self.session}
        reader = Reader(
            Clock(),
            {"web1": "local", "lost": "gone"}.get,
            {"local"}.__contains__,
            lambda name, _: sessions.get(name),
            lambda name, _: f"collector {name} is not connected",
        )
        self.client = Client(site_of(Clock(), RollTopic(RollReader(reader), lambda: NOW).routes()))
        self.asked: list[Query] = []
        self.gap: RollGap | None = None
        self.session.answers = self.answers

    def answers(self, query: Query) -> Result:
        self.asked.append(query)
        if isinstance(query, RollAtQuery):
            return RollTable(scanned=NOW - 10, rows=[] if self.gap else [ROW], more=False, gap=self.gap)
        change = RollChange(what="ended", at=None, after=NOW - 20, by=NOW - 10, process=ROW, gap=True)
        return RollChanges(changes=[change], gaps=[GAP], more=True, last=(3, 4))

    def test_who_ran(self) -> None:
        answer = self.client.get(f"{PATH}?at={NOW - 5}&set=web&set=b").json
        self.assertEqual(
            answer,
            {
                "device": "web1",
                "at": "2027-01-15T07:59:55.000Z",
                "known": True,
                "scanned_at": "2027-01-15T07:59:50.000Z",
                "gap": None,
                "processes": [
                    {
                        "pid": 7,
                        "set": "web",
                        "name": "x",
                        "command": "/bin/x",
                        "started_at": "2027-01-15T07:59:00.000Z",
                        "seen_after": None,
                        "seen_at": None,
                    }
                ],
            },
        )
        self.assertEqual(self.asked, [RollAtQuery(device="web1", at=NOW - 5, sets=["web", "b"])])

    def test_what_is_not_known_is_null_and_says_why(self) -> None:
        self.gap = GAP
        answer = self.client.get(f"{PATH}?at=2027-01-15T07:59:55Z").json
        self.assertEqual((answer["known"], answer["processes"]), (False, None))
        self.assertEqual(
            answer["gap"], {"from": "2027-01-15T07:58:30.000Z", "to": None, "why": "stopped", "problem": ""}
        )

    def test_what_changed(self) -> None:
        answer = self.client.get(f"{PATH}/changes?start={NOW - 100}&after=1.2&limit=1").json
        self.assertEqual((answer["more"], answer["next"]), (True, "3.4"))
        [change] = answer["changes"]
        self.assertEqual((change["what"], change["at"], change["gap"], change["pid"]), ("ended", None, True, 7))
        self.assertEqual((change["after"], change["by"]), ("2027-01-15T07:59:40.000Z", "2027-01-15T07:59:50.000Z"))
        self.assertEqual(self.asked, [RollBetweenQuery(device="web1", start=NOW - 100, end=NOW, after=(1, 2), limit=1)])

    def test_bad_questions_are_refused(self) -> None:
        for query in (
            "",
            "?at=soon",
            f"?at={NOW + 100}",
            "?at=1&at=2",
            "?at=1&limit=1",
            "/changes",
            "/changes?start=5&end=5",
            f"/changes?start=1&end={NOW + 100}",
            "/changes?start=1&after=x",
            "/changes?start=1&after=1.2.3",
            "/changes?start=1&limit=0",
        ):
            answer = self.client.get(PATH + query)
            self.assertEqual((answer.status, answer.error[0]), (400, "bad_request"), query)
        self.assertEqual(self.asked, [])

    def test_a_collector_that_is_away_is_the_usual_error(self) -> None:
        answer = self.client.get("devices/lost/roll?at=1")
        self.assertEqual((answer.status, answer.error[1]), (503, "collector gone is not connected"))
        self.assertEqual(self.client.get("devices/nobody/roll?at=1").status, 404)

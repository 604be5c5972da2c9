# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from common.conversion import MAX_DEVICES, Conversion, ConversionMode, ConversionQuery, ConversionState
from common.errors import RemoteError
from common.queries import Done
from hub.data.asking import LIMIT_S
from hub.data.conversions import ConversionDesk
from hub.distribution.roster import Roster
from hub.web.conversions import ConversionTopic
from tests.hub.distribution.fakes import Bench, FakeSession
from tests.hub.web.http import Client, Connection, site_of

OWNERS = {"web1": "local", "web2": "local", "far1": "far"}


class ConversionTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.roster = Roster(self.bench.clock.seconds)
        desk = ConversionDesk(self.bench.clock, self.roster, OWNERS.get, self.roster.is_known)
        self.site = site_of(self.bench.clock, ConversionTopic(desk).routes())
        self.client = Client(self.site)

    def attach(self, name: str, state: Any) -> FakeSession:
        session = self.bench.attach(name)
        session.answers = lambda _: state
        self.roster.arrive(session)
        return session

    def test_devices_are_converted_where_they_are_and_the_counts_come_together(self) -> None:
        file = Conversion(device="web1", component="sshd", source="process", reason="extra is new", failure="full")
        local = self.attach("local", ConversionState(known=3, waiting=1, failed=1, done=5, files=[file]))
        far = self.attach("far", ConversionState(known=1, waiting=1, failed=0, done=0))
        other = self.attach("third", ConversionState(known=1, waiting=1, failed=0, done=0))
        document = self.client.post("series/conversion", {"devices": ["web1", "far1", "web2", "web1"]}).json
        self.assertEqual(local.queries, [ConversionQuery(devices=["web1", "web2"], mode=ConversionMode.BEGIN)])
        self.assertEqual(far.queries, [ConversionQuery(devices=["far1"], mode=ConversionMode.BEGIN)])
        self.assertEqual(other.queries, [])
        counts = {name: document[name] for name in ("known", "waiting", "failed", "done")}
        self.assertEqual(counts, {"known": 4, "waiting": 2, "failed": 1, "done": 5})
        self.assertEqual(
            document["files"],
            [
                {
                    "collector": "local",
                    "device": "web1",
                    "component": "sshd",
                    "source": "process",
                    "reason": "extra is new",
                    "failure": "full",
                }
            ],
        )
        self.assertEqual(
            [(row["collector"], row["known"]) for row in document["collectors"]], [("far", 1), ("local", 3)]
        )

    def test_a_dry_run_and_a_look_change_nothing(self) -> None:
        local = self.attach("local", ConversionState(known=1, waiting=1, failed=0, done=0))
        self.assertEqual(self.client.post("series/conversion", {"all": True, "dry_run": True}).status, 200)
        self.assertEqual(self.client.get("series/conversion?device=web1").json["waiting"], 1)
        self.assertEqual(self.client.get("series/conversion?device=local").status, 200)  # its own series
        self.assertEqual(
            local.queries,
            [
                ConversionQuery(mode=ConversionMode.LOOK),
                ConversionQuery(devices=["web1"]),
                ConversionQuery(devices=["local"]),
            ],
        )

    def test_who_is_away_silent_or_too_old_is_told_and_the_others_answer(self) -> None:
        self.attach("local", ConversionState(known=3, waiting=0, failed=0, done=0))
        self.attach("old", Done(1))
        refusing = self.attach("far", None)

        def refuse(_: Any) -> Any:
            raise RemoteError("bad_request", "query: Invalid value at $.type")

        refusing.answers = refuse
        silent = self.attach("silent", None)
        silent.answers = lambda _: Deferred()
        gone = self.attach("gone", None)
        self.roster.leave(gone, "it went")
        connection = Connection(self.site)
        connection.send("GET", "/api/v1/series/conversion")
        self.assertFalse(connection.answered)
        self.bench.clock.advance(LIMIT_S)
        document = connection.answer().json
        problems = {row["collector"]: row["problem"] for row in document["collectors"]}
        self.assertEqual(problems["local"], "")
        self.assertIn("Done; update it", problems["old"])
        self.assertIn("does not know this question; update it", problems["far"])
        self.assertIn("did not answer", problems["silent"])
        self.assertIn("gone", problems["gone"])
        self.assertEqual(document["known"], 3)

    def test_wrong_wishes_are_refused(self) -> None:
        self.attach("local", ConversionState(known=3, waiting=0, failed=0, done=0))
        for body, word in (
            ({}, "one of the two"),
            ({"devices": ["web1"], "all": True}, "one of the two"),
            ({"device": "web1"}, "does not fit"),
        ):
            answer = self.client.post("series/conversion", body)
            self.assertEqual(answer.status, 400, body)
            self.assertIn(word, answer.error[1])
        self.assertEqual(self.client.post("series/conversion", {"devices": ["nope"]}).status, 404)
        OWNERS.update({f"many{n}": "local" for n in range(MAX_DEVICES + 1)})
        self.addCleanup(lambda: [OWNERS.pop(f"many{n}") for n in range(MAX_DEVICES + 1)])
        answer = self.client.post("series/conversion", {"devices": [f"many{n}" for n in range(MAX_DEVICES + 1)]})
        self.assertIn("ask for all instead", answer.error[1])

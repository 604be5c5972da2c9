# mypy: allow-untyped-calls
"""Previews over the real model and reader, with collectors in memory."""

from __future__ import annotations

from typing import Any

from common.errors import TransientError
from common.queries import Processes, ProcessesQuery, Query, Result
from common.roll import CommandLine, Process
from hub.data.reader import Reader
from hub.web.match import MAX_DEVICES, MatchTopic
from tests.hub.distribution.fakes import FakeCollector, FakeSession
from tests.hub.web.http import Client, site_of
from tests.hub.web.test_changes import LOCAL, SSHD, ChangeCase
from tests.hub.web.test_topics import NOW, Here

LINES = ("/usr/sbin/sshd -D", "sshd: ann", "mill 7", "cron")
DRAFT = {"path": "d.yaml", "text": "kind: ProcessSet\nid: mill\norder: 0\ninclude: '^(mill|sshd:)'\n"}


def process(pid: int) -> Process:
    return Process(
        pid=pid,
        set=None,
        name="x",
        command="x",
        started_at=None,
        cpu_percent=None,
        memory_bytes=None,
        state="running",
    )


class MatchTests(ChangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.sessions: dict[str, FakeSession] = {}
        reader = Reader(
            self.clock,
            self.distributor.owner,
            lambda name: name == "local",
            lambda name, _: self.sessions.get(name),
            lambda name, _: f"collector {name} is not connected",
        )
        self.matching = Client(site_of(self.clock, MatchTopic(self.model, reader, Here()).routes()))
        self.put("web1", properties=LOCAL)
        self.put("web2")
        self.put("far", collector="far")
        self.apply(SSHD)
        self.collect("local")

    def collect(self, name: str, answers: Any = None) -> None:
        session = self.sessions[name] = FakeSession(FakeCollector(name))
        session.answers = answers or self.tables

    @staticmethod
    def tables(query: Query) -> Result:
        assert isinstance(query, ProcessesQuery)
        lines = [CommandLine(text, len(text.partition(" ")[2])) for text in LINES]
        return Processes(at=NOW, rows=[process(pid) for pid in range(4)], more=False, lines=[*lines])

    def match(self, *files: dict[str, Any], **body: Any) -> Any:
        return self.matching.post("match", {"files": list(files or [DRAFT]), **body})

    def test_a_preview_has_the_shape_of_the_contract_and_changes_nothing(self) -> None:
        revision = self.model.model.revision
        answer = self.match(devices=["web1"], examples=1)
        self.assertEqual(answer.status, 200, answer.content)
        sighting = {"device": "web1", "line": "sshd: ann", "count": 1}
        nothing = {"lines": 0, "devices": 0, "examples": []}
        self.assertEqual(
            answer.json,
            {
                "revision": revision,
                "devices": [
                    {
                        "device": "web1",
                        "at": "2027-01-15T08:00:00.000Z",
                        "lines": 4,
                        "taken_before": 2,
                        "taken": 3,
                        "cut": 0,
                        "problem": "",
                    }
                ],
                "definitions": [
                    {
                        "id": "mill",
                        "order": 0,
                        "draft": True,
                        "state": "new",
                        "applies": 1,
                        "lines_before": 0,
                        "lines": 2,
                        "devices": 1,
                        "components": ["mill"],
                        "more_components": False,
                        "examples": [sighting],
                        "overflowing": [],
                        "beyond_snmp": nothing,
                    },
                    {
                        "id": "sshd",
                        "order": 1,
                        "draft": False,
                        "state": "present",
                        "applies": 1,
                        "lines_before": 2,
                        "lines": 1,
                        "devices": 1,
                        "components": ["sshd"],
                        "more_components": False,
                        "examples": [{**sighting, "line": "/usr/sbin/sshd -D"}],
                        "overflowing": [],
                        "beyond_snmp": nothing,
                    },
                ],
                "overlaps": [
                    {
                        "definitions": ["mill", "sshd"],
                        "taken_by": "mill",
                        "lines": 1,
                        "devices": 1,
                        "examples": [sighting],
                    }
                ],
                "changed": [
                    {
                        **sighting,
                        "before": {"definition": "sshd", "component": "sshd"},
                        "after": {"definition": "mill", "component": "mill"},
                    },
                    {
                        **sighting,
                        "line": "mill 7",
                        "before": None,
                        "after": {"definition": "mill", "component": "mill"},
                    },
                ],
                "changed_lines": 2,
                "moves": [
                    {"before": None, "after": "mill", "lines": 1},
                    {"before": "sshd", "after": "mill", "lines": 1},
                ],
                "unmatched": {"lines": 1, "devices": 1, "examples": [{**sighting, "line": "cron"}]},
                "shortened": False,
            },
        )
        self.assertEqual(self.model.model.revision, revision)
        self.assertIsNone(self.model.model.get(("ProcessSet", "mill")))

    def test_a_collector_that_is_away_only_leaves_a_gap(self) -> None:
        answer = self.match(devices=["web1", "far", "web2", "web1"]).json
        self.assertEqual([row["device"] for row in answer["devices"]], ["web1", "far", "web2"])
        self.assertEqual([row["problem"] for row in answer["devices"]], ["", "collector far is not connected", ""])
        self.assertEqual(answer["definitions"][0]["devices"], 2)

        def cut(_query: Query) -> Result:
            raise TransientError("the cable was cut")

        self.collect("far", cut)
        self.assertIn("cable", self.match(devices=["far"]).json["devices"][0]["problem"])

    def test_lines_of_text_are_matched_as_those_of_a_device_of_a_class(self) -> None:
        self.apply(SSHD, {"path": "w", "text": "{kind: ProcessSet, id: win, include: ., applies_to: [/W, eu]}"})
        for fields, taken in (({}, 1), ({"class": "/W"}, 3), ({"groups": ["eu"]}, 3)):
            answer = self.match(lines=["mill 7", "", "a", "b"], **fields).json
            self.assertEqual([row["device"] for row in answer["devices"]], ["<stdin>"])
            self.assertEqual((answer["devices"][0]["lines"], answer["devices"][0]["taken"]), (3, taken), fields)
        self.assertEqual(self.match(lines=[]).json["devices"][0]["lines"], 0)

    def test_mistakes_are_told_as_those_of_applying(self) -> None:
        bad = {"path": "bad.yaml", "text": "kind: ProcessSet\nid: x\ninclude: '('\n"}
        refused, applied = self.match(bad, devices=["web1"]), self.apply(bad)
        self.assertEqual((refused.status, refused.json), (applied.status, applied.json))
        self.assertEqual(refused.status, 422)

    def test_what_secrets_in_the_files_stand_for_is_taken_as_by_apply(self) -> None:
        host = "kind: Device\nid: h\naddress: 192.0.2.1\nproperties: {snmp_community: !secret file:c}\n"
        file: Any = {"path": "h.yaml", "text": f"{DRAFT['text']}---\n{host}"}
        self.assertEqual(self.match(file, devices=["web1"]).status, 422)
        answer = self.match({**file, "secrets": {"file:c": "hush"}}, devices=["web1"])
        self.assertEqual(answer.status, 200, answer.content)
        self.assertNotIn(b"hush", answer.content)

    def test_what_cannot_be_asked_is_refused(self) -> None:
        for body, status, part in (
            ({}, 400, "name devices"),
            ({"devices": ["web1"], "lines": ["x"]}, 400, "name devices"),
            ({"devices": ["web1"], "class": "/W"}, 400, "class and groups"),
            ({"devices": ["web1"], "colour": 1}, 400, "colour"),
            ({"devices": ["web1"], "examples": 1001}, 400, "examples"),
            ({"devices": [f"d{n}" for n in range(MAX_DEVICES + 1)]}, 400, "devices"),
            ({"devices": ["web1", "nosuch"]}, 404, "'nosuch'"),
            ({"devices": ["web1", "local"]}, 404, "'local'"),  # a collector is no device
        ):
            answer = self.match(**body)
            self.assertEqual(answer.status, status, body)
            self.assertIn(part, answer.error[1])
            self.assertEqual(self.sessions["local"].queries, [])
        for text in ("# nothing\n", "{kind: Device, id: web2, address: 192.0.2.1}"):
            answer = self.match({"path": "e.yaml", "text": text}, devices=["web1"])
            self.assertEqual(answer.error[0], "invalid")
            self.assertIn("no draft", answer.error[1])

    def test_a_draft_that_is_applied_already_is_shown_as_such(self) -> None:
        answer = self.match(SSHD, devices=["web1"]).json
        self.assertEqual((answer["definitions"][0]["state"], answer["changed"]), ("unchanged", []))

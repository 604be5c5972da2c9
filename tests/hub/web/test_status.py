# mypy: allow-untyped-calls
"""The API of the status tree, with a collector in memory."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import RemoteError
from common.queries import Done, Query, Result
from common.statustree import StatusBranch, StatusQuery
from common.wire import FailureCode
from hub.data.asking import Asker
from hub.data.status import LIMIT_S, StatusReader
from hub.web.status import StatusTopic
from tests.hub.distribution.fakes import FakeCollector, FakeSession
from tests.hub.web.http import Answer, Client, site_of

META = "Accept: application/json;metadata=true\r\n"

HERE = "/api/v1/status/here/disk"


class StatusTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.session = FakeSession(FakeCollector("local"), daemon="status")
        sessions = {("local", "status"): self.session}
        self.clock = Clock()
        asker = Asker(
            self.clock,
            {"here": "local", "far": "local", "lost": "gone"}.get,
            {"local"}.__contains__,
            lambda name, daemon: sessions.get((name, daemon)),
            lambda name, daemon: f"tocsin-{daemon} of collector {name} is not connected",
            "status",
        )
        reader = StatusReader(asker, {"here", "lost"}.__contains__)
        self.client = Client(site_of(self.clock, StatusTopic(reader).routes()))
        self.asked: list[StatusQuery] = []
        self.session.answers = self.answers

    def answers(self, query: Query) -> Result:
        assert isinstance(query, StatusQuery)
        self.asked.append(query)
        if query.path == "nothing/at":
            return StatusBranch(found=False, data=b'{"error":"Invalid path: nothing/at"}')
        return StatusBranch(found=True, data=b'{"value":7}')

    def error(self, answer: Answer, status: int, code: str) -> str:
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.error[0], code)
        return answer.error[1]

    def test_a_path_goes_to_the_collector_as_it_is_and_its_answer_back(self) -> None:
        for path, asked in (
            ("status/here", ""),
            ("status/here/", ""),
            ("status/here/disk/_/total", "disk/_/total"),
            ("status/here/disk/_/", "disk/_/"),
            ("status/here//disk", "/disk"),
            ("status/here/process/%2Fusr%2Fbin%2Fx", "process/%2Fusr%2Fbin%2Fx"),
        ):
            answer = self.client.get(path)
            self.assertEqual((answer.status, answer.json), (200, {"value": 7}))
            self.assertEqual(answer.headers["content-type"], "application/json")
            self.assertEqual(self.asked.pop(), StatusQuery(device="here", path=asked))
        self.assertEqual(self.client.get("status/local/disk").status, 200)

    def test_metadata_is_asked_for_by_the_accept_header(self) -> None:
        self.client.get("status/here/disk", headers=META)
        self.assertTrue(self.asked[0].metadata)
        self.client.get("status/here/disk", headers="Accept: */*\r\n")
        self.assertFalse(self.asked[1].metadata)
        answer = self.client.get("status/here/disk", headers="Accept: text/html\r\n")
        self.assertEqual((answer.status, answer.content), (406, b"Requested content types not supported\n"))

    def test_a_path_that_leads_nowhere_is_a_bad_request_in_the_form_of_the_tree(self) -> None:
        answer = self.client.get("status/here/nothing/at")
        self.assertEqual((answer.status, answer.json), (400, {"error": "Invalid path: nothing/at"}))

    def test_nothing_can_be_changed(self) -> None:
        for method in ("PUT", "POST", "DELETE"):
            answer = self.client.ask(method, HERE, {}, headers="Content-Type: application/json\r\n")
            error = {"error": f"SystemStatusAdapter does not support {method} requests"}
            self.assertEqual((answer.status, answer.json), (405, error))
        answer = self.client.ask("PUT", HERE, raw=b"x", headers="Content-Type: text/plain\r\n")
        self.assertEqual(answer.status, 415)
        self.assertEqual(self.asked, [])

    def test_an_answer_of_several_parts_is_put_together(self) -> None:
        def in_parts(query: Query) -> Result:
            assert isinstance(query, StatusQuery)
            self.assertEqual(query.digest, "d" if query.part else "")
            return StatusBranch(found=True, data=(b'{"value":', b"123", b"}")[query.part], parts=3, digest="d")

        self.session.answers = in_parts
        self.assertEqual(self.client.get("status/here/x").json, {"value": 123})

    def test_an_answer_that_is_not_kept_is_asked_for_anew_but_not_for_ever(self) -> None:
        asked: list[int] = []

        def forgets(query: Query) -> Result:
            assert isinstance(query, StatusQuery)
            asked.append(query.part)
            if query.part:
                raise RemoteError(FailureCode.NOT_FOUND.value, "this answer is not kept any more; ask anew")
            return StatusBranch(found=True, data=b"{", parts=2, digest="d")

        self.session.answers = forgets
        said = self.error(self.client.get("status/here/x"), 503, "collector_unavailable")
        self.assertIn("did not keep its answer", said)
        self.assertEqual(asked, [0, 1] * 3)

    def test_a_collector_that_is_away_old_or_slow_is_told(self) -> None:
        said = self.error(self.client.get("status/lost/disk"), 503, "collector_unavailable")
        self.assertIn("tocsin-status of collector gone is not connected", said)

        def unread(_: Query) -> Result:
            raise RemoteError(FailureCode.BAD_REQUEST.value, "query: invalid value")

        self.session.answers = unread
        self.assertIn("update it", self.error(self.client.get("status/here/x"), 503, "collector_unavailable"))
        self.session.answers = lambda _: Done()
        self.assertIn("answered Done", self.error(self.client.get("status/here/x"), 503, "collector_unavailable"))

    def test_only_a_device_that_is_the_host_of_its_collector_has_a_status(self) -> None:
        said = self.error(self.client.get("status/far/disk"), 404, "not_found")
        self.assertIn("far is read from afar", said)
        self.assertIn("there is no device", self.error(self.client.get("status/none/disk"), 404, "not_found"))
        self.assertEqual(self.error(self.client.get("status/here/disk?x=1"), 400, "bad_request")[:7], "unknown")
        self.assertEqual(self.asked, [])
        self.assertGreater(LIMIT_S, 0)

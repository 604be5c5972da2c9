# mypy: allow-untyped-calls
"""The model as documents, what changes would do, and the way back, over the API."""

from __future__ import annotations

from typing import Any

from hub.web.documents import DocumentTopic
from tests.hub.web.http import TOKEN, Client, site_of
from tests.hub.web.test_changes import LOCAL, ChangeCase

SECRET = {"snmp_community": "hush-hush"}


def yaml_file(text: str) -> dict[str, str]:
    return {"path": "a.yaml", "text": text}


def sshd(include: str) -> dict[str, str]:
    return yaml_file(f"kind: ProcessSet\nid: sshd\norder: 1\ninclude: {include}\n")


class PlanTests(ChangeCase):
    def plan(self, *files: dict[str, str], **fields: Any) -> Any:
        return self.apply(*files, dry_run=True, **fields).json["plan"]

    def test_a_dry_run_tells_every_field_and_every_collector(self) -> None:
        self.put("web1", properties=LOCAL)
        self.put("web2", properties=LOCAL, collector="far")
        self.apply(sshd("sshd"))
        told = self.plan(sshd("sshd2"))
        self.assertEqual(
            told["differences"],
            [
                {
                    "kind": "ProcessSet",
                    "id": "sshd",
                    "what": "changed",
                    "fields": [{"field": "include", "old": "sshd", "new": "sshd2"}],
                }
            ],
        )
        self.assertEqual(
            told["collectors"],
            [
                {"id": "far", "devices": ["web2"], "leaving": []},
                {"id": "local", "devices": ["web1"], "leaving": []},
            ],
        )
        self.assertIsNone(told["config"])
        self.assertEqual(self.client.get("revisions").json["revisions"][0]["number"], 3)

    def test_of_a_pool_the_members_are_told_that_would_get_configs(self) -> None:
        pool = "kind: Pool\nid: eu\nmembers: [{}]\n"
        self.apply(yaml_file(pool.format("eu1, eu2")))
        self.put("web1", collector="eu")
        told = self.plan(yaml_file(pool.format("eu2, eu1") + "properties: {snmp_port: 7}\n"), device="web1")
        self.assertEqual(
            told["collectors"],
            [{"id": "eu1", "devices": [], "leaving": ["web1"]}, {"id": "eu2", "devices": ["web1"], "leaving": []}],
        )
        self.assertEqual((told["config"]["collector_before"], told["config"]["collector_after"]), ("eu1", "eu2"))
        self.assertEqual(
            [row["field"] for row in told["differences"][0]["fields"]], ["members", "properties.snmp_port"]
        )

    def test_a_device_that_moves_leaves_one_collector_and_comes_to_another(self) -> None:
        self.put("web1")
        self.put("web2")
        told = self.plan(yaml_file("kind: Device\nid: web1\naddress: x\ncollector: far\n"), prune=True)
        self.assertEqual(
            told["collectors"],
            [
                {"id": "far", "devices": ["web1"], "leaving": []},
                {"id": "local", "devices": [], "leaving": ["web1", "web2"]},
            ],
        )
        self.assertEqual([row["what"] for row in told["differences"]], ["changed", "removed"])

    def test_the_compiled_config_of_one_device_is_compared(self) -> None:
        self.put("web1", properties=SECRET)
        changed = yaml_file("kind: Device\nid: web1\naddress: y\nproperties: {snmp_community: other}\n")
        config = self.plan(changed, device="web1")["config"]
        self.assertEqual(
            config,
            {
                "device": "web1",
                "collector_before": "local",
                "collector_after": "local",
                "fields": [
                    {"field": "address", "old": "192.0.2.1", "new": "y"},
                    {"field": "snmp.community", "old": "(set)", "new": "(set)"},
                ],
                "problem": "",
            },
        )
        answer = self.apply(changed, dry_run=True, device="nobody")
        self.assertEqual((answer.status, answer.error[0]), (404, "not_found"))
        self.assertEqual(self.apply(changed, device="web1").error[0], "bad_request")

    def test_what_is_applied_has_no_plan(self) -> None:
        self.assertIsNone(self.apply(sshd("sshd")).json["plan"])


class RevisionTests(ChangeCase):
    def test_a_revision_tells_who_when_why_and_every_field(self) -> None:
        self.put("web1", properties=SECRET, message="new", author="ann")
        self.put("web1", properties={"snmp_community": "other"}, message="hushed", author="bob")
        answer = self.client.get("revisions/2")
        self.assertEqual(
            answer.json,
            {
                "number": 2,
                "at": "2027-01-15T08:00:00.000Z",
                "author": "bob",
                "text": "hushed",
                "summary": "device web1 changed",
                "differences": [
                    {
                        "kind": "Device",
                        "id": "web1",
                        "what": "changed",
                        "fields": [{"field": "properties.snmp_community", "old": "(set)", "new": "(set)"}],
                    }
                ],
            },
        )
        for number in ("0", "3", "first"):
            answer = self.client.get(f"revisions/{number}")
            self.assertEqual((answer.status, answer.error[0]), (404, "not_found"), number)

    def test_the_way_back_is_told_gone_and_live(self) -> None:
        self.attach()
        self.put("web1", properties=LOCAL)
        self.put("web1", properties={**LOCAL, "interval_s": 5})
        self.put("web2", properties=LOCAL)
        planned = self.client.post("revisions/1/rollback", {"dry_run": True, "device": "web1"}).json
        self.assertEqual((planned["revision"], planned["removed"]), (None, [{"kind": "Device", "id": "web2"}]))
        self.assertEqual(planned["plan"]["config"]["fields"], [{"field": "interval_s", "old": 5, "new": 10}])
        done = self.client.post("revisions/1/rollback", {"message": "slower", "author": "ann"}).json
        self.assertEqual((done["revision"], done["devices"], done["plan"]), (4, ["web1", "web2"], None))
        newest = self.client.get("revisions").json["revisions"][0]
        self.assertEqual((newest["author"], newest["text"]), ("ann", "rollback to revision 1: slower"))
        self.clock.advance(0.25)
        self.assertTrue(self.client.get("revisions/4/live").json["live"])
        self.assertEqual(self.client.post("revisions/4/rollback").json["revision"], None)

    def test_a_way_back_that_is_none(self) -> None:
        bodies: list[dict[str, Any]] = [{}, {"dry_run": True}]
        for body in bodies:
            answer = self.client.post("revisions/7/rollback", body)
            self.assertEqual((answer.status, answer.error[0]), (404, "not_found"))
        bodies = [{"device": "web1"}, {"to": 1}]
        for body in bodies:
            self.assertEqual(self.client.post("revisions/0/rollback", body).error[0], "bad_request")


class DocumentTests(ChangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.documents = Client(site_of(self.clock, DocumentTopic(self.model).routes()))

    def test_the_model_is_given_as_documents_secrets_only_when_they_are_asked_for(self) -> None:
        self.assertEqual(self.documents.get("documents").json, {"revision": 0, "documents": []})
        self.put("web1", properties=SECRET)
        self.apply(sshd("sshd"))
        hidden = self.documents.get("documents")
        self.assertNotIn(b"hush", hidden.content)
        self.assertEqual(hidden.json["revision"], 2)
        device, definition = hidden.json["documents"]
        self.assertEqual(
            device,
            {
                "document": {
                    "kind": "Device", "id": "web1", "address": "192.0.2.1", "properties": {"snmp_community": "(set)"},
                },
                "secrets": ["snmp_community"],
            },
        )  # fmt: skip
        self.assertEqual(definition["document"]["include"], "sshd")
        wanted = self.documents.get("documents?secrets=true").json["documents"][0]["document"]
        self.assertEqual(wanted["properties"], SECRET)

    def test_documents_of_one_kind_are_given_alone(self) -> None:
        self.put("web1")
        self.apply(sshd("sshd"), yaml_file("kind: Pool\nid: eu\nmembers: [eu1]\n"))
        (pool,) = self.documents.get("documents?kind=Pool").json["documents"]
        self.assertEqual(pool["document"], {"kind": "Pool", "id": "eu", "members": ["eu1"]})
        self.assertEqual(self.documents.get("documents?kind=Collector").json["documents"], [])
        self.assertEqual(len(self.documents.get("documents?kind=all").json["documents"]), 3)
        self.assertEqual(self.documents.get("documents?kind=Pol").error[0], "bad_request")

    def test_nobody_gets_them_without_the_token(self) -> None:
        self.put("web1", properties=SECRET)
        for token in (None, TOKEN + "x"):
            answer = self.documents.get("documents?secrets=1", token=token)
            self.assertEqual((answer.status, b"hush" in answer.content), (401, False))
        self.assertEqual(self.documents.get("documents?secrets=maybe").error[0], "bad_request")
        self.assertEqual(self.documents.get("documents?secret=1").error[0], "bad_request")

"""Which templates hold for a device, as the API tells it."""

from __future__ import annotations

from tests.hub.web.test_changes import LOCAL, ChangeCase

DOCUMENTS = """\
kind: DeviceClass
id: /
templates: [weak, base, other]
---
kind: Group
id: eu
templates: [leaf, -other]
---
kind: Template
id: weak
component: process_set
thresholds: {busy: {points: cpu, maximum: 1}}
---
kind: Template
id: other
---
kind: Template
id: base
component: process_set
sources: {table: {type: process, points: {per: {derived: memory / count, unit: bytes}}}}
thresholds:
  busy: {points: [cpu, per], maximum: 5, scans: 2}
  quiet: {points: count, minimum: 1}
graphs: {memory: {points: [per, {point: memory, draw: area}]}}
---
kind: Template
id: leaf
description: Of Europe
extends: base
replaces: base
thresholds:
  busy: {points: cpu, maximum: 9, form: limit, severity: error, for_s: 60, hysteresis: 0.5, escalate_after: 7}
  quiet:
---
kind: ProcessSet
id: mill
include: mill
thresholds: {busy: {points: cpu, form: change}}
---
kind: ProcessSet
id: none
include: none
"""


class TemplateCase(ChangeCase):
    def setUp(self) -> None:
        super().setUp()
        self.attach()
        self.apply({"path": "f.yaml", "text": DOCUMENTS})
        self.put(properties=LOCAL, groups=["eu"])


class TemplateTests(TemplateCase):
    def test_what_holds_is_told_with_who_says_it(self) -> None:
        answer = self.client.get("devices/web1/templates").json
        leaf, weak = answer["templates"]
        assert (leaf["id"], leaf["origin"], leaf["extends"], leaf["component"]) == (
            "leaf", "group eu", ["base"], "process_set",
        )  # fmt: skip
        (busy,) = leaf["thresholds"]
        assert busy == {
            "id": "busy", "origin": "replaced", "said_by": "leaf", "instead_of": "base", "hidden_by": "",
            "points": ["cpu"], "form": "limit", "levels": [{"severity": "error", "minimum": None, "maximum": 9.0}],
            "scans": 1, "for_s": 60, "hysteresis": 0.5, "escalate_after": 7, "event_class": "/Perf", "enabled": True,
            "within_s": None, "window_s": None, "of": None, "season_s": None, "adapts": None, "width": None,
            "side": None, "least": None, "least_percent": None, "learn_s": None,
        }  # fmt: skip
        (table,) = leaf["sources"]
        assert (table["origin"], table["said_by"], table["type"]) == ("inherited", "base", "process")
        points = {point["name"]: point for point in table["points"]}
        assert points["per"]["derived"] == "memory / count"
        assert points["cpu"]["unit"] == "percent"
        assert [point["point"] for point in leaf["graphs"][0]["points"]] == ["per", "memory"]
        assert leaf["dropped"] == [
            {"section": "thresholds", "id": "quiet", "said_by": "leaf", "instead_of": "base"},
        ]  # fmt: skip
        assert (weak["id"], weak["origin"], weak["thresholds"][0]["hidden_by"]) == ("weak", "class /", "leaf")
        assert answer["not_held"] == [
            {"id": "other", "origin": "class /", "why": "unbound by group eu"},
            {"id": "base", "origin": "class /", "why": "replaced by leaf, which group eu binds"},
        ]
        (mill,) = answer["process_sets"]
        assert (mill["id"], mill["thresholds"][0]["levels"][0]["severity"]) == ("mill", "warning")

    def test_a_device_binds_and_unbinds_templates_itself(self) -> None:
        def alter(**body: object) -> list[str]:
            answer = self.client.ask("PATCH", "/api/v1/devices/web1", dict(body)).json
            assert isinstance(answer["device"]["templates"], list)
            return list(answer["device"]["templates"])

        assert alter(bind=["other"], unbind=["leaf"]) == ["other", "-leaf"]
        told = self.client.get("devices/web1/templates").json
        assert [row["id"] for row in told["templates"]] == ["other", "base", "weak"]
        assert told["not_held"] == [{"id": "leaf", "origin": "group eu", "why": "unbound by device"}]
        assert alter(bind=["leaf"]) == ["other", "leaf"]
        assert alter(bind=["other"], unbind=["leaf"]) == ["other", "-leaf"]
        assert alter(inherit=["leaf"]) == ["other"]
        assert alter(inherit=["other", "nobody"]) == []
        assert alter(unbind=["leaf"], templates=[]) == []
        for body, code in (
            ({"bind": "leaf"}, "bad_request"),
            ({"unbind": [1]}, "bad_request"),
            ({"inherit": "leaf"}, "bad_request"),
            ({"bind": ["nobody"]}, "invalid"),
            ({"bind": ["a/b"]}, "invalid"),
            ({"unbind": ["-leaf"]}, "invalid"),
        ):
            assert self.client.ask("PATCH", "/api/v1/devices/web1", body).error[0] == code, body

    def test_of_a_device_that_is_not_there_nothing_is_told(self) -> None:
        assert self.client.get("devices/nobody/templates").error[0] == "not_found"

from __future__ import annotations

from typing import Any

from hub.interfaces import DocumentChange
from hub.model.change import plan
from hub.model.diff import Difference, FieldChange, differences
from hub.model.entities import (
    Device,
    encode_entity,
    key_of,
)
from hub.model.kinds import KINDS
from hub.model.model import Model
from tests.hub.model.test_documents import read

NGINX = "kind: ProcessSet\nid: nginx\norder: 5\ninclude: '^a'\n"
WEB1 = "kind: Device\nid: web1\naddress: 10.0.0.7\n"


def told(before: str, after: str) -> list[Difference]:
    """What it takes from the documents of one text to those of another."""
    model = Model(1, read(before) if before else ())
    wanted = read(after) if after else []
    gone = {key_of(entity) for entity in model.entities()} - {key_of(entity) for entity in wanted}
    return differences(plan(model, wanted, sorted(gone)).documents)


def fields(before: str, after: str) -> list[tuple[str, Any, Any]]:
    (difference,) = told(before, after)
    return [(one.field, one.old, one.new) for one in difference.fields]


def test_a_changed_document_tells_the_fields_that_differ_and_no_other() -> None:
    (difference,) = told(NGINX, NGINX.replace("^a", "^b"))
    assert (difference.kind, difference.id, difference.what) == ("ProcessSet", "nginx", "changed")
    assert difference.fields == (FieldChange("include", "^a", "^b"),)


def test_a_field_that_was_not_said_had_its_default() -> None:
    assert fields(NGINX, NGINX + "required: true\nmissing_severity: critical\ncount: {min: 0}\n") == [
        ("required", False, True),
        ("missing_severity", "error", "critical"),
        ("count.min", None, 0),
    ]
    assert fields(NGINX + "applies_to: [/Server, web]\nrestart_severity: 3\n", NGINX) == [
        ("applies_to", ["/Server", "web"], ["/"]),
        ("restart_severity", "warning", None),
    ]


def test_a_property_that_is_not_said_is_inherited() -> None:
    assert fields(WEB1, WEB1 + "properties: {snmp_port: 1161, source: local}\n") == [
        ("properties.snmp_port", None, 1161),
        ("properties.source", None, "local"),
    ]


def test_a_new_or_removed_document_tells_what_it_says() -> None:
    said = [("address", "10.0.0.7"), ("groups", ["eu"])]
    assert fields("", WEB1 + "groups: eu\n") == [(name, None, value) for name, value in said]
    assert fields(WEB1 + "groups: eu\n", "") == [(name, value, None) for name, value in said]
    assert [one.what for one in told(WEB1, WEB1.replace("web1", "web2"))] == ["created", "removed"]


def test_a_template_is_told_entry_by_entry() -> None:
    head = "kind: Template\nid: t\ncomponent: process_set\n"
    base = head.replace("id: t", "id: b") + "thresholds: {old: {points: cpu, maximum: 1}}\n---\n"
    before = base + head + "extends: b\nthresholds: {a: {points: cpu, maximum: 1}, gone: {points: cpu, minimum: 2}}\n"
    after = base + head + (
        "extends: b\nthresholds: {a: {points: cpu, maximum: 2, scans: 3}, new: {points: [cpu, memory], maximum: 1}, "
        "old: }\n"
        "sources: {s: {type: process, points: {cpu: , x: {derived: cpu}}}}\n"
    )  # fmt: skip
    forth = [
        ("sources.s.type", None, "process"),
        ("sources.s.points.cpu", None, {}),
        ("sources.s.points.x.derived", None, "cpu"),
        ("thresholds.a.maximum", 1.0, 2.0),
        ("thresholds.a.scans", 1, 3),
        ("thresholds.new.points", None, ["cpu", "memory"]),
        ("thresholds.new.maximum", None, 1.0),
        ("thresholds.old", None, "(dropped)"),
        ("thresholds.gone.points", ["cpu"], None),
        ("thresholds.gone.minimum", 2.0, None),
    ]
    assert fields(before, after) == forth
    assert sorted(fields(after, before), key=str) == sorted([(name, new, old) for name, old, new in forth], key=str)


def test_nothing_differs_in_an_empty_change() -> None:
    assert told(NGINX + "---\n" + WEB1, NGINX + "---\n" + WEB1) == []


def test_a_secret_is_only_said_to_be_set() -> None:
    with_secret = WEB1 + "properties: {snmp_community: hush-hush}\n"
    assert fields("", with_secret)[1] == ("properties.snmp_community", None, "(set)")
    assert fields(with_secret, "")[1] == ("properties.snmp_community", "(set)", None)
    assert fields(with_secret, with_secret.replace("hush-hush", "other")) == [
        ("properties.snmp_community", "(set)", "(set)")
    ]
    body = (
        '{"id": "/x", "properties": {"snmp_auth_password": "hush-hush", "unheard_of": {"of": "hush-hush"}}, "odd": 1}'
    )
    for kind in KINDS:
        for before, after in ((None, body), (body, None), (body, body.replace("hush", "shh"))):
            change = DocumentChange(kind=kind, id="x", before=before, after=after)
            assert "hush" not in repr(differences([change]))


def test_what_another_version_has_stored_is_told_as_it_stands() -> None:
    change = DocumentChange(
        kind="Satellite", id="s", before=None, after='{"id": "s", "orbit": {"km": 400}, "snmp_community": "hush"}'
    )
    (difference,) = differences([change])
    assert difference.fields == (FieldChange("orbit.km", None, 400), FieldChange("snmp_community", None, "(set)"))


def test_yes_is_not_one() -> None:
    old = encode_entity(Device(id="a", address="x"))
    change = DocumentChange(kind="Odd", id="a", before='{"a": 1}', after='{"a": true}')
    assert differences([change])[0].fields == (FieldChange("a", 1, True),)
    assert differences([DocumentChange(kind="Device", id="a", before=old, after=old)])[0].fields == ()

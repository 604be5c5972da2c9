"""Sources of templates as documents: every mistake is a sentence with file and line."""

from __future__ import annotations

import pytest

from tests.hub.model.test_documents import mistakes, read
from tests.hub.model.test_templatesoundness import refused


def source(text: str) -> str:
    return f"kind: Template\nid: t\nsources:\n  s: {text}\n"


WALKED = "oids: [{walk: .1.3.6.1.2}, .1.3.6.1.3]"


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("{type: smnp}", ".type", "got 'smnp'; expected one of process, snmp, ping, status, probe, prometheus, plugin"),
        ("{points: [a]}", "", "field 'type' is missing"),
        ("{type: ping, oid: .1.3}", ".oid", "a source of type ping has none; leave the field out"),
        ("{type: snmp, points: [a]}", "", "needs the field 'oid', or a list 'oids', and not both"),
        ("{type: snmp, oid: .1.3, oids: [.1.3], points: [a]}", "", "and not both"),
        ("{type: snmp, oids: [], points: [a]}", ".oids", "got a list; expected one object at least"),
        ("{type: snmp, oids: [.1.x], points: [a]}", ".oids[1]", "got '.1.x'; expected an OID in digits"),
        ("{type: snmp, oids: [{wlak: .1.3}], points: [a]}", ".oids[1]", "expected an OID, {get: OID} or {walk: OID}"),
        ("{type: snmp, oids: [{walk: .3.3}], points: [a]}", ".oids[1].walk", "got '.3.3'; expected an OID"),
        (
            f"{{type: snmp, {WALKED}, points: [a, b, c]}}",
            ".points.c",
            "is the measured point 3, so $3, but there",
        ),
        (
            f"{{type: snmp, {WALKED}, points: {{a: {{value: $3 * 8}}}}}}",
            ".points.a.value",
            "there is no $3; the source has the objects $1 to $2",
        ),
        (f"{{type: snmp, {WALKED}, points: {{a: {{value: load * 8}}}}}}", ".points.a.value", "'load' is no object"),
        (f"{{type: snmp, {WALKED}, points: {{a: {{value: '$1 *'}}}}}}", ".points.a.value", "at character 5"),
        (f"{{type: snmp, {WALKED}, name: '{{$9}}', points: [a]}}", ".name", "there is no $9; the source has"),
        (f"{{type: snmp, {WALKED}, name: '{{ifName}}', points: [a]}}", ".name", "got '{ifName}'; expected {index}"),
        (f"{{type: snmp, {WALKED}, name: '{{$1', points: [a]}}", ".name", "a brace is not closed"),
        ("{type: snmp, oid: .1.3, name: '{index}', points: [a]}", ".name", "nothing is walked, so there is no {index}"),
        (f"{{type: snmp, {WALKED}, only: '(', points: [a]}}", ".only", "is no RE2 pattern: missing )"),
        (f"{{type: snmp, {WALKED}, discontinuity: 3, points: [a]}}", ".discontinuity", "there is no"),
        (f"{{type: snmp, {WALKED}, points: {{a: {{metric: x}}}}}}", ".points.a.metric", "type snmp has none"),
        ("{type: ping, points: {jitter: {}}}", ".points.jitter", "there is no point 'jitter'. Known: loss, rtt_avg"),
        ("{type: ping, points: {loss: {unit: x}}}", ".points.loss", "is measured by each ping as it is"),
        (
            "{type: ping, packets: 9, gap_s: 1, interval_s: 5}",
            ".interval_s",
            "9 packets take up to 10 s",
        ),
        ("{type: ping, interval_s: 1.5}", ".interval_s", "expected a whole number from 1 to 86400"),
        ("{type: status}", "", "a source of type status needs the field 'item'"),
        ("{type: status, item: diks}", ".item", "there is no item 'diks'; did you mean 'disks'?"),
        ("{type: status, item: load, only: x}", ".only", "of load there is nothing to choose from"),
        ("{type: status, item: processes}", "", "processes needs 'only': names of processes"),
        ("{type: status, item: disks, match: exact}", ".match", "is for the item processes alone"),
        ("{type: status, item: processes, only: ['('], match: regex}", ".only", "is no RE2 pattern"),
        ("{type: probe, command: http -v, points: [a]}", ".command", "no shell splits a text"),
        ("{type: probe, command: [''], points: [a]}", ".command", "expected the name of the probe first"),
        ("{type: probe, command: [x]}", "", "has no point that is measured"),
        ("{type: probe, command: [x], user: 'a b', points: [a]}", ".user", "expected the name of a user"),
        ("{type: probe, command: [x], handler: h, points: [a]}", ".points", "those that the template 'h' says"),
        ("{type: probe, timeout_s: 5, points: [a]}", ".timeout_s", "a source without 'command' is a handler"),
        ("{type: prometheus, points: {a: {metric: x}}}", "", "needs the field 'url'"),
        ("{type: prometheus, url: 'ftp://x', points: {a: {metric: x}}}", ".url", "one that begins with http:, https:"),
        ("{type: prometheus, url: 'http:///x', points: {a: {metric: x}}}", ".url", "expected a host in it"),
        ("{type: prometheus, url: 'http://a:b@x/', points: {a: {metric: x}}}", ".url", "for everybody to read"),
        ("{type: prometheus, url: 'file://x.prom', points: {a: {metric: x}}}", ".url", "expected a whole path"),
        ("{type: prometheus, url: 'http://x', points: [a]}", ".points.a", "needs the field 'metric'"),
        ("{type: prometheus, url: 'http://x', points: {a: {metric: 1x}}}", ".points.a.metric", "the name of a metric"),
        (
            "{type: prometheus, url: 'http://x', points: {a: {metric: x, labels: {a-b: c, d: 1}}}}",
            ".points.a.labels",
            "got 'a-b'; expected the name of a label",
        ),
        ("{type: prometheus, url: 'http://x', name: '{a-b}', points: {a: {metric: x}}}", ".name", "name of a label"),
        ("{type: plugin, points: [a]}", "", "needs the field 'service'"),
        ("{type: plugin, service: snmp, points: [a]}", ".service", "snmp is Tocsin's own"),
        ("{type: plugin, service: q, settings: {a: {b: c}}, points: [a]}", ".settings.a", "got a mapping; expected a"),
    ],
)
def test_a_mistake_says_where_it_is_and_what_is_expected(text: str, place: str, told: str) -> None:
    found = mistakes(source(text))
    assert any(one.startswith(f"f1.yaml:4: Template t: field 'sources.s{place}': ") and told in one for one in found), (
        found
    )


def test_all_that_is_wrong_with_a_source_is_told_at_once() -> None:
    found = mistakes(source("{type: ping, oid: .1.3, packets: 0, gates: perhaps}"))
    assert [one.split("'")[1] for one in found] == ["sources.s.oid", "sources.s.packets", "sources.s.gates"]


@pytest.mark.parametrize(
    ("component", "text", "told"),
    [
        ("disk", "{type: ping}", "measures the device itself, and belongs in a template for device"),
        ("disk", "{type: status, item: load}", "belongs in a template with component: device, not disk"),
        ("device", f"{{type: snmp, {WALKED}, points: [a]}}", "is walked, so it has rows"),
        ("device", "{type: snmp, oid: .1.3, only: x, points: [a]}", "the device itself has no components"),
        ("fan", "{type: snmp, oid: .1.3, points: [a]}", "is walked nowhere; say in 'name' which fan its values are of"),
        (
            "fan",
            "{type: prometheus, url: 'http://x', points: {a: {metric: x}}}",
            "needs 'name': which fan a",
        ),
        ("fan", "{type: process}", "belongs in a template with component: process_set, not fan"),
        ("process_set", "{type: ping}", "a source of type ping cannot measure a process set"),
        ("fan", "{type: probe, command: [x], handler: tt}", "handler: there is no template 'tt'"),
        ("fan", "{type: probe, command: [x], handler: t}", "handler: the template t has no handler"),
    ],
)
def test_a_source_fits_to_what_its_template_is_for(component: str, text: str, told: str) -> None:
    found = refused(source(text) + f"component: {component}\n")
    assert any(one.startswith("f1.yaml:4: Template t: field 'sources.s': ") and told in one for one in found), found


@pytest.mark.parametrize("id_", ["process", "self"])
def test_no_source_is_called_as_series_that_others_keep(id_: str) -> None:
    (told,) = refused(f"kind: Template\nid: t\nsources: {{{id_}: {{type: ping}}}}\n")
    assert "series of this name are what" in told


def test_a_secret_is_no_setting_of_a_plugin() -> None:
    (told,) = mistakes(source("{type: plugin, service: q, settings: {key: !secret 'env:NONE'}, points: [a]}"))
    assert "sources.s.settings.key" in told


def test_what_is_right_is_taken() -> None:
    assert read(source("{type: prometheus, url: 'file:///var/lib/*.prom', points: {a: {metric: x}}}"))

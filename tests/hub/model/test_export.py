"""Export, then apply, is the empty change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model.change import left_out, plan
from hub.model.collectorfields import OF_COLLECTORS
from hub.model.documents import SourceFile, read_documents, read_entity
from hub.model.entities import (
    Device,
    Entity,
    Group,
    key_of,
)
from hub.model.export import export
from hub.model.kinds import KINDS
from hub.model.model import Model
from hub.model.properties import CATALOGUE, HIDDEN, PropertyType
from hub.model.yamltext import yaml_of
from tests.hub.model.test_documents import read

SECRET = "kind: Device\nid: a\naddress: x\nproperties: {snmp_port: 1, snmp_community: hush}\n"

line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cn"]), min_size=1).filter(
    lambda text: text.isprintable() and "{" not in text and "}" not in text
) | st.sampled_from(["yes", "1", "1e3", "null", "~", "=", "<<", "2026-01-31", "- a", "a: b", "# a", "'", '"', "0o7"])
prose = st.text(st.characters(exclude_categories=["Cs"])) | st.text("a \n\r\t\x85\u2028#:") | line
slug = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True)
device_id = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,9}", fullmatch=True)
class_path = st.from_regex(r"/|(?:/[A-Za-z0-9][A-Za-z0-9 _.-]{0,9}){1,3}", fullmatch=True)
group = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,9}", fullmatch=True)
severity = st.sampled_from(["debug", "info", "warning", "error", "critical"])
regex = st.sampled_from(["^a", r"\bx\b", "a|b", "'", "#", ": ", r"[\\\"]", "é", "(?i)x "])


def _value(name: str) -> st.SearchStrategy[Any]:
    prop = CATALOGUE[name]
    low, high = prop.minimum, prop.maximum
    if prop.type is PropertyType.CHOICE:
        return st.sampled_from(prop.choices)
    if prop.type is PropertyType.PLAN:
        return st.sampled_from(prop.choices) | slug
    if prop.type is PropertyType.BOOLEAN:
        return st.booleans()
    if prop.type is PropertyType.LIST:
        return st.lists(st.sampled_from(prop.choices), unique=True)
    if prop.type is PropertyType.MASKS:
        return st.lists(regex.map(lambda pattern: f"({pattern})"), unique=True)
    if prop.type is PropertyType.REGEX:
        return regex
    if prop.type is PropertyType.TEXT:
        return st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=int(low or 0), max_size=40).filter(
            lambda text: text != HIDDEN
        )
    if prop.type is PropertyType.WHOLE:
        return st.integers(int(low or 0), int(high or 1))
    return st.floats(low, high)


# Version 3 needs several properties that fit together; nothing else is wrong between two properties.
properties = st.fixed_dictionaries(
    {"snmp_version": st.sampled_from(["1", "2c"])},
    optional={name: _value(name) for name in CATALOGUE if name != "snmp_version"},
)
of_collectors = properties.map(lambda values: {name: value for name, value in values.items() if name in OF_COLLECTORS})

short = line.map(lambda text: text[:50])
number = st.floats(-1e300, 1e300) | st.integers(-(10**17), 10**17)
point = st.sampled_from(["cpu", "memory", "count", "restarts"])
entry = slug


def _bounds(form: str) -> st.SearchStrategy[dict[str, Any]]:
    if form == "change":
        return st.just({})
    pairs = st.tuples(number, number).map(sorted).filter(lambda pair: pair[0] < pair[1])
    both = pairs.map(lambda pair: {"minimum": pair[0], "maximum": pair[1]})
    return (
        both
        if form == "band"
        else both | st.one_of(st.fixed_dictionaries({"minimum": number}), st.fixed_dictionaries({"maximum": number}))
    )


def _levels(form: str) -> st.SearchStrategy[dict[str, Any]]:
    if form in {"change", "absence", "baseline"}:
        return st.fixed_dictionaries({}, optional={"severity": severity})
    if form == "trend":
        bound = {"maximum": st.floats(1, 1e9)}
        levels = st.just({"levels": [{"severity": "critical", "minimum": 1}, {"severity": "warning", "minimum": 2}]})
        return levels | st.fixed_dictionaries(bound, optional={"severity": severity})
    single = st.tuples(_bounds(form), st.fixed_dictionaries({}, optional={"severity": severity})).map(
        lambda parts: parts[0] | parts[1]
    )
    step = _bounds(form).map(lambda bounds: {"levels": [{"severity": "error", **bounds}]})
    steps = [{"severity": "critical", "maximum": 95.5}, {"severity": "warning", "maximum": 80}]
    return single | step | st.just({"levels": steps} if form == "limit" else {"levels": [
        {"severity": "critical", "minimum": 1, "maximum": 2}, {"severity": "warning", "minimum": 0, "maximum": 3},
    ]})  # fmt: skip


def _own(form: str) -> st.SearchStrategy[dict[str, Any]]:
    """What only thresholds of a form say."""
    row = st.fixed_dictionaries({}, optional={"scans": st.integers(1, 1000), "for_s": st.integers(0, 604800)})
    among = st.integers(1, 5).map(lambda scans: {"scans": scans, "of": 5})
    own: dict[str, Any] = {
        "limit": row | among,
        "band": row | among,
        "change": row,
        "trend": st.fixed_dictionaries(
            {"within_s": st.integers(600, 86400), "window_s": st.integers(10800, 86400)},
            optional={"scans": st.integers(1, 1000)},
        ),
        "absence": st.sampled_from([{}, {"scans": 2}, {"scans": 2, "of": 3}, {"scans": 1, "for_s": 60}, {"for_s": 9}]),
        "baseline": st.fixed_dictionaries(
            {},
            optional={
                "scans": st.integers(1, 60),
                "season_s": st.sampled_from([3600, 86400, 604800]),
                "adapts": st.sampled_from(["slow", "normal", "quick"]),
                "width": st.floats(0.1, 100),
                "side": st.sampled_from(["both", "over", "under"]),
                "least": st.floats(0, 1e9),
                "least_percent": st.floats(0, 1000),
                "learn_s": st.integers(1209600, 5184000),
            },
        ),
    }
    found: st.SearchStrategy[dict[str, Any]] = own[form]
    return found


threshold = st.sampled_from(["limit", "band", "change", "trend", "absence", "baseline"]).flatmap(
    lambda form: st.tuples(
        st.fixed_dictionaries(
            {"points": st.lists(point, min_size=1, max_size=3) | point, "form": st.just(form)},
            optional=({} if form == "absence" else {"hysteresis": st.floats(0, 1e9)})
            | {
                "escalate_after": st.integers(1, 100000),
                "event_class": st.sampled_from(["/Perf", "/Perf/Memory Use", "/App"]),
                "enabled": st.booleans(),
            },
        ),
        _levels(form),
        _own(form),
    ).map(lambda parts: parts[0] | parts[1] | parts[2])
)
derived = st.sampled_from([
    {}, {"per": {"derived": "memory / count", "unit": "bytes"}},
    {"a": {"derived": "{b-1} + 1"}, "b-1": {"derived": "cpu * 2"}, "cpu": {}},
])  # fmt: skip
source = derived.map(lambda points: {"type": "process", "points": points}) | st.sampled_from([
    {"type": "snmp", "oid": ".1.3.6.1.2.1.1.3.0", "interval_s": 30, "points": {"up": {"kind": "derive", "minimum": 0}}},
    {"type": "snmp", "oids": [".1.3.6", {"walk": "1.3.7"}], "name": "{$1|if#}", "only": "^eth|'", "points": [
        "a", {"name": "b", "value": "$1 * 8"},
    ]},
    {"type": "ping", "packets": 5, "gap_s": 0.5, "timeout_s": 1, "gates": False, "confirm": 1},
    {"type": "ping", "points": {"good": {"derived": "100 - loss", "unit": "percent"}}},
    {"type": "status", "item": "disks", "only": ["/home", "1", "no"], "interval_s": 10},
    {"type": "status", "item": "processes", "only": "^x", "match": "regex", "follow": "tree"},
    {"type": "probe", "command": ["x", "-v", "-v", ""], "handler": "nagios", "user": "nobody", "memory_mib": 64},
    {"type": "probe", "points": ["depth", {"name": "age", "unit": "s", "maximum": 1.5}]},
    {"type": "prometheus", "url": "https://x:9100/metrics?a=b", "name": "{job} {a}", "timeout_s": 2.5, "points": {
        "up": {"metric": "a:b_total", "kind": "counter", "labels": {"le": "+Inf", "x": "1"}},
    }},
    {"type": "plugin", "service": "queue", "points": ["len"], "settings": {
        "host": "1", "port": 8, "wait": 0.5, "deep": True, "names": ["yes", "2"], "none": [],
    }},
])  # fmt: skip
graph = st.fixed_dictionaries(
    {
        "points": st.lists(
            point
            | st.fixed_dictionaries(
                {"point": point},
                optional={
                    "label": short,
                    "draw": st.sampled_from(["line", "area"]),
                    "stack": st.booleans(),
                    "colour": st.from_regex("#[0-9A-Fa-f]{6}", fullmatch=True),
                },
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={
        "title": short,
        "axis": short,
        "log": st.booleans(),
        "base": st.sampled_from([1000, 1024]),
        "minimum": st.floats(1, 2),
        "maximum": st.floats(3, 1e99),
    },
)
words = st.lists(slug | slug.map(lambda id_: f"-{id_}"), max_size=3, unique_by=lambda word: word.removeprefix("-"))

FIELDS: dict[str, tuple[dict[str, st.SearchStrategy[Any]], dict[str, st.SearchStrategy[Any]]]] = {
    "Device": (
        {"id": device_id, "address": st.from_regex(r"[A-Za-z0-9:][A-Za-z0-9_.:%-]*", fullmatch=True)},
        {
            "class": class_path,
            "collector": slug,
            "groups": st.lists(group),
            "state": st.sampled_from(["production", "maintenance"]),
            "properties": properties,
            "templates": words,
        },
    ),
    "DeviceClass": ({"id": class_path}, {"description": prose, "properties": properties, "templates": words}),
    "Group": ({"id": group}, {"description": prose, "properties": properties, "templates": words}),
    "ProcessSet": (
        {"id": slug, "include": regex},
        {
            "title": line,
            "description": prose,
            "order": st.integers(0, 10**9),
            "exclude": regex | st.just(""),
            "name": st.sampled_from(["x", "1", "true", " y"]),
            "applies_to": st.lists(class_path | group),
            "required": st.booleans(),
            "monitor": st.booleans(),
            "missing_severity": severity,
            "restart_severity": severity | st.none(),
            "count": st.sampled_from([{}, {"min": 0}, {"max": 7}, {"min": 3, "max": 3}]),
            "confirm": st.integers(1, 100),
            "instances": st.fixed_dictionaries({"max": st.integers(1, 9)}) | st.just({}),
            "lock": st.lists(st.sampled_from(["delete", "update"]), unique=True),
            "thresholds": st.dictionaries(entry, threshold, max_size=2),
        },
    ),
    "Template": (
        {"id": slug},
        {
            "description": prose,
            "component": st.sampled_from(["device", "process_set", "cpu", "certificate", "null", "yes"]),
            "replaces": slug.map(lambda id_: f"{id_}.x"),
            "sources": st.dictionaries(entry, source, max_size=2),
            "thresholds": st.dictionaries(entry, threshold, max_size=2),
            "graphs": st.dictionaries(entry, graph, max_size=2),
        },
    ),
    "Collector": ({"id": slug}, {"title": line, "properties": of_collectors}),
    "RetentionPlan": (
        {"id": slug.filter(lambda id_: id_ not in {"short", "standard", "long"}), "full_days": st.floats(0.01, 5)},
        {
            "description": prose,
            "archives": st.just([{"every_s": 600, "days": 6}, {"every_s": 7200, "days": 90.5}]),
        },
    ),
    "Pool": (
        {"id": slug, "members": st.lists(slug, min_size=1, max_size=3, unique=True)},
        {
            "title": line,
            "failover_after_s": st.integers(30, 86400),
            "when_alone": st.sampled_from(["stop", "continue"]),
            "properties": of_collectors,
        },
    ),
}


def _entity(kind: str) -> st.SearchStrategy[Entity]:
    needed, more = FIELDS[kind]
    return st.fixed_dictionaries(needed, optional=more).map(lambda fields: read_entity(kind, fields))


entities = st.sampled_from(sorted(FIELDS)).flatmap(_entity)


def text_of(model: Model, *, with_secrets: bool = True) -> str:
    return "---\n".join(
        yaml_of(one.document, () if with_secrets else one.secrets)
        for one in export(model.entities(), with_secrets=with_secrets)
    )


def test_a_model_is_told_in_one_order_however_it_came_about() -> None:
    first, second = Group(id="a", description="x"), Group(id="b", description="x")
    at_once, later = Model(2, [first, second]), Model(1, [second]).changed(2, {key_of(first): first})
    assert list(at_once.entities()) == list(later.entities()) == [first, second]


def test_every_kind_is_tried() -> None:
    assert FIELDS.keys() == KINDS.keys()


@pytest.mark.timeout(600)
@settings(max_examples=300, deadline=None)
@given(st.lists(entities, min_size=1, max_size=5))
def test_what_is_exported_and_applied_again_changes_nothing(held: list[Entity]) -> None:
    model = Model(7, held)
    wanted = [document.entity for document in read_documents([SourceFile("x.yaml", text_of(model))])]
    assert list(wanted) == list(model.entities())
    change = plan(model, wanted, left_out(model, wanted))
    assert (change.documents, change.unchanged) == ((), len(list(model.entities())))


def test_a_document_looks_as_one_would_write_it() -> None:
    text = (
        "kind: ProcessSet\nid: nginx\ntitle: nginx\ndescription: |-\n  first\n  second\norder: 5\n"
        "include: ^(?:\\S*/)?nginx(?:[ :]|$)\napplies_to: [/Server, web]\nmissing_severity: critical\n"
        "count:\n  min: 2\n"
    )
    assert text_of(Model(1, read(text))) == text


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_every_line_end_stays_what_it_is(end: str) -> None:
    model = Model(1, [Group(id="g", description=f"one{end}two {end}  three")])
    assert read(text_of(model)) == list(model.entities())


def test_secrets_are_left_out_with_a_comment_or_hidden_unless_they_are_wanted() -> None:
    model = Model(1, read(SECRET))
    assert "hush" in text_of(model)
    assert text_of(model, with_secrets=False) == (
        "kind: Device\nid: a\naddress: x\nproperties:\n  snmp_port: 1\n# snmp_community is set; not exported\n"
    )
    (hidden,) = export(model.entities(), with_secrets=False)
    assert (hidden.document["properties"], hidden.secrets) == (
        {"snmp_port": 1, "snmp_community": "(set)"}, ("snmp_community",),
    )  # fmt: skip
    only = Model(1, [Device(id="a", address="x", properties={"snmp_community": "hush"})])
    assert (
        text_of(only, with_secrets=False) == "kind: Device\nid: a\naddress: x\n# snmp_community is set; not exported\n"
    )

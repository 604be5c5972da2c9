"""Templates as documents: what they may say, and what is wrong with one alone."""

from __future__ import annotations

import pytest

from common.errors import SettingsError
from common.events import Severity
from common.judged import ThresholdForm
from common.series import Kind
from hub.model.documents import read_entity
from hub.model.entities import Device, DeviceClass, Group, ProcessSet, decode_entity, encode_entity
from hub.model.sources import DataPoint, Oid, Source, SourceType
from hub.model.templates import (
    KIND_TEMPLATE,
    Curve,
    Draw,
    Graph,
    Step,
    Target,
    Template,
    Threshold,
)
from tests.hub.model.test_documents import mistakes, read

FULL = """\
kind: Template
id: jvm
description: Java
component: process_set
extends: process
replaces: other
sources:
  table:
    type: process
    points:
      per_process: {derived: memory / count, unit: bytes}
      cpu:
thresholds:
  leak:
    points: [memory, per_process]
    levels:
      - {severity: warning, maximum: 1000}
      - {severity: critical, maximum: 2000.5}
    scans: 3
    for_s: 600
    hysteresis: 10
    escalate_after: 20
    event_class: /Perf/Memory
  same: {points: count, form: change, severity: info}
  gone:
graphs:
  memory:
    title: Memory
    axis: bytes
    base: 1024
    log: true
    minimum: 1
    points: [cpu, {point: memory, draw: area, stack: true, colour: '#0a0B0c', label: all, transform: value / count}]
    unit: bytes
    band: false
    thresholds: false
    events: false
    percentiles: [95, 50.5]
"""


def test_a_template_with_everything() -> None:
    (found,) = read(FULL)
    assert found == Template(
        id="jvm",
        description="Java",
        component=Target.PROCESS_SET,
        extends="process",
        replaces="other",
        sources={
            "table": Source(
                type=SourceType.PROCESS,
                points={"per_process": DataPoint(derived="memory / count", unit="bytes"), "cpu": DataPoint()},
            )
        },
        thresholds={
            "leak": Threshold(
                points=("memory", "per_process"),
                levels=(
                    Step(severity=Severity.WARNING, maximum=1000.0),
                    Step(severity=Severity.CRITICAL, maximum=2000.5),
                ),
                scans=3,
                for_s=600,
                hysteresis=10.0,
                escalate_after=20,
                event_class="/Perf/Memory",
            ),
            "same": Threshold(points=("count",), form=ThresholdForm.CHANGE, severity=Severity.INFO),
            "gone": None,
        },
        graphs={
            "memory": Graph(
                title="Memory",
                axis="bytes",
                base=1024,
                log=True,
                minimum=1.0,
                points=(
                    Curve(point="cpu"),
                    Curve(
                        point="memory",
                        draw=Draw.AREA,
                        stack=True,
                        colour="#0a0B0c",
                        label="all",
                        transform="value / count",
                    ),
                ),
                unit="bytes",
                band=False,
                thresholds=False,
                events=False,
                percentiles=(95.0, 50.5),
            )
        },
    )
    assert decode_entity(KIND_TEMPLATE, encode_entity(found)) == found


def test_entries_may_stand_in_a_list() -> None:
    (found,) = read(
        "kind: Template\nid: t\nsources:\n"
        "  - {id: up, type: snmp, oid: 1.3.6.1.2.1.1.3.0, interval_s: 5, points: [{name: x, kind: counter}]}\n"
        "  - {id: p, type: probe, command: [a, -v, -v], user: nobody, timeout_s: 9, points: [t]}\n"
        "  - {id: s, type: status, item: disks, only: /, points: {rest: {derived: total - used, maximum: 9}}}\n"
        "  - id: port\n    type: snmp\n    oids: [{walk: 1.3.6.1.2.1.2.2.1}, {get: .1.3}, 1.3.6]\n    points:\n"
        "      in: {kind: counter, unit: bytes, wraps_at_bits: 32, maximum: 12500000}\n"
        "      out: {kind: counter, unit: bits, scale: 8}\n"
        "      heat: {scale: -0.1, offset: -273.15, minimum: -50}\n"
        "  - {id: web, type: prometheus, url: 'http://x/', name: '{job}',\n"
        "     points: {m: {metric: up, labels: {job: x}}}}\n"
        "  - {id: q, type: plugin, service: queue, settings: {host: x, port: 8, deep: [a, b]}, points: [len]}\n"
        "  - {id: echo, type: ping, packets: 5, gates: false}\n"
        "thresholds: [{id: long, points: t, minimum: 1, enabled: false}]\n"
    )
    assert isinstance(found, Template)
    assert found.sources == {
        "up": Source(
            type=SourceType.SNMP,
            oid=".1.3.6.1.2.1.1.3.0",
            interval_s=5,
            points={"x": DataPoint(kind=Kind.COUNTER)},
        ),
        "p": Source(
            type=SourceType.PROBE, command=("a", "-v", "-v"), user="nobody", timeout_s=9.0, points={"t": DataPoint()}
        ),
        "s": Source(
            type=SourceType.STATUS,
            item="disks",
            only=("/",),
            points={"rest": DataPoint(derived="total - used", maximum=9.0)},
        ),
        "web": Source(
            type=SourceType.PROMETHEUS,
            url="http://x/",
            name="{job}",
            points={"m": DataPoint(metric="up", labels={"job": "x"})},
        ),
        "q": Source(
            type=SourceType.PLUGIN,
            service="queue",
            settings={"host": "x", "port": 8, "deep": ("a", "b")},
            points={"len": DataPoint()},
        ),
        "echo": Source(type=SourceType.PING, packets=5, gates=False),
        "port": Source(
            type=SourceType.SNMP,
            oids=(Oid(walk=".1.3.6.1.2.1.2.2.1"), Oid(get=".1.3"), Oid(get=".1.3.6")),
            points={
                "in": DataPoint(kind=Kind.COUNTER, unit="bytes", wraps_at_bits=32, maximum=12_500_000.0),
                "out": DataPoint(kind=Kind.COUNTER, unit="bits", scale=8.0),
                "heat": DataPoint(scale=-0.1, offset=-273.15, minimum=-50.0),
            },
        ),
    }
    assert found.thresholds == {"long": Threshold(points=("t",), minimum=1.0, enabled=False)}


def test_classes_groups_and_devices_bind_templates_and_sets_have_thresholds() -> None:
    assert read(
        "kind: DeviceClass\nid: /a\ntemplates: [x, -y]\n---\nkind: Group\nid: g\ntemplates: x\n---\n"
        "kind: Device\nid: d\naddress: a\ntemplates: [-x]\n---\n"
        "kind: ProcessSet\nid: s\ninclude: x\nthresholds: {many: {points: count, maximum: 3}}\n"
    ) == [
        DeviceClass(id="/a", templates=("x", "-y")),
        Group(id="g", templates=("x",)),
        Device(id="d", address="a", templates=("-x",)),
        ProcessSet(id="s", order=100, include="x", thresholds={"many": Threshold(points=("count",), maximum=3.0)}),
    ]


def threshold(text: str) -> str:
    return f"kind: Template\nid: t\nthresholds:\n  a: {{points: cpu, maximum: 1}}\n  b: {text}\n"


def source(text: str) -> str:
    return f"kind: Template\nid: t\nsources:\n  s:\n    {text}\n"


def process(points: str) -> str:
    return source(f"type: process\n    points:\n      {points}")


def snmp(points: str) -> str:
    return source(f"type: snmp\n    oid: 1.3.6.1\n    points:\n      {points}")


TEMPLATE = "kind: Template\nid: t\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Template\nid: ../x\n", "f1.yaml:2: Template ../x: field 'id': got '../x'; expected up to 100 letters"),
        (f"kind: Template\nid: {'x' * 300}\n", "field 'id': got 'xxx"),
        ('kind: Template\nid: "a\\nb"\n', "f1.yaml:2: Template a\ufffdb: field 'id'"),
        (TEMPLATE + "extend: x\n", "f1.yaml:3: Template t: there is no field 'extend'; did you mean 'extends'?"),
        (
            TEMPLATE + "component: Disk\n",
            "field 'component': got 'Disk'; expected a kind of component: device, process_set",
        ),
        (TEMPLATE + "extends: t\n", "f1.yaml:3: Template t: field 'extends': the template names itself in 'extends'"),
        (TEMPLATE + "replaces: a/b\n", "f1.yaml:3: Template t: field 'replaces': got 'a/b'; expected the id"),
        (
            TEMPLATE + "graphs:\n  g:\n",
            "f1.yaml:3: Template t: field 'graphs': g has nothing behind it; only a template",
        ),
        (
            TEMPLATE + "thresholds:\n  x: {enabled: false}\n",
            "f1.yaml:3: Template t: field 'thresholds': x says only 'enabled: false'; only a template that extends",
        ),
        (
            TEMPLATE + "extends: b\nthresholds:\n  x: {enabled: false, maximum: 3}\n",
            "f1.yaml:5: Template t: field 'thresholds.x': field 'points' is missing",
        ),
        (TEMPLATE + "extends: b\nthresholds:\n  x: {enabled: true}\n", "field 'points' is missing"),
        (TEMPLATE + "sources: 3\n", "field 'sources': got a whole number (3); expected a mapping from the id of each"),
        (TEMPLATE + "sources:\n  - x\n", "f1.yaml:4: Template t: field 'sources[1]': got 'x'; expected a mapping with"),
        (
            TEMPLATE + "thresholds:\n  - {id: a, points: cpu, maximum: 1}\n  - {id: a, points: cpu, maximum: 2}\n",
            "f1.yaml:5: Template t: field 'thresholds.a': stands there twice; first in line 4",
        ),
        (
            TEMPLATE + "thresholds:\n  ../x: {points: cpu}\n",
            "f1.yaml:4: Template t: field 'thresholds': got '../x' as id",
        ),
        (threshold("{points: cpu}"), "f1.yaml:5: Template t: field 'thresholds.b': has neither minimum nor maximum"),
        (threshold("{maximum: 1}"), "f1.yaml:5: Template t: field 'thresholds.b': field 'points' is missing"),
        (threshold("{points: [], maximum: 1}"), "field 'thresholds.b.points': names no point"),
        (
            threshold("{points: a/b, maximum: 1}"),
            "field 'thresholds.b.points': got 'a/b'; expected the name of a point",
        ),
        (threshold("{points: cpu, maxmum: 1}"), "there is no field 'maxmum'; did you mean 'maximum'?"),
        (
            threshold("{points: cpu, minimum: 2, maximum: 1}"),
            "minimum 2 is above maximum 1; every value would be wrong",
        ),
        (threshold("{points: cpu, maximum: .inf}"), "field 'thresholds.b.maximum': got a number in a form that"),
        (threshold("{points: cpu, maximum: .nan}"), "field 'thresholds.b.maximum': got a number in a form that"),
        (threshold("{points: cpu, maximum: 1.0e+301}"), "field 'thresholds.b.maximum': got a number (1e+301)"),
        (
            threshold("{points: cpu, maximum: 2e999}"),
            "field 'thresholds.b.maximum': got '2e999'; expected a number such as",
        ),
        (threshold("{points: cpu, maximum: true}"), "field 'thresholds.b.maximum': got true; expected a number"),
        (threshold("{points: cpu, maximum: 1, hysteresis: -1}"), "field 'thresholds.b.hysteresis': got"),
        (threshold("{points: cpu, maximum: 1, scans: 0}"), "field 'thresholds.b.scans': got a whole number (0)"),
        (threshold("{points: cpu, maximum: 1, severity: clear}"), "field 'thresholds.b.severity': got 'clear'"),
        (
            threshold("{points: cpu, maximum: 1, event_class: x}"),
            "got 'x'; expected an event class such as /Perf/Memory",
        ),
        (threshold("{points: cpu, form: band, maximum: 1}"), "a band has a minimum and a maximum"),
        (threshold("{points: cpu, form: band, minimum: 1, maximum: 1}"), "minimum 1 is not below maximum 1"),
        (threshold("{points: cpu, form: change, maximum: 1}"), "a change has no minimum and no maximum"),
        (threshold("{points: cpu, form: change, levels: [{severity: info}]}"), "a change has no levels"),
        (
            threshold("{points: cpu, form: levels, maximum: 1}"),
            "got 'levels'; expected one of limit, band, change, trend",
        ),
        (threshold("{points: cpu, maximum: 1, scans: 6, of: 5}"), "6 of the last 5 scans can never be"),
        (threshold("{points: cpu, maximum: 1, scans: 6, of: 61}"), "expected a whole number from 1 to 60"),
        (threshold("{points: cpu, maximum: 1, scans: 3, of: 5, for_s: 60}"), "say one or the other"),
        (threshold("{points: cpu, form: change, scans: 3, of: 5}"), "thresholds.b.of': means nothing to a change"),
        (
            threshold("{points: cpu, form: trend, within_s: 3600, maximum: 1, scans: 2, of: 3}"),
            "means nothing to a trend",
        ),
        (threshold("{points: cpu, form: absence, maximum: 1}"), "an absence has no minimum and no maximum"),
        (threshold("{points: cpu, form: absence, levels: [{severity: info}]}"), "an absence has no levels"),
        (threshold("{points: cpu, form: absence, scans: 1}"), "an absence needs 2 scans at least, or for_s"),
        (threshold("{points: cpu, form: absence, of: 3}"), "an absence needs 2 scans at least, or for_s"),
        (threshold("{points: cpu, form: baseline, scans: 61}"), "of a baseline at most 60 parts count"),
        (threshold("{points: cpu, form: absence, for_s: 0}"), "an absence needs some seconds, or scans"),
        (threshold("{points: cpu, form: absence, hysteresis: 1}"), "means nothing to an absence"),
        (threshold("{points: cpu, form: baseline, maximum: 1}"), "a baseline has no minimum and no maximum"),
        (threshold("{points: cpu, form: baseline, levels: [{severity: info}]}"), "a baseline has no levels"),
        (threshold("{points: cpu, form: baseline, for_s: 60}"), "means nothing to a baseline"),
        (threshold("{points: cpu, form: baseline, season_s: 5000}"), "5000 s are no whole hours; a day is 86400"),
        (threshold("{points: cpu, form: baseline, season_s: 60}"), "expected a whole number from 3600 to 604800"),
        (threshold("{points: cpu, form: baseline, learn_s: 86400}"), "two seasons to know what is likely, 172800"),
        (threshold("{points: cpu, form: baseline, width: 0}"), "expected a number from 0.1 to 100"),
        (threshold("{points: cpu, form: baseline, side: up}"), "got 'up'; expected one of both, over, under"),
        (threshold("{points: cpu, form: baseline, adapts: fast}"), "got 'fast'; expected one of slow, normal, quick"),
        (threshold("{points: cpu, maximum: 1, width: 3}"), "is for thresholds with form: baseline alone"),
        (
            threshold("{points: memory, form: trend, maximum: 1}"),
            "field 'thresholds.b': field 'within_s' is missing: in how many seconds the bound would be reached",
        ),
        (
            threshold("{points: memory, form: trend, within_s: 3600}"),
            "field 'thresholds.b': has neither minimum nor maximum",
        ),
        (
            threshold("{points: memory, form: trend, within_s: 3600, minimum: 1, maximum: 2}"),
            "a trend goes to a maximum or to a minimum",
        ),
        (
            threshold("{points: memory, form: trend, within_s: 86400, window_s: 3600, maximum: 1}"),
            "field 'thresholds.b.within_s': a window of 3600 s cannot tell what will be in 86400 s; at most 8 windows",
        ),
        (
            threshold("{points: memory, form: trend, within_s: 6h, maximum: 1}"),
            "field 'thresholds.b.within_s': got '6h'; expected a whole number from 600 to 2592000",
        ),
        (
            threshold("{points: memory, window_s: 3600, maximum: 1}"),
            "field 'thresholds.b.window_s': is for thresholds with form: trend alone",
        ),
        (
            threshold(
                "{points: memory, form: trend, within_s: 3600, "
                "levels: [{severity: info, maximum: 1}, {severity: error, minimum: 1}]}"
            ),
            "field 'thresholds.b.levels': of a trend all have a maximum, or all a minimum",
        ),
        (threshold("{points: cpu, levels: []}"), "field 'thresholds.b.levels': there is no level"),
        (threshold("{points: cpu, levels: [{severity: info}]}"), "field 'thresholds.b.levels[1]': has neither minimum"),
        (
            threshold("{points: cpu, levels: [{maximum: 1}]}"),
            "field 'thresholds.b.levels[1]': field 'severity' is missing",
        ),
        (
            threshold("{points: cpu, maximum: 1, levels: [{severity: info, maximum: 1}]}"),
            "field 'thresholds.b.levels': each level has its own maximum; say one or the other",
        ),
        (
            threshold("{points: cpu, levels: [{severity: info, maximum: 1}, {severity: 2, maximum: 3}]}"),
            "info stands there twice",
        ),
        (
            threshold("{points: cpu, levels: [{severity: error, maximum: 90}, {severity: warning, maximum: 95}]}"),
            "warning is never said: error has the maximum 90",
        ),
        (
            threshold("{points: cpu, levels: [{severity: error, minimum: 5}, {severity: warning, minimum: 5}]}"),
            "warning is never said: error has the minimum 5",
        ),
        (source("points: {}"), "f1.yaml:4: Template t: field 'sources.s': field 'type' is missing"),
        (source("type: snmp"), "a source of type snmp needs the field 'oid'"),
        (
            source("type: snmp\n    oid: 1.3.x"),
            "f1.yaml:6: Template t: field 'sources.s.oid': got '1.3.x'; expected an OID",
        ),
        (source("type: snmp\n    oid: 1.40.1"), "the second number of an OID that begins with 1 is at most 39"),
        (source("type: snmp\n    oid: 1.3.4294967296"), "4294967296 is no number of an OID: at most 4294967295"),
        (source("type: snmp\n    oid: 1.3.1"), "has no point that is measured"),
        (source("type: process\n    oid: 1.3.1"), "field 'sources.s.oid': a source of type process has none"),
        (source("type: process\n    interval_s: 5"), "field 'sources.s.interval_s': a source of type process has none"),
        (source("type: probe\n    command: ls"), "field 'sources.s.command': got 'ls'; expected a list"),
        (source("type: probe\n    command: []\n    points: [x]"), "expected the name of the probe first"),
        (source("type: probe\n    command: [x]\n    handler: a/b"), "field 'sources.s.handler': got 'a/b'"),
        (
            process("cup: {unit: x}"),
            "f1.yaml:7: Template t: field 'sources.s.points.cup': there is no point 'cup'; did you mean 'cpu'?",
        ),
        (process("cpu: {unit: x}"), "cpu is measured by the process collector as it is; leave its fields out"),
        (process("cpu: {derived: count}"), "cpu is measured by the process collector as it is; choose another name"),
        (process(f"{'x' * 20}: {{derived: cpu}}"), "as name; expected the name of a point: 1 to 19"),
        (process("a: {derived: cpu, minimum: 1, maximum: 1}"), "minimum 1 is not below maximum 1"),
        (process("a: {derived: cpu, kind: counter}"), "field 'sources.s.points.a.kind': a point that is computed"),
        (process("a: {derived: cpu, scale: 2}"), "field 'sources.s.points.a.scale': a point that is computed has none"),
        (snmp("a: {wraps_at_bits: 32}"), "field 'sources.s.points.a.wraps_at_bits': a point of kind gauge wraps never"),
        (snmp("a: {kind: counter, wraps_at_bits: 32}"), "a wrap is told from a reset by the greatest rate that can be"),
        (snmp("a: {kind: counter, wraps_at_bits: 33}"), "got a whole number (33); expected 32 or 64"),
        (snmp("a: {kind: derive, scale: 2}"), "a point of kind derive is stored as it is"),
        (snmp("a: {kind: counter, scale: -2}"), "got -2; expected a factor above 0"),
        (snmp("a: {scale: 0}"), "got 0; expected a factor other than 0"),
        (snmp("a: {kind: counter, offset: 2}"), "field 'sources.s.points.a.offset': a point of kind counter has none"),
        (process("a: {derived: 'cpu +'}"), "f1.yaml:7: Template t: field 'sources.s.points.a.derived': at character 6"),
        (
            process("a: {derived: cput}"),
            "field 'sources.s.points.a.derived': there is no point 'cput'; did you mean 'cpu'",
        ),
        (process("a: {derived: a + 1}"), "field 'sources.s.points.a.derived': a is computed from itself"),
        (
            process("a: {derived: b}\n      b: {derived: c}\n      c: {derived: a}\n      d: {derived: a}"),
            (
                "f1.yaml:7: Template t: field 'sources.s.points.a.derived': points are computed from each other: "
                "a <- b <- c <- a"
            ),
        ),
        (TEMPLATE + "graphs:\n  g: {points: []}\n", "field 'graphs.g.points': names no point"),
        (TEMPLATE + "graphs:\n  g: {points: [{pint: x}]}\n", "there is no field 'pint'; did you mean 'point'?"),
        (TEMPLATE + "graphs:\n  g: {points: x, base: 1001}\n", "field 'graphs.g.base': got a whole number (1001)"),
        (
            TEMPLATE + "graphs:\n  g: {points: x, base: [1]}\n",
            "field 'graphs.g.base': got a list; expected 1000 or 1024",
        ),
        (TEMPLATE + "graphs:\n  g: {points: x, minimum: 2, maximum: 1}\n", "minimum 2 is not below maximum 1"),
        (TEMPLATE + "graphs:\n  g: {points: x, minimum: 0, log: true}\n", "axis begins above 0, not at 0"),
        (
            TEMPLATE + "graphs:\n  g: {points: [{point: x, colour: red}]}\n",
            "field 'graphs.g.points[1].colour': got 'red'; expected a colour",
        ),
        (
            TEMPLATE + "graphs:\n  g: {points: [{point: x, transform: 'value *'}]}\n",
            "field 'graphs.g.points[1].transform': at character 8",
        ),
        (
            TEMPLATE + "graphs:\n  g: {points: [{point: x, transform: '8'}]}\n",
            "field 'graphs.g.points[1].transform': is the same at all times",
        ),
        (
            TEMPLATE + "graphs:\n  g: {points: x, percentiles: [95, 100]}\n",
            "field 'graphs.g.percentiles[2]': got a whole number (100); expected a number above 0 and below 100",
        ),
        (TEMPLATE + "graphs:\n  g: {points: x, band: wide}\n", "field 'graphs.g.band': got 'wide'; expected true or"),
        ("kind: Group\nid: g\ntemplates: [x, -x]\n", "f1.yaml:3: Group g: field 'templates': x is bound and unbound"),
        ("kind: Group\nid: g\ntemplates: [a/b]\n", "field 'templates[1]': got 'a/b'; expected the id of a template"),
        ("kind: Group\nid: g\ntemplates: [..]\n", "field 'templates[1]': got '..'"),
        (
            "kind: ProcessSet\nid: s\ninclude: x\nthresholds:\n  a:\n",
            "f1.yaml:5: ProcessSet s: field 'thresholds.a': got nothing; expected a mapping with points",
        ),
    ],
)
def test_a_mistake_is_a_sentence_with_file_and_line(text: str, expected: str) -> None:
    found = mistakes(text)
    assert any(expected in mistake for mistake in found), found
    assert all(mistake.startswith("f1.yaml:") for mistake in found)


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = mistakes(threshold("{points: a/b, maximum: x}") + "sources:\n  s: {type: snmp, oid: x, points: {y: 3}}\n")
    assert [mistake.split(": ")[2].split("'")[1] for mistake in found] == [
        "thresholds.b.points", "thresholds.b.maximum", "sources.s.oid", "sources.s.points.y",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -float("inf"), True, "1", None])
def test_a_number_that_came_without_a_file_is_finite(value: object) -> None:
    thresholds = {"a": {"points": "cpu", "maximum": value}}
    with pytest.raises(SettingsError) as caught:
        read_entity(KIND_TEMPLATE, {"id": "t", "thresholds": thresholds})
    assert "field 'thresholds.a.maximum': got" in caught.value.details[0]


@pytest.mark.parametrize(
    ("text", "value"), [("8e+9", 8e9), ("-2E9", -2e9), ("1.5e-3", 0.0015), ("7", 7.0), ("1.e3", 1000.0)]
)
def test_a_number_may_have_an_exponent(text: str, value: float) -> None:
    (found,) = read(threshold(f"{{points: cpu, minimum: {text}}}"))
    assert isinstance(found, Template)
    assert found.thresholds["b"] == Threshold(points=("cpu",), minimum=value)

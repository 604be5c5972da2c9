from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.digests import digest
from common.events import Severity
from common.judged import BaselineConfig, BaselineSide, DerivedConfig, Level, ScansOf, ThresholdConfig, ThresholdForm
from common.series import Pace
from hub.compile.process import ProcessCompiler, compile_device
from hub.model.entities import (
    Device,
    decode_entity,
    encode_entity,
)
from hub.model.judging import sorted_by
from hub.model.model import Model
from hub.model.resolution import Origin, Trace, extended
from hub.model.templates import KIND_TEMPLATE, Threshold
from tests.hub.model.test_documents import read

BASE = """\
kind: DeviceClass
id: /
templates: [base]
---
kind: Template
id: base
component: process_set
sources:
  table:
    type: process
    points:
      mega: {derived: per / 1000, unit: MB}
      per: {derived: memory / count, unit: bytes}
thresholds:
  busy:
    points: cpu
    levels:
      - {severity: warning, maximum: 50}
      - {severity: critical, maximum: 90}
    scans: 3
    for_s: 60
    hysteresis: 5
    escalate_after: 9
    event_class: /Perf/CPU
  odd: {points: [count, per], form: band, minimum: 2, maximum: 4, severity: info}
  off: {points: cpu, maximum: 1, enabled: false}
---
kind: Device
id: d
address: x
---
kind: ProcessSet
id: s1
include: x
---
kind: ProcessSet
id: s2
include: y
---
"""


def config(text: str) -> Any:
    return compile_device(Model(1, read(text)), "d")


def named(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.id, one.definitions) for one in config(text).thresholds]


def test_what_templates_for_process_sets_say_is_in_the_config() -> None:
    found = config(BASE)
    assert found.thresholds == (
        ThresholdConfig(
            id="busy",
            points=("cpu",),
            levels=(
                Level(severity=Severity.CRITICAL, maximum=90.0),
                Level(severity=Severity.WARNING, maximum=50.0),
            ),
            scans=3,
            for_s=60,
            hysteresis=5.0,
            escalate_after=9,
            event_class="/Perf/CPU",
        ),
        ThresholdConfig(
            id="odd",
            points=("count", "per"),
            form=ThresholdForm.BAND,
            levels=(Level(severity=Severity.INFO, minimum=2.0, maximum=4.0),),
        ),
    )
    assert found.derived == (
        DerivedConfig(point="per", expression="memory / count", unit="bytes"),
        DerivedConfig(point="mega", expression="per / 1000", unit="MB"),
    )


def added(text: str) -> ThresholdConfig:
    """What becomes of one threshold more."""
    found: ThresholdConfig = config(BASE.replace("  off:", f"  more: {text}\n  off:")).thresholds[-1]
    return found


def test_scans_that_count_among_others_and_what_is_usual_of_each_form() -> None:
    assert added("{points: memory, maximum: 1}").scans == 1
    assert added("{points: memory, maximum: 1, scans: 3, of: 5}").scans == ScansOf(3, 5)
    absence = added("{points: memory, form: absence, severity: error}")
    assert (absence.form, absence.scans) == (ThresholdForm.ABSENCE, 3)
    assert absence.levels == (Level(severity=Severity.ERROR),)
    assert added("{points: memory, form: absence, for_s: 600}").scans == 1
    baseline = added("{points: memory, form: baseline}")
    assert (baseline.scans, baseline.baseline) == (ScansOf(6, 9), BaselineConfig())
    week = added(
        "{points: memory, form: baseline, season_s: 604800, adapts: slow, width: 5, side: over, least: 3,"
        " least_percent: 0, scans: 2}"
    )
    assert (week.scans, week.baseline) == (
        ScansOf(2, 2),
        BaselineConfig(
            season_s=604_800,
            pace=Pace.SLOW,
            width=5.0,
            side=BaselineSide.OVER,
            least=3.0,
            least_percent=0.0,
            learn_s=3 * 604_800,
        ),
    )
    hour = added("{points: memory, form: baseline, season_s: 3600}").baseline
    assert hour == BaselineConfig(season_s=3600, learn_s=86_400)
    assert added("{points: memory, form: baseline, learn_s: 200000}").baseline == BaselineConfig(learn_s=200_000)


def test_a_trend_has_its_times_in_the_config_and_others_have_none() -> None:
    trend = "  leak: {points: memory, form: trend, maximum: 2e+9, within_s: 21600}\n"
    _, _, found = config(BASE.replace("  off:", f"{trend}  off:")).thresholds
    assert (found.form, found.within_s, found.window_s) == (ThresholdForm.TREND, 21600, 10800)
    longer = trend.replace("within_s", "window_s: 86400, within_s")
    assert config(BASE.replace("  off:", f"{longer}  off:")).thresholds[-1].window_s == 86400
    assert not any(one.within_s or one.window_s for one in config(BASE).thresholds)


def test_templates_for_other_components_are_none_of_the_process_collectors_business() -> None:
    text = "kind: Template\nid: base\ncomponent: cpu\nsources: {s: {type: status, item: cpus}}\n"
    text += "thresholds: {t: {points: cpu_busy, maximum: 1}}\n---\nkind: Device\nid: d\naddress: x\ntemplates: [base]\n"
    assert (config(text).thresholds, config(text).derived) == ((), ())


def test_a_threshold_of_a_process_set_goes_before_that_of_a_template_for_that_set() -> None:
    assert named(BASE) == [("busy", ()), ("odd", ())]
    own = "thresholds: {busy: {points: cpu, maximum: 7}}\n---\n"
    first = BASE.replace("include: x\n---\n", "include: x\n" + own)
    assert named(first) == [("busy", ("s2",)), ("odd", ()), ("busy", ("s1",))]
    both = first.replace("include: y\n---\n", "include: y\n" + own)
    assert named(both) == [("odd", ()), ("busy", ("s1",)), ("busy", ("s2",))]
    off = first.replace("maximum: 7", "maximum: 7, enabled: false")
    assert named(off) == [("busy", ("s2",)), ("odd", ())]
    unwatched = first.replace("id: s1", "id: s1\nmonitor: false")
    assert named(unwatched) == [("busy", ()), ("odd", ())]


SILENCED = """\
kind: Template
id: a
component: process_set
thresholds: {leak: {points: memory, maximum: 5}, busy: {points: cpu, maximum: 5}}
---
kind: Template
id: b
extends: a
replaces: a
thresholds: {leak: {enabled: false}}
---
kind: DeviceClass
id: /
templates: [a, b]
---
kind: Device
id: d
address: x
---
kind: ProcessSet
id: s
include: s
thresholds: {busy: {enabled: false}}
---
kind: ProcessSet
id: t
include: t
"""


def test_what_says_only_that_it_is_not_enabled_silences_what_would_hold_otherwise() -> None:
    assert named(SILENCED) == [("busy", ("t",))]
    (template,) = [one for one in read(SILENCED) if one.id == "b"]
    assert decode_entity(KIND_TEMPLATE, encode_entity(template)) == template


def test_what_is_silenced_stays_as_it_is_inherited() -> None:
    model = Model(1, read(SILENCED))
    found = extended(model.templates, "b")
    assert found.thresholds["leak"] == Threshold(points=("memory",), maximum=5.0, enabled=False)
    assert Trace(section="thresholds", id="leak", origin=Origin.REPLACED, said_by="b", instead_of="a") in found.traces


def test_a_stronger_template_goes_before_a_weaker_one() -> None:
    strong = (
        "kind: Template\nid: strong\ncomponent: process_set\nthresholds: {busy: {points: mega, maximum: 7}}\n"
        "sources: {mine: {type: process, points: {mega: {derived: memory / 1024}}}}\n---\n"
        "kind: Group\nid: g\ntemplates: strong\n---\n"
    )
    found = config((BASE + strong).replace("id: d\n", "id: d\ngroups: g\n"))
    assert [one.points for one in found.thresholds] == [("mega",), ("count", "per")]
    assert [(one.point, one.expression) for one in found.derived] == [
        ("mega", "memory / 1024"), ("per", "memory / count"),
    ]  # fmt: skip


def test_devices_of_one_scope_share_what_is_judged_and_bounds_are_floats() -> None:
    model = Model(1, [*read(BASE), Device(id="e", address="y")])
    compiler = ProcessCompiler()
    one, two = compiler.compile(model, "d"), compiler.compile(model, "e")
    assert one.thresholds is two.thresholds
    assert one.derived is two.derived
    assert all(type(level.maximum) is float for threshold in one.thresholds for level in threshold.levels)
    assert digest(one) == digest(compile_device(Model(1, read(BASE.replace("maximum: 50", "maximum: 50.0"))), "d"))


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))))
def test_each_name_comes_after_those_it_needs_and_circles_are_left_out(needs: dict[str, set[str]]) -> None:
    needs = {name: {other for other in others if other in needs} for name, others in needs.items()}
    found = sorted_by(needs)
    for place, name in enumerate(found):
        assert needs[name] <= set(found[:place])
    left = needs.keys() - set(found)
    assert all(needs[name] & left for name in left)

"""Retention plans of the user's own: what of them is wrong alone, beside other documents, and what they become."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.series import Plan, Retention
from hub.compile.process import compile_device
from hub.model.change import plan
from hub.model.entities import KIND_RETENTION_PLAN, KeptArchive, RetentionPlan
from hub.model.model import Model
from hub.model.retention import as_plan, plan_named
from tests.hub.model.test_documents import read
from tests.hub.model.test_refusing import told
from tests.hub.model.test_templatesoundness import apply, refused

ROOT = Path(__file__).parents[3]
PLAN = """\
kind: RetentionPlan
id: years
full_days: 7
archives:
- {every_s: 600, days: 60}
- {every_s: 3600, days: 3000}
"""
DEVICE = "kind: Device\nid: {0}\naddress: x\nproperties:\n  interval_s: 60\n  retention: {1}\n"
GONE = (KIND_RETENTION_PLAN, "years")


def held(*texts: str) -> Model:
    return plan(Model(), read(*texts)).after


def test_a_plan_says_what_it_says() -> None:
    archives = (KeptArchive(600, 60), KeptArchive(3600, 3000))
    assert read(PLAN) == [RetentionPlan(id="years", full_days=7, archives=archives)]
    assert as_plan(read(PLAN)[0]) == Plan(name="years", full_days=7, archives=((600, 60), (3600, 3000)))  # type: ignore[arg-type]  # it is one


def test_the_example_holds() -> None:
    text = (ROOT / "etc" / "examples" / "retention.yaml").read_text()
    assert plan(Model(), read(text)).summary == "retention plan shops added"
    assert text in (ROOT / "docs" / "retention.md").read_text()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("id: years", "id: long", "f1.yaml:2: RetentionPlan long: field 'id': 'long' is a plan that Tocsin brings"),
        ("id: years", "id: a b", "f1.yaml:2: RetentionPlan a b: field 'id': got 'a b'; expected the name of a plan"),
        ("full_days: 7\n", "", "f1.yaml:1: RetentionPlan years: field 'full_days' is missing"),
        ("full_days: 7", "full_days: 0", "field 'full_days': got a whole number (0); expected a number of days, more"),
        ("full_days: 7", "full_days: true", "field 'full_days': got true; expected a number of days"),
        ("full_days: 7", "full_days: 1e9", "expected a number of days, more than 0 and at most 36600"),
        ("full_days: 7", "full_days: .nan", "f1.yaml:3: RetentionPlan years: field 'full_days'"),
        ("days: 60", "days: 7", "archives': the archive of 600 s keeps 7 days, and the full step 7: it could tell"),
        ("days: 3000", "days: 60", "the archive of 3600 s keeps 60 days, and the archive of 600 s 60: it could"),
        ("every_s: 3600", "every_s: 600", "f1.yaml:6: RetentionPlan years: field 'archives[2]': there are two"),
        ("every_s: 600, ", "", "f1.yaml:5: RetentionPlan years: field 'archives[1].every_s': is missing"),
        ("every_s: 600", "each_s: 600", "field 'archives[1]': there is no field 'each_s'; known: every_s, days"),
        ("every_s: 600", "every_s: 0", "field 'archives[1].every_s': got a whole number (0); expected a whole number"),
        ("every_s: 600", "every_s: 5", "the archive of 5 s would have 1,036,800 rows; a file may have 400,000 in all"),
        ("- {every_s: 600, days: 60}", "- 600", "field 'archives[1]': got a whole number (600); expected an archive"),
        ("full_days: 7", "full_days: 7\nful: 3", "f1.yaml:4: RetentionPlan years: there is no field 'ful'"),
    ],
)  # fmt: skip
def test_a_plan_that_is_wrong_is_refused_with_file_and_line(before: str, after: str, expected: str) -> None:
    assert before in PLAN
    sentences = told(PLAN.replace(before, after))
    assert any(expected in sentence for sentence in sentences), sentences


@pytest.mark.parametrize("name", ["short", "standard", "long"])
def test_a_device_has_the_plan_that_it_names(name: str) -> None:
    model = held(PLAN, DEVICE.format("a", "years"), DEVICE.format("b", name))
    assert compile_device(model, "a").retention == as_plan(model.plans["years"])
    assert compile_device(model, "b").retention is Retention(name)
    assert plan_named(model, "nosuch") is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (DEVICE.format("d", "yeers"), "f2.yaml:6: Device d: "),
        ("kind: Group\nid: g\nproperties: {retention: yeers}\n", "f2.yaml:3: Group g: "),
        ("kind: DeviceClass\nid: /\nproperties: {retention: yeers}\n", "f2.yaml:3: DeviceClass /: "),
        ("kind: Collector\nid: c\nproperties:\n  retention: yeers\n", "f2.yaml:4: Collector c: "),
        ("kind: Pool\nid: p\nmembers: [c]\nproperties: {retention: yeers}\n", "f2.yaml:4: Pool p: "),
    ],
)
def test_a_name_of_no_plan_is_refused_with_file_and_line(text: str, where: str) -> None:
    sentence = "field 'properties.retention': there is no retention plan 'yeers'; known: standard, short, long, years"
    assert refused(PLAN, text) == [where + sentence]
    assert refused(text, model=held(PLAN)) == [where.replace("f2", "f1") + sentence]
    assert apply(PLAN, text.replace("yeers", "years")).created


def test_a_plan_in_a_file_that_is_wrong_may_be_the_one_that_is_named() -> None:
    wrong = PLAN.replace("full_days: 7", "full_days: x")
    assert not any("there is no retention plan" in sentence for sentence in told(wrong, DEVICE.format("d", "years")))
    assert any("no retention plan 'other'" in sentence for sentence in told(wrong, DEVICE.format("d", "other")))


def test_a_plan_that_is_named_is_not_removed() -> None:
    model = held(PLAN, PLAN.replace("id: years", "id: spare"), DEVICE.format("d", "years"))
    (sentence,) = refused(PLAN.replace("id: years", "id: spare"), model=model, prune=True)
    assert sentence.startswith("RetentionPlan years: would be removed, and is named as retention by Device d; give")
    change = apply(PLAN, model=model, prune=True)
    assert change.removed == ((KIND_RETENTION_PLAN, "spare"),)
    both = plan(model, read(DEVICE.format("d", "long")), [GONE])
    assert both.devices == ("d",)


def test_a_plan_that_would_make_files_too_large_is_refused_where_one_can_do_something() -> None:
    every_second = DEVICE.replace("interval_s: 60", "interval_s: 1")
    (sentence,) = refused(PLAN, every_second.format("d", "years"))
    assert sentence.startswith("f1.yaml:1: RetentionPlan years: for device d, a file with a step of 1 s would have")
    (sentence,) = refused(every_second.format("d", "years"), model=held(PLAN))
    assert sentence.startswith("f1.yaml:6: Device d: field 'properties.retention': by plan 'years', a file with a step")
    assert "at most 400,000" in sentence


def test_a_changed_plan_concerns_those_that_have_it_and_no_other() -> None:
    group = "kind: Group\nid: g\nproperties: {retention: years}\n"
    member = "kind: Device\nid: m\naddress: x\ngroups: [g]\n"
    model = held(PLAN, group, member, DEVICE.format("d", "years"), DEVICE.format("e", "long"))
    assert plan(model, read(PLAN.replace("days: 3000", "days: 3001"))).devices == ("d", "m")
    assert plan(model, read(PLAN + "description: for years\n")).devices == ()
    assert plan(model, read(PLAN.replace("id: years", "id: new"))).devices == ()


def test_a_plan_without_archives_keeps_the_full_step_alone() -> None:
    model = held("kind: RetentionPlan\nid: bare\nfull_days: 0.5\n", DEVICE.format("d", "bare"))
    assert compile_device(model, "d").retention == Plan(name="bare", full_days=0.5)

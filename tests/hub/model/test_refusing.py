"""One report: what is wrong with each document alone, and with the right ones beside each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.change import plan
from hub.model.documents import SourceFile, read_documents, read_files
from hub.model.model import Model
from hub.model.refusing import refusal

DANGLING = "kind: Group\nid: g\ntemplates: [nope]\n"


def told(*texts: str, model: Model | None = None, prune: bool = False) -> list[str]:
    reading = read_files([SourceFile(f"f{number}.yaml", text) for number, text in enumerate(texts, start=1)])
    assert reading.mistakes
    return list(refusal(model or Model(), reading, prune=prune).details)


def model_of(*texts: str) -> Model:
    files = [SourceFile("m.yaml", text) for text in texts]
    return plan(Model(), [document.entity for document in read_documents(files)]).after


@pytest.mark.parametrize(
    "wrong",
    [
        "kind: ProcessSet\nid: s\ninclude: x\nlock: [delete, nothing]\n",
        "kind: Template\nid: t\nextends: t\n",
        "kind: Template\nid: t\nsources: {o: {type: snmp, oid: sysUpTime, points: [a]}}\n",
    ],
)
def test_a_wrong_document_hides_nothing_of_the_others(wrong: str) -> None:
    circle = "kind: Template\nid: a\nextends: b\n---\nkind: Template\nid: b\nextends: a\n"
    strange = "kind: Template\nid: p\ncomponent: process_set\nthresholds: {h: {points: cpux, maximum: 1}}\n"
    lines = told(DANGLING, wrong, circle, strange)
    assert len(lines) == 4
    assert lines[0].startswith("f1.yaml:3: Group g: field 'templates': there is no template 'nope'")
    assert lines[1].startswith("f2.yaml:")
    assert lines[2].startswith("f3.yaml:3: Template a: field 'extends': templates that extend each other: a -> b -> a")
    assert lines[3].startswith("f4.yaml:4: Template p: field 'thresholds.h': there is no point 'cpux'")


@pytest.mark.parametrize("expression", ["memory /", "memry / count", "per"])
def test_a_wrong_expression_hides_no_unknown_point(expression: str) -> None:
    lines = told(
        "kind: Template\nid: t\ncomponent: process_set\n"
        f"sources: {{table: {{type: process, points: {{per: {{derived: {expression!r}}}}}}}}}\n"
        "thresholds:\n  a: {points: [per, cpux], maximum: 1}\ngraphs:\n  g: {points: memorx}\n",
        "kind: ProcessSet\nid: s\ninclude: x\nthresholds: {h: {points: [per, abc], maximum: 1}}\n",
        "kind: Template\nid: u\nextends: t\nthresholds: {h: {points: [per, xyz], maximum: 1}}\n",
    )
    assert len(lines) == 5
    assert "field 'sources.table.points.per.derived'" in lines[0]
    assert "field 'thresholds.a': there is no point 'cpux'" in lines[1]
    assert "field 'graphs.g': there is no point 'memorx'" in lines[2]
    assert "field 'thresholds.h': there is no point 'abc'" in lines[3]
    assert "field 'thresholds.h': there is no point 'xyz'" in lines[4]


def test_what_may_be_another_point_says_nothing_of_thresholds() -> None:
    points = "sources: {s: {type: process, points: [memry]}}\n"
    text = f"kind: Template\nid: t\ncomponent: process_set\n{points}"
    assert len(told(text + "thresholds: {a: {points: cpux, maximum: 1}}\n")) == 1


def test_a_wrong_id_hides_no_wrong_pattern() -> None:
    lines = told("kind: ProcessSet\nid: a b\ninclude: (\n")
    assert [line.split(": ")[2] for line in lines] == ["field 'id'", "field 'include'"]


def test_a_device_that_could_not_be_watched_is_told_as_well() -> None:
    wrong = "kind: ProcessSet\nid: s\ninclude: (\n"
    lines = told(wrong, "kind: Device\nid: d\n")
    assert [line.split(":")[0] for line in lines] == ["f1.yaml", "f2.yaml"]


WRONG_TEMPLATE = "kind: Template\nid: nope\ncomponent: no-thing\n"


@pytest.mark.parametrize(
    ("wrong", "other"),
    [
        (WRONG_TEMPLATE, DANGLING),
        (WRONG_TEMPLATE, "kind: Template\nid: t\nextends: nope\nthresholds: {h: {points: abc, maximum: 1}}\n"),
        (WRONG_TEMPLATE, "kind: Template\nid: t\nreplaces: nope\n"),
        (WRONG_TEMPLATE, "kind: ProcessSet\nid: s\ninclude: x\nthresholds: {h: {points: abc, maximum: 1}}\n"),
        ("kind: Templat\nid: nope\n", DANGLING),
        ("kind: Template\nid: nope!\n", DANGLING),
        ("kind: Template\ndescription: without id\n", DANGLING),
        ("kind: Template\nid: [nope\n", DANGLING),
        ("kind: Template\nid: nope\nid: mope\n", DANGLING),
        ("- nope\n", DANGLING),
        ("kind: Group\nid: g\nproperties: {interval_s: x}\n", "kind: Device\nid: d\ngroups: [g]\n"),
        ("kind: DeviceClass\nid: /S\nproperties: {intervl_s: 1}\n", "kind: Device\nid: d\nclass: /S/L\n"),
        ("kind: Pool\nid: p\nmembers: []\n", "kind: Device\nid: d\ncollector: p\n"),
        ("kind: Collector\nid: c\ntitel: x\n", "kind: Device\nid: d\ncollector: c\n"),
        ("kind: DeviceClass\nid: S\n", "kind: Device\nid: d\nclass: /S/L\n"),
        ("kind: Device\nid: d\nadress: h\n", DANGLING.replace("[nope]", "[]")),
    ],
)
def test_what_a_correction_may_put_right_is_not_told(wrong: str, other: str) -> None:
    lines = told(wrong, other)
    assert lines
    assert all(line.startswith("f1.yaml:") for line in lines)


def test_a_wrong_document_hides_what_the_model_says_under_its_id() -> None:
    model = model_of("kind: Template\nid: nope\ncomponent: process_set\n", "kind: Template\nid: x\nextends: nope\n")
    changed = "kind: Template\nid: x\nextends: nope\nthresholds: {h: {points: cpux, maximum: 1}}\n"
    assert len(told(WRONG_TEMPLATE, changed, model=model)) == 1


def test_what_prune_would_take_away_is_told_unless_it_may_be_there() -> None:
    model = model_of("kind: Template\nid: nope\n", DANGLING)
    other = "kind: Template\nid: t\n"
    wrong = "kind: ProcessSet\nid: s\ninclude: (\n"
    assert "template 'nope' would be removed" in told(wrong, other, model=model, prune=True)[-1]
    assert len(told(wrong, other, WRONG_TEMPLATE, model=model, prune=True)) == 2
    assert len(told(wrong, other, "kind: Template\n", model=model, prune=True)) == 2


@given(st.permutations([WRONG_TEMPLATE, DANGLING, "kind: Template\nid: t\nextends: other\n", "kind: Group\nid: g\n"]))
def test_mistakes_stand_by_file_and_line(texts: list[str]) -> None:
    lines = told("---\n".join(texts[:2]), "---\n".join(texts[2:]))
    places = [(file, int(line)) for file, line in (one.split(":")[:2] for one in lines)]
    assert places == sorted(places)

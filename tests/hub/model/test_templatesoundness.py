"""What of templates is wrong only beside other documents; all is told at once, and nothing is applied."""

from __future__ import annotations

import pytest

from common.errors import SettingsError
from hub.model.change import Change, left_out, plan
from hub.model.documents import SourceFile, places_of, read_documents
from hub.model.model import Model
from tests.hub.model.test_documents import read

BASE = """\
kind: Template
id: base
component: process_set
sources:
  table: {type: process, points: {per: {derived: memory / count}}}
thresholds:
  busy: {points: cpu, maximum: 50}
graphs:
  g: {points: [cpu, per]}
"""


def apply(*texts: str, model: Model | None = None, prune: bool = False) -> Change:
    documents = read_documents([SourceFile(f"f{number}.yaml", text) for number, text in enumerate(texts, start=1)])
    wanted = [document.entity for document in documents]
    model = model or Model()
    return plan(model, wanted, left_out(model, wanted) if prune else (), places_of(documents))


def refused(*texts: str, model: Model | None = None, prune: bool = False) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        apply(*texts, model=model, prune=prune)
    assert "nothing was applied" in caught.value.message
    return list(caught.value.details)


def test_what_holds_together_is_taken() -> None:
    leaf = "kind: Template\nid: leaf\nextends: base\nreplaces: base\n"
    leaf += "thresholds: {busy: , own: {points: per, minimum: 1}}\n"
    binder = "kind: DeviceClass\nid: /\ntemplates: [leaf]\n"
    own = "kind: ProcessSet\nid: s\ninclude: x\nthresholds: {t: {points: [per, fds], maximum: 1}}\n"
    assert len(apply(leaf, binder, own, BASE).created) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "kind: Template\nid: t\ncomponent: interface\nreplaces: base\n",
            "f2.yaml:4: Template t: field 'replaces': base is for process_set, this template for interface; it could",
        ),
        (
            "kind: Template\nid: t\nextends: base\nthresholds:\n  bussy: {enabled: false}\n",
            "f2.yaml:5: Template t: field 'thresholds.bussy': silences what is not inherited: there is no threshold",
        ),
        (
            "kind: Template\nid: t\nextends: bse\n",
            "f2.yaml:3: Template t: field 'extends': there is no template 'bse'; did you mean 'base'? Known: base",
        ),
        ("kind: Template\nid: t\nreplaces: x\n", "f2.yaml:3: Template t: field 'replaces': there is no template 'x'."),
        (
            "kind: Device\nid: d\naddress: x\ntemplates:\n  - baze\n",
            "f2.yaml:4: Device d: field 'templates': there is no template 'baze'; did you mean 'base'? Known: base",
        ),
        ("kind: Group\nid: g\ntemplates: [-x]\n", "f2.yaml:3: Group g: field 'templates': there is no template 'x'."),
        ("kind: DeviceClass\nid: /a\ntemplates: x\n", "f2.yaml:3: DeviceClass /a: field 'templates': there is no"),
        (
            "kind: Template\nid: t\nextends: base\ncomponent: cpu\n",
            "f2.yaml:4: Template t: field 'component': base, which it extends, is for process_set; leave it out",
        ),
        (
            "kind: Template\nid: t\nextends: base\nthresholds:\n  bussy:\n",
            "f2.yaml:5: Template t: field 'thresholds.bussy': drops what is not inherited: there is no threshold",
        ),
        (
            "kind: Template\nid: t\nextends: base\nthresholds:\n  x: {points: prr, maximum: 1}\n",
            "f2.yaml:5: Template t: field 'thresholds.x': there is no point 'prr'; did you mean 'per'?",
        ),
        (
            "kind: Template\nid: t\ncomponent: process_set\ngraphs:\n  - id: x\n    points: [per]\n",
            "f2.yaml:5: Template t: field 'graphs.x': there is no point 'per'",
        ),
        (
            "kind: Template\nid: t\nextends: base\ngraphs:\n  x: {points: [{point: cpu, transform: value / cont}]}\n",
            "f2.yaml:5: Template t: field 'graphs.x': in the transform of cpu: there is no point 'cont'; did you mean",
        ),
        (
            "kind: Template\nid: t\nthresholds:\n  x: {points: cpu, maximum: 1}\n",
            "f2.yaml:4: Template t: field 'thresholds.x': there is no point 'cpu'. Known: none",
        ),
        (
            "kind: Template\nid: t\nextends: base\nsources:\n  table:\n",
            "f2.yaml:3: Template t: field 'extends': graphs.g: there is no point 'per'",
        ),
        (
            "kind: Template\nid: t\nextends: base\nsources:\n  more: {type: process, points: {per: {derived: cpu}}}\n",
            "f2.yaml:5: Template t: field 'sources.more': the point 'per' is also one of the source 'table'",
        ),
        (
            "kind: Template\nid: t\nsources:\n  s: {type: process}\n",
            "f2.yaml:4: Template t: field 'sources.s': a source of type process belongs in a template with component:",
        ),
        (
            "kind: Template\nid: t\nextends: base\nsources:\n  s: {type: status, item: disks}\n",
            "f2.yaml:5: Template t: field 'sources.s': a source of type status cannot measure a process set",
        ),
        (
            "kind: ProcessSet\nid: s\ninclude: x\nthresholds:\n  t: {points: cup, maximum: 1}\n",
            "f2.yaml:5: ProcessSet s: field 'thresholds.t': there is no point 'cup'; did you mean 'cpu'?",
        ),
    ],
)
def test_what_does_not_fit_to_other_documents_is_a_sentence_with_file_and_line(text: str, expected: str) -> None:
    (found,) = refused(BASE, text)
    assert found.startswith(expected)


def test_circles_are_named_once() -> None:
    ring = "".join(f"kind: Template\nid: {a}\nextends: {b}\n---\n" for a, b in ("ab", "bc", "ca", "da"))
    assert refused(ring) == [
        "f1.yaml:3: Template a: field 'extends': templates that extend each other: a -> b -> c -> a"
    ]
    pair = "kind: Template\nid: x\nreplaces: y\n---\nkind: Template\nid: y\nreplaces: x\n"
    assert refused(pair) == ["f1.yaml:3: Template x: field 'replaces': templates that replace each other: x -> y -> x"]


def test_a_long_circle_is_cut_and_a_long_chain_refused() -> None:
    ring = "".join(f"kind: Template\nid: d{n}\nreplaces: d{(n + 1) % 500}\n---\n" for n in range(500))
    (told,) = refused(ring)
    assert told.endswith("d18 -> d19 -> … -> d0")
    chain = "".join(f"kind: Template\nid: e{n:02}\n" + f"extends: e{n - 1:02}\n" * (n > 0) + "---\n" for n in range(31))
    assert refused(chain) == [
        "f1.yaml:122: Template e30: field 'extends': more than 30 templates extend each other; leave some out"
    ]
    read(chain.rpartition("kind:")[0])


def test_what_a_template_inherits_is_told_where_it_is_said_alone() -> None:
    wrong = BASE.replace("points: cpu", "points: cpux")
    found = refused(wrong, "kind: Template\nid: t\nextends: base\n")
    assert len(found) == 1
    assert found[0].startswith("f1.yaml:7: Template base: field 'thresholds.busy'")


def test_a_change_of_a_template_is_refused_for_those_that_extend_it() -> None:
    model = Model(
        1, read(BASE, "kind: Template\nid: t\nextends: base\nthresholds: {x: {points: per, maximum: 1}, busy: }\n")
    )
    dropped, judged = refused("kind: Template\nid: base\ncomponent: process_set\n", model=model)
    assert dropped == (
        "Template t: field 'thresholds.busy': drops what is not inherited: there is no threshold 'busy'. Known: none"
    )
    assert judged.startswith("Template t: field 'thresholds.x': there is no point 'per'")
    own = Model(1, read(BASE, "kind: ProcessSet\nid: s\ninclude: x\nthresholds: {t: {points: per, maximum: 1}}\n"))
    (found,) = refused("kind: Template\nid: base\ncomponent: process_set\n", model=own)
    assert found.startswith("ProcessSet s: field 'thresholds.t': there is no point 'per'")


def test_a_template_that_is_still_used_is_not_pruned_and_all_users_are_told() -> None:
    users = (
        "kind: Template\nid: heir\nextends: base\n---\nkind: Template\nid: other\nreplaces: base\n---\n"
        "kind: DeviceClass\nid: /a\ntemplates: [base]\n---\nkind: Group\nid: g\ntemplates: [-base]\n---\n"
        "kind: Device\nid: d\naddress: x\ntemplates: [base]\n"
    )
    model = Model(1, read(BASE, users))
    sentence = "template 'base' would be removed, and is still named here"
    assert refused("kind: Template\nid: new\n", model=model, prune=True) == [
        f"Device d: field 'templates': {sentence}",
        f"DeviceClass /a: field 'templates': {sentence}",
        f"Group g: field 'templates': {sentence}",
    ]
    assert refused(users.partition("---\nkind: DeviceClass")[0], model=model, prune=True)[:2] == [
        f"f1.yaml:3: Template heir: field 'extends': {sentence}",
        f"f1.yaml:7: Template other: field 'replaces': {sentence}",
    ]
    assert apply("kind: Template\nid: new\n", model=Model(1, read(BASE)), prune=True).removed == (("Template", "base"),)


def test_what_is_wrong_with_devices_and_with_templates_is_told_together() -> None:
    found = refused("kind: Device\nid: d\ntemplates: [x]\n", "kind: Template\nid: t\nextends: y\n")
    assert [one.split(":", maxsplit=2)[0] for one in found] == ["f2.yaml", "f1.yaml", "f1.yaml"]
    assert "field 'address': is missing" in found[2]


def test_what_nobody_touches_is_not_looked_at() -> None:
    stale = Model(1, read("kind: Group\nid: g\ntemplates: [gone]\n"))
    assert apply("kind: Group\nid: other\n", model=stale).created == (("Group", "other"),)

"""Drafts laid over a model."""

from __future__ import annotations

from typing import Any

import pytest

from common.errors import NotFoundError, SettingsError
from common.roll import CommandLine
from hub.model.documents import SourceFile
from hub.model.drafts import Drafts, lay_over, scope_like
from hub.model.entities import Device, ProcessSet
from hub.model.model import Model
from hub.model.previewreport import DraftState

WEB = Device(id="web1", address="192.0.2.1", class_="/Server/Linux", groups=("eu",))
BOX = Device(id="box", class_="/Server/Windows", properties={"source": "local"})
NGINX = ProcessSet(id="nginx", order=100, include="^nginx")
MODEL = Model(4, [WEB, BOX, NGINX, ProcessSet(id="windows", order=1, include=".", applies_to=("/Server/Windows",))])
LINES = [CommandLine("nginx -g x", 4), CommandLine("cron", 0)]


def drafts(text: str, model: Model = MODEL) -> Drafts:
    return lay_over(model, [SourceFile("draft.yaml", text)])


def takers(laid: Drafts, device: str) -> dict[str, int]:
    report = laid.look(laid.host(device, 5.0), LINES, 3)
    return {row.id: row.lines for row in report.definitions if row.lines}


@pytest.mark.parametrize(
    ("fields", "on_web", "on_box"),
    [
        ("include: nginx", {"nginx": 1}, {"windows": 2}),
        ("include: cron", {"cron": 1, "nginx": 1}, {"windows": 2}),
        ("include: ., order: 0", {"cron": 2}, {"cron": 2}),
        ("include: ., order: 0, applies_to: [eu]", {"cron": 2}, {"windows": 2}),
        ("include: ., order: 0, applies_to: [/Server/Linux]", {"cron": 2}, {"windows": 2}),
        ("include: ., order: 0, monitor: false", {"nginx": 1}, {"windows": 2}),
    ],
)
def test_drafts_take_their_place_among_what_applies(
    fields: str, on_web: dict[str, int], on_box: dict[str, int]
) -> None:
    id_ = "nginx" if fields == "include: nginx" else "cron"
    laid = drafts(f"{{kind: ProcessSet, id: {id_}, {fields}}}")
    assert (takers(laid, "web1"), takers(laid, "box")) == (on_web, on_box)


def test_a_draft_replaces_the_definition_of_its_id_and_the_others_stay() -> None:
    laid = drafts("{kind: ProcessSet, id: windows, order: 1, include: cron}")
    assert takers(laid, "box") == {"windows": 1, "nginx": 1}
    assert laid.before is MODEL


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("{kind: ProcessSet, id: x, include: x}", DraftState.NEW),
        ("{kind: ProcessSet, id: nginx, include: x}", DraftState.CHANGED),
        ("{kind: ProcessSet, id: nginx, order: 100, include: ^nginx}", DraftState.UNCHANGED),
        ("{kind: ProcessSet, id: nginx, include: x, monitor: false}", DraftState.UNMONITORED),
    ],
)
def test_each_draft_is_told_from_what_is_there(text: str, state: DraftState) -> None:
    assert list(drafts(text).states.values()) == [state]


def test_other_documents_count_as_they_would_when_they_are_applied() -> None:
    moved = "{kind: Device, id: web1, address: 192.0.2.1, class: /Server/Windows}"
    laid = drafts(moved)
    assert (laid.states, takers(laid, "web1")) == ({}, {"windows": 2})


def test_mistakes_are_those_of_applying_with_file_and_line() -> None:
    with pytest.raises(SettingsError) as caught:
        drafts("kind: ProcessSet\nid: x\ninclude: '('\n")
    assert caught.value.details[0].startswith("draft.yaml:3: ")
    with pytest.raises(SettingsError) as caught:
        drafts("\n{kind: Device, id: y}\n")
    assert caught.value.details[0].startswith("draft.yaml:2: ")


def test_a_device_tells_whether_an_agent_cuts_its_lines() -> None:
    laid = drafts("{kind: ProcessSet, id: x, include: x}")
    assert (laid.host("web1", 5.0).is_snmp, laid.host("box", None).is_snmp) == (True, False)
    with pytest.raises(NotFoundError):
        laid.host("nosuch", None)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, {"windows": 2}),
        (scope_like("/Network"), {"nginx": 1, "x": 1}),
        (scope_like(), {"nginx": 1, "linux": 1}),
        (scope_like("/Server/Windows"), {"windows": 2}),
        (scope_like("/Server/Linux", ["us"]), {"us": 2}),
    ],
)
def test_lines_of_text_are_those_of_a_device_of_some_class_and_groups(scope: Any, expected: dict[str, int]) -> None:
    us = "{kind: ProcessSet, id: us, order: 2, include: ., applies_to: [us]}"
    linux = "{kind: ProcessSet, id: linux, order: 3, include: cron, applies_to: [/Server/Linux]}"
    laid = drafts(f"{{kind: ProcessSet, id: x, include: cron}}\n---\n{us}\n---\n{linux}")
    report = laid.look_at_text(["nginx -g x\n", "  ", "cron"], scope, 3)
    assert {row.id: row.lines for row in report.definitions if row.lines} == expected
    assert (report.devices[0].device, report.devices[0].lines) == ("<stdin>", 2)

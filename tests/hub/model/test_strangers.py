"""Classes and groups that nobody has are warned of, by file and line; what is meant is left alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from hub.model.change import plan
from hub.model.documents import SourceFile, read_documents
from hub.model.model import Model
from hub.model.strangers import warnings_about

FOLDER = Path(__file__).parents[3] / "etc" / "model"
HELD = "kind: Device\nid: old\naddress: a\nclass: /Server/Linux/Web\ngroups: [europe]\n"
SET = "kind: ProcessSet\nid: s\ninclude: x\napplies_to: {}\n"
NOBODY = "and no document has it"
DEVICE = "kind: Device\nid: d\naddress: a\nclass: {}\n"


def warned(text: str, *held_before: str, present: Collection[str] = ()) -> list[str]:
    held = [one.entity for part in held_before for one in read_documents([SourceFile("m.yaml", part)])]
    documents = read_documents([SourceFile("f.yaml", text)])
    change = plan(plan(Model(), held).after, [one.entity for one in documents])
    return warnings_about(documents, change.before, change.after, present)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            SET.format("/Sever/Linux"),
            f"no device is of the class '/Sever/Linux', {NOBODY}; did you mean '/Server/Linux'?",
        ),
        (
            SET.format("[/, europa]"),
            f"no device is in the group 'europa', {NOBODY}; did you mean 'europe'?",
        ),
        (
            SET.format("/Printer"),
            f"no device is of the class '/Printer', {NOBODY}",
        ),
        (
            DEVICE.format("/Sever/Linux/Web"),
            f"no other device is of the class '/Sever/Linux/Web', {NOBODY}; did you mean '/Server/Linux/Web'?",
        ),
    ],
)
def test_what_nobody_has_is_warned_of(text: str, expected: str) -> None:
    (warning,) = warned(text, HELD)
    assert warning.startswith(("f.yaml:4: ProcessSet s: field 'applies_to': ", "f.yaml:4: Device d: field 'class': "))
    assert warning.endswith(f": {expected}")


@pytest.mark.parametrize(
    "text",
    [
        SET.format("[/, /Server, /Server/Linux, /Server/Linux/Web, europe]"),
        SET.format("/New") + "---\nkind: DeviceClass\nid: /New/Below\n",
        SET.format("new") + "---\nkind: Group\nid: new\n",
        SET.format("new") + "---\n" + DEVICE.format("/New") + "groups: new\n",
        DEVICE.format("/Printer"),
        DEVICE.format("/Server/Linux/Web/Shop"),
        DEVICE.format("/Server/Linux/Web2"),
        DEVICE.format("/Servers") + "---\nkind: DeviceClass\nid: /Servers\n",
        DEVICE.format("/Servers") + "---\n" + DEVICE.format("/Servers").replace("id: d", "id: e"),
    ],
)
def test_what_somebody_has_and_what_is_new_is_not(text: str) -> None:
    assert warned(text, HELD) == []


def test_a_device_that_has_its_class_already_is_not_warned_of_again() -> None:
    assert warned(DEVICE.format("/Servers"), DEVICE.format("/Servers")) == []


def test_an_empty_hub_takes_what_comes_with_tocsin_without_a_word() -> None:
    files = [path.read_text().strip() for path in sorted(FOLDER.glob("*.yaml"))]
    assert len(files) > 3
    assert warned("\n---\n".join(files)) == []
    assert warned(SET.format("/Server/Linux")) == []


COLLECTED = "kind: Device\nid: d\naddress: a\ncollector: {}\n"
POOL = "kind: Pool\nid: europe\nmembers: [frankfurt1, london1]\n"


@pytest.mark.parametrize(("wrong", "meant"), [("eurpoe", "europe"), ("franfurt1", "frankfurt1"), ("lokal", "local")])
def test_a_collector_that_nobody_has_is_warned_of_where_one_of_nearly_that_name_is_there(
    wrong: str, meant: str
) -> None:
    said = f"no other device names the collector or pool '{wrong}', {NOBODY}; did you mean '{meant}'?"
    assert warned(COLLECTED.format(wrong), HELD, POOL) == [f"f.yaml:4: Device d: field 'collector': {said}"]
    assert warned(COLLECTED.format(wrong), HELD, POOL, COLLECTED.format(wrong)) == []


@pytest.mark.parametrize("name", ["europe", "frankfurt1", "frankfurt2", "local", "elsewhere"])
def test_a_collector_that_somebody_has_and_one_that_is_new_is_not_warned_of(name: str) -> None:
    assert warned(COLLECTED.format(name), HELD, POOL) == []
    assert warned(COLLECTED.format("lokal") + "---\nkind: Collector\nid: lokal\n", HELD) == []


def test_a_collector_that_has_never_logged_in_is_told_of_where_others_have() -> None:
    said = f"no other device names the collector or pool 'frankfurt11', {NOBODY}; no collector of that name has ever"
    (warning,) = warned(COLLECTED.format("frankfurt11"), HELD, POOL, present=["local"])
    assert warning == f"f.yaml:4: Device d: field 'collector': {said} logged in"
    assert warned(COLLECTED.format("frankfurt1"), HELD, POOL, present=["local"]) == []
    assert warned(COLLECTED.format("local"), POOL, present=["far"]) == []
    assert warned(COLLECTED.format("far"), POOL, present=["far"]) == []


MEMBERS = "kind: Pool\nid: eu\nmembers: [{}]\n"
STRANGE = "has ever logged in, and no document has it"


@pytest.mark.parametrize("present", [(), ("local", "eu1")])
def test_a_member_of_a_pool_whose_name_is_nearly_that_of_a_collector_is_warned_of(present: tuple[str, ...]) -> None:
    (warning,) = warned(MEMBERS.format("eu1, locall"), HELD, MEMBERS.format("eu1"), present=present)
    assert warning == (f"f.yaml:3: Pool eu: field 'members': no collector 'locall' {STRANGE}; did you mean 'local'?")


def test_members_that_nobody_knows_are_told_of_together_where_others_have_logged_in() -> None:
    text = MEMBERS.format("eu1, eu9, asia, local")
    (warning,) = warned(text, present=["eu1"])
    assert warning == (
        f"f.yaml:3: Pool eu: field 'members': no collector of this name {STRANGE}: 'eu9', 'asia'; "
        "such a member gets no devices before it logs in"
    )
    many = MEMBERS.format(", ".join(f"m{number}" for number in range(100)))
    (warning,) = warned(many, present=["eu1"])
    assert "'m9' and 90 more; " in warning
    assert warned(text) == []  # the first documents of a site come before its first collector


def test_a_member_that_is_known_or_was_one_already_is_not_warned_of() -> None:
    before = MEMBERS.format("eu1, asia")
    assert warned(MEMBERS.format("asia, eu1, local"), before, present=["eu1"]) == []
    assert warned("kind: Pool\nid: other\nmembers: [asia]\n", before, present=["eu1"]) == []
    assert warned(MEMBERS.format("eu9") + "---\nkind: Collector\nid: eu9\n", present=["eu1"]) == []
    assert warned(MEMBERS.format("far"), HELD.replace("id: old", "id: older\ncollector: far"), present=["eu1"]) == []


PLUGINS = "kind: {}\nid: x\n{}properties:\n  model_plugins: [identity, {}]\n"


@pytest.mark.parametrize(("kind", "more"), [("Device", "address: a\n"), ("Group", "")])
def test_plugins_that_do_not_come_with_tocsin_are_taken_with_a_remark(kind: str, more: str) -> None:
    line = 4 + bool(more)
    (warning,) = warned(PLUGINS.format(kind, more, "raid_sets"))
    assert warning.startswith(
        f"f.yaml:{line}: {kind} x: field 'properties.model_plugins': 'raid_sets' is no plugin that"
    )
    assert "did you mean" not in warning
    (near,) = warned(PLUGINS.format(kind, more, "interface"))
    assert "did you mean 'interfaces'?" in near
    assert warned(PLUGINS.format(kind, more, "interfaces")) == []

"""A class that loses its templates because its document does not speak of them is warned of."""

from __future__ import annotations

import pytest

from hub.model.change import plan
from hub.model.documents import SourceFile, read_documents
from hub.model.forgotten import warnings_of_forgotten
from hub.model.model import Model

ROOT = "kind: DeviceClass\nid: /\n"
NAMES = [f"t{number}" for number in range(7)]
BINDS = f"{ROOT}templates: [{', '.join(NAMES)}]\n---\n" + "---\n".join(
    f"kind: Template\nid: {name}\ncomponent: process_set\n" for name in NAMES
)


def warned(text: str) -> list[str]:
    held = [one.entity for one in read_documents([SourceFile("m.yaml", BINDS)])]
    return warnings_of_forgotten(read_documents([SourceFile("f.yaml", text)]), plan(Model(), held).after)


def test_a_class_that_says_nothing_of_its_templates_is_warned_of() -> None:
    (warning,) = warned(f"{ROOT}properties: {{interval_s: 30}}\n")
    assert warning == (
        "f.yaml:1: DeviceClass /: field 'templates': it binds no templates any more, because the document does not "
        "speak of any; it bound t0, t1, t2, t3, t4 and 2 more: name those that are to go on, or say `templates: []`"
    )


@pytest.mark.parametrize(
    "text", [f"{ROOT}templates: []\n", f"{ROOT}templates: [t1]\n", "kind: DeviceClass\nid: /Server\n"]
)
def test_what_is_said_is_meant(text: str) -> None:
    assert warned(text) == []

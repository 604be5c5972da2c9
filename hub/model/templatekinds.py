"""What a document of the kind Template may say, and how classes, groups and devices bind templates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hub.model.components import KIND_WORD
from hub.model.fields import FieldSpec, many, prose, text
from hub.model.graphfields import graphs
from hub.model.templatefields import sources
from hub.model.templates import UNBIND, Target, Template
from hub.model.thresholdfields import SLUG, SLUG_EXPECTED, thresholds

COMPONENT_EXPECTED = (
    f"a kind of component: {', '.join(Target)}, or another word of small letters, digits and _, a letter first"
)

_template_id = text(f"the id of a template: {SLUG_EXPECTED}", SLUG, longest=100)

bindings = many(
    text(f"the id of a template, or {UNBIND} and the id of one that is not to hold", f"{UNBIND}?{SLUG}", longest=101),
    longest=100,
)
"""Reads the field `templates` of a class, a group or a device."""

TEMPLATE_FIELDS: Mapping[str, FieldSpec] = {
    "id": FieldSpec(text(SLUG_EXPECTED, SLUG, longest=100), required=True),
    "description": FieldSpec(prose(4096)),
    "component": FieldSpec(text(COMPONENT_EXPECTED, KIND_WORD.pattern, longest=40)),
    "extends": FieldSpec(_template_id),
    "replaces": FieldSpec(_template_id),
    "sources": FieldSpec(sources),
    "thresholds": FieldSpec(thresholds(droppable=True)),
    "graphs": FieldSpec(graphs),
}


def check_template(values: Mapping[str, Any], _bad: Collection[str]) -> list[tuple[str, str]]:
    """What is wrong with a template alone."""
    wrong = [
        (field, f"the template names itself in '{field}'")
        for field in ("extends", "replaces")
        if field in values and values[field] == values.get("id")
    ]
    if "extends" in values:
        return wrong
    wrong += [
        (section, f"{id_} has nothing behind it; only a template that extends another can drop an entry so")
        for section in ("sources", "thresholds", "graphs")
        for id_, entry in values.get(section, {}).items()
        if entry is None
    ]
    wrong += [
        ("thresholds", f"{id_} says only 'enabled: false'; only a template that extends another can silence one so")
        for id_, entry in values.get("thresholds", {}).items()
        if entry is not None and entry.only_silences
    ]
    return wrong


def build_template(values: dict[str, Any], _number: int) -> Template:
    """Make a template of fields that are all right."""
    return Template(**values)


def check_bindings(values: Mapping[str, Any], _bad: Collection[str]) -> list[tuple[str, str]]:
    """What is wrong with what one document says of templates."""
    words = values.get("templates", ())
    return [
        ("templates", f"{word} is bound and unbound; say one or the other") for word in words if UNBIND + word in words
    ]

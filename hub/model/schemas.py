"""JSON Schemas of single fields: what an editor can check while one types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.events import Severity
from hub.model.properties import CATALOGUE, HIDDEN, MAX_OTHERS, MAX_PATTERNS, MAX_TEXT, NAME, Property, PropertyType

ON_ONE_LINE = r"^[^\u0000-\u001f\u007f]*$"


def text(expected: str, pattern: str | None, longest: int) -> dict[str, Any]:
    """A text on one line.

    Args:
        expected: what it has to be, in words.
        pattern: that the whole of it must match.
        longest: characters.
    """
    schema = {"type": "string", "description": expected, "maxLength": longest, "pattern": ON_ONE_LINE}
    return schema if pattern is None else schema | {"allOf": [{"pattern": f"^(?:{pattern})$"}]}


def severity(*, none: bool) -> dict[str, Any]:
    """A severity by name or number."""
    real = [one for one in Severity if one is not Severity.CLEAR]
    return {"enum": [*(one.label for one in real), *(int(one) for one in real), *(["none", None] if none else [])]}


def many(one: Mapping[str, Any], longest: int, *, distinct: bool = False) -> dict[str, Any]:
    """A list, or a single value that stands for a list of one; `distinct`: at least one, and none twice."""
    more = {"minItems": 1, "uniqueItems": True} if distinct else {}
    return {"anyOf": [one, {"type": "array", "items": one, "maxItems": longest, **more}]}


def mapping(fields: Mapping[str, Any], required: Sequence[str]) -> dict[str, Any]:
    """A mapping with these fields and no other."""
    schema = {"type": "object", "properties": dict(fields), "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def properties(known: Mapping[str, Property] = CATALOGUE) -> dict[str, Any]:
    """Properties, by the catalogue, or a part of it."""
    return mapping({name: _property(prop) for name, prop in known.items()}, ())


def components(known: Mapping[str, Property]) -> dict[str, Any]:
    """The components of a device, with the properties that they may have."""
    return {
        "type": "object",
        "propertyNames": {"pattern": r"^[a-z][a-z0-9_]{0,39}/.{1,255}$"},
        "additionalProperties": properties(known),
    }


def _property(prop: Property) -> dict[str, Any]:
    unit = f" ({prop.unit})" if prop.unit else ""
    about: dict[str, Any] = {"description": f"{prop.description}{unit}"}
    if prop.default is not None and not prop.secret:
        about["default"] = prop.default
    return about | _value(prop)


def _value(prop: Property) -> dict[str, Any]:
    if prop.type is PropertyType.CHOICE:
        # YAML reads `snmp_version: 1` as a number.
        return {"enum": [*prop.choices, *(int(word) for word in prop.choices if word.isdigit())]}
    if prop.type is PropertyType.PLAN:
        return {"anyOf": [{"type": "string", "pattern": f"^(?:{NAME})$"}, {"type": "integer", "minimum": 0}]}
    if prop.type is PropertyType.BOOLEAN:
        return {"type": "boolean"}
    if prop.type is PropertyType.LIST:
        known = {"enum": list(prop.choices)}
        if not prop.others:
            return many(known, len(prop.choices))
        return many({"anyOf": [known, {"type": "string", "pattern": f"^(?:{prop.others})$"}]}, MAX_OTHERS)
    if prop.type is PropertyType.MASKS:
        one = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": ON_ONE_LINE}
        return many(one, MAX_PATTERNS)
    if prop.type in {PropertyType.TEXT, PropertyType.REGEX}:
        bounds = {"minLength": prop.minimum or 0, "maxLength": prop.maximum, "pattern": ON_ONE_LINE}
        return {"type": "string"} | bounds | ({"not": {"const": HIDDEN}} if prop.secret else {})
    kind = "integer" if prop.type is PropertyType.WHOLE else "number"
    bounds = {"minimum": prop.minimum, "maximum": prop.maximum}
    return {"type": kind} | {name: bound for name, bound in bounds.items() if bound is not None}

"""Entities as the plain values that their documents say: what goes into YAML and JSON, and comes back the same."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct

from common.events import Severity
from hub.model.entities import Entity, kind_of
from hub.model.kinds import KINDS


def document_of(entity: Entity) -> dict[str, Any]:
    """The document that makes an entity: kind, id, and the fields that are not at their defaults, as files have them.

    Secrets are in it as they are.
    """
    kind = kind_of(entity)
    said = plain(entity)
    order = [name for name in KINDS[kind].fields if name in said]
    return {"kind": kind} | {name: said[name] for name in [*order, *(name for name in said if name not in order)]}


def fields_of(entity: Entity) -> dict[str, Any]:
    """Every field of an entity but its id, those that are at their defaults as well. Secrets are in it as they are."""
    fields = plain(entity, full=True)
    fields.pop("id", None)
    return dict(fields)


def plain(value: object, *, full: bool = False) -> Any:
    """A value as documents write it.

    Args:
        value: of a field, or a whole struct.
        full: with the fields of structs that are at their defaults.
    """
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Struct):
        fields = [(field, getattr(value, field.name)) for field in msgspec.structs.fields(value)]
        return {field.encode_name: plain(part, full=full) for field, part in fields if full or part != _default(field)}
    if isinstance(value, Mapping):
        return {name: plain(part, full=full) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, full=full) for part in value]
    return value


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return field.default

"""The model as documents again: plain values, their secrets named, and YAML that reads back as the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from hub.model.diff import PROPERTIES
from hub.model.entities import Entity
from hub.model.plain import document_of
from hub.model.properties import is_secret, shown


class Exported(Struct, frozen=True):
    """One document.

    Attributes:
        document: kind, id, and the fields that are not at their defaults; secrets are `(set)` unless they were wanted.
        secrets: names of the properties that are secret.
    """

    document: dict[str, Any]
    secrets: tuple[str, ...] = ()


def export(entities: Iterable[Entity], *, with_secrets: bool) -> list[Exported]:
    """Turn entities into documents, in their order."""
    return [_exported(document_of(entity), with_secrets=with_secrets) for entity in entities]


def _exported(document: dict[str, Any], *, with_secrets: bool) -> Exported:
    properties: dict[str, Any] = document.get(PROPERTIES, {})
    secrets = tuple(name for name in properties if is_secret(name))
    if secrets and not with_secrets:
        document = {**document, PROPERTIES: shown(properties)}
    return Exported(document, secrets)

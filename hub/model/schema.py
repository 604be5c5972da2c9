"""The JSON Schema of documents, for editors."""

from __future__ import annotations

from typing import Any

from hub.model.fields import required_of, schemas_of
from hub.model.kinds import KINDS, Kind
from hub.model.schemas import mapping

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def document_schema() -> dict[str, Any]:
    """What a YAML document may say, as JSON Schema: one of the kinds, a list of such, or nothing.

    It knows single fields. What is wrong between fields or documents, and whether a regular expression is one, only the
    hub tells.
    """
    one = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in KINDS]}
    return {
        "$schema": DRAFT,
        "title": "A document of Tocsin's model",
        "anyOf": [*one["anyOf"], {"type": "array", "items": one}, {"type": "null"}],
        "$defs": {name: _kind(name, kind) for name, kind in KINDS.items()},
    }


def _kind(name: str, kind: Kind) -> dict[str, Any]:
    fields = {"kind": {"const": name, "description": f"a {kind.title}"}, **schemas_of(kind.fields)}
    return {"title": name, **mapping(fields, ["kind", *required_of(kind.fields)])}

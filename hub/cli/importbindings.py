"""Templates that are bound already: Zenoss' files do not say them, and an import shall not take them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.imports.report import Made


def with_bindings(made: Sequence[Made], rows: Sequence[Mapping[str, Any]]) -> list[Made]:
    """Documents that bind the templates which those of the same kind and id bind in the hub.

    Args:
        made: what was imported.
        rows: the hub's documents, as its API exports them.
    """
    bound = {
        (row["document"]["kind"], row["document"]["id"]): templates
        for row in rows
        if (templates := row["document"].get("templates")) and row["document"].get("kind") != "Template"
    }
    return [_bound(one, bound.get((one.document["kind"], one.document["id"]))) for one in made]


def _bound(made: Made, templates: object) -> Made:
    return made if templates is None else Made({**made.document, "templates": templates}, made.line)

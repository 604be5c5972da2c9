"""What a document takes away by saying nothing of it, and may not have meant to (pure)."""

from __future__ import annotations

from collections.abc import Collection

from hub.model.documents import Document, place_in, warning
from hub.model.entities import DeviceClass, Group, key_of
from hub.model.model import Model

SHOWN = 5


def warnings_of_forgotten(documents: Collection[Document], before: Model) -> list[str]:
    """Tell which classes and groups bind no templates any more, only because their documents do not speak of them.

    A document is the whole of what it describes. The class `/` comes with Tocsin, and binds templates that whoever
    gives it a property does not think of.

    Args:
        documents: those that are applied.
        before: the model as it is.
    """
    place = place_in(documents)
    found: list[str] = []
    for document in documents:
        entity, key = document.entity, key_of(document.entity)
        old = before.get(key)
        if not isinstance(entity, DeviceClass | Group) or not isinstance(old, DeviceClass | Group):
            continue
        if old.templates and not entity.templates and ("templates",) not in document.lines:
            more = f" and {len(old.templates) - SHOWN} more" if len(old.templates) > SHOWN else ""
            sentence = (
                f"it binds no templates any more, because the document does not speak of any; it bound "
                f"{', '.join(old.templates[:SHOWN])}{more}: name those that are to go on, or say `templates: []`"
            )
            found.append(warning(place, key, "templates", sentence))
    return found

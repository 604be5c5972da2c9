"""Something that is wrong with a document beside the others."""

from __future__ import annotations

from msgspec import Struct

from hub.model.entities import Key

Path = tuple[str, ...]
"""Names of fields, from the outermost in."""


class Wrong(Struct, frozen=True):
    """What is wrong; `path` is the place in the document, as far as it is known."""

    key: Key
    path: Path
    sentence: str

"""Puts the parts of a picture together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from common.errors import TransientError
from common.queries import GraphQuery, Picture

MAX_PARTS = 100
MAX_TRIES = 3

Ask = Callable[[GraphQuery], Awaitable[Picture]]


async def whole_picture(ask: Ask, query: GraphQuery) -> Picture:
    """Ask for all parts of a picture.

    A collector of an earlier version knows of no parts, and gives the whole or an error.

    Raises:
        TransientError: it was drawn anew between two parts, again and again.
    """
    for _ in range(MAX_TRIES):
        first = await ask(replace(query, part=0))
        parts = [first]
        while len(parts) < min(first.parts, MAX_PARTS) and parts[-1].digest == first.digest:
            parts.append(await ask(replace(query, part=len(parts))))
        if parts[-1].digest == first.digest:
            return Picture(form=first.form, data=b"".join(part.data for part in parts), drawn=first.drawn)
    raise TransientError("the picture changed while it was read; ask again, or for a smaller one")

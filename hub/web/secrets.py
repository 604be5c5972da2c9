"""The API of secrets: they are never read, only sealed anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from hub.web.call import Call
from hub.web.router import Route


class Rotated(Struct, frozen=True):
    """How many documents have secrets that were sealed with the new key."""

    documents: int


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """An empty body."""


class SecretTopic:
    """Rotates the key."""

    def __init__(self, rotate: Callable[[], Awaitable[int]]) -> None:
        self._rotate = rotate

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("POST", "secrets/rotate-key", self.rotate_key)]

    async def rotate_key(self, call: Call) -> Rotated:
        """Seal everything with a new key."""
        call.only()
        call.body(Nothing)
        return Rotated(await self._rotate())

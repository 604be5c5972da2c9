"""What is not known of documents where some of them are wrong."""

from __future__ import annotations

from msgspec import Struct

from hub.model.entities import Key


class Unread(Struct, frozen=True):
    """Documents that are there, while nobody knows what they say.

    Attributes:
        keys: of those that are wrong, and have an id.
        kinds: of those that are wrong, and whose id is not known either.
    """

    keys: frozenset[Key] = frozenset()
    kinds: frozenset[str] = frozenset()

    def may_have(self, key: Key) -> bool:
        """Whether one of them may be this one."""
        return key in self.keys or key[0] in self.kinds

    def any_of(self, kind: str) -> bool:
        """Whether one of them may be of a kind."""
        return kind in self.kinds or any(key[0] == kind for key in self.keys)


ALL_READ = Unread()

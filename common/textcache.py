"""What was made of texts that come from hosts which nobody vouches for, remembered within bounds."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TextCache(dict[K, V]):
    """Forgets everything when it holds too many things, or too long ones; look things up as in any dict.

    Args:
        most: things.
        most_characters: of all their texts together.
    """

    __slots__ = ("_characters", "_most", "_most_characters")

    def __init__(self, most: int, most_characters: int) -> None:
        super().__init__()
        self._most = most
        self._most_characters = most_characters
        self._characters = 0

    def keep(self, key: K, value: V, characters: int) -> V:
        """Remember a thing that was made of so many characters; gives it back."""
        self._characters += characters
        if len(self) >= self._most or self._characters > self._most_characters:
            self.clear()
            self._characters = characters
        self[key] = value
        return value

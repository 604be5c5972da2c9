"""Names of rows: texts with places that are filled with objects of a source, or with the row's index (pure).

A place is written in braces: `{$2}`, `{index}`. It may have alternatives, of which the first that says something is
taken: `{$2|$3|if#}`, where `#` is the index, within other letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

INDEX = "index"
MARK = "#"

_PLACE = re.compile(r"\{([^{}]*)\}")
_OBJECT = re.compile(r"\$([1-9][0-9]{0,2})")


class RowNameError(ValueError):
    """A text that is no name of rows; the message says what is wrong with it."""


class RowName(Struct, frozen=True):
    """How rows are called.

    Attributes:
        parts: in turn a text as it stands, and the alternatives of a place.
    """

    parts: tuple[str | tuple[str, ...], ...]

    @property
    def numbers(self) -> frozenset[int]:
        """The objects that it may need; the first one is 1."""
        words = (word for part in self.parts if isinstance(part, tuple) for word in part)
        return frozenset(int(word[1:]) for word in words if word.startswith("$"))

    def fill(self, index: str, shown: Callable[[int], str | None]) -> str | None:
        """The name of a row; None when a place says nothing, because no object of it is there.

        Args:
            index: of the row.
            shown: gives an object as text; None where the row has none.
        """
        filled: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                filled.append(part)
                continue
            found = _first(part, index, shown)
            if found is None:
                return None
            filled.append(found)
        return "".join(filled)


def parse_row_name(text: str, objects: int) -> RowName:
    """Read what rows of a source with so many objects are called.

    Raises:
        RowNameError: a place in it says nothing that can be filled in.
    """
    parts: list[str | tuple[str, ...]] = []
    end = 0
    for found in _PLACE.finditer(text):
        parts += [_plain(text[end : found.start()]), _alternatives(found[1], objects)]
        end = found.end()
    return RowName((*parts, _plain(text[end:])))


def _first(words: tuple[str, ...], index: str, shown: Callable[[int], str | None]) -> str | None:
    there = False
    for word in words:
        if word == INDEX:
            return index
        if not word.startswith("$"):
            return word.replace(MARK, index)
        found = shown(int(word[1:]))
        if found:
            return found
        there = there or found is not None
    return "" if there else None


def _plain(piece: str) -> str:
    if "{" in piece or "}" in piece:
        raise RowNameError("a brace is not closed, or not opened; expected a text with {index} and {$1} in it")
    return piece


def _alternatives(place: str, objects: int) -> tuple[str, ...]:
    words = tuple(word.strip() for word in place.split("|"))
    for word in words:
        found = _OBJECT.fullmatch(word)
        if found is None and word != INDEX and (MARK not in word or word.startswith("$")):
            raise RowNameError(f"got '{{{place}}}'; expected {{index}}, or {{$1}} and the like")
        if found is not None and int(found[1]) > objects:
            there = "the source has one object, $1" if objects == 1 else f"the source has the objects $1 to ${objects}"
            raise RowNameError(f"there is no {word}; {there}")
    return words

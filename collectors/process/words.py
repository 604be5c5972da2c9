"""A column of words of which there are few: a byte for each, in place of a reference (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

UNKNOWN = "unknown"
MOST_WORDS = 256


class _Codes(dict[str, int]):
    """A number for each word that was ever seen; what is too much is unknown."""

    def __missing__(self, word: str) -> int:
        if len(_WORDS) == MOST_WORDS:
            return 0
        self[word] = len(_WORDS)
        _WORDS.append(word)
        return self[word]


_WORDS = [UNKNOWN]
_CODES = _Codes({UNKNOWN: 0})


class Words(Sequence[str]):
    """Words in order; nothing of it is ever changed."""

    __slots__ = ("_codes",)

    def __init__(self, words: Iterable[str]) -> None:
        self._codes: bytes = words._codes if isinstance(words, Words) else bytes(map(_CODES.__getitem__, words))  # noqa: SLF001

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [_WORDS[code] for code in self._codes[at]]
        return _WORDS[self._codes[at]]

    def __contains__(self, word: object) -> bool:
        return word in _CODES and _CODES[str(word)] in self._codes

    def __iter__(self) -> Iterator[str]:
        return map(_WORDS.__getitem__, self._codes)

    def __len__(self) -> int:
        return len(self._codes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and self._codes == other._codes

    __hash__ = None  # type: ignore[assignment]  # it is a column, and no key

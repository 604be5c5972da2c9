"""Names, texts and figures of hosts that nobody vouches for, made fit to be kept and shown (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import re2

from common.components import MAX_NAME, Attribute
from common.matching import component_name, printable

MAX_PHRASE = 500
MAX_FIGURE = 2**63 - 1


def name(text: str) -> str:
    """A text as the name of a component; empty when nothing is left of it."""
    return component_name(text)


def phrase(text: str) -> str:
    """A text in one line."""
    return printable(" ".join(text[: 4 * MAX_PHRASE].split()), MAX_PHRASE)


def figure(value: object) -> int | None:
    """A number as every database can hold it; None for everything else."""
    return value if isinstance(value, int) and 0 <= value <= MAX_FIGURE else None


def known(attributes: dict[str, Attribute | None]) -> dict[str, Attribute]:
    """Those attributes that say something."""
    return {key: value for key, value in attributes.items() if value is not None and value != ""}


def distinct(names: Sequence[str]) -> list[str]:
    """The same names, none of them twice: of several the first stays, the others get a number that nobody has."""
    taken = set(names)
    given: dict[str, None] = {}
    for one in names:
        given[_free(one, taken) if one in given else one] = None
    return list(given)


def _free(wanted: str, taken: set[str]) -> str:
    number = 2
    while True:
        suffix = f" #{number}"
        candidate = wanted[: MAX_NAME - len(suffix)] + suffix
        if candidate not in taken:
            taken.add(candidate)
            return candidate
        number += 1


class Ignored:
    """The names that a pattern leaves out.

    Args:
        pattern: RE2, searched in names; empty leaves nothing out.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern: Any = re2.compile(pattern) if pattern else None

    def __contains__(self, text: str) -> bool:
        return self._pattern is not None and self._pattern.search(text) is not None

"""Names that are passed from one component to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

GROUP = "{"
"""What a definition's name has that is made of parts of the command line."""

N = TypeVar("N", bound=Hashable)


def is_fixed(name: str) -> bool:
    """Whether a definition of this name makes one set, and not one for each text in its command lines."""
    return GROUP not in name


def possible(moves: Mapping[N, N], held: Collection[N]) -> dict[N, N]:
    """Of changes of names those after which no two have the same.

    Args:
        moves: from the names before, all of them held, to those after.
        held: all names before.
    """
    left = dict(moves)
    while True:
        names = Counter(left.get(name, name) for name in held)
        stuck = [old for old, new in left.items() if names[new] > 1]
        if not stuck:
            return left
        for old in stuck:
            del left[old]

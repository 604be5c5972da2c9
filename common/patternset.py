"""Many patterns looked for in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import re2


class PatternSet:
    """Which of some patterns occur in a text.

    Patterns that are too large for one pass together are looked for one by one.

    Args:
        patterns: RE2, each of which compiles.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        options = re2.Options()
        options.log_errors = False
        self._each: list[Any] = []
        self._together = re2.Set.SearchSet(options)
        for pattern in patterns:
            self._together.Add(pattern)
        try:
            if patterns:
                self._together.Compile()
        except re2.error:
            self._together = None
            self._each = [re2.compile(pattern, options) for pattern in patterns]
        self._none = not patterns

    def hits(self, text: str) -> Iterable[int]:
        """Numbers of the patterns that occur, in no order."""
        if self._none:
            return ()
        if self._together is not None:
            return self._together.Match(text) or ()
        return [number for number, pattern in enumerate(self._each) if pattern.search(text)]

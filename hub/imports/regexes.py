"""Patterns of Python as patterns of RE2, where both mean the same.

What RE2 refuses is told by `check_definition`; here is what it would take and read otherwise.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:|[^\]\\])*\]|\{,(\d+)\}|\(\?[a-zA-Z]+\)|.", re.DOTALL)
_OTHERWISE = frozenset("pPQEC")
"""Letters that stand for themselves to Python behind a backslash, and for something else to RE2."""


class UnlikeError(Exception):
    """RE2 would read a pattern otherwise than Python; the text says what."""


def to_re2(pattern: str) -> str:
    """Write a pattern of Python for RE2.

    Raises:
        UnlikeError: that would change what it means.
    """
    return "".join(_written(found[0], found.start()) for found in _TOKEN.finditer(pattern))


def _written(part: str, at: int) -> str:
    if part == r"\Z":
        return r"\z"
    if part[0] == "\\" and part[1:] in _OTHERWISE:
        raise UnlikeError(f"{part} means something else in RE2")
    if part.startswith("[") and len(part) > 1:
        if "[:" in part:
            raise UnlikeError("[: within brackets means something else in RE2")
        return part
    if part.startswith("{,"):
        return "{0" + part[1:]
    if part.startswith("(?") and at > 0:
        raise UnlikeError(f"{part} not at the beginning of the pattern: RE2 lets it hold only for what follows")
    return part

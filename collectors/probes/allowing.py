"""Which paths the settings of a host allow (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from os.path import normpath


def is_allowed(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path, or a pattern of paths, is of one of these patterns, folder by folder.

    `*` stands for any part of a name, and for no slash. A path that is not written plainly (`..`, `//`) is of none.
    """
    return path == normpath(path) and any(_is_of(path, pattern) for pattern in patterns)


def _is_of(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(fnmatchcase(part, one) for part, one in zip(parts, wanted, strict=True))

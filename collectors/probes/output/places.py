"""A place in a text, as people look for it: line, column, and an excerpt with a mark under it (pure)."""

from __future__ import annotations

import re

WINDOW = 60
"""Characters of an excerpt."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def shown(text: str, most: int = 200) -> str:
    """A text of others that is safe in a sentence: one line, nothing in it that cannot be seen, not too long."""
    text = _UNSEEN.sub("·", text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def place(text: str, offset: int) -> str:
    """For example `line 2, column 7`."""
    line = text.count("\n", 0, offset) + 1
    return f"line {line}, column {offset - (text.rfind(chr(10), 0, offset) + 1) + 1}"


def excerpt(text: str, offset: int) -> str:
    """Two lines: what stands there, and a caret under the place."""
    begin = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    left = max(begin, offset - WINDOW // 2)
    right = min(end, left + WINDOW)
    before = "…" if left > begin else ""
    after = "…" if right < end else ""
    line = _UNSEEN.sub("·", text[left:right])
    return f"{before}{line}{after}\n{' ' * (len(before) + offset - left)}^"

"""Texts in a picture: any text keeps to its place, whatever it holds (pure)."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """A text that keeps to its place: what could move or hide other text becomes a space, what no font has a box."""
    return "".join(_plain_character(character) for character in text).strip()


def _plain_character(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return " "
    return "▯" if ord(character) > 0xFFFF else character


def columns(text: str) -> int:
    """How many columns of a fixed-width font a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def fit(text: str, width: int) -> str:
    """A text in exactly this many columns: cut with an ellipsis, or filled with spaces."""
    if columns(text) > width:
        while columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - columns(text))


def fit_name(text: str, width: int) -> str:
    """As `fit`, but what is cut out is in the middle: names have what tells them apart at their end, too."""
    if columns(text) <= width:
        return fit(text, width)
    end = text
    while columns(end) > width * 2 // 5:
        end = end[1:]
    return fit(fit(text, width - columns(end)) + end, width)


def escape(text: str) -> str:
    r"""A text as part of an argument of `rrdtool graph`.

    A colon is escaped as rrdtool wants it. A backslash cannot be: rrdtool shows `\\\\` as two, and takes one before an
    `l` for a line break; so it becomes the character that looks like it (U+2216).
    """
    return text.replace("\\", "\u2216").replace(":", "\\:")


def duration(seconds: int) -> str:
    """A time in the largest unit that it is a whole number of."""
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"

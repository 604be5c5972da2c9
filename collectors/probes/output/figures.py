"""One figure: a number, or the text of one (pure)."""

from __future__ import annotations

import math
import re

from common.series import Number

WHOLE = (-(2**63), 2**64 - 1)
"""Whole numbers beyond have no place in 64 bits, and go on as floats."""
MAX_DIGITS = 400
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")


def figure(text: str) -> Number:
    """The number that a text is.

    Raises:
        ValueError: it is none that a series can hold; the message is the end of a sentence.
    """
    text = text.strip(" \t\r\n")
    if not _NUMBER.fullmatch(text):
        raise ValueError("is no number")
    if len(text) > MAX_DIGITS:
        raise ValueError(f"has more than {MAX_DIGITS} digits")
    if _WHOLE.fullmatch(text):
        whole = int(text)
        if WHOLE[0] <= whole <= WHOLE[1]:
            return whole
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("is larger than any number that can be held (1.8e308)")
    return value

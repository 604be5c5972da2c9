"""How long the fault tests are: short with all other tests, long by `make faults` (TOCSIN_FAULTS=long)."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

LONG = os.environ.get("TOCSIN_FAULTS") == "long"


def pick(short: T, long: T) -> T:
    """Take the value of the form that runs."""
    return long if LONG else short


LIMIT_S = pick(400, 1150)
"""Of one test, for the marks and attributes that want a time-out."""

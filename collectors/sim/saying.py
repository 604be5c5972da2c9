"""Lines for whoever started us, who may have gone."""

from __future__ import annotations

import os
import sys


def say(sentence: str) -> None:
    """Print a line at once; that nobody reads it any more is no reason to stop."""
    try:
        sys.stdout.write(sentence + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at exit

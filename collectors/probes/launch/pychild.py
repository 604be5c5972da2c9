"""The interpreter in which a probe that is a Python function runs: `python -I pychild.py FILE [ARGUMENT…]`.

It imports nothing of Tocsin. FILE is a path, or `MODULE:NAME` of an installed package. What the function returns is
printed as JSON; what it prints itself goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import traceback
from typing import Any

NAME = "probe"


def _function(origin: str) -> Any:
    if os.path.isabs(origin):  # noqa: PTH117 - a start without pathlib costs a tenth less
        probe = runpy.run_path(origin, run_name="tocsin_probe").get(NAME)
        if not callable(probe):
            sys.exit(f"{origin} has no function {NAME}(); one that is a program needs a line #!, and to be executable")
        return probe
    module, _, name = origin.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        if not hasattr(found, part):
            sys.exit(f"the package has no {origin}")
        found = getattr(found, part)
    if not callable(found):
        sys.exit(f"{origin} of the package is no function")
    return found


def main(arguments: list[str]) -> int:
    """Call the function once; returns the exit status."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # also what C code prints
    try:
        given = _function(arguments[0])(*arguments[1:])
        if isinstance(given, tuple):
            given = list(given)
        text = json.dumps(given)
    except Exception:  # noqa: BLE001 - whatever the probe raises is told
        traceback.print_exc()
        return 1
    out.write(text)
    out.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

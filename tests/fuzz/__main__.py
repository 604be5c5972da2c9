"""Fuzz for as long as you like: `make fuzz ARGS='--seconds 3600 --seed 7'`.

Each case is made by its kind and a number, which is printed when it fails; what was delivered in it is saved.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.fuzz.agents import Liar
from tests.fuzz.kinds import KINDS, run_case

SETTLED_CASES = 400
MOST_GROWTH_MB = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; returns 1 when a case has failed, or memory has grown."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Lie to the process collector.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long [60]")
    parser.add_argument("--seed", type=int, help="number of the first case [by the clock]")
    parser.add_argument("--kind", choices=sorted(KINDS), help="of these cases alone [all in turn]")
    parser.add_argument("--case", type=int, help="this case alone, once")
    parser.add_argument("--save", type=Path, default=Path("var/fuzz"), metavar="DIR", help="for what failed [var/fuzz]")
    options = parser.parse_args(arguments)
    kinds = [options.kind] if options.kind else list(KINDS)
    if options.case is not None:
        return max([_one(kind, options.case, options.save) for kind in kinds])
    first = int(time.time()) % 1_000_000 if options.seed is None else options.seed
    print(f"fuzzing {', '.join(kinds)} for {options.seconds:g} s, from case {first} on", flush=True)
    return _on_and_on(kinds, first, options.seconds, options.save)


def _on_and_on(kinds: Sequence[str], first: int, seconds: float, save: Path) -> int:
    own, end, settled_mb, cases = psutil.Process(), time.monotonic() + seconds, 0.0, 0
    for number in itertools.count(first):
        for kind in kinds:
            if _one(kind, number, save):
                return 1
            cases += 1
            if cases == SETTLED_CASES:
                settled_mb = own.memory_info().rss / 1e6
        if time.monotonic() > end:
            break
    grown_mb = own.memory_info().rss / 1e6 - settled_mb if settled_mb else 0.0
    print(f"{cases} cases, none failed; memory has grown by {grown_mb:.1f} MB")
    return int(grown_mb > MOST_GROWTH_MB)


def _one(kind: str, number: int, save: Path) -> int:
    liars: list[Liar] = []
    try:
        run_case(kind, number, liars)
    except Exception:
        error = traceback.format_exc()
        save.mkdir(parents=True, exist_ok=True)
        file = save / f"{kind}-{number}.json"
        answers = liars[0].log if liars else []
        file.write_text(json.dumps({"kind": kind, "case": number, "error": error, "answers": answers}, indent=1))
        print(f"{error}failed: {kind} {number}; again with: python -m tests.fuzz --kind {kind} --case {number}")
        print(f"what was delivered is in {file}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

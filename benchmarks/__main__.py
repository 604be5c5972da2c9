"""Print the figures of all benchmarks, or of the topics that are named.

Usage: python -m benchmarks [TOPIC ...]      a topic is the x of bench_x.py; `--list` names them.

Costs are CPU time (user + system), because the machines that run this are shared; where a figure means something only
beside another, both are taken in the same run and the ratio is printed.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback

import benchmarks

Row = tuple[str, float, str, str]


def topics() -> list[str]:
    """Names of all benchmark topics."""
    return sorted(
        module.name.removeprefix("bench_")
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if module.name.startswith("bench_")
    )


def show(rows: list[Row]) -> None:
    """Print figures in aligned columns: what, value, unit, aim."""
    width = max((len(row[0]) for row in rows), default=0)
    for what, value, unit, aim in rows:
        figure = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        print(f"  {what:<{width}}  {figure:>10} {unit:<14}{'aim: ' + aim if aim else ''}".rstrip(), flush=True)


def main(arguments: list[str]) -> int:
    """Run the topics named, all when none is."""
    known = topics()
    if "--list" in arguments:
        print("\n".join(known))
        return 0
    unknown = [name for name in arguments if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = 0
    for topic in arguments or known:
        print(f"{topic}", flush=True)
        try:
            show(importlib.import_module(f"benchmarks.bench_{topic}").run())
        except Exception:
            failed = 1
            traceback.print_exc()
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`tocsin-collector`: runs the collectors that packages bring, and lists all that packages bring."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from collectors.framework.kit.installed import brought, spec_of, why_not
from collectors.framework.pbdaemon import main as run_daemon
from common.daemon import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_OK, EXIT_SETTINGS, version
from common.entrypoints import PLUGIN_NAME, PLUGINS, PROBE_NAME, PROBES, Found, found, load
from common.errors import NotFoundError, SettingsError

PROGRAM = "tocsin-collector"
USAGE = f"""\
usage: {PROGRAM} NAME VERB …    as tocsin-NAME VERB: run, start, stop, status, stats, genconf, enrol …
       {PROGRAM} NAME --help    what it can do
       {PROGRAM} list [--json]  collectors, probes and plugins of the modeler that packages bring here

Runs the collectors that were installed as packages.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    first, *rest = [*(sys.argv[1:] if argv is None else argv), ""][:-1] or [""]
    if first in {"-h", "--help"}:
        sys.stdout.write(USAGE)
        return EXIT_OK
    if first == "--version":
        sys.stdout.write(f"{PROGRAM} {version()}\n")
        return EXIT_OK
    if first == "list" and set(rest) <= {"--json"}:
        return _list(as_json=bool(rest))
    if not first or first.startswith("-") or first == "list":
        sys.stderr.write(USAGE)
        return EXIT_SETTINGS
    try:
        made = spec_of(first)
    except NotFoundError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return EXIT_NOT_FOUND
    except SettingsError as error:
        sys.stderr.write(f"tocsin-{first}: {error}\n")  # `tocsin up` shows the last words of a daemon by its name
        return EXIT_SETTINGS
    return run_daemon(made, rest, command=f"{PROGRAM} {first}")


def _list(*, as_json: bool) -> int:
    """What packages bring, and why not; exit code 1 when something cannot be used."""
    rows = [
        *(_row("collector", one, why_not(one)) for one in brought()),
        *(_row("probe", one, _why(one)) for one in found(PROBES, PROBE_NAME)),
        *(_row("modeler plugin", one, _why(one)) for one in found(PLUGINS, PLUGIN_NAME)),
    ]
    if as_json:
        sys.stdout.write(json.dumps({"installed": rows}, indent=2) + "\n")
    elif not rows:
        sys.stdout.write("No package brings anything. docs/tutorial.md tells how to make one.\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(rows)))
    return EXIT_FAILED if any(row["problem"] for row in rows) else EXIT_OK


def _why(one: Found) -> str:
    """Why something cannot even be imported."""
    if not one.why:
        try:
            load(one)
        except SettingsError as error:
            return error.message
    return one.why


def _row(what: str, one: Found, why: str) -> dict[str, Any]:
    return {"what": what, "name": one.name, "package": one.package, "origin": one.origin, "problem": why}


def _lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    columns = ("what", "name", "package")
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in columns}
    head = {name: name.upper() for name in columns} | {"problem": "STATE"}
    return [
        "  ".join([*(row[name].ljust(widths[name]) for name in columns), row["problem"] or "ok"]).rstrip()
        for row in (head, *rows)
    ]


if __name__ == "__main__":
    sys.exit(main())

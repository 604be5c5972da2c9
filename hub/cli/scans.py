"""How the last scan of a device went, and where to look when it cannot be read."""

from __future__ import annotations

import time
from typing import Any

from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError
from hub.cli.output import note, plural_rows
from hub.cli.progress import waiting

FIRST_SCAN_S = 8.0
NEXT_SCAN_S = 2.0
STEP_S = 0.2


def scan_of(api: Api, device: str) -> dict[str, Any]:
    """The last scan of a device as its collector tells it; empty when it tells none."""
    scans = plural_rows(api.get(path_of("sets"), {"device": [device]}), "scans")
    return scans[0] if scans else {}


def process_events(api: Api, device: str) -> list[tuple[str, object]]:
    """Whether the collector is told of what happens between its scans of a device, as a fact; none where it is SNMP."""
    told = str(_scan_or_nothing(api, device).get("process_events") or "")
    return [("process events", told.removeprefix("process events: "))] if told else []


def where_to_look(device: str) -> str:
    """The commands that say more of a device that cannot be read."""
    return f"`tocsin ps {device}` shows how it stands, `tocsin events list --device {device}` since when"


def problem_now(api: Api, device: str, *, created: bool) -> str:
    """Why a device whose config has just become live cannot be read; empty when it can, or is not known to be silent.

    Args:
        api: of the hub.
        device: its id.
        created: nothing was known of it before; otherwise the last word may be of its old config, and a scan that
            takes it back is waited for.
    """
    deadline = time.monotonic() + (FIRST_SCAN_S if created else NEXT_SCAN_S)
    with waiting(f"waiting for the first scan of {device}"):
        before = scan = _scan_or_nothing(api, device)
        while time.monotonic() < deadline:
            problem, at = scan.get("problem"), scan.get("at")
            if (problem or at) if created else (not problem and at != before.get("at")):
                break
            time.sleep(STEP_S)
            scan = _scan_or_nothing(api, device)
    return str(scan.get("problem") or "")


def tell_problem(api: Api, device: str, *, created: bool) -> None:
    """Say on standard error when a device whose config has just become live cannot be read, and why."""
    problem = problem_now(api, device, created=created)
    if problem:
        note(f"{device} is watched, but could not be read yet: {problem}")
        note(f"  {where_to_look(device)}")


def _scan_or_nothing(api: Api, device: str) -> dict[str, Any]:
    try:
        return scan_of(api, device)
    except CommandError:  # the change itself is done; this was only to be of help
        return {}

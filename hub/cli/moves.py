"""How far the files of a device have come that follow it to another collector."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.exits import CommandError, Exit
from hub.cli.figures import safe, since, size
from hub.cli.output import plural_rows
from hub.cli.progress import Bar

DONE, FAILED, WAITING = "done", "failed", "waiting"
STEP_S = 0.4
PATIENCE_S = 5.0
"""Files that wait for the same reason for so long wait for something else than this command."""
MIB = 1024 * 1024


class Asked(Protocol):
    """What is needed of an `Api`."""

    def get(self, path: str) -> Any:
        """The document at a path."""


def moves_of(api: Asked, device: str) -> list[dict[str, Any]]:
    """The moves of a device, those that are not done first."""
    return plural_rows(api.get(path_of("moves", device)), "moves")


Known = Collection[tuple[object, object]]
"""Moves by where from and since when."""


def known_moves(api: Asked, device: str) -> Known:
    """Those that there are already: of them nothing is to be told when the next one is done."""
    return {(row["from"], row["since"]) for row in moves_of(api, device) if row["state"] == DONE}


def wait_for_files(
    api: Asked,
    device: str,
    timeout_s: float,
    known: Known,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[dict[str, Any]]:
    """Ask the hub until all files are there, some of them stay, they wait for something, or the time is over."""
    deadline = clock() + timeout_s
    held_since, held_by = clock(), ""
    shown: Bar | None = None
    total = 0
    try:
        while True:
            rows = [row for row in moves_of(api, device) if (row["from"], row["since"]) not in known]
            left = [row for row in rows if row["state"] != DONE]
            reason = left[0]["reason"] if left and left[0]["state"] == WAITING else ""
            if reason != held_by:
                held_since, held_by = clock(), reason
            stands = bool(held_by) and clock() - held_since > PATIENCE_S
            if not left or clock() >= deadline or stands or any(row["state"] == FAILED for row in left):
                return rows
            total_now = sum(int(row["bytes_in_all"]) for row in rows)
            if shown is None or total_now > total:
                if shown is not None:
                    shown.close()
                total = total_now
                shown = Bar(f"bringing the files of {device}, MiB", -(-total // MIB) or None)
                shown.start()
            shown.reach(sum(int(row["bytes"]) for row in rows) // MIB)
            sleep(min(STEP_S, max(0.0, deadline - clock())))
    finally:
        if shown is not None:
            shown.close()


def files_line(row: dict[str, Any]) -> str:
    """How a move stands, in words."""
    daemon = row.get("daemon") or "process"
    of = "" if daemon == "process" else f", daemon {daemon},"
    what = f"files of {row.get('device')}{of} from {row.get('from')} to {row.get('to')}"
    state, reason = row.get("state"), row.get("reason")
    if state == DONE:
        return (
            f"{counted(int(row.get('files') or 0), 'file')} ({size(row.get('bytes'))}) came{of} from {row.get('from')}"
        )
    if state == FAILED:
        return f"{what}: some stay: {reason}"
    if state == WAITING:
        return f"{what}: they wait{f': {reason}' if reason else ''}"
    done, total = (size(row.get(name)) for name in ("bytes", "bytes_in_all"))
    return f"{what}: {row.get('files')} of {counted(int(row.get('files_in_all') or 0), 'file')}, {done} of {total}"


def standing_lines(rows: Sequence[dict[str, Any]], now: float) -> list[str]:
    """Lines about moves that are not done, with since when."""
    return [
        safe(f"{files_line(row)} (since {since(row.get('since'), now)})") for row in rows if row.get("state") != DONE
    ]


def not_there(device: str, rows: Sequence[dict[str, Any]], *, printed: bool) -> CommandError | None:
    """The error of a move whose files are not all there; None when they are."""
    left = [row for row in rows if row.get("state") != DONE]
    if not left:
        return None
    return CommandError(
        f"{device} is collected by its new collector, but not all of its files are there. "
        f"They are brought by themselves; see `tocsin device show {device}`",
        [line for row in left for line in (files_line(row), *map(str, row.get("problems") or ()))],
        exit_code=Exit.PARTLY,
        code="files_left",
        printed=printed,
    )

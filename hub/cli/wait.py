"""Waiting until a revision is live on the collectors it concerns."""

from __future__ import annotations

import time
from typing import Any

from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError, Exit
from hub.cli.output import plural_rows
from hub.cli.progress import counting

STEP_S = 0.75
FINAL = ("rejected by the collector", "its config cannot be made")


def wait_until_live(
    api: Api, revision: int, device: str | None, timeout_s: float, concerned: int = 0
) -> dict[str, Any]:
    """Ask the hub until the revision is live everywhere, a collector rejected it, or the time is over.

    The hub holds each question for a moment, so the answer comes when it happens.

    Args:
        api: of the hub.
        revision: its number.
        device: look at this one alone.
        timeout_s: how long.
        concerned: how many devices it concerns, if that is known; they are counted as they go live.
    """
    began = time.monotonic()
    deadline = began + timeout_s
    with counting(f"waiting for revision {revision} to be live", concerned or None) as shown:
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            answer: dict[str, Any] = api.get(
                path_of("revisions", str(revision), "live"), {"wait": round(min(STEP_S, left_s), 3), "device": device}
            )
            if answer.get("live") or left_s <= 0 or _is_final(answer):
                answer["waited_s"] = round(time.monotonic() - began, 3)
                return answer
            behind = int(answer.get("behind_total") or len(plural_rows(answer, "behind")))
            shown.reach(max(0, concerned - behind))
            shown.say(f"waiting for revision {revision}: {counted(behind, 'device')} not live yet")


def not_live(revision: int, answer: dict[str, Any], timeout_s: float, *, printed: bool) -> CommandError:
    """The error of a change that is stored, but not live everywhere."""
    behind = plural_rows(answer, "behind")
    if _is_final(answer):
        what = "cannot be live as it stands; what was live before goes on. Correct it and apply it again"
    else:
        what = f"is not live everywhere within {timeout_s:g} s. It is sent again by itself; see `tocsin status`"
    return CommandError(
        f"Revision {revision} is stored, but {what}",
        [behind_line(row) for row in behind],
        exit_code=Exit.PARTLY,
        code="not_live",
        printed=printed,
    )


def behind_line(row: dict[str, Any]) -> str:
    """Where a config is not live, and why."""
    reason = row.get("reason") or "not confirmed yet"
    return f"{row.get('device')} on {row.get('collector')}/{row.get('daemon')}: {reason}"


def _is_final(answer: dict[str, Any]) -> bool:
    """Whether waiting longer cannot help: no device that is behind can take its config."""
    behind = plural_rows(answer, "behind")
    return bool(behind) and all(str(row.get("reason", "")).startswith(FINAL) for row in behind)

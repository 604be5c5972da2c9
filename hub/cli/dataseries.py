"""What the commands about series have in common: which series there are, and what is said when nobody knows now."""

from __future__ import annotations

import time
from typing import Any

from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError, Exit, not_found
from hub.cli.figures import moment, span
from hub.cli.output import plural_rows
from hub.cli.scans import scan_of, where_to_look


def listing_of(api: Api, device: str, component: str | None = None) -> Any:
    """The last values of a device, or of one component.

    Raises:
        CommandError: exit code 3: there are none; says why, or which there are.
    """
    refused = not_found(f"{device} has no series yet; the first sample makes them")
    try:
        document = api.get(path_of("devices", device, "series"), {"component": component})
        if plural_rows(document, "values"):
            return document
    except CommandError as error:
        if error.exit_code is not Exit.NOT_FOUND:
            raise
        refused = error
    if component is not None:
        known = sorted({str(row.get("component")) for row in plural_rows(listing_of(api, device), "values")})
        raise not_found(f"{device} has no series of a component {component!r}", [f"It has: {', '.join(known)}"])
    raise no_series(api, device, refused)


def no_series(api: Api, device: str, refused: CommandError) -> CommandError:
    """The error of a device without series; what the hub said stays when nothing watched has that name."""
    try:
        problem = scan_of(api, device).get("problem")
    except CommandError:
        return refused
    if problem:
        return not_found(f"{device} has no series yet, for it cannot be read: {problem}", [where_to_look(device)])
    return not_found(f"{device} has no series yet; the first sample makes them")


def end_if_stale(document: Any) -> None:
    """After what was last heard of a collector that is away: say so, and have the shell know.

    Raises:
        CommandError: exit code 5.
    """
    if not (isinstance(document, dict) and document.get("stale")):
        return
    heard = moment(document.get("as_of"))
    rows = plural_rows(document, "values") + plural_rows(document, "series")
    what = "What is known" if all(row.get("stale", True) for row in rows) else "Some of this"
    told = "Not all is known" if heard is None else f"{what} was heard {span(time.time() - heard)} ago"
    raise CommandError(f"{told}: {document.get('problem')}", exit_code=Exit.PARTLY, code="stale", printed=True)

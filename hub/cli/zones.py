"""The time zone of this terminal, by its name, so that others write times as its clock shows them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.cli.exits import usage

UTC = "UTC"
LOCAL_TIME = Path("/etc/localtime")
ZONES = "zoneinfo/"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")


def local_zone(environment: Mapping[str, str] = os.environ, local_time: Path = LOCAL_TIME) -> str:
    """Find out its name in the IANA database; UTC where nobody says."""
    said = environment.get("TZ", "").removeprefix(":")
    if said:
        return _name(said)
    try:
        return _name(str(local_time.readlink())) if local_time.is_symlink() else UTC
    except OSError:
        return UTC


def checked(zone: str) -> str:
    """A time zone that somebody typed.

    Raises:
        CommandError: exit code 2: there is none of that name.
    """
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        raise usage(f"--zone {zone}: there is no such time zone; wanted a name such as Europe/Vienna or UTC") from None
    return zone


def _name(text: str) -> str:
    _, _, behind = text.rpartition(ZONES)
    return behind if _NAME.fullmatch(behind) else UTC

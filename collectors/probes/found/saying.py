"""What a probe's file says of itself: in comments of its first lines, or in a file `NAME.toml` beside it (pure).

# tocsin: interval_s = 30, arguments = ["nginx", "sshd"]
"""

from __future__ import annotations

import re
import tomllib
from typing import Annotated

from msgspec import Meta, Struct

from common.errors import SettingsError
from common.settings import read_settings

HEAD_LINES = 30
HEAD_BYTES = 8192
MAX_ARGUMENTS = 100
_LINE = re.compile(r"^[ \t]*(?:#|//|--|;|%|'|REM)[#/;%-]*[ \t]*tocsin:[ \t]*(?P<said>.*?)[ \t]*\r?$", re.MULTILINE)


class Said(Struct, frozen=True, kw_only=True):
    """What a probe says of itself.

    Attributes:
        interval_s: whole seconds from run to run.
        arguments: that it gets.
        user: whom it runs as.
        handler: the template that says what its points are, unless the probe itself says.
        timeout_s: how long a run may take.
        cpu_s: how much CPU time.
        memory_mib: how much address space.
        output_kib: how much it may print.
        files: how many files it may have open.
        nice: how far it stands back behind others.
    """

    interval_s: Annotated[int, Meta(ge=1, le=86400)] | None = None
    arguments: Annotated[tuple[Annotated[str, Meta(max_length=4096)], ...], Meta(max_length=MAX_ARGUMENTS)] = ()
    user: Annotated[str, Meta(max_length=64)] = ""
    handler: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,99})?\Z")] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=3600)] | None = None
    cpu_s: Annotated[int, Meta(ge=1, le=3600)] | None = None
    memory_mib: Annotated[int, Meta(ge=16, le=65536)] | None = None
    output_kib: Annotated[int, Meta(ge=1, le=16384)] | None = None
    files: Annotated[int, Meta(ge=16, le=4096)] | None = None
    nice: Annotated[int, Meta(ge=0, le=19)] | None = None


def said_in(head: str, origin: str) -> Said:
    """What the first lines of a file say.

    Raises:
        SettingsError: something of it cannot be understood.
    """
    lines = "\n".join(head.splitlines()[:HEAD_LINES])
    toml: list[str] = []
    for found in _LINE.finditer(lines):
        number = lines.count("\n", 0, found.start()) + 1
        try:
            table = tomllib.loads(f"said = {{{found['said']}}}")["said"]
        except tomllib.TOMLDecodeError:
            raise SettingsError(
                f"{origin}, line {number}: behind `tocsin:` stand settings as TOML has them, with commas between them, "
                'for example `interval_s = 30, arguments = ["nginx"]`'
            ) from None
        if table:
            toml.append(found["said"])
    return read_settings("\n".join(_lines(toml)), Said, origin) if toml else Said()


def _lines(said: list[str]) -> list[str]:
    """Each pair on a line of its own, so that it can be read as a settings file."""
    merged: dict[str, str] = {}
    for one in said:
        for key, value in tomllib.loads(f"said = {{{one}}}")["said"].items():
            merged[key] = _toml(value)
    return [f"{key} = {value}" for key, value in merged.items()]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return (
            '"'
            + "".join(
                f"\\U{ord(sign):08x}" if sign in '"\\' or ord(sign) < 32 or sign == "\x7f" else sign for sign in value
            )
            + '"'
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int | float) else "{}"

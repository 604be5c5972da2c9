"""Settings files as texts: one value is changed, and comments and all else stay."""

from __future__ import annotations

import json
import re


def with_setting(text: str, section: str, key: str, value: str) -> str:
    """A TOML text with one key set to a TOML value. An empty section is the top of the file."""
    lines = text.splitlines()
    header = f"[{section}]"
    start = 0 if not section else next((n + 1 for n, line in enumerate(lines) if line.strip() == header), -1)
    if start < 0:
        return "\n".join([*lines, *([""] if lines else []), header, f"{key} = {value}", ""])
    for number in range(start, len(lines)):
        if lines[number].lstrip().startswith("["):
            break
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[number]):
            lines[number] = f"{key} = {value}"
            return "\n".join(lines) + "\n"
    return "\n".join([*lines[:start], f"{key} = {value}", *lines[start:]]) + "\n"


def toml_text(value: object) -> str:
    """A TOML string: JSON's escapes are TOML's."""
    return json.dumps(str(value))

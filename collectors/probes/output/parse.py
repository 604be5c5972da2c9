"""What a probe has printed, whichever of the forms it is in (pure)."""

from __future__ import annotations

import re

from collectors.probes.output.nagios import is_nagios, parse_nagios
from collectors.probes.output.objects import parse_json
from collectors.probes.output.parsed import Flaws, Parsed

_BRACKETED = re.compile(r"\[\s*(?:OK|WARN|CRIT|UNKN)")
"""A state in brackets, as some Nagios plugins begin."""
EXPECTED = 'JSON {"component": {"point": number}}, or what a Nagios plugin prints, was expected'


def parse(data: bytes, status: int) -> Parsed:
    """What the output of a probe that ended by itself says.

    Args:
        data: its standard output.
        status: its exit status.
    """
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        flaws = Flaws(text)
        flaws.add(len(data[: error.start].decode("utf-8", "replace")), f"byte {error.start} is no UTF-8 text")
        return Parsed(flaws=flaws.kept)
    stripped = text.lstrip(" \t\r\n")
    if stripped[:1] in {"{", "["} and not _BRACKETED.match(stripped):
        return parse_json(text)
    if is_nagios(text, status):
        return parse_nagios(text.rstrip(), status)
    flaws = Flaws(text)
    if stripped:
        flaws.add(len(text) - len(stripped), EXPECTED)
    elif status == 0:
        flaws.add(0, f"it printed nothing; {EXPECTED}")
    return Parsed(flaws=flaws.kept)

"""Probes that were installed as packages: functions that entry points of the group `tocsin.probes` name."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping

GROUP = "tocsin.probes"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def packaged() -> Mapping[str, str]:
    """`MODULE:NAME` of each, by the name of the probe; it reads the disk."""
    return {
        one.name: one.value
        for one in importlib.metadata.entry_points(group=GROUP)
        if _NAME.fullmatch(one.name) and ":" in one.value
    }

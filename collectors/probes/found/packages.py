"""Probes that were installed as packages: functions that entry points of the group `tocsin.probes` name.

They are imported by the interpreter that runs them, never by the daemon.
"""

from __future__ import annotations

from collections.abc import Iterable

from common.entrypoints import PROBE_NAME, PROBES, Found, found


def packaged() -> Iterable[Found]:
    """All that packages bring, also what is not run; it reads the disk."""
    return found(PROBES, PROBE_NAME)

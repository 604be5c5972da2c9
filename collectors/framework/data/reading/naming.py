"""What a question names, among the series that are kept here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from collectors.framework.data.index import Series, read_devices
from common.errors import NotFoundError
from common.graphtexts import plain

MAX_NAMED = 20


def named(names: Iterable[str]) -> str:
    """Names as a part of a sentence, not too many."""
    different = list(dict.fromkeys(names))
    shown = ", ".join(plain(name)[:80] or "(none)" for name in different[:MAX_NAMED])
    more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
    return f"{shown}{more}" if different else "none yet"


def unknown_device(device: str, root: Path) -> NotFoundError:
    """The error of a device without series; it names some that have."""
    names = named(read_devices(root, MAX_NAMED + 1))
    return NotFoundError(f"No series of a device {device!r} are kept here; devices with series: {names}")


def component_of(device: str, component: str, held: Sequence[Series], root: Path) -> list[Series]:
    """Those of a component.

    Raises:
        NotFoundError: there is none.
    """
    if not held:
        raise unknown_device(device, root)
    found = [series for series in held if series.key.component == component]
    if not found:
        names = named(series.key.component for series in held)
        raise NotFoundError(f"Device {device!r} has no series of a component {component!r}; it has: {names}")
    return found

"""What other packages bring: names under which they put collectors, probes and plugins of the modeler (entry points).

Looking for them imports nothing of theirs; what is wanted is imported when it is wanted, and an error of it is a
sentence that names the package.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Collection

from msgspec import Struct

from common.errors import SettingsError
from common.matching import printable

COLLECTORS = "tocsin.collectors"
PROBES = "tocsin.probes"
PLUGINS = "tocsin.modeler_plugins"

COLLECTOR_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
PLUGIN_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
PROBE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
OWN_COLLECTORS = frozenset({"hub", "process", "modeler", "status", "snmp", "probe", "sim", "collector", "up"})
"""Names that no package may take."""
_ORIGIN = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_MOST_SAID = 300


class Found(Struct, frozen=True):
    """A name that a package brings.

    Attributes:
        origin: `MODULE:NAME` of what it stands for.
        package: its name and version.
        why: it cannot be used; a sentence. Empty when nothing is known against it.
    """

    name: str
    origin: str
    package: str
    why: str = ""


def found(group: str, names: re.Pattern[str], taken: Collection[str] = ()) -> list[Found]:
    """What all packages bring of a group, by name; it reads the disk.

    Where several packages bring one name, that of the first, by the names of the packages, holds.

    Args:
        group: as packages call it.
        names: what a name has to be.
        taken: names that are Tocsin's own.
    """
    told: list[Found] = []
    holders: dict[str, str] = {}
    for package, name, origin in sorted(_entries(group)):
        why = ""
        if not names.fullmatch(name):
            why = f"{_shown(name)} is no name for it; it has to match {names.pattern}"
        elif name in taken:
            why = f"{name} is Tocsin's own; the package has to call it otherwise"
        elif name in holders:
            why = f"{holders[name]} brings {name} already; uninstall one of both"
        elif not _ORIGIN.fullmatch(origin):
            why = f"{_shown(origin)} is no MODULE:NAME"
        else:
            holders[name] = package
        told.append(Found(_shown(name), origin, package, why))
    return sorted(told, key=lambda one: (one.name, bool(one.why), one.package))


def usable(group: str, names: re.Pattern[str], taken: Collection[str] = ()) -> dict[str, Found]:
    """Those of `found` that nothing is known against."""
    return {one.name: one for one in found(group, names, taken) if not one.why}


def load(one: Found) -> object:
    """Import what a name stands for; what that runs is the package's.

    Raises:
        SettingsError: it cannot be had; the sentence names the package.
    """
    entry = importlib.metadata.EntryPoint(one.name, one.origin, "")
    try:
        return entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a package raises is its own affair
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise SettingsError(
            f"{one.name} of the package {one.package} cannot be loaded from {one.origin}: {_shown(reason)}"
        ) from None


def wrong(one: Found, what: str) -> SettingsError:
    """That something was loaded, and is not what it should be: `what` ends the sentence."""
    return SettingsError(f"{one.name} of the package {one.package}: {one.origin} {what}")


def _entries(group: str) -> set[tuple[str, str, str]]:
    """Package, name and origin of each."""
    entries = importlib.metadata.entry_points(group=group)
    return {(_package(one), one.name, one.value.partition("[")[0].strip()) for one in entries}


def _package(entry: importlib.metadata.EntryPoint) -> str:
    if entry.dist is None:
        return "of no name"
    try:
        return _shown(f"{entry.dist.name} {entry.dist.version}")
    except Exception:  # noqa: BLE001 - what a broken package lacks may be of any kind
        return "of no name"


def _shown(text: str) -> str:
    return printable(text, _MOST_SAID)

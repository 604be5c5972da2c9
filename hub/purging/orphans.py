"""Which files at a collector nothing in the model speaks of (pure)."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from common.configs import SERVICE_PROCESS
from common.holdings import HeldAs, HeldFile
from common.series import SeriesKey

MOST_GROUPS = 20_000
LONG_S = 7 * 86_400.0
OWN_SOURCE = "self"
"""Of the series that collectors keep of themselves."""


class Reason(enum.Enum):
    """Why a file is an orphan."""

    LEFT = "left"
    """The device is not in the model."""
    ELSEWHERE = "elsewhere"
    """Another collector has the device now."""
    COMPONENT = "component"
    """The device does not have the component any more."""
    SOURCE = "source"
    """Nothing has such a source any more."""
    ASIDE = "aside"
    """It was set aside: it is broken, of another layout, or held by another collector."""
    UNKNOWN = "unknown"
    """No index knows whose it is."""


class View(Struct, frozen=True):
    """What the hub knows.

    Attributes:
        owner: the collector that has a device; None for one that has none now.
        has: whether the model has a device.
        is_collector: whether a collector bears that name.
        modelled_at: epoch second of the last modelling of a device; None before the first.
        names: of the process sets that it has found, and what their series are kept under; also of absent ones.
        components: names of all components that it has found.
        sources: names of sources that there are.
        moving: what is known of files that follow a device from a daemon of a collector, as a sentence.
    """

    owner: Callable[[str], str | None]
    has: Callable[[str], bool]
    is_collector: Callable[[str], bool]
    modelled_at: Callable[[str], float | None]
    names: Callable[[str], Collection[str]]
    sources: Callable[[], Collection[str]]
    moving: Callable[[str, str, str], str]
    components: Callable[[str], Collection[str]] = lambda _device: ()


class Orphan(Struct, frozen=True, kw_only=True):
    """Files at a daemon of a collector that are orphans for one reason.

    Attributes:
        device, component, source: as far as they are told apart; empty for all, or where nobody knows.
        files, bytes: how many.
        written: epoch second of the newest change of one of them.
        detail: a sentence.
        aside_at: epoch second of when the first of them was set aside; 0 where none was.
    """

    collector: str
    daemon: str = SERVICE_PROCESS
    reason: Reason
    device: str = ""
    component: str = ""
    source: str = ""
    files: int
    bytes: int
    written: float
    detail: str = ""
    aside_at: float = 0.0


Group = tuple[Reason, str, str, str]


class Sorting:
    """Sorts the files of one daemon of a collector; those that are no orphans are only counted.

    What came by a source, as the rows of a walk or what a program names that somebody dropped in, is in no book. So of
    other daemons than that of processes only what has not been written for long is an orphan for its name.

    Attributes:
        files, bytes: of all.
        collector, daemon: whose.
        cut: there were more groups of orphans than are kept.
    """

    def __init__(self, collector: str, view: View, daemon: str = SERVICE_PROCESS, now: float = 0.0) -> None:
        self.collector = collector
        self.daemon = daemon
        self._silent_from = math.inf if daemon == SERVICE_PROCESS else now - LONG_S
        self._view = view
        self._sources = view.sources()
        self._groups: dict[Group, Orphan] = {}
        self._names: dict[str, Collection[str]] = {}
        self.files = self.bytes = 0
        self.cut = False

    def add(self, files: Iterable[HeldFile]) -> None:
        """Sort some in."""
        for file in files:
            self.files += 1
            self.bytes += file.size
            found = self._group(file)
            if found is not None:
                self._count(file, *found)

    def orphans(self) -> list[Orphan]:
        """What was found, in order of reason and name."""
        order = list(Reason)
        return sorted(
            self._groups.values(),
            key=lambda one: (order.index(one.reason), one.device, one.component, one.source),
        )

    def _count(self, file: HeldFile, group: Group, detail: str) -> None:
        before = self._groups.get(group)
        if before is None and len(self._groups) >= MOST_GROUPS:
            self.cut = True
            return
        reason, device, component, source = group
        self._groups[group] = Orphan(
            collector=self.collector,
            daemon=self.daemon,
            reason=reason,
            device=device,
            component=component,
            source=source,
            files=(before.files if before else 0) + 1,
            bytes=(before.bytes if before else 0) + file.size,
            written=max(before.written if before else 0.0, file.written),
            detail=detail,
            aside_at=min(filter(None, (before.aside_at if before else 0.0, file.since)), default=0.0),
        )

    def _group(self, file: HeldFile) -> tuple[Group, str] | None:
        key, view = file.key, self._view
        if key is None:
            if file.held_as is HeldAs.ASIDE:
                return (Reason.ASIDE, "", "", ""), file.reason
            return (Reason.UNKNOWN, "", "", ""), "the index does not know whose they are"
        if key.source == OWN_SOURCE and view.is_collector(key.device):
            return self._aside(file, key)
        if not view.has(key.device):
            return (Reason.LEFT, key.device, "", ""), "the device is not in the model"
        owner = view.owner(key.device)
        if file.held_as is HeldAs.ASIDE:
            return self._aside(file, key)
        if owner is not None and owner != self.collector:
            told = view.moving(key.device, self.collector, self.daemon)
            return (Reason.ELSEWHERE, key.device, "", ""), f"collector {owner} has the device; {told}"
        if file.written >= self._silent_from:
            return None
        if key.source not in self._sources:
            return (Reason.SOURCE, key.device, key.component, key.source), "no template has such a source any more"
        at = view.modelled_at(key.device)
        if at is not None and file.written < at and key.component not in self._names_of(key.device):
            sentence = "the last modelling did not know it, and nothing was written since"
            return (Reason.COMPONENT, key.device, key.component, key.source), sentence
        return None

    def _names_of(self, device: str) -> Collection[str]:
        if device not in self._names:
            of_sets = self.daemon == SERVICE_PROCESS
            self._names[device] = self._view.names(device) if of_sets else {"", *self._view.components(device)}
        return self._names[device]

    @staticmethod
    def _aside(file: HeldFile, key: SeriesKey) -> tuple[Group, str] | None:
        if file.held_as is not HeldAs.ASIDE:
            return None
        return (Reason.ASIDE, key.device, key.component, key.source), file.reason

"""Classes, groups, collectors and plugins that documents name and nobody has: no mistakes, they may come (pure)."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from common.components import PLUGINS
from hub.model.documents import Document, place_in, warning
from hub.model.entities import (
    DEFAULT_CLASS,
    DEFAULT_COLLECTOR,
    Device,
    Entity,
    Pool,
    ProcessSet,
    RetentionPlan,
    key_of,
    lineage,
)
from hub.model.model import Model
from hub.model.templates import Template

NEAR = 0.8
"""From 0 to 1: how alike two names are, of which one may be the other misspelt."""

SHOWN = 10


def warnings_about(
    documents: Collection[Document], before: Model, after: Model, present: Collection[str] = ()
) -> list[str]:
    """Tell which classes, groups, collectors, members of pools and plugins of the modeler may be misspelt.

    Args:
        documents: those that are applied.
        before: the model as it is.
        after: the model as it would be.
        present: collectors that have ever logged in; where there is none, one that has not is no news.
    """
    place = place_in(documents)
    known = _Known(before, after, present)
    found: list[str] = []
    for document in documents:
        entity, key = document.entity, key_of(document.entity)
        told = [("applies_to", one) for one in known.of_set(entity)] if isinstance(entity, ProcessSet) else []
        if isinstance(entity, Device):
            old = before.devices.get(entity.id)
            told = [
                ("class", one) for one in known.of_device(entity, is_new=old is None or old.class_ != entity.class_)
            ]
            if old is None or old.collector != entity.collector:
                told += [("collector", one) for one in known.of_collector(entity.collector)]
        if isinstance(entity, Pool):
            was = before.pools.get(entity.id)
            joining = [name for name in entity.members if was is None or name not in was.members]
            told = [("members", one) for one in known.of_members(joining)]
        told += [("properties.model_plugins", one) for one in _of_plugins(entity)]
        found += (warning(place, key, field, sentence) for field, sentence in told)
    return found


class _Known:
    """The classes, groups, collectors and pools that somebody has."""

    def __init__(self, before: Model, after: Model, present: Collection[str]) -> None:
        self._holders: Counter[str] = Counter()
        self._groups = set(after.groups)
        for (class_, groups), ids in after.by_scope().items():
            self._holders.update(dict.fromkeys(lineage(class_), len(ids)))
            self._groups.update(groups)
        named = [*after.classes, *(class_ for class_, _ in before.by_scope()), DEFAULT_CLASS]
        self._settled = {path for class_ in named for path in lineage(class_)}
        self._settled |= {path for path, many in self._holders.items() if many > 1}
        self._is_first = not present
        self._collectors = {*present, *after.collectors, *before.by_collector()}
        self._collectors |= {name for name, ids in after.by_collector().items() if len(ids) > 1}
        self._collectors |= {name for pool in before.pools.values() for name in pool.members}
        self._collectors -= after.pools.keys()
        self._watchers = self._collectors | after.pools.keys()
        self._watchers |= {name for pool in after.pools.values() for name in pool.members}

    def of_collector(self, name: str) -> Iterator[str]:
        if name in self._watchers:
            return
        nobody = f"no other device names the collector or pool '{name}', and no document has it"
        if near := _nearly(name, self._watchers):
            yield f"{nobody}{_meant(near)}"
        elif not self._is_first and name != DEFAULT_COLLECTOR:
            yield f"{nobody}; no collector of that name has ever logged in"

    def of_members(self, names: Iterable[str]) -> Iterator[str]:
        strange = [name for name in names if name not in self._collectors and name != DEFAULT_COLLECTOR]
        meant = {name: _nearly(name, self._collectors) for name in strange}
        for name, near in meant.items():
            if near:
                yield f"no collector '{name}' has ever logged in, and no document has it{_meant(near)}"
        rest = [f"'{name}'" for name, near in meant.items() if not near]
        if rest and not self._is_first:
            more = f" and {len(rest) - SHOWN} more" if len(rest) > SHOWN else ""
            yield (
                f"no collector of this name has ever logged in, and no document has it: "
                f"{', '.join(rest[:SHOWN])}{more}; such a member gets no devices before it logs in"
            )

    def of_set(self, definition: ProcessSet) -> Iterator[str]:
        for scope in definition.applies_to:
            if scope.startswith("/"):
                if scope not in self._settled and scope not in self._holders:
                    yield f"no device is of the class '{scope}', and no document has it{self._like(scope)}"
            elif scope not in self._groups:
                hint = _meant(difflib.get_close_matches(scope, sorted(self._groups), n=1, cutoff=0.6))
                yield f"no device is in the group '{scope}', and no document has it{hint}"

    def of_device(self, device: Device, *, is_new: bool) -> Iterator[str]:
        if is_new and device.class_ not in self._settled and (hint := self._like(device.class_)):
            yield f"no other device is of the class '{device.class_}', and no document has it{hint}"

    def _like(self, class_: str) -> str:
        """Suggest a class, where the first part of this one that is new is nearly another one."""
        path = next(one for one in lineage(class_) if one not in self._settled)
        top, _, word = path.rpartition("/")
        beside = {one.rpartition("/")[2] for one in self._settled if one != "/" and one.rpartition("/")[0] == top}
        return _meant(f"{top}/{one}{class_.removeprefix(path)}" for one in _nearly(word, beside))


def _of_plugins(entity: Entity) -> Iterator[str]:
    """Plugins that do not come with Tocsin; only a modeler knows what packages it has."""
    if isinstance(entity, ProcessSet | Template | RetentionPlan):
        return
    named = entity.properties.get("model_plugins", ())
    for name in named if isinstance(named, tuple) else ():
        if name not in PLUGINS:
            yield (
                f"'{name}' is no plugin that comes with Tocsin{_meant(_nearly(name, PLUGINS))}; a modeler that has no "
                "package with it says so in an event of the device"
            )


def _nearly(word: str, names: Iterable[str]) -> list[str]:
    """The name that this one may be, misspelt."""
    bare = _without_digits(word)
    return difflib.get_close_matches(
        word, sorted(one for one in names if _without_digits(one) != bare), n=1, cutoff=NEAR
    )


def _without_digits(word: str) -> str:
    """Names that differ only by number are names of different things."""
    return "".join(letter for letter in word if not letter.isdigit())


def _meant(names: Iterable[str]) -> str:
    return "".join(f"; did you mean '{name}'?" for name in names)

"""What a set of documents would change in the model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec import Struct

from common.errors import SettingsError
from hub.interfaces import DocumentChange
from hub.model.entities import (
    KIND_DEVICE,
    Entity,
    Key,
    decode_entity,
    encode_entity,
    key_of,
)
from hub.model.impact import concerned
from hub.model.kinds import KINDS
from hub.model.model import Model
from hub.model.soundness import Where, check, nowhere

MAX_REPORTED = 20


class Change(Struct, frozen=True, kw_only=True):
    """A change that may be committed.

    Attributes:
        before, after: the model; `after` has the number of the revision that it would be.
        documents: those that come, change or go, as they are stored.
        devices: ids, in order, of those whose configs may change; from the service those whose configs do.
        warnings: what is not wrong in the files that it comes from, but should be otherwise.
    """

    before: Model
    after: Model
    created: tuple[Key, ...]
    changed: tuple[Key, ...]
    removed: tuple[Key, ...]
    unchanged: int
    documents: tuple[DocumentChange, ...]
    devices: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """What it changes, in words."""
        parts = [
            f"{_counted(keys)} {verb}"
            for keys, verb in ((self.created, "added"), (self.changed, "changed"), (self.removed, "removed"))
            if keys
        ]
        return "; ".join(parts) or "nothing changed"


def plan(
    model: Model,
    wanted: Iterable[Entity],
    gone: Collection[Key] = (),
    where: Where = nowhere,
    warnings: Iterable[str] = (),
) -> Change:
    """Compare what is wanted with what is there.

    Args:
        model: as it is.
        wanted: entities that shall be there as they are here.
        gone: documents that shall not be there.
        where: where a document stands, for messages.
        warnings: what is not wrong with the wanted ones, but should be otherwise.

    Raises:
        SettingsError: a document would refer to what is not there, or a device could not be watched afterwards.
    """
    created: list[Key] = []
    changed: list[Key] = []
    after: dict[Key, Entity | None] = {}
    unchanged = 0
    for entity in wanted:
        key = key_of(entity)
        present = model.get(key)
        if present == entity:
            unchanged += 1
            continue
        (created if present is None else changed).append(key)
        after[key] = entity
    removed = [key for key in gone if model.get(key) is not None]
    after.update(dict.fromkeys(removed))
    model_after = model.changed(model.revision + 1, after) if after else model
    devices = concerned(model, model_after, after)
    check(model_after, after, devices, where)
    return Change(
        before=model,
        after=model_after,
        created=tuple(created),
        changed=tuple(changed),
        removed=tuple(removed),
        unchanged=unchanged,
        documents=tuple(_document(key, model.get(key), entity) for key, entity in after.items()),
        devices=tuple(devices),
        warnings=tuple(warnings),
    )


def plan_back(model: Model, number: int, rows: Iterable[tuple[str, str, str | None]]) -> Change:
    """Plan the way back to a revision.

    Args:
        model: as it is.
        number: of the revision.
        rows: what was changed since then, as it was then: kind, id and what was stored, None for nothing.

    Raises:
        SettingsError: what was stored then cannot be read any more, or a device could not be watched so.
    """
    wanted: list[Entity] = []
    gone: list[Key] = []
    wrong: list[str] = []
    for kind, id_, body in rows:
        try:
            if body is not None:
                wanted.append(decode_entity(kind, body))
            elif kind in KINDS:
                gone.append((kind, id_))
        except (msgspec.DecodeError, KeyError) as error:
            wrong.append(f"{kind} {id_}: {error}")
    if wrong:
        raise SettingsError(
            f"the model cannot go back to revision {number}: this version of Tocsin does not understand "
            "documents that were there then; nothing was changed",
            wrong[:MAX_REPORTED],
        )
    change = plan(model, wanted, gone)
    touched = len(change.changed) + len(change.removed)
    return msgspec.structs.replace(change, unchanged=sum(1 for _ in model.entities()) - touched)


def left_out(model: Model, wanted: Sequence[Entity]) -> list[Key]:
    """What is there but not wanted, of those kinds that the wanted ones have."""
    keys = {key_of(entity) for entity in wanted}
    kinds = {kind for kind, _ in keys}
    return [key for entity in model.entities() if (key := key_of(entity))[0] in kinds and key not in keys]


def _document(key: Key, before: Entity | None, after: Entity | None) -> DocumentChange:
    return DocumentChange(
        kind=key[0],
        id=key[1],
        before=None if before is None else encode_entity(before),
        after=None if after is None else encode_entity(after),
    )


def _counted(keys: Collection[Key]) -> str:
    """Say how many of which kind; a single one by its name."""
    by_kind: dict[str, list[str]] = {}
    for kind, id_ in keys:
        by_kind.setdefault(kind, []).append(id_)
    words = []
    for kind, ids in sorted(by_kind.items(), key=lambda pair: pair[0] != KIND_DEVICE):
        title = KINDS[kind].title
        several = f"{title}es" if title.endswith("s") else f"{title}s"
        words.append(f"{title} {ids[0]}" if len(ids) == 1 else f"{len(ids)} {several}")
    return ", ".join(words)

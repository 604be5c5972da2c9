"""What is wrong with collectors and pools only when all documents are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from hub.model.entities import (
    KIND_COLLECTOR,
    KIND_POOL,
    Key,
    Pool,
)
from hub.model.model import Model
from hub.model.unread import ALL_READ, Unread
from hub.model.wrong import Wrong

MAX_NAMED = 20


def wrong_with_pools(after: Model, keys: Collection[Key], unread: Unread = ALL_READ) -> list[Wrong]:
    """Tell what a change would make wrong.

    Args:
        after: the model as it would be.
        keys: of the documents that come, change or go.
        unread: documents that are there and are not in the model.
    """
    touched = {key for key in keys if key[0] in {KIND_COLLECTOR, KIND_POOL}}
    if not touched:
        return []
    found: list[Wrong] = []
    for kind, id_ in sorted(touched):
        if kind == KIND_POOL and id_ not in after.pools:
            found += _of_gone(after, id_, unread)
        elif id_ in after.pools and id_ in after.collectors:
            sentence = "there is a collector and a pool of this name; devices could not tell which they mean"
            if kind == KIND_POOL or (KIND_POOL, id_) not in touched:
                found.append(Wrong((kind, id_), (), sentence))
    came = {id_ for kind, id_ in touched if kind == KIND_POOL and id_ in after.pools}
    for pool in after.pools.values():
        if pool.id in came or came.intersection(pool.members):
            found += _of_members(after, pool)
    return found


def _of_members(model: Model, pool: Pool) -> Iterator[Wrong]:
    for name in pool.members:
        if name == pool.id:
            sentence = "a pool is no member of itself; give it another name than its collectors have"
            yield Wrong((KIND_POOL, pool.id), ("members",), sentence)
        elif name in model.pools:
            sentence = f"'{name}' is a pool itself; name its collectors ({', '.join(model.pools[name].members)})"
            yield Wrong((KIND_POOL, pool.id), ("members",), sentence)


def _of_gone(model: Model, id_: str, unread: Unread) -> Iterator[Wrong]:
    """A pool that goes, while devices name it."""
    left = model.by_collector().get(id_, ())
    if left and id_ not in model.collectors and not unread.may_have((KIND_COLLECTOR, id_)):
        them = f"device {left[0]} names" if len(left) == 1 else f"{len(left)} devices name"
        yield Wrong(
            (KIND_POOL, id_), (), f"would be removed, and {them} it{_named(left)}; move them to another one first"
        )


def _named(devices: Sequence[str]) -> str:
    if len(devices) == 1:
        return ""
    more = f" and {len(devices) - MAX_NAMED} more" if len(devices) > MAX_NAMED else ""
    return f" ({', '.join(sorted(devices)[:MAX_NAMED])}{more})"

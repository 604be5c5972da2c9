"""What a change does, field by field; secrets are only said to be set, and to change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from hub.interfaces import DocumentChange
from hub.model.entities import KIND_PROCESS_SET, decode_entity
from hub.model.plain import document_of, fields_of
from hub.model.properties import CATALOGUE, HIDDEN, is_secret
from hub.model.templates import KIND_TEMPLATE, SECTIONS

CREATED, CHANGED, REMOVED = "created", "changed", "removed"
PROPERTIES = "properties"
DROPPED = "(dropped)"

_NESTED = frozenset({KIND_PROCESS_SET, KIND_TEMPLATE})
"""Kinds whose entries have fields with defaults."""

Path = tuple[str, ...]
"""Names of fields, from the outermost in."""


class FieldChange(Struct, frozen=True):
    """One field before and after.

    Attributes:
        field: its path, for example `count.min`.
        old, new: plain values; None where nothing is said. A secret is `(set)`, also when it changes.
    """

    field: str
    old: Any
    new: Any


class Difference(Struct, frozen=True, kw_only=True):
    """One document before and after.

    Attributes:
        what: `created`, `changed` or `removed`.
        fields: those that differ, in the order of the document; of one that is new or gone, those that it says.
    """

    kind: str
    id: str
    what: str
    fields: tuple[FieldChange, ...]


def differences(changes: Iterable[DocumentChange]) -> list[Difference]:
    """Tell changes of documents field by field, in their order."""
    return [_difference(change) for change in changes]


def field_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], is_hidden: Callable[[Path], bool]
) -> tuple[FieldChange, ...]:
    """Compare two mappings of plain values name by name, the mappings in them as well.

    Args:
        before: what was.
        after: what is.
        is_hidden: whether the value at a path must not be shown.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = [*new, *(path for path in old if path not in new)]
    return tuple(
        FieldChange(".".join(path), *(HIDDEN if value and is_hidden(path) else value for value in values))
        for path in paths
        if not _same(*(values := (old.get(path), new.get(path))))
    )


def _difference(change: DocumentChange) -> Difference:
    whole = change.before is not None and change.after is not None
    before, after = _body(change.kind, change.before, full=whole), _body(change.kind, change.after, full=whole)
    if whole and change.kind in _NESTED:
        terse = [_body(change.kind, body, full=False) for body in (change.before, change.after)]
        before, after = _as_said(before, terse[0], after), _as_said(after, terse[1], before)
    what = CHANGED if whole else CREATED if change.before is None else REMOVED
    return Difference(kind=change.kind, id=change.id, what=what, fields=field_changes(before, after, _is_secret))


def _body(kind: str, body: str | None, *, full: bool) -> dict[str, Any]:
    """The fields of what was stored; of a body that this version does not know, those that stand there."""
    if body is None:
        return {}
    try:
        entity = decode_entity(kind, body)
    except (msgspec.DecodeError, KeyError):
        raw = msgspec.json.decode(body)
        fields = raw if isinstance(raw, dict) else {"body": raw}
    else:
        fields = fields_of(entity) if full else document_of(entity)
    return {name: _with_drops(name, value) for name, value in fields.items() if name not in {"kind", "id"}}


def _with_drops(field: str, value: Any) -> Any:
    """A field's value; an entry of a template that only drops one is told by a word."""
    if field not in SECTIONS or not isinstance(value, Mapping):
        return value
    return {id_: DROPPED if entry is None else entry for id_, entry in value.items()}


def _as_said(full: Mapping[str, Any], terse: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A body; of an entry that the other side does not have, only what is not at its default."""
    found = {}
    for name, value in full.items():
        if name not in other:
            found[name] = terse.get(name, value)
        elif isinstance(value, Mapping) and isinstance(other[name], Mapping):
            found[name] = _as_said(value, terse.get(name, {}), other[name])
        else:
            found[name] = value
    return found


def _leaves(fields: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, value in fields.items():
        path = (*above, name)
        if isinstance(value, Mapping) and not value and not len(path) % 2:
            yield path, {}  # ids are in turn with fields: an entry that says nothing
        elif isinstance(value, Mapping):
            yield from _leaves(value, path)
        else:
            yield path, value


def _same(old: object, new: object) -> bool:
    """Whether two values are the same; true is not 1."""
    return old == new and isinstance(old, bool) == isinstance(new, bool)


def _is_secret(path: Path) -> bool:
    """Whether a value must not be shown; of properties, one that is not known is not shown either."""
    if PROPERTIES in path[:-1]:
        return is_secret(path[path.index(PROPERTIES) + 1])
    return path[-1] in CATALOGUE and CATALOGUE[path[-1]].secret

"""The status tree: a pass as branches and leaves, and what is answered from it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from collectors.status.leaves import DISK, FURTHER, INODES, NETWORK, PROCESS, LeafKind
from collectors.status.passes import Found, FoundProcesses, Pass, State
from collectors.status.rows import rows_of
from collectors.status.wishes import key_of
from common.sources import StatusSource
from common.statustree import error_json, invalid, parts_of

PROBLEM = "problem"
"""Beside the leaves of what could not be read: why there are no values."""
_WHY = LeafKind(figure="", description="why there are no values")
_SHARES = frozenset({"cpu", "cpus"})
"""Items whose figures are shares of the time between two passes."""
_NOBODY = frozenset({State.ABSENT, State.GONE})
"""What a name is in that no process has, or has any more: its branch is empty, as that of other servers."""
_SELDOM_ALL = frozenset({"sensors"})
"""Items of which nothing has all figures."""


class Leaf(Struct, frozen=True):
    """A value, what it is, and how it was read."""

    value: Any
    kind: LeafKind
    found: Found


Branch = dict[str, "Branch | Leaf"]


def tree_of(now: Pass, before: Pass | None, *, inodes: bool) -> Branch:
    """All that a pass has read.

    Args:
        now: the pass.
        before: the one before it, for shares of the time between them.
        inodes: with the inodes of filesystems, beside their room.
    """
    disks = keys_of(now.items.get("disks", {}))
    tree: Branch = {
        "disk": {key: _figures(found, DISK) for key, found in disks.items()},
        "network": {_text(name): _figures(found, NETWORK) for name, found in now.items.get("interfaces", {}).items()},
        "process": _processes(now),
    }
    if inodes and disks:
        tree["inodes"] = {key: _figures(found, INODES) for key, found in disks.items()}
    for item, kinds in FURTHER.items():
        if item in now.items:
            tree[item] = _further(item, kinds, now, before)
    return tree


def keys_of(disks: Mapping[str, Found]) -> dict[str, Found]:
    """What disks are called in the tree; of two that would be called the same, the later one gets a number."""
    keys: dict[str, Found] = {}
    for disk, found in disks.items():
        key = first = _text(key_of(disk))
        number = 1
        while key in keys:
            number += 1
            key = f"{first}~{number}"
        keys[key] = found
    return keys


def answer(tree: Branch, path: str, wall: float, *, metadata: bool) -> tuple[bool, bytes]:
    """Whether there is such a path, and what is there, or the error, as JSON.

    Args:
        tree: all of it.
        path: as it was asked for, still quoted.
        wall: epoch seconds now, for ages.
        metadata: with what is known of each leaf.
    """
    found = find(tree, path)
    if found is None:
        return False, error_json(invalid(path))
    if isinstance(found, Leaf) and not metadata:
        return True, msgspec.json.encode({"value": found.value})
    return True, msgspec.json.encode(_described(found, wall) if metadata else _plain(found))


def find(tree: Branch, path: str) -> Branch | Leaf | None:
    """What a quoted path leads to; one whose slashes are quoted, too, is what it would be without that."""
    found = _follow(tree, parts_of(path))
    if found is None and "%2f" in path.lower():
        found = _follow(tree, parts_of(path.replace("%2f", "/").replace("%2F", "/")))
    return found


def _follow(tree: Branch, parts: list[str] | None) -> Branch | Leaf | None:
    if parts is None:
        return None
    here: Branch | Leaf = tree
    for part in parts:
        if isinstance(here, Leaf) or part not in here:
            return None
        here = here[part]
    return here


def _plain(node: Branch | Leaf) -> Any:
    if isinstance(node, Leaf):
        return node.value
    return {name: _plain(part) for name, part in node.items()}


def _described(node: Branch | Leaf, wall: float) -> dict[str, Any]:
    if not isinstance(node, Leaf):
        return {name: _described(part, wall) for name, part in node.items()}
    kind, found = node.kind, node.found
    told: dict[str, Any] = {
        "value": node.value,
        "writeable": False,
        "type": type(node.value).__name__,
        "units": kind.units,
        "description": kind.description,
        "age_s": round(max(0.0, wall - found.at), 3),
        "state": found.state.value,
    }
    if kind.minimum is not None:
        told["min"] = kind.minimum
    if kind.maximum is not None:
        told["max"] = kind.maximum
    if found.state is not State.OK:
        told["reason"] = _text(found.sentence)
    return told


# --- what a pass has read ---------------------------------------------------------------------------------------------


def _figures(found: Found, kinds: Mapping[str, LeafKind], values: Mapping[str, Any] | None = None) -> Branch:
    """The leaves of one thing; where it could not be read they are all there, without values."""
    given = found.figures if values is None else values
    branch: Branch = {name: Leaf(_shown(given.get(kind.figure), kind), kind, found) for name, kind in kinds.items()}
    return _with_problem(branch, found)


def _with_problem(branch: Branch, found: Found) -> Branch:
    if found.state is not State.OK:
        branch[PROBLEM] = Leaf(_text(found.sentence or found.state.value), _WHY, found)
    return branch


def _further(item: str, kinds: Mapping[str, LeafKind], now: Pass, before: Pass | None) -> Branch:
    shares: Mapping[str, Mapping[str, Any]] | None = None
    if item in _SHARES:
        source = StatusSource(id=item, template=item, item=item, interval_s=1)
        shares = {row.component: row.values for row in rows_of(source, now, before)}
    branches: Branch = {}
    for name, found in now.items[item].items():
        values = None if shares is None else shares.get(name, {})
        branch = _figures(found, kinds, values)
        if item in _SELDOM_ALL and found.state is State.OK:
            branch = {key: leaf for key, leaf in branch.items() if isinstance(leaf, Leaf) and leaf.value is not None}
        if values is None:
            known = {kind.figure for kind in kinds.values()}
            branch |= {_text(more): _more(value, found) for more, value in found.figures.items() if more not in known}
        if not name:
            return branch
        branches[_text(name)] = branch
    return branches


def _more(value: Any, found: Found) -> Branch | Leaf:
    """A figure that the tree alone has."""
    if isinstance(value, Mapping):
        return {_text(str(name)): _more(part, found) for name, part in value.items()}
    return Leaf(_value(value), LeafKind(figure=""), found)


def _processes(now: Pass) -> Branch:
    names: dict[str, Branch] = {}
    for wanted, found in now.processes.items():
        branch = names.setdefault(_text(wanted.name), {})
        branch |= _running(found)
        if found.state not in _NOBODY:
            _with_problem(branch, found)
    return {**names}


def _running(found: FoundProcesses) -> Branch:
    return {
        str(pid): {
            name: Leaf(_shown(getattr(process, kind.figure), kind), kind, found) for name, kind in PROCESS.items()
        }
        for pid, process in sorted(found.processes.items())
    }


def _shown(value: Any, kind: LeafKind) -> Any:
    return round(value, kind.decimals) if kind.decimals is not None and isinstance(value, float) else _value(value)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple | list):
        return [_value(part) for part in value]
    return value


def _text(text: str) -> str:
    """Text that JSON can have, whatever bytes a host has made it of."""
    return text.encode("utf-8", "replace").decode()

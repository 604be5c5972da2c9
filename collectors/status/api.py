"""What is answered to a request for the status tree, as an odin-control server would (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from collectors.status.tree import Branch, answer
from common.errors import TransientError
from common.statustree import JSON, Refusal, refusal, unquoted, wants_metadata

VERSION = "0.1"
SUBSYSTEM = "status"
MODULE = "collectors.status"
ROOT = f"/api/{VERSION}/{SUBSYSTEM}/"


class Request(Struct, frozen=True, kw_only=True):
    """What was asked.

    Attributes:
        path: still quoted, without parameters.
        hosts, accepted, content_types: what stands in these headers.
    """

    method: str
    path: str
    hosts: Sequence[str] = ()
    accepted: Sequence[str] = ()
    content_types: Sequence[str] = ()


class Reply(Struct, frozen=True):
    """What is answered."""

    status: int
    content_type: str
    data: bytes


def reply(request: Request, tree: Callable[[], Branch], wall: float, software: str) -> Reply:
    """Answer a request.

    Args:
        request: whoever may have sent it.
        tree: gives the newest one; raises a `TransientError` while there is none.
        wall: epoch seconds.
        software: version of this program.
    """
    if not all(is_own(host) for host in request.hosts):
        return _refused(Refusal(403, "The status tree is for this host alone; ask for it as 127.0.0.1 or localhost"))
    path = request.path.removeprefix("/api")
    if path == request.path or (path and not path.startswith("/")):
        return _refused(Refusal(404, f"There is nothing at {unquoted(request.path)[:200]}; the tree is at {ROOT}"))
    refused = refusal(request.method, request.content_types, request.accepted)
    if refused is not None:
        return _refused(refused)
    version, _, rest = path.removeprefix("/").partition("/")
    if not version:
        return _json({"version": VERSION})
    if version in {SUBSYSTEM, "adapters"}:  # as servers of odin-control without a version in their paths
        rest = path.removeprefix("/")
    elif version != VERSION:
        return _refused(Refusal(400, f"API version {unquoted(version)[:100]} is not supported"))
    subsystem, _, rest = rest.partition("/")
    if subsystem == "adapters" and not rest:
        return _json({"adapters": {SUBSYSTEM: {"version": software, "module": MODULE}}})
    if subsystem != SUBSYSTEM:
        return _refused(Refusal(400, f"No API adapter registered for subsystem {unquoted(subsystem)[:100]}"))
    try:
        found, data = answer(tree(), rest, wall, metadata=wants_metadata(request.accepted))
    except TransientError as error:
        return _refused(Refusal(503, error.message, is_json=True))
    return Reply(200 if found else 400, JSON, data)


def is_own(host: str) -> bool:
    """Whether a Host header names this host by its loopback: pages of others could ask for a visitor otherwise."""
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if name.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _json(document: object) -> Reply:
    return Reply(200, JSON, msgspec.json.encode(document))


def _refused(refused: Refusal) -> Reply:
    return Reply(refused.status, refused.content_type, refused.data)

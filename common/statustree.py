"""The status tree as it is asked for: paths, kinds of answer, refusals, as clients of odin-control know them (pure).

A path is parted by "/". A branch answers an object, a leaf `{"value": X}`, and with metadata each leaf is an object of
its value and what is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Meta, Struct

from common.names import DeviceId

MAX_PATH = 8192
JSON = "application/json"
_BODIES = frozenset({JSON, "application/vnd.odin-native"})
_ADAPTER = "SystemStatusAdapter"
"""What clients of odin-control expect to be told of."""

MAX_PART_BYTES = 128 * 1024
MAX_PARTS = 256


class StatusQuery(Struct, frozen=True, tag=True, kw_only=True):
    """A branch or a leaf of the status tree of a collector's own host, as JSON.

    Attributes:
        path: as it was asked for, still quoted.
        metadata: with what is known of each leaf.
        part: which part of the answer, from 0.
        digest: of the answer that further parts are asked of; empty with the first one.
    """

    device: DeviceId
    path: Annotated[str, Meta(max_length=MAX_PATH)] = ""
    metadata: bool = False
    part: Annotated[int, Meta(ge=0, lt=MAX_PARTS)] = 0
    digest: Annotated[str, Meta(max_length=64)] = ""


class StatusBranch(Struct, frozen=True, tag=True, kw_only=True):
    """What is there.

    Attributes:
        found: False: there is no such path; `data` is then the error as JSON.
        data: JSON, or a part of it.
        parts: how many there are.
    """

    found: bool
    data: bytes
    parts: int = 1
    digest: str = ""


class Refusal(Struct, frozen=True):
    """An HTTP status that is no success, and the text that goes with it."""

    status: int
    text: str
    is_json: bool = False

    @property
    def content_type(self) -> str:
        """Of the text."""
        return JSON if self.is_json else "text/plain; charset=utf-8"

    @property
    def data(self) -> bytes:
        """What is sent."""
        return error_json(self.text) if self.is_json else f"{self.text}\n".encode()


def error_json(text: str) -> bytes:
    """An error in the form of the tree."""
    return msgspec.json.encode({"error": text})


def invalid(path: str) -> str:
    """What is said of a path that leads nowhere."""
    return f"Invalid path: {unquoted(path)}"


def unquoted(path: str) -> str:
    """A path as people read it."""
    return unquote_to_bytes(path).decode("utf-8", "replace")


def parts_of(path: str) -> list[str] | None:
    """The parts of a quoted path, unquoted each by itself, so that a name may have a "/" in it.

    One "/" at the end is fine. None where it is no path: it begins with "/", has an empty part, or bytes that are no
    UTF-8.
    """
    parts = path.removesuffix("/").split("/") if path else []
    if parts == [""]:
        return None
    try:
        found = [unquote_to_bytes(part).decode() for part in parts]
    except UnicodeDecodeError:
        return None
    return None if "" in found else found


def refusal(method: str, content_types: Sequence[str], accepted: Sequence[str]) -> Refusal | None:
    """Why a request is not answered from the tree, whatever its path; None when it is.

    Args:
        method: in capitals.
        content_types: what stands in the headers Content-Type.
        accepted: what stands in the headers Accept.
    """
    if method in {"GET", "HEAD"}:
        return None if takes_json(accepted) else NOT_ACCEPTABLE
    if method in {"PUT", "POST"} and any(_bare(kind) not in _BODIES for kind in content_types):
        return Refusal(415, f"Request content type ({content_types[0][:100]}) not supported")
    if not takes_json(accepted):
        return NOT_ACCEPTABLE
    return Refusal(405, f"{_ADAPTER} does not support {method[:20]} requests", is_json=True)


NOT_ACCEPTABLE = Refusal(406, "Requested content types not supported")


def takes_json(accepted: Sequence[str]) -> bool:
    """Whether a client takes JSON; one that does not say what it takes does."""
    kinds = [_bare(kind) for header in accepted for kind in header.split(",")]
    return not kinds or any(kind in {JSON, "application/*", "*/*", "application/vnd.odin-native"} for kind in kinds)


def wants_metadata(accepted: Sequence[str]) -> bool:
    """Whether a client asks for what is known of each leaf: `application/json;metadata=true`."""
    return any(
        parameter.replace(" ", "").lower() == "metadata=true"
        for kind in _kinds(accepted)
        for parameter in kind.split(";")[1:]
    )


def _kinds(headers: Iterable[str]) -> Iterable[str]:
    return (kind for header in headers for kind in header.split(","))


def _bare(kind: str) -> str:
    return kind.partition(";")[0].strip().lower()

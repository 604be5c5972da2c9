"""Where a document lies in a folder: `KIND/ID.yaml`, with names that every file system takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import quote

SUFFIX = ".yaml"
LONGEST = 120
"""Characters of a name; file systems take 255 bytes, with the suffix."""


def paths_of(keys: Iterable[tuple[str, str]]) -> list[PurePosixPath]:
    """A path for each kind and id, in their order.

    An id that is a path itself, such as that of a device class, becomes folders. What is no letter, digit, blank or one
    of `_.-~` is written as in a URL. Two paths never differ only in upper and lower case.
    """
    taken: set[str] = set()
    found = []
    for kind, id_ in keys:
        path, number = _path(kind, id_), 1
        while str(path).casefold() in taken:
            number += 1
            path = path.with_name(f"{_path(kind, id_).name.removesuffix(SUFFIX)}~{number}{SUFFIX}")
        taken.add(str(path).casefold())
        found.append(path)
    return found


def _path(kind: str, id_: str) -> PurePosixPath:
    parts = [part for part in id_.split("/") if part] if id_.startswith("/") else [id_]
    *above, name = [_name(part) for part in parts] or [_name(id_)]
    # A folder must not have the name of a file.
    folders = [folder.replace(".", "%2E") if folder.endswith(SUFFIX) else folder for folder in above]
    return PurePosixPath(_name(kind), *folders, name + SUFFIX)


def _name(text: str) -> str:
    name = quote(text, safe=" ")
    if name.startswith((".", " ")):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) <= LONGEST:
        return name or "%"
    return f"{name[: LONGEST - 17]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"

"""Files that a command writes: whole or not there, and with secrets for their owner only."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from hub.cli.exits import CommandError
from hub.cli.files import SUFFIXES

PRIVATE = 0o600
MAX_NAMED = 10


def write_files(root: Path, files: Mapping[str, str], *, private: bool, what: str) -> None:
    """Write files; each is whole or not there, and one with secrets is its owner's only, from the first byte on.

    Args:
        root: the folder, or the file itself where a name is empty.
        files: texts by name.
        private: they have secrets.
        what: is being written, for the message.

    Raises:
        CommandError: one could not be written.
    """
    try:
        for name, text in files.items():
            target = root / name if name else root
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.{os.getpid()}")
            partial.unlink(missing_ok=True)
            mode = PRIVATE if private else 0o666
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
                file.write(text)
            partial.replace(target)
    except OSError as error:
        where = error.filename or root
        raise CommandError(f"{where}: {error.strerror or error}; the {what} is not complete") from None


def other_documents(root: Path, names: Collection[str]) -> list[str]:
    """YAML files below a folder that are not among those with these names."""
    if "" in names:
        return []
    written = {root / name for name in names}
    return [str(path) for path in sorted(root.rglob("*")) if path.suffix in SUFFIXES and path not in written]


def others_sentence(root: Path, others: Collection[str], what: str) -> str:
    """A remark about YAML files that would be applied with what was written."""
    named = [*others][:MAX_NAMED]
    more = f" and {len(others) - MAX_NAMED} more" if len(others) > MAX_NAMED else ""
    return (
        f"Below {root} there are YAML files that are not of this {what}: {', '.join(named)}{more}. "
        "Applying the folder would apply them as well; remove what is old"
    )

"""Files of documents that the command line names."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.cli.exits import CommandError, usage
from hub.cli.output import note

SUFFIXES = (".yaml", ".yml")
STDIN_NAME = "<stdin>"
MAX_FILE_BYTES = 4 * 1024 * 1024


def read_files(paths: Sequence[str]) -> list[dict[str, str]]:
    """Read all YAML files that the paths name, each once, in order.

    Raises:
        CommandError: exit code 2 for a path that is not there or cannot be read, or has no YAML file.
    """
    found: dict[Path, str] = {}
    files: list[dict[str, str]] = []
    for name in paths:
        if name == "-":
            files.append({"path": STDIN_NAME, "text": _decoded(STDIN_NAME, sys.stdin.buffer.read())})
            continue
        for path in _yaml_files(Path(name)):
            if path.resolve() not in found:
                found[path.resolve()] = str(path)
                files.append({"path": str(path), "text": _text(path)})
    if not files:
        raise usage(f"There is no {' or '.join(SUFFIXES)} file in {', '.join(paths)}")
    return files


def look_for_documents(files: Sequence[dict[str, str]]) -> None:
    """Name the files that have no document.

    Raises:
        CommandError: exit code 2: none of them has any.
    """
    empty = [file["path"] for file in files if not _has_document(file["text"])]
    if len(empty) == len(files):
        raise usage(f"There is no document in {', '.join(empty)}; nothing was applied")
    for path in empty:
        note(f"{path} has no document")


def _has_document(text: str) -> bool:
    """Whether there is more than comments and the marks between documents."""
    return any(
        line and not line.startswith(("#", "%")) and line.split("#")[0].strip() not in {"---", "..."}
        for line in map(str.strip, text.splitlines())
    )


def _yaml_files(path: Path) -> Iterator[Path]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise usage(f"-f {path}: {error.strerror or error}") from None
    if not stat.S_ISDIR(mode):
        yield path
        return
    for below in sorted(path.rglob("*")):
        if below.suffix in SUFFIXES and below.is_file():
            yield below


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CommandError(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB; split it")
        return _decoded(str(path), path.read_bytes())
    except OSError as error:
        raise usage(f"-f {path}: {error.strerror or error}") from None


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(
            f"{name}:{line}: byte {error.object[error.start]:#04x} is no UTF-8; save the file as UTF-8"
        ) from None

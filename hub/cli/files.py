"""Files of documents that the command line names."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.cli.exits import CommandError, usage
from hub.cli.output import note
from hub.model.yaml import secret_references

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


def with_secrets(files: Sequence[dict[str, str]]) -> list[dict[str, object]]:
    """Read what `!secret file:NAME` and `!secret env:NAME` stand for, here where the files and the environment are.

    A file is looked for beside the YAML file, and its first line is the secret.

    Raises:
        CommandError: exit code 2: one of them cannot be read; names the line that wants it.
    """
    return [{**file, "secrets": _secrets_of(file["path"], file["text"])} for file in files]


def _secrets_of(path: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line, reference in secret_references(text):
        where = f"{path}:{line}: !secret {reference}"
        kind, colon, name = reference.partition(":")
        if kind == "file" and colon:
            found[reference] = _secret_in(Path(path).parent / Path(name).expanduser(), where)
        elif kind == "env" and colon:
            if name not in os.environ:
                raise usage(f"{where}: there is no such variable in the environment")
            found[reference] = os.environ[name]
        else:
            raise usage(f"{where}: expected file:NAME or env:NAME")
    return found


def _secret_in(path: Path, where: str) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise usage(f"{where}: {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise usage(f"{where}: {path} is no UTF-8 text") from None
    if len(lines) != 1:
        raise usage(f"{where}: {path} has {len(lines)} lines; the secret alone should stand in it")
    return lines[0]


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

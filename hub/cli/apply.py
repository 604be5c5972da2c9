"""`tocsin apply`: YAML documents become one revision."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from hub.cli.client import path_of
from hub.cli.context import Client, author, json_option, message_option, pass_client, wait_options
from hub.cli.exits import CommandError, usage
from hub.cli.figures import counted
from hub.cli.output import emit, note, plural_rows, say, waiting
from hub.cli.wait import not_live, wait_until_live

SUFFIXES = (".yaml", ".yml")
STDIN_NAME = "<stdin>"
MAX_FILE_BYTES = 4 * 1024 * 1024


@click.command("apply")
@click.option(
    "-f", "--file", "paths", multiple=True, required=True, metavar="PATH", help="File, folder, or - for standard input."
)
@message_option
@click.option("--dry-run", is_flag=True, help="Check and say what would change; change nothing.")
@wait_options
@json_option
@pass_client
def apply_command(
    client: Client,
    *,
    paths: Sequence[str],
    message: str,
    dry_run: bool,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Apply YAML documents: all of them, as one revision, or none.

    A folder is read with all below it (*.yaml, *.yml). Every mistake is reported, with file and line.
    """
    files = read_files(paths)
    _look_for_documents(files)
    with waiting(f"applying {counted(len(files), 'file')}") as shown:
        shown.update()
        body = {"files": files, "message": message, "author": author(), "dry_run": dry_run}
        result: dict[str, Any] = client.api.post(path_of("apply"), body)
    revision = result.get("revision")
    failure: CommandError | None = None
    if wait and revision is not None and not dry_run:
        live = wait_until_live(client.api, int(revision), None, timeout_s)
        result = {
            **result,
            "live": bool(live.get("live")),
            "behind": live.get("behind", []),
            "waited_s": live["waited_s"],
        }
        if not live.get("live"):
            failure = not_live(int(revision), live, timeout_s, printed=as_json)
    if as_json:
        emit(result)
    else:
        _tell(result)
    if failure is not None:
        raise failure


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


def _look_for_documents(files: Sequence[dict[str, str]]) -> None:
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


def _tell(result: dict[str, Any]) -> None:
    dry = bool(result.get("dry_run"))
    for word, mark in (("created", "+"), ("changed", "~"), ("removed", "-")):
        for row in plural_rows(result, word):
            say(f"{mark} {row.get('kind')} {row.get('id')}")
    unchanged = counted(int(result.get("unchanged") or 0), "document") + " unchanged"
    devices = counted(len(result.get("devices") or []), "device")
    if result.get("revision") is not None:
        live = f"; live after {result['waited_s']:.2f} s" if result.get("live") else ""
        say(f"Revision {result['revision']}: the config of {devices} changes, {unchanged}{live}")
    elif dry:
        say(f"Nothing was changed (dry run): the config of {devices} would change, {unchanged}")
    else:
        note(f"Nothing to do: {unchanged}")

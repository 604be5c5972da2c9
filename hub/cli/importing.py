"""`tocsin import`: models of other systems."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from common.quantities import counted
from hub.cli.apply import finish_change, post_documents
from hub.cli.client import path_of
from hub.cli.context import Client, json_option, message_option, pass_client, wait_options
from hub.cli.exits import CommandError, Exit, usage
from hub.cli.files import STDIN_NAME
from hub.cli.importreport import report_document, show_report
from hub.cli.output import emit, note, plural_rows, say
from hub.cli.progress import waiting
from hub.cli.written import other_documents, others_sentence, write_files

if TYPE_CHECKING:
    from hub.imports.report import Imported, Made

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_MISTAKES = 200


@click.group("import")
def import_group() -> None:
    """Take over the model of another system."""


@import_group.command("zenbatchload")
@click.argument("path", metavar="FILE")
@click.option("-o", "--output", metavar="DIR", help="Write YAML files below DIR, and apply nothing.")
@click.option("--dry-run", is_flag=True, help="Check and say what would change; change nothing.")
@message_option
@wait_options
@json_option
@pass_client
def zenbatchload_command(
    client: Client,
    *,
    path: str,
    output: str | None,
    dry_run: bool,
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> Exit:
    """Import a batch file of Zenoss: what zenbatchdump writes and zenbatchload reads; - for standard input.

    Device classes, locations, groups, systems, devices and process classes become one revision, or with -o YAML files
    to look at first, their secrets in files of their own. Nothing in the file is executed. Every mistake is reported,
    with line and column, and nothing is applied then.

    A report says what was taken and what has no equivalent. Exit code 5 when something that matters had none.
    """
    if output is not None and (dry_run or wait or message):
        raise usage("-o only writes files; --dry-run, --wait and -m are for what is applied")
    name = STDIN_NAME if path == "-" else path
    imported = _read(path, name)
    if not imported.made:
        raise CommandError(f"There is nothing in {name} that could be taken", _losses(imported))
    report = report_document(name, imported)
    if not as_json:
        show_report(report)
    if output is not None:
        _write(Path(output), _bound_if_known(client, imported), report, as_json=as_json)
    else:
        _apply(
            client, name, imported, report, message, dry_run=dry_run, wait=wait, timeout_s=timeout_s, as_json=as_json
        )
    return Exit.PARTLY if imported.is_partial else Exit.DONE


def _read(path: str, name: str) -> Imported:
    """Read and convert a file.

    Raises:
        CommandError: there is none, or it has mistakes.
    """
    # Only this command reads the files of others, and what that takes is a while to load.
    from hub.imports.zenbatch import read_batch
    from hub.imports.zenmodel import documents_of

    imported = documents_of(read_batch(_content(path, name)))
    if imported.mistakes:
        told = [f"{name}:{one.line}:{one.column}: {one.sentence}" for one in imported.mistakes[:MAX_MISTAKES]]
        left = len(imported.mistakes) - len(told)
        many = f"{len(imported.mistakes)} mistakes" if len(imported.mistakes) > 1 else "one mistake"
        raise CommandError(f"{many} in {name}; nothing was applied", [*told, f"and {left} more"] if left else told)
    return imported


def _content(path: str, name: str) -> bytes:
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise usage(f"{name}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_FILE_BYTES:
        raise CommandError(f"{name} is larger than {MAX_FILE_BYTES // 2**20} MiB; cut it into several")
    return data


def _losses(imported: Imported) -> list[str]:
    return [f"{loss.setting}: {loss.why}" for loss in imported.losses]


def _apply(
    client: Client,
    name: str,
    imported: Imported,
    report: dict[str, Any],
    message: str,
    *,
    dry_run: bool,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    from hub.cli.importfiles import request_files

    files = request_files(_with_bindings(client, imported), name)
    result = post_documents(client, files, message=message or f"imported from {name}", dry_run=dry_run)
    finish_change(client, {**result, "import": report}, wait=wait, timeout_s=timeout_s, as_json=as_json)


def _with_bindings(client: Client, imported: Imported) -> list[Made]:
    """What was imported, with the templates that are bound in the hub."""
    from hub.cli.importbindings import with_bindings

    with waiting("reading the model"):
        answer = client.api.get(path_of("documents"), {"secrets": None})
    return with_bindings(imported.made, plural_rows(answer, "documents"))


def _bound_if_known(client: Client, imported: Imported) -> Sequence[Made]:
    """The same, for files that may be written where there is no hub."""
    try:
        return _with_bindings(client, imported)
    except CommandError as error:
        note(f"The hub was not asked which templates are bound there; add them before you apply: {error.message}")
        return imported.made


def _write(root: Path, made: Sequence[Made], report: dict[str, Any], *, as_json: bool) -> None:
    from hub.cli.importfiles import folder_files

    documents, secrets = folder_files(made)
    write_files(root, secrets, private=True, what="import")
    write_files(root, documents, private=False, what="import")
    others = other_documents(root, documents)
    if as_json:
        emit({"import": report, "files": [os.fspath(root / name) for name in [*documents, *secrets]], "others": others})
        return
    hidden = f", and {counted(len(secrets), 'secret')} in files that only you can read" if secrets else ""
    say(f"Written: {counted(len(documents), 'document')} below {root}{hidden}. Nothing was applied; look at them, then")
    say(f"  tocsin apply -f {root} --dry-run")
    if others:
        note(others_sentence(root, others, "import"))

"""`tocsin export`: the model as YAML documents."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, Exit, usage
from hub.cli.files import SUFFIXES
from hub.cli.layout import paths_of
from hub.cli.output import emit, note, plural_rows, say
from hub.cli.progress import waiting
from hub.cli.written import MAX_NAMED, other_documents, others_sentence, write_files

BETWEEN = "---\n"


@click.command("export")
@click.argument("path", required=False)
@click.option(
    "--with-secrets", "with_secrets", is_flag=True, help="Write secrets as they are; files only you can read."
)
@click.option("--without-secrets", "without_secrets", is_flag=True, help="Leave secrets out; comments say which.")
@json_option
@pass_client
def export_command(client: Client, path: str | None, with_secrets: bool, without_secrets: bool, as_json: bool) -> None:
    """Write the model as YAML documents, to standard output or to PATH.

    PATH is a file when it ends in .yaml or .yml, else a folder that gets one file for each document, KIND/ID.yaml.
    What was exported can be applied again: with all its secrets that changes nothing.

    Where secrets are set, say what shall become of them: --with-secrets or --without-secrets.
    """
    if with_secrets and without_secrets:
        raise usage("--with-secrets and --without-secrets contradict each other; give one of them")
    secrets = "with" if with_secrets else "without" if without_secrets else None
    with waiting("reading the model"):
        answer = client.api.get(path_of("documents"), {"secrets": 1 if secrets == "with" else None})
    rows = plural_rows(answer, "documents")
    _check_secrets(rows, secrets)
    left_out = secrets == "without"
    private = secrets == "with" and any(row.get("secrets") for row in rows)
    files = _files(path, rows, left_out=left_out)
    if path is not None:
        write_files(Path(path), files, private=private, what="export")
    if as_json:
        emit(_document(answer, rows, path, files, left_out=left_out))
    elif path is None:
        _print("".join(files.values()))
    _tell(answer, rows, path, files, left_out=left_out)


def _check_secrets(rows: Sequence[dict[str, Any]], wanted: str | None) -> None:
    """Refuse to decide for the operator what becomes of secrets."""
    names = _secrets(rows)
    if names and wanted is None:
        raise CommandError(
            f"{counted(len(names), 'secret')} would be in the export. Say what shall become of them: "
            "--with-secrets writes them as they are, --without-secrets leaves them out. Nothing was written",
            [*names[:MAX_NAMED], *([f"and {len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else [])],
            exit_code=Exit.USAGE,
            code="usage",
        )


def _secrets(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{row['document'].get('kind')} {row['document'].get('id')}: {name}"
        for row in rows
        for name in row.get("secrets") or []
    ]


def _files(path: str | None, rows: Sequence[dict[str, Any]], *, left_out: bool) -> dict[str, str]:
    """Texts by path below PATH; a single one by the empty path."""
    # Only this command writes YAML, and it takes a while to load.
    from hub.model.yamltext import yaml_of

    texts = [yaml_of(row["document"], row.get("secrets") or () if left_out else ()) for row in rows]
    if path is None or path.endswith(SUFFIXES):
        return {"": BETWEEN.join(texts)}
    names = paths_of([(str(row["document"].get("kind")), str(row["document"].get("id"))) for row in rows])
    return {str(name): text for name, text in zip(names, texts, strict=True)}


def _print(text: str) -> None:
    """Print YAML: exactly where it is piped; on a terminal no character does anything but stand there."""
    if sys.stdout.isatty():
        say(text.rstrip("\n"))
    else:
        sys.stdout.write(text)


def _document(
    answer: Mapping[str, Any],
    rows: Sequence[dict[str, Any]],
    path: str | None,
    files: Mapping[str, str],
    *,
    left_out: bool,
) -> dict[str, Any]:
    """What --json prints: the documents, or where they were written."""
    facts = {"revision": answer.get("revision"), "secrets": _secrets(rows), "secrets_left_out": left_out}
    if path is None:
        return {**facts, "documents": [_without(row, left_out=left_out) for row in rows]}
    root = Path(path)
    return {**facts, "files": [str(root / name) for name in files], "others": other_documents(root, files)}


def _without(row: dict[str, Any], *, left_out: bool) -> dict[str, Any]:
    document: dict[str, Any] = row["document"]
    if not left_out or not row.get("secrets"):
        return document
    kept = {name: value for name, value in document.get("properties", {}).items() if name not in row["secrets"]}
    return {**document, "properties": kept}


def _tell(
    answer: Mapping[str, Any],
    rows: Sequence[dict[str, Any]],
    path: str | None,
    files: Mapping[str, str],
    *,
    left_out: bool,
) -> None:
    where = "" if path is None else f" in {path}" if "" in files else f" in {counted(len(files), 'file')} below {path}"
    note(f"Revision {answer.get('revision')}: {counted(len(rows), 'document')}{where}")
    secrets = _secrets(rows)
    if left_out and secrets:
        them = "it" if len(secrets) == 1 else "them"
        note(
            f"Left out: {counted(len(secrets), 'secret')}. "
            f"Applied as it is, this export would remove {them} from the hub"
        )
    others = other_documents(Path(path), files) if path is not None else []
    if others:
        note(others_sentence(Path(path or ""), others, "export"))

"""`tocsin history` and `show-revision`: the revisions of the model."""

from __future__ import annotations

import click

from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.differences import show_differences
from hub.cli.figures import NOTHING, local_time, moment
from hub.cli.output import Column, emit, facts, note, plural_rows, show, table


@click.command("history")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
@pass_client
def history_command(client: Client, limit: int, as_json: bool) -> None:
    """List the newest revisions: when, who, what, why."""
    document = client.api.get(path_of("revisions"), {"limit": limit})
    if as_json:
        emit(document)
        return
    rows = plural_rows(document, "revisions")
    if not rows:
        note("Nothing was ever changed. `tocsin apply -f FILE` makes the first revision")
        return
    columns = (
        Column("revision", right=True),
        Column("at"),
        Column("author"),
        Column("changes", elastic=True),
        Column("message", elastic=True),
    )
    cells = [
        [row.get("number"), local_time(moment(row.get("at"))), row.get("author"), row.get("summary"), row.get("text")]
        for row in rows
    ]
    show(table(columns, cells))


@click.command("show-revision")
@click.argument("revision", type=click.IntRange(0))
@json_option
@pass_client
def show_revision_command(client: Client, revision: int, as_json: bool) -> None:
    """Show a revision: who, when, why, and each field that it changed."""
    document = client.api.get(path_of("revisions", str(revision)))
    if as_json:
        emit(document)
        return
    pairs = (
        ("revision", document.get("number")),
        ("at", local_time(moment(document.get("at")))),
        ("author", document.get("author") or NOTHING),
        ("message", document.get("text") or NOTHING),
        ("changes", document.get("summary")),
    )
    show(facts(pairs))
    show_differences(plural_rows(document, "differences"))

"""`tocsin schema`: what documents may say, for editors."""

from __future__ import annotations

import click

from hub.cli.output import emit


@click.command("schema")
@click.option("--json", "_as_json", is_flag=True, help="It is JSON anyway.")
def schema_command(_as_json: bool) -> None:
    """Print the JSON Schema of YAML documents (draft 2020-12); no hub is asked.

    An editor that knows it completes fields and marks mistakes while one types. With the YAML language server, the
    first line of a file names it: `# yaml-language-server: $schema=tocsin.schema.json`.
    """
    # Loads the regular expressions and the catalogue, which no other command needs.
    from hub.model.schema import document_schema

    emit(document_schema())

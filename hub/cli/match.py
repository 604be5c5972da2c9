"""`tocsin match`: which command lines drafts of process sets would take, before anything is applied."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, Exit, not_found, usage
from hub.cli.files import look_for_documents, read_files, with_secrets
from hub.cli.matchreport import tell
from hub.cli.output import emit, note, plural_rows
from hub.cli.progress import counting

BATCH = 25
"""Devices in one request."""
MOST_LINES = 1000
"""That the hub tells for one count."""
HEADERS = ("COMMAND", "CMD", "ARGS")
"""What `ps` writes over a column of command lines."""

Files = list[dict[str, object]]


@click.command("match")
@click.option(
    "-f", "--file", "paths", multiple=True, required=True, metavar="PATH", help="File, folder, or - for standard input."
)
@click.option("--device", "devices", multiple=True, metavar="NAME", help="Against its last table; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Against the last tables of all devices.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Against lines from standard input, as of `ps -eo args`.")
@click.option("--with-model", is_flag=True, help="With --stdin: also the definitions that the hub has.")
@click.option("--class", "class_", metavar="PATH", help="With --with-model: class of the lines' device.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="With --with-model: a group it is in.")
@click.option(
    "--lines",
    "examples",
    type=click.IntRange(0, MOST_LINES),
    default=3,
    show_default=True,
    metavar="N",
    help="Lines to show for each count.",
)
@click.option("--all-lines", is_flag=True, help=f"Show up to {MOST_LINES} lines for each count and {BATCH} devices.")
@json_option
@pass_client
def match_command(
    client: Client,
    *,
    paths: Sequence[str],
    devices: Sequence[str],
    everything: bool,
    from_stdin: bool,
    with_model: bool,
    class_: str | None,
    groups: Sequence[str],
    examples: int,
    all_lines: bool,
    as_json: bool,
) -> None:
    """Show which command lines drafts of process sets would take; nothing is changed.

    The drafts are laid over the hub's definitions: who would take a line first is told as it would be
    after `tocsin apply`. With --stdin they stand alone, and no hub is asked.
    """
    if bool(devices) + everything + from_stdin != 1:
        raise usage("Give --device, --all or --stdin: one of them")
    if with_model and not from_stdin:
        raise usage("--with-model goes with --stdin; devices are always matched with the model")
    if (class_ or groups) and not with_model:
        raise usage("--class and --group go with --with-model")
    if from_stdin and "-" in paths:
        raise usage("Standard input cannot be both: with --stdin, name files with -f")
    texts = read_files(paths)
    look_for_documents(texts)
    files = with_secrets(texts)
    most = MOST_LINES if all_lines else examples
    if not from_stdin:
        document = _of_devices(client.api, files, _named(client.api, devices), most, all_lines=all_lines)
    elif with_model:
        body = {"files": files, "lines": _stdin_lines(), "class": class_ or "", "groups": list(groups)}
        document = client.api.post(path_of("match"), {**body, "examples": most})
    else:
        document = _alone(files, _stdin_lines(), most)
    if as_json:
        emit(document)
    else:
        tell(document)
    _finish(document, as_json=as_json)


def _named(api: Api, devices: Sequence[str]) -> list[str]:
    """Which devices are to be looked at; of all, those of different collectors beside each other."""
    if devices:
        return list(dict.fromkeys(devices))
    by_collector: dict[str, list[str]] = {}
    for row in plural_rows(api.get(path_of("devices")), "devices"):
        by_collector.setdefault(str(row.get("collected_by") or row.get("collector")), []).append(str(row.get("id")))
    found = [name for some in zip_longest(*by_collector.values()) for name in some if name is not None]
    if not found:
        raise not_found("There is no device yet; `tocsin device add` adds one")
    return found


def _of_devices(api: Api, files: Files, names: Sequence[str], most: int, *, all_lines: bool) -> dict[str, Any]:
    # Loads RE2 and msgspec's shapes, which other commands do not need.
    import msgspec

    from hub.model.previewreport import Report, merged

    reports: list[Report] = []
    with counting("matching devices", len(names)) as bar:
        for start in range(0, len(names), BATCH):
            some = names[start : start + BATCH]
            answer = api.post(path_of("match"), {"files": files, "devices": list(some), "examples": most})
            reports.append(_report(answer, Report))
            bar.advance(len(some))
    if len({report.revision for report in reports}) > 1:
        note("The model was changed meanwhile: not all devices were matched with the same definitions")
    shown = len(names) * MOST_LINES if all_lines else most
    found: dict[str, Any] = msgspec.to_builtins(merged(reports, shown))
    return found


def _report(answer: object, type_: type[Any]) -> Any:
    import msgspec

    try:
        return msgspec.convert(answer, type_)
    except msgspec.ValidationError as error:
        raise CommandError(
            f"The hub's answer does not fit ({error}); `tocsin` and the hub may be of different versions"
        ) from None


def _alone(files: Files, lines: Iterable[str], most: int) -> dict[str, Any]:
    """Match without a hub."""
    # Loads RE2 and the reader of documents, which other commands do not need.
    import msgspec

    from common.errors import SettingsError
    from hub.model.documents import SourceFile
    from hub.model.drafts import lay_over
    from hub.model.model import Model

    try:
        drafts = lay_over(Model(), msgspec.convert(files, list[SourceFile]))
    except SettingsError as error:
        raise CommandError(error.message, error.details, code="invalid") from None
    if not drafts.states:
        raise CommandError(
            f"There is no process set in {', '.join(str(file['path']) for file in files)}", code="invalid"
        )
    found: dict[str, Any] = msgspec.to_builtins(drafts.look_at_text(lines, None, most))
    return found


def _stdin_lines() -> list[str]:
    lines = sys.stdin.buffer.read().decode("utf-8", "replace").split("\n")
    return lines[1:] if lines[0].strip() in HEADERS else lines


def _finish(document: dict[str, Any], *, as_json: bool) -> None:
    """Tell what is missing.

    Raises:
        CommandError: exit code 5: the lines of some devices are not known.
    """
    rows = plural_rows(document, "devices")
    problems: dict[str, list[str]] = {}
    for row in rows:
        if row.get("problem"):
            problems.setdefault(str(row["problem"]), []).append(str(row.get("device")))
    if document.get("shortened"):
        note("Some lines were left out: there were too many. Ask for fewer devices to see all of them")
    if not problems:
        return
    missing = sum(map(len, problems.values()))
    raise CommandError(
        f"{counted(missing, 'device')} of {len(rows)} could not be matched",
        [f"{_some(names)}: {problem}" for problem, names in problems.items()],
        exit_code=Exit.PARTLY,
        code="partly",
        printed=as_json,
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

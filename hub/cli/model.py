"""`tocsin model`: find out what devices consist of, now."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, Exit, usage
from hub.cli.figures import safe
from hub.cli.output import emit, note, plural_rows, say
from hub.cli.progress import counting
from hub.cli.wait import not_live, wait_until_live

STEP_S = 5.0
MAX_NAMED = 20
CHANGES = ("added", "changed", "renamed", "back", "missed")
MARKS = {
    "added": "+",
    "changed": "~",
    "renamed": "~",
    "back": "+",
    "missed": "-",
    "still absent": "-",
    "kept": "=",
    "double": "!",
}
WORDS = {
    "back": "is back",
    "missed": "was not seen: absent from now on, with its history kept",
    "still absent": "is still absent",
    "kept": "is kept as it was by its lock",
    "double": "was found more than once; the first goes",
}


@click.command("model")
@click.argument("devices", nargs=-1, metavar="DEVICE...")
@click.option("--class", "device_class", metavar="PATH", help="All devices of a class and below.")
@click.option("--all", "everything", is_flag=True, help="All devices.")
@click.option("--dry-run", is_flag=True, help="Look, and say what would change; change nothing.")
@click.option("--wait", is_flag=True, help="Also wait until what changes is live at the collectors.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 86400),
    default=300.0,
    show_default=True,
    help="Seconds to wait for the devices' answers.",
)
@json_option
@pass_client
def model_command(
    client: Client,
    *,
    devices: Sequence[str],
    device_class: str | None,
    everything: bool,
    dry_run: bool,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Model devices now: their identity, process sets, interfaces, filesystems, CPUs and memory.

    Prints what it adds, changes and misses, and what locks kept as it was. What is missed is not deleted: it is absent,
    keeps its history, and is retired after a month. Without this command each device is modelled twice a day.
    """
    if sum((bool(devices), device_class is not None, everything)) != 1:
        raise usage("name the devices to model, or give --class or --all (one of them)")
    body = {"devices": list(devices), "class": device_class or "", "all": everything, "dry_run": dry_run}
    begun = client.api.post(path_of("models"), body)
    answers, late = _collect(client.api, begun, timeout_s)
    live = _wait_live(client.api, timeout_s) if wait and not dry_run else {}
    result = {**begun, "answers": answers, "unanswered": late, **live}
    if as_json:
        emit(result)
    else:
        _tell(answers, dry_run=dry_run)
    _complain(answers, late, live, timeout_s, printed=as_json)


def _collect(api: Api, begun: dict[str, Any], timeout_s: float) -> tuple[list[dict[str, Any]], list[str]]:
    """All answers, in order of device, and the first of those that did not answer in time."""
    deadline = time.monotonic() + timeout_s
    total = int(begun["total"])
    answers: list[dict[str, Any]] = []
    with counting(f"modelling {counted(total, 'device')}", total) as bar:
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            page = api.get(path_of("models", begun["run"]), {"after": len(answers), "wait": min(STEP_S, left_s)})
            new = plural_rows(page, "answers")
            answers += new
            bar.advance(len(new))
            if not page["more"] and (not page["waiting"] or left_s <= 0):
                break
    return sorted(answers, key=lambda row: str(row["device"])), list(page["waiting_for"]) if page["waiting"] else []


def _wait_live(api: Api, timeout_s: float) -> dict[str, Any]:
    revision = int(api.get(path_of("status"))["hub"]["revision"])
    return {"revision": revision, **wait_until_live(api, revision, None, timeout_s)} if revision else {}


def _tell(answers: Sequence[dict[str, Any]], *, dry_run: bool) -> None:
    changed = 0
    for row in answers:
        lines = [*_lines(row)]
        changed += any(note_["what"] in CHANGES for note_ in row["notes"]) or bool(row["attributes"])
        for line in lines:
            say(f"{safe(str(row['device']))}: {line}")
    good = [row for row in answers if not row["problem"]]
    would = "would change" if dry_run else "changed"
    rest = " Nothing was changed (dry run)" if dry_run else ""
    say(f"Modelled {counted(len(good), 'device')}: {changed} {would}, {len(good) - changed} as before.{rest}")


def _lines(row: dict[str, Any]) -> Iterator[str]:
    if row["problem"]:
        yield f"not modelled: {safe(row['problem'])}"
        return
    for change in row["attributes"]:
        yield f"~ {_field(change)}"
    for note_ in row["notes"]:
        what, name = note_["what"], f"{note_['kind'].replace('_', ' ')} {safe(note_['name'])}"
        if what == "renamed":
            name = f"{name} (was {safe(note_['before'])}; its history goes on)"
        words = WORDS.get(what, "")
        fields = ", ".join(_field(change) for change in note_["fields"])
        said = f"{MARKS[what]} {name} {words}".rstrip()
        yield f"{said}: {fields}" if fields and what != "added" else said
    for plugin, problem in row["problems"].items():
        yield f"! {plugin}: {safe(problem)}; what it would find stays as it was"
    if row["left_out"]:
        yield f"! {counted(row['left_out'], 'component')} left out: a device may not have so many"


def _field(change: dict[str, Any]) -> str:
    return f"{change['field']} {safe(_shown(change['old']))} -> {safe(_shown(change['new']))}"


def _shown(value: object) -> str:
    return "nothing" if value is None or value == "" else str(value)


def _complain(
    answers: Sequence[dict[str, Any]], late: Sequence[str], live: dict[str, Any], timeout_s: float, *, printed: bool
) -> None:
    """Raise what was not as it should be."""
    failed = [row for row in answers if row["problem"]]
    if late:
        raise CommandError(
            f"Not all devices answered within {timeout_s:g} s; their reports are taken when they come",
            [safe(name) for name in late],
            exit_code=Exit.PARTLY,
            code="not_in_time",
            printed=printed,
        )
    if failed:
        raise CommandError(
            f"{counted(len(failed), 'device')} could not be modelled; what was known of them stays",
            [f"{safe(str(row['device']))}: {safe(row['problem'])}" for row in failed[:MAX_NAMED]],
            exit_code=Exit.FAILED if len(failed) == len(answers) else Exit.PARTLY,
            code="not_modelled",
            printed=printed,
        )
    if any(row["problems"] for row in answers):
        note("Some plugins could not read all that they wanted; see the lines with !")
    if live and not live.get("live"):
        raise not_live(int(live["revision"]), live, timeout_s, printed=printed)

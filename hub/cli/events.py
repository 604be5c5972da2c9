"""`tocsin events`: what rings, and what is done about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from common.events import State, parse_severity
from hub.cli.client import Api, path_of
from hub.cli.context import Client, author, json_option, pass_client
from hub.cli.evidence import show_evidence, with_evidence
from hub.cli.exits import CommandError, Exit, not_found, usage
from hub.cli.figures import iso, local_time, moment, since
from hub.cli.output import (
    Column,
    cell,
    emit,
    emit_line,
    facts,
    is_narrow,
    note,
    plural_rows,
    safe_lines,
    say,
    severity_cell,
    show,
    table,
)
from hub.cli.ranges import parse_time

FOLLOW_WAIT_S = 20
RETRY_S = 2.0

_COLUMNS = (
    Column("id", right=True),
    Column("severity"),
    Column("state"),
    Column("device", elastic=True),
    Column("component", elastic=True),
    Column("event", elastic=True),
    Column("summary", elastic=True),
    Column("count", right=True),
    Column("last seen", right=True),
)
_STATES = ("open", *(state.value for state in State))


@click.group("events")
def event_group() -> None:
    """List, follow, acknowledge and close events."""


@event_group.command("list")
@click.option("--device", metavar="NAME")
@click.option("--component", metavar="NAME")
@click.option("--class", "event_class", metavar="PATH", help="This class and all below it, such as /Status/OSProcess.")
@click.option("--severity", metavar="NAME", help="This and worse: debug, info, warning, error, critical, or a number.")
@click.option(
    "--state", metavar="STATE", default="open", show_default=True, help=f"Of {', '.join(_STATES)}; or a,b; or all."
)
@click.option("--since", "since_text", metavar="TIME", help="Last seen since then: 2h, 3d, or ISO 8601.")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True)
@json_option
@pass_client
def list_command(
    client: Client,
    *,
    device: str | None,
    component: str | None,
    event_class: str | None,
    severity: str | None,
    state: str,
    since_text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List events, the last seen first."""
    now = time.time()
    document = client.api.get(
        path_of("events"),
        {
            "device": device,
            "component": component,
            "class": event_class,
            "severity": _severity(severity),
            "state": _states(state),
            "since": iso(parse_time(since_text, now)) if since_text else None,
            "limit": limit,
        },
    )
    rows = plural_rows(document, "events")
    if device is not None and not rows:
        _check_device(client.api, device)
    if as_json:
        emit(document)
        return
    if not rows:
        note("No open event" if state == "open" else "No such event")
        return
    show(event_table(rows, now))
    if len(rows) == limit:
        note(f"The newest {limit}; --limit shows more")


def _check_device(api: Api, name: str) -> None:
    """Tell a name that was misspelt from one that is quiet; events outlive their device, and collectors have some too.

    Raises:
        CommandError: exit code 3: nothing has that name, and there is no event of it.
    """
    if plural_rows(api.get(path_of("events"), {"device": name, "state": _states("all"), "limit": 1}), "events"):
        return
    if any(row.get("id") == name for row in plural_rows(api.get(path_of("collectors")), "collectors")):
        return
    try:
        api.get(path_of("devices", name))
    except CommandError as error:
        if error.exit_code is not Exit.NOT_FOUND:
            raise
        raise not_found(
            f"There is no device {name!r}, nor any event of one; `tocsin device list` shows those that there are"
        ) from None


@event_group.command("show")
@click.argument("event_id", type=int)
@json_option
@pass_client
def show_command(client: Client, event_id: int, as_json: bool) -> None:
    """Show all that is known of an event, and what was there when it opened."""
    event = with_evidence(client.api, client.api.get(path_of("events", str(event_id))))
    if as_json:
        emit(event)
    else:
        show(facts(_facts(event)))
        show_evidence(event)


def _state_command(name: str, word: str, text: str) -> click.Command:
    """A command that changes the state of events; some may fail, the others go on."""

    @click.command(name, help=text)
    @click.argument("event_ids", type=int, nargs=-1, required=True, metavar="ID...")
    @json_option
    @pass_client
    def command(client: Client, event_ids: Sequence[int], as_json: bool) -> None:
        changed: list[dict[str, Any]] = []
        errors: list[CommandError] = []
        for event_id in event_ids:
            try:
                changed.append(client.api.post(path_of("events", str(event_id), name), {"author": author()}))
            except CommandError as error:
                if error.exit_code is Exit.UNREACHABLE:
                    raise
                errors.append(error)
        if as_json and (changed or len(event_ids) > 1):
            emit({"events": changed, "errors": [{"code": error.code, "message": error.message} for error in errors]})
        elif not as_json:
            for event in changed:
                say(f"{word} {event.get('id')}: {event.get('summary')}")
        _raise_for(errors, len(changed), printed=as_json and bool(changed or len(event_ids) > 1))

    return command


def _raise_for(errors: Sequence[CommandError], done: int, *, printed: bool) -> None:
    if not errors:
        return
    first = errors[0]
    raise CommandError(
        first.message,
        [*first.details, *(error.message for error in errors[1:])],
        exit_code=Exit.PARTLY if done else first.exit_code,
        code=first.code,
        printed=printed,
    )


for _name, _word, _text in (
    ("ack", "Acknowledged", "Acknowledge events: somebody looks after it."),
    ("close", "Closed", "Close events."),
    ("reopen", "Opened again", "Open events again."),
):
    event_group.add_command(_state_command(_name, _word, _text))


@event_group.command("follow")
@click.option("--for", "duration_s", type=click.FloatRange(0), metavar="SECONDS", help="End after this time.")
@json_option
@pass_client
def follow_command(client: Client, duration_s: float | None, as_json: bool) -> None:
    """Print events as they change, until Ctrl-C. With --json, one document a line."""
    end = None if duration_s is None else time.monotonic() + duration_s
    after = _position(client.api)
    if not as_json:
        note("Following events; Ctrl-C ends")
    try:
        _follow(client.api, after, end, as_json=as_json)
    except KeyboardInterrupt:
        return


def _position(api: Api) -> int:
    return int(api.get(path_of("events", "follow"), {"after": -1, "wait": 0})["next"])


def _follow(api: Api, after: int, end: float | None, *, as_json: bool) -> None:
    """Ask for what changed, again and again; a hub that is away for a while is waited for."""
    away = False
    while True:
        left_s = FOLLOW_WAIT_S if end is None else min(FOLLOW_WAIT_S, end - time.monotonic())
        if left_s <= 0:
            return
        try:
            answer = api.get(
                path_of("events", "follow"), {"after": after, "wait": round(left_s, 2)}, timeout_s=left_s + 15
            )
        except CommandError as error:
            if error.code not in {"unreachable", "timeout"}:
                raise
            if not away:
                note(f"{error.message}. Trying again")
            away = True
            time.sleep(min(RETRY_S, left_s))
            continue
        if away:
            note("The hub is back")
        away = False
        after = int(answer["next"])
        for event in plural_rows(answer, "events"):
            if as_json:
                emit_line(event)
            else:
                say(event_line(event))


def event_line(event: dict[str, Any]) -> str:
    """An event in one line, for a log."""
    at = local_time(moment(event.get("closed_at") or event.get("last_seen")))
    where = " ".join(str(event.get(name)) for name in ("device", "component") if event.get(name))
    count = f" ({event['count']} times)" if (event.get("count") or 1) > 1 else ""
    return f"{at}  {event.get('state')!s:<12} {event.get('severity_name')!s:<8} {where}: {event.get('summary')}{count}"


def event_table(rows: Sequence[dict[str, Any]], now: float) -> RenderableType:
    """Events as a table."""
    return table(_COLUMNS, [_row(row, now) for row in rows], without=("event",) if is_narrow() else ())


def _row(row: dict[str, Any], now: float) -> list[object]:
    closed = row.get("state") in {"closed", "aged"}
    return [
        row.get("id"),
        cell(row.get("severity_name"), "dim") if closed else severity_cell(row.get("severity_name")),
        row.get("state"),
        row.get("device"),
        row.get("component") or "",
        row.get("event_key"),
        row.get("summary"),
        row.get("count"),
        since(row.get("last_seen"), now),
    ]


def _facts(event: dict[str, Any]) -> list[tuple[str, object]]:
    times = {"first_seen", "last_seen", "closed_at"}
    pairs: list[tuple[str, object]] = []
    for name, value in event.items():
        if name in {"severity", "evidence", "evidence_problem"}:
            continue
        if name == "details" and isinstance(value, dict):
            pairs.extend((f"  {key}", detail) for key, detail in value.items())
        elif name in times:
            pairs.append((name, local_time(moment(value))))
        elif name == "severity_name":
            pairs.append(("severity", severity_cell(value)))
        elif name == "message" and value:
            pairs.append((name, Text(safe_lines(str(value)))))
        elif value not in {"", None}:
            pairs.append((name, value))
    return pairs


def _severity(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(parse_severity(text))
    except ValueError as error:
        raise usage(f"--severity: {error}") from None


def _states(text: str) -> str:
    states = [part.strip().lower() for part in text.split(",") if part.strip()]
    if states == ["all"]:
        return ",".join(state.value for state in State)
    unknown = [state for state in states if state not in _STATES]
    if unknown or not states:
        raise usage(f"--state: {text!r} is none of {', '.join(_STATES)}, all")
    return ",".join(states)

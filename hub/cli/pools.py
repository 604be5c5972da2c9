"""`tocsin pool`: collectors that stand in for each other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.figures import NOTHING, local_time, moment, since, span
from hub.cli.output import Column, cell, emit, facts, is_narrow, note, plural_rows, show, table

_MARKS = {
    "present": ("● present", "green"),
    "away": ("○ away", "yellow"),
    "absent": ("✖ absent", "bold red"),
    "returning": ("↻ returning", "yellow"),
    "unknown": ("? never logged in", "dim"),
}
WHEN_ALONE = {
    "stop": "a member that does not hear the hub stops after that time",
    "continue": "a member that does not hear the hub goes on: its devices are then collected twice",
}


@click.group("pool")
def pool_group() -> None:
    """Collectors that stand in for each other."""


@pool_group.command("list")
@json_option
@pass_client
def list_command(client: Client, as_json: bool) -> None:
    """List the pools: who of them is there, and how many devices they have."""
    document = client.api.get(path_of("pools"))
    if as_json:
        emit(document)
        return
    rows = plural_rows(document, "pools")
    if not rows:
        note(
            "No pool. A document `kind: Pool` with an id and its members makes one, and devices name it as their "
            "collector; `tocsin apply -f FILE` applies it"
        )
        return
    columns = (
        Column("pool"),
        Column("title", elastic=True),
        Column("present", right=True),
        Column("members", elastic=True),
        Column("devices", right=True),
        Column("failover after", right=True),
        Column("alone"),
    )
    show(table(columns, [_row(row) for row in rows], without=("title", "alone") if is_narrow() else ()))
    now = time.time()
    for row in rows:
        for member in _members(row):
            if member.get("state") != "present":
                show(cell(f"{row.get('id')}: {_sentence(member, now)}", "yellow"))


@pool_group.command("show")
@click.argument("name")
@click.option(
    "--limit", type=click.IntRange(0, 1000), default=20, help="How many of the last moves, 0 for none; 20 by default."
)
@json_option
@pass_client
def show_command(client: Client, name: str, limit: int, as_json: bool) -> None:
    """Show a pool: its members, what each has, and which devices moved lately."""
    document = client.api.get(path_of("pools", name), {"limit": limit})
    if as_json:
        emit(document)
        return
    pool, now = document.get("pool") or {}, time.time()
    rows: list[tuple[str, object]] = [("pool", pool.get("id"))]
    if pool.get("title"):
        rows.append(("title", pool["title"]))
    alone = str(pool.get("when_alone"))
    rows += [
        ("devices", pool.get("devices", 0)),
        ("failover after", span(pool.get("failover_after_s"))),
        ("when alone", f"{alone}: {WHEN_ALONE.get(alone, '')}" if len(_members(pool)) > 1 else "nobody stands in"),
    ]
    show(facts(rows), Text(""))
    columns = (Column("member"), Column("state"), Column("away for"), Column("devices", right=True), Column("next"))
    show(table(columns, [_member(member, now) for member in _members(pool)]))
    if limit == 0:
        return
    moves = plural_rows(document, "moves")
    if not moves:
        show(Text(""), cell("No device has moved between its members", "dim"))
        return
    columns = (
        Column("moved"),
        Column("devices", right=True),
        Column("from"),
        Column("to"),
        Column("why", elastic=True),
    )
    show(Text(""), table(columns, [_move(move) for move in moves]))


def absence_line(row: dict[str, Any], now: float) -> str:
    """A member of a pool whose devices others have, for `tocsin status`."""
    return (
        f"pool {row.get('pool')}: {row.get('collector')} is away for {since(row.get('since'), now)}, "
        "other members have its devices"
    )


def _members(pool: dict[str, Any]) -> list[dict[str, Any]]:
    return plural_rows(pool, "members")


def _row(pool: dict[str, Any]) -> Sequence[object]:
    members = _members(pool)
    present = sum(member.get("state") == "present" for member in members)
    return [
        pool.get("id", ""),
        pool.get("title", ""),
        cell(f"{present} of {len(members)}", "green" if present == len(members) else "yellow"),
        ", ".join(str(member.get("id")) for member in members),
        pool.get("devices", 0),
        span(pool.get("failover_after_s")),
        pool.get("when_alone", ""),
    ]


def _member(member: dict[str, Any], now: float) -> Sequence[object]:
    return [
        member.get("id", ""),
        _state(member),
        since(member.get("since"), now),
        member.get("devices", 0),
        _next(member, now),
    ]


def _state(member: dict[str, Any]) -> Text:
    mark, style = _MARKS.get(str(member.get("state")), (str(member.get("state")), ""))
    return cell(mark, style)


def _next(member: dict[str, Any], now: float) -> str:
    """What happens to the devices of a member that is not simply there, and when."""
    state, at = member.get("state"), moment(member.get("until"))
    left = NOTHING if at is None else span(max(0.0, at - now))
    if state == "away":
        return "nobody can take over" if at is None else f"others take over in {left}"
    if state == "returning":
        return f"has its devices back in {left}"
    if state == "absent":
        return "has its devices back when it is connected again"
    if state == "unknown":
        return "has devices when it has logged in"
    return ""


def _sentence(member: dict[str, Any], now: float) -> str:
    away = since(member.get("since"), now)
    known = f"{member.get('id')} is {member.get('state')}" + (f" for {away}" if away != NOTHING else "")
    if member.get("state") == "unknown":
        known = f"{member.get('id')} has never logged in"
    return f"{known}; it {_next(member, now)}" if member.get("state") != "away" else f"{known}; {_next(member, now)}"


def _move(move: dict[str, Any]) -> Sequence[object]:
    return [
        local_time(moment(move.get("at"))),
        move.get("devices", 0),
        move.get("from", ""),
        move.get("to", ""),
        move.get("why", ""),
    ]

"""`tocsin collector token`, `tokens`, `revoke`, `remove`: who may collect for this hub."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from hub.cli.client import path_of
from hub.cli.collectors import AGAIN_LOCAL
from hub.cli.context import Client, author, json_option, pass_client
from hub.cli.exits import CommandError, usage
from hub.cli.folder import COLLECTOR
from hub.cli.output import Column, emit, note, plural_rows, say, show, table
from hub.cli.ranges import parse_length

SHORTEST_S, LONGEST_S = 60, 30 * 86400
SHOWN = 10
_COLUMNS = (Column("collector"), Column("made at"), Column("expires at"))

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command("token")
@click.argument("name")
@click.option("--expires", default="1h", show_default=True, metavar="LENGTH", help="30m, 12h, 7d; at most 30d.")
@click.option("--again", is_flag=True, help="Also if NAME is enrolled: the token's use ends its present certificate.")
@click.option("--withdraw", is_flag=True, help="Let the open token of NAME count no longer, and make none.")
@json_option
@pass_client
def token_command(client: Client, name: str, expires: str, again: bool, withdraw: bool, as_json: bool) -> None:
    """Make a token that enrols a host as collector NAME, once.

    The token is shown this one time. Another one for the same name takes its place: the one before counts no longer.
    """
    if withdraw:
        gone = client.api.delete(path_of("collectors", name, "token"))
        if as_json:
            emit(gone)
        else:
            say(f"The token of collector {name} counts no longer")
        return
    made: dict[str, Any] = client.api.post(
        path_of("collectors", name, "token"), {"expires_s": _lifetime(expires), "again": again, "author": author()}
    )
    if as_json:
        emit(made)
    else:
        _tell(name, made, expires)


@click.command("tokens")
@json_option
@pass_client
def tokens_command(client: Client, as_json: bool) -> None:
    """List tokens that nobody has used yet; none can be shown again."""
    document = client.api.get(path_of("tokens"))
    if as_json:
        emit(document)
        return
    rows = plural_rows(document, "tokens")
    if not rows:
        note("There is no open token. `tocsin collector token NAME` makes one")
        return
    show(table(_COLUMNS, [[row.get("collector"), row.get("made_at"), row.get("expires_at")] for row in rows]))


@click.command("revoke")
@click.argument("name")
@yes_option
@json_option
@pass_client
def revoke_command(client: Client, name: str, yes: bool, as_json: bool) -> None:
    """Cut collector NAME off, at once, and let its certificate count no longer.

    Its daemons go on collecting what they know, and keep it; nothing of it reaches the hub. Devices of a pool go to
    other members after `failover_after_s`; by then it has stopped, unless the pool has `when_alone: continue`. To let
    it in again, enrol it: `tocsin collector token NAME`. The collector `local` that `tocsin up` runs has a new
    certificate at the next `tocsin up`.
    """
    _ask(yes, f"Revoke the certificate of collector {name}?")
    done: dict[str, Any] = client.api.delete(path_of("collectors", name, "certificate"), {"author": author()})
    if as_json:
        emit(done)
        return
    say(_revoked(name, done))
    if name == COLLECTOR:
        say(f"If `tocsin up` runs it, {AGAIN_LOCAL}")
    number = int(done.get("devices_total") or 0)
    if number:
        say(
            f"{_count(number, 'device')} without a collector now: {_some(done['devices'], number)}. "
            f"`tocsin device move DEVICE --collector NAME` gives one to another; or let {name} in again"
        )
    if done.get("pools"):
        pools = done["pools"]
        say(
            f"What it has of {_some(pools, len(pools))} goes to the other members when it was away for "
            f"`failover_after_s` of the pool, and not before; `tocsin pool show {pools[0]}` tells when"
        )


@click.command("remove")
@click.argument("name")
@click.option("--daemon", metavar="DAEMON", help="Only this one, such as modeler; the certificate stays.")
@yes_option
@json_option
@pass_client
def remove_command(client: Client, name: str, daemon: str | None, yes: bool, as_json: bool) -> None:
    """Forget collector NAME, which is gone for good: its daemons, and its certificate.

    Refused while it is connected, or has devices, or is a member of a pool. A daemon that does not collect, such as the
    modeler, may be forgotten unless it is connected.
    """
    _ask(yes, f"Forget {f'daemon {daemon} of ' if daemon else ''}collector {name}?")
    done = client.api.delete(path_of("collectors", name), {"daemon": daemon, "author": author()})
    if as_json:
        emit(done)
    else:
        say(f"Forgot collector {name}" + (f", daemon {', '.join(done['daemons'])}" if done["daemons"] else ""))


def _lifetime(text: str) -> int:
    seconds = parse_length(text)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise usage(f"--expires {text}: a token is good for 1m to 30d")
    return seconds


def _tell(name: str, made: dict[str, Any], expires: str) -> None:
    """The token on standard output, and what to do with it beside it."""
    note(f"A token for collector {name}, good once, for {expires} (until {made['expires_at']}). It is shown only now:")
    say(str(made["token"]))
    note("\nOn the new host, as the user that its daemons run as:\n")
    note(f"    tocsin-process enrol --hub {made['hub']} --token -")
    note("    tocsin-process start\n")
    note("The first asks for the token; `--token @FILE` reads it from a file")
    if made.get("supersedes"):
        note(f"The token for {name} from before, which nobody has used, counts no longer: there is one at a time")
    if made.get("replaces"):
        note(f"As soon as it is used, the present certificate of {name} counts no longer, and its sessions end")
    if made.get("only_here"):
        note(
            "Only this machine can use it now: the hub listens on the loopback alone. For other hosts set host in "
            "[enrol] and [broker] of the hub's settings, and start it anew; the token stays good"
        )


def _revoked(name: str, done: dict[str, Any]) -> str:
    sessions = done.get("sessions") or []
    parts = [f"Collector {name} is revoked" if done.get("certificate") else f"Collector {name} had no certificate"]
    if sessions:
        parts.append(f"cut off: {', '.join(sessions)}")
    if done.get("tokens"):
        parts.append("its open token was withdrawn")
    return "; ".join(parts)


def _ask(yes: bool, question: str) -> None:
    """Have it confirmed by somebody who sits there.

    Raises:
        CommandError: nobody does, or the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise usage(f"{question} Nobody is there to ask; say --yes")
    if not click.confirm(question, default=False, err=True):
        raise CommandError("Nothing was changed")


def _some(names: Sequence[str], number: int) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown + (f" and {number - SHOWN} more" if number > SHOWN else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word} is" if number == 1 else f"{number} {word}s are"

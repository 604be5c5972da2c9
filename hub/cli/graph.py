"""`tocsin graph`: a picture of series."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, usage
from hub.cli.figures import size
from hub.cli.output import emit, say
from hub.cli.progress import waiting
from hub.cli.ranges import FORMS, parse_range


@click.command("graph")
@click.argument("device")
@click.argument("component", required=False)
@click.argument("graph", required=False)
@click.option("--range", "range_text", default="1h", show_default=True, metavar="RANGE", help=f"{FORMS}.")
@click.option("-o", "--output", "output", required=True, metavar="FILE", help="Picture to write: .png or .svg.")
@click.option("--width", type=click.IntRange(100, 4000), default=720, show_default=True)
@click.option("--height", type=click.IntRange(50, 2000), default=200, show_default=True)
@json_option
@pass_client
def graph_command(
    client: Client,
    *,
    device: str,
    component: str | None,
    graph: str | None,
    range_text: str,
    output: str,
    width: int,
    height: int,
    as_json: bool,
) -> None:
    """Draw a COMPONENT (process set) of DEVICE, or all of them.

    GRAPH is cpu, memory, count, restarts, threads, fds, io or age; without it, the first that there is.
    """
    path = Path(output)
    form = path.suffix.lower().removeprefix(".")
    if form not in {"png", "svg"}:
        raise usage(f"-o {output}: the name of the picture should end in .png or .svg")
    _check_place(path)
    chosen = parse_range(range_text, time.time())
    with waiting("drawing"):
        picture = client.api.picture(
            path_of("devices", device, "graph"),
            {
                "component": component,
                "graph": graph,
                "start": chosen.start,
                "end": chosen.end,
                "format": form,
                "width": width,
                "height": height,
            },
        )
    _write(path, picture)
    if as_json:
        emit({"file": str(path), "format": form, "size_bytes": len(picture), "start": chosen.start, "end": chosen.end})
    else:
        say(f"Wrote {path} ({size(len(picture))})")


def _check_place(path: Path) -> None:
    """Refuse a place where no file can be before anything is drawn."""
    try:
        if not path.parent.is_dir():
            raise usage(f"-o {path}: there is no folder {path.parent}")
        if path.is_dir():
            raise usage(f"-o {path}: that is a folder, not a file")
    except OSError as error:
        raise usage(f"-o {path}: {error.strerror or error}") from None


def _write(path: Path, data: bytes) -> None:
    """Write the whole picture or nothing."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from None

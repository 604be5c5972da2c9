"""`tocsin graph`: pictures of series."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from msgspec import Struct

from common.graphs import MAX_PERCENTILES
from hub.cli.client import Parameters, Pictured, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, Exit, usage
from hub.cli.figures import size
from hub.cli.graphlist import graph_rows, show_graphs
from hub.cli.output import emit, note, say
from hub.cli.picturefile import Place, place_of, put
from hub.cli.progress import waiting
from hub.cli.ranges import FORMS, LENGTHS, Range, parse_length, parse_range
from hub.cli.sheet import SHEETS, draw_sheet
from hub.cli.zones import checked, local_zone

PICTURES = ("png", "svg", "pdf")
EARLIER = {"yesterday": "1d", "last-week": "1w", "last-month": "30d", "last-year": "365d"}


class Chosen(Struct, frozen=True, kw_only=True):
    """What was typed of what is to be drawn."""

    devices: tuple[str, ...]
    components: tuple[str, ...]
    device_class: str | None
    group: str | None
    graph: str | None

    @property
    def is_one_device(self) -> bool:
        """Whether one device is named, and nothing that may have several."""
        return len(self.devices) == 1 and self.device_class is None and self.group is None


@click.command("graph")
@click.argument("device", required=False)
@click.argument("component", required=False)
@click.argument("graph", required=False)
@click.option("--range", "range_text", default="1h", show_default=True, metavar="RANGE", help=f"{FORMS}.")
@click.option("-o", "--output", "output", metavar="FILE", help="Picture to write: .png, .svg or .pdf; - for a pipe.")
@click.option("--format", "form", type=click.Choice([*PICTURES, "html"]), help="Where the name of FILE does not say.")
@click.option("--list", "as_list", is_flag=True, help="List the graphs that there are.")
@click.option("--all", "all_graphs", is_flag=True, help="All graphs of DEVICE on one sheet; FILE may be .html, too.")
@click.option("--device", "more_devices", multiple=True, metavar="NAME", help="One more device in the same picture.")
@click.option("--set", "--component", "more_components", multiple=True, metavar="NAME", help="One more set of each.")
@click.option("--class", "device_class", metavar="PATH", help="All devices of a class and below.")
@click.option("--group", metavar="NAME", help="All devices of a group.")
@click.option("--graph", "graph_name", metavar="NAME", help="Which graph, where no COMPONENT stands before it.")
@click.option("--top", type=click.IntRange(1, 100), metavar="N", help="Only the N largest.")
@click.option("--compare", metavar="LENGTH", help=f"The same once more as it was earlier: 7d or {', '.join(EARLIER)}.")
@click.option("--percentile", "percentiles", type=float, multiple=True, metavar="P", help="A line such as 95.")
@click.option("--band/--no-band", default=None, help="Least to greatest around averages.")
@click.option("--log/--no-log", default=None, help="Logarithmic axis.")
@click.option("--events/--no-events", default=None, help="Marks for what happened.")
@click.option("--thresholds/--no-thresholds", default=None, help="Lines for what is judged.")
@click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True)
@click.option("--title", metavar="TEXT", help="In place of device, component and graph.")
@click.option("--zone", metavar="ZONE", help="Of the time axis, such as Europe/Vienna; by default this terminal's.")
@click.option("--width", type=click.IntRange(100, 4000), help="Of the plot, in pixels.  [default: 720]")
@click.option("--height", type=click.IntRange(50, 2000), help="Of the plot, in pixels.  [default: 200]")
@click.option("--zoom", type=click.IntRange(1, 4), default=1, show_default=True, help="Of a PNG, for sharp screens.")
@click.option("--limit", type=click.IntRange(1, 500), default=60, show_default=True, help="Of --all: so many graphs.")
@json_option
@pass_client
def graph_command(
    client: Client,
    /,
    *,
    device: str | None,
    component: str | None,
    graph: str | None,
    as_json: bool,
    as_list: bool,
    all_graphs: bool,
    **given: Any,
) -> None:
    """Draw a COMPONENT (process set) of DEVICE, or all of them.

    GRAPH is one that a template defines, or cpu, memory, count, restarts, runs, threads, fds, io or age; without it,
    the first that there is; --list shows them. Where several sources have a point, SOURCE:POINT draws that of one.
    `graph DEVICE GRAPH` draws all components that have it. With --device, --set, --class and --group there are several
    in one picture, and --top chooses the largest.
    """
    chosen = _chosen(device, component, graph, given)
    if as_list:
        _only_list(chosen, all_graphs=all_graphs, output=given["output"])
        show_graphs(client.api, chosen.devices[0], chosen.components, as_json=as_json)
        return
    if given["output"] is None:
        raise usage("-o FILE is missing: the picture to write; --list shows which graphs there are")
    place = place_of(given["output"], given["form"], SHEETS if all_graphs else PICTURES)
    if place.path is None and as_json:
        raise usage("-o - prints the picture, and --json a document; give one of them")
    if place.form == "html" and not all_graphs:
        raise usage("--format html is for a sheet of all graphs: --all")
    span = parse_range(given["range_text"], time.time())
    manner = _manner(span, given)
    if all_graphs:
        _only_one_device(chosen)
        drawn = draw_sheet(client.api, chosen.devices[0], chosen.components, span, place.form, manner, given["limit"])
        _done(
            place,
            drawn.data,
            drawn.missing,
            span,
            as_json=as_json,
            more={"graphs": drawn.graphs, "left_out": drawn.left_out},
        )
        return
    parameters = {**manner, "graph": chosen.graph, "component": list(chosen.components) or None, "format": place.form}
    with waiting("drawing"):
        picture = _picture(client, chosen, parameters)
    _done(place, picture.data, picture.missing, span, as_json=as_json, more={})


def _chosen(device: str | None, component: str | None, graph: str | None, given: dict[str, Any]) -> Chosen:
    if graph is not None and given["graph_name"] not in {None, graph}:
        raise usage(f"the graph is {graph!r} and --graph says {given['graph_name']!r}; give one of them")
    devices = dict.fromkeys([*([device] if device is not None else []), *given["more_devices"]])
    components = dict.fromkeys([*([component] if component is not None else []), *given["more_components"]])
    if not devices and given["device_class"] is None and given["group"] is None:
        raise usage("no device is named; give DEVICE, or --device, --class or --group")
    return Chosen(
        devices=tuple(devices),
        components=tuple(components),
        device_class=given["device_class"],
        group=given["group"],
        graph=graph if graph is not None else given["graph_name"],
    )


def _only_list(chosen: Chosen, *, all_graphs: bool, output: str | None) -> None:
    if output is not None or all_graphs:
        raise usage("--list draws nothing; leave -o and --all out")
    if not chosen.is_one_device:
        raise usage("--list is for one DEVICE")


def _only_one_device(chosen: Chosen) -> None:
    if not chosen.is_one_device:
        raise usage("--all is for one DEVICE; draw a sheet for each")
    if chosen.graph is not None:
        raise usage(f"--all draws every graph; leave {chosen.graph!r} out, or leave --all out")


def _manner(span: Range, given: dict[str, Any]) -> dict[str, Any]:
    """What all pictures of this command have in common, as parameters of the API."""
    return {
        "start": span.start,
        "end": span.end,
        "width": given["width"],
        "height": given["height"],
        "theme": given["theme"],
        "compare_s": _earlier_s(given["compare"]),
        "percentile": [f"{one:g}" for one in _percentiles(given["percentiles"])] or None,
        "top": given["top"],
        **{name: _flag(given[name]) for name in ("band", "log", "events", "thresholds")},
        "zone": checked(given["zone"]) if given["zone"] else local_zone(),
        "zoom": given["zoom"],
        "title": given["title"],
    }


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _percentiles(values: Sequence[float]) -> Sequence[float]:
    if len(values) > MAX_PERCENTILES:
        raise usage(f"--percentile may be given {MAX_PERCENTILES} times in a picture")
    for value in values:
        if not 0 < value < 100:
            raise usage(f"--percentile {value:g}: wanted a number above 0 and below 100, such as 95")
    return values


def _earlier_s(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_length(EARLIER.get(text, text))
    except CommandError:
        raise usage(f"--compare {text}: wanted a length of time ({LENGTHS}), or {', '.join(EARLIER)}") from None


def _picture(client: Client, chosen: Chosen, parameters: Parameters) -> Pictured:
    if chosen.is_one_device:
        path = path_of("devices", chosen.devices[0], "graph")
        try:
            return client.api.picture(path, parameters)
        except CommandError as error:
            owners = _owners_of_graph(client, chosen) if error.exit_code is Exit.NOT_FOUND else None
            if owners is None:
                raise
        return client.api.picture(path, {**parameters, "component": owners or None, "graph": chosen.components[0]})
    several = {"device": list(chosen.devices) or None, "class": chosen.device_class, "group": chosen.group}
    return client.api.picture(path_of("graph"), {**several, **parameters})


def _owners_of_graph(client: Client, chosen: Chosen) -> list[str] | None:
    """Whose graph stands in the place of a component: the only one that has it, or all that have it, an empty list.

    None when it is no graph of the device.
    """
    if chosen.graph is not None or len(chosen.components) != 1:
        return None
    rows, _ = graph_rows(client.api, chosen.devices[0], ())
    owners = {row.get("component") for row in rows if row.get("graph") == chosen.components[0]}
    alone = [str(one) for one in owners if one is not None]
    if len(alone) == 1:
        return alone
    return [] if None in owners else None


def _done(
    place: Place, data: bytes, missing: Sequence[str], span: Range, *, as_json: bool, more: dict[str, Any]
) -> None:
    """Write the picture, and say what is not in it: exit code 5."""
    put(place, data)
    if as_json:
        told = {"file": place.name, "format": place.form, "size_bytes": len(data)}
        emit({**told, "start": span.start, "end": span.end, "missing": list(missing), **more})
    elif place.path is not None:
        say(f"Wrote {place.path} ({size(len(data))})")
        if more.get("left_out"):
            all_of_it = more["graphs"] + more["left_out"]
            note(f"{more['graphs']} of {all_of_it} graphs are on it; --limit {all_of_it} takes more, or name a set")
    if missing:
        sentence = "The picture does not have all that was asked for"
        raise CommandError(sentence, missing, exit_code=Exit.PARTLY, code="partly", printed=as_json)

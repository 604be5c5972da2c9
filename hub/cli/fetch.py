"""`tocsin data fetch`: rows of series, as CSV or JSON, or what they come to."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click

from common.errors import PermanentError
from hub.cli.client import Api, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.dataseries import listing_of
from hub.cli.exits import not_found, usage
from hub.cli.figures import NOTHING, iso, measured, span
from hub.cli.output import Column, emit, note, plural_rows, show, table
from hub.cli.progress import Bar, counting
from hub.cli.ranges import FORMS, Range, parse_length, parse_range
from hub.cli.zones import local_zone
from hub.data.calendar import zone_named
from hub.data.rowtext import csv_text

FUNCTIONS = ["AVERAGE", "MIN", "MAX", "LAST", "SUM"]
MAX_PERCENTILES = 20


@click.command("fetch")
@click.argument("device")
@click.argument("component")
@click.argument("points", nargs=-1, metavar="[[SOURCE:]POINT]...")
@click.option("--range", "range_text", default="1h", show_default=True, metavar="RANGE", help=f"{FORMS}.")
@click.option(
    "--cf",
    type=click.Choice(FUNCTIONS, case_sensitive=False),
    default="AVERAGE",
    show_default=True,
    help="What a row has of its time; SUM is what a rate comes to in it.",
)
@click.option("--resolution", metavar="LENGTH", help="Length of a row, such as 60s or 1h; made of finer rows.")
@click.option("--days", is_flag=True, help="A row for each day of the calendar.")
@click.option("--weeks", is_flag=True, help="A row for each week, from Monday.")
@click.option("--months", is_flag=True, help="A row for each month.")
@click.option(
    "--tz", "zone_name", metavar="ZONE", help="Whose calendar, such as Europe/Berlin.  [default: this terminal's]"
)
@click.option("--source", metavar="NAME", help="Series source, where several have a point of that name.")
@click.option("--stats", is_flag=True, help="Not rows, but what they come to.")
@click.option(
    "--percentile",
    "percentiles",
    type=click.FloatRange(0, 100),
    multiple=True,
    help="With --stats; may be given several times.  [default: 95]",
)
@click.option(
    "--format", "form", type=click.Choice(["csv", "json"]), help="[default: csv; with --stats a table for people]"
)
@json_option
@pass_client
def fetch_command(
    client: Client,
    *,
    device: str,
    component: str,
    points: Sequence[str],
    range_text: str,
    cf: str,
    resolution: str | None,
    days: bool,
    weeks: bool,
    months: bool,
    zone_name: str | None,
    source: str | None,
    stats: bool,
    percentiles: Sequence[float],
    form: str | None,
    as_json: bool,
) -> None:
    """Print series of a COMPONENT as CSV (or JSON): all points, or those named.

    Where several sources of it have a POINT, say SOURCE:POINT, or --source.

    CSV: the end of each row in ISO 8601 UTC, or the name of its day, week or month, how many hours that has and whether
    it is over; then a column for each point; a gap is empty. COMPONENT '' is the device itself.
    """
    by = _by(days=days, weeks=weeks, months=months)
    _check(resolution, by, percentiles, stats=stats, cf=cf)
    zone = _zone(zone_name)
    chosen = parse_range(range_text, time.time(), zone)
    resolution_s = parse_length(resolution) if resolution else None
    source_name, wanted = _choose_source(client.api, device, component, points, source)
    asked: dict[str, Any] = {
        "component": component,
        "source": source_name,
        "point": wanted,
        "start": chosen.start,
        "end": chosen.end,
    }
    if stats:
        document = client.api.get(
            path_of("devices", device, "series", "stats"),
            {**asked, "percentile": [f"{share:g}" for share in percentiles] or ["95"]},
        )
        if as_json or form == "json":
            emit(document)
        elif form == "csv":
            _print_stats(document)
        else:
            _show_stats(document)
        return
    asked |= {"cf": cf.upper(), "resolution_s": resolution_s, "by": by, "tz": _zone_name(zone_name) if by else None}
    pages = _pages(client.api, device, asked, chosen)
    if as_json or form == "json":
        emit(_together(list(pages)))
        return
    inexact = 0
    copies = 0
    for number, page in enumerate(pages):
        _print_csv(page, header=number == 0)
        inexact = max(inexact, page.get("inexact_until") or 0)
        copies += max((row.get("from_copies") or 0 for row in plural_rows(page, "series")), default=0)
    if inexact and by:
        note(f"Rows up to {iso(inexact)} are in part of coarser ones that do not end where a {by} of this zone does")
    if copies:
        note(f"{copies} of the rows are from copies that were kept when the device went silent")


def _by(**given: bool) -> str | None:
    """What of the calendar a row is of."""
    chosen = [name for name, wanted in given.items() if wanted]
    if len(chosen) > 1:
        raise usage(f"--{chosen[0]} and --{chosen[1]} cannot be used together: both say what a row is of")
    return chosen[0].removesuffix("s") if chosen else None


def _check(
    resolution: str | None,
    by: str | None,
    percentiles: Sequence[float],
    *,
    stats: bool,
    cf: str,
) -> None:
    """Refuse options that do not go together."""
    if by and resolution:
        raise usage(f"--{by}s and --resolution cannot be used together: both say what a row is of")
    if percentiles and not stats:
        raise usage("--percentile goes with --stats")
    if len(percentiles) > MAX_PERCENTILES:
        raise usage(f"--percentile may be given {MAX_PERCENTILES} times")
    if stats and (by or resolution or cf.upper() != "AVERAGE"):
        raise usage("--stats is of the whole range; it goes with no --days, --weeks, --months, --resolution or --cf")


def _zone(name: str | None) -> ZoneInfo | None:
    """The zone that is named; None for this terminal's.

    Raises:
        CommandError: there is none of that name.
    """
    if name is None:
        return None
    try:
        return zone_named(name)
    except PermanentError as error:
        raise usage(f"--tz: {error.message}") from None


def _zone_name(name: str | None) -> str:
    """The name that the hub is told."""
    if name is not None:
        return name
    found = local_zone()
    try:
        zone_named(found)
    except PermanentError:
        raise usage(
            f"The time zone of this terminal, {found}, has no name that others know; give one with --tz"
        ) from None
    return found


def _choose_source(
    api: Api, device: str, component: str, points: Sequence[str], source: str | None
) -> tuple[str, list[str]]:
    """Find the source that has all the points; no points ask for all of it.

    Raises:
        CommandError: there is none; names those that there are. Or there are several.
    """
    source, points = _parted(points, source)
    sources: dict[str, list[str]] = {}
    for row in plural_rows(listing_of(api, device, component), "values"):
        sources.setdefault(str(row.get("source")), []).append(str(row.get("point")))
    having = [name for name, known in sources.items() if source in {None, name} and set(points) <= set(known)]
    if len(having) > 1 and points:
        raise usage(
            f"{', '.join(points)} of {component!r} of {device} is in the sources {', '.join(having)}; name one of "
            f"them: {having[0]}:{points[0]}, or --source {having[0]}"
        )
    if having:
        return having[0], list(points) or sources[having[0]]
    have = [f"{name}: {', '.join(known)}" for name, known in sources.items()]
    if source is not None and source not in sources:
        raise not_found(f"{component!r} of {device} has no source {source!r}", have)
    there = {point for name, of_source in sources.items() if source in {None, name} for point in of_source}
    strange = [point for point in points if point not in there]
    if strange:
        raise not_found(f"{component!r} of {device} has no point {', '.join(map(repr, strange))}", have)
    raise not_found(f"No source of {component!r} of {device} has all the points {', '.join(points)}", have)


def _parted(points: Sequence[str], source: str | None) -> tuple[str | None, list[str]]:
    """Source and points, of points that may be written as SOURCE:POINT."""
    named = {one.rpartition(":")[0] for one in points if ":" in one} | ({source} if source is not None else set())
    if len(named) > 1:
        raise usage(f"rows are of one source at a time, and here are {', '.join(sorted(named))}")
    return next(iter(named), None), [one.rpartition(":")[2] for one in points]


def _pages(api: Api, device: str, asked: Mapping[str, Any], chosen: Range) -> Iterator[dict[str, Any]]:
    """One page after the other; how far it has come shows where nothing else goes to the terminal."""
    path, after = path_of("devices", device, "series", "fetch"), None
    with _progress() as bar:
        while True:
            page = api.get(path, {**asked, "pages": "1", "after": after})
            yield page
            following = page.get("next")
            if not isinstance(following, int) or (after is not None and following <= after):
                return
            after = following
            if bar is not None:
                bar.reach(round(100 * (after - chosen.start) / (chosen.end - chosen.start)))


def _progress() -> contextlib.AbstractContextManager[Bar | None]:
    return contextlib.nullcontext() if sys.stdout.isatty() else counting("reading", 100)


def _together(pages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One document of all pages."""
    whole = {**pages[0], "next": None}
    whole["bins"] = [one for page in pages for one in plural_rows(page, "bins")]
    whole["inexact_until"] = max(page.get("inexact_until") or 0 for page in pages) or None
    every = [plural_rows(page, "series") for page in pages]
    whole["series"] = [
        {
            **first,
            "rows": [row for series in every for row in series[place].get("rows") or []],
            "known": [share for series in every for share in series[place].get("known") or []],
            "from_copies": sum(series[place].get("from_copies") or 0 for series in every),
        }
        for place, first in enumerate(every[0])
    ]
    return whole


def _print_csv(page: Mapping[str, Any], *, header: bool) -> None:
    series, bins = plural_rows(dict(page), "series"), plural_rows(dict(page), "bins")
    columns = [one.get("rows") or [] for one in series]
    by = page.get("by")
    if by:
        firsts = [[str(row["name"]), f"{row['hours']:g}", "yes" if row["complete"] else "no"] for row in bins]
        titles = [str(by), "hours", "complete"]
    else:
        firsts = [[iso(at)] for at, _ in (columns[0] if columns else [])]
        titles = ["time"]
    titles += [str(one.get("point")) for one in series]
    figures = ([value for _, value in row] for row in zip(*columns, strict=True))
    sys.stdout.write(csv_text(titles if header else (), zip(firsts, figures, strict=True)))


def _print_stats(document: Mapping[str, Any]) -> None:
    rows = plural_rows(dict(document), "points")
    shares = list((rows[0].get("percentiles") or {}) if rows else {})
    header = ["point", "unit", "min", "average", *(f"p{share}" for share in shares), "max", "total", "known"]
    lines = [
        (
            [str(row.get("point")), str(row.get("unit") or "")],
            [
                row.get("minimum"),
                row.get("average"),
                *((row.get("percentiles") or {}).get(share) for share in shares),
                row.get("maximum"),
                row.get("total"),
                row.get("known"),
            ],
        )
        for row in rows
    ]
    sys.stdout.write(csv_text(header, lines))


def _show_stats(document: Mapping[str, Any]) -> None:
    rows = plural_rows(dict(document), "points")
    shares = list((rows[0].get("percentiles") or {}) if rows else {})
    columns = (
        Column("point"),
        Column("min", right=True),
        Column("average", right=True),
        *(Column(f"p{share}", right=True) for share in shares),
        Column("max", right=True),
        Column("total", right=True),
        Column("known", right=True),
    )
    cells = []
    for row in rows:
        unit = str(row.get("unit") or "")
        figures = row.get("percentiles") or {}
        cells.append(
            [
                row.get("point"),
                measured(row.get("minimum"), unit),
                measured(row.get("average"), unit),
                *(measured(figures.get(share), unit) for share in shares),
                measured(row.get("maximum"), unit),
                NOTHING if row.get("total") is None else measured(row["total"], unit.removesuffix("/s")),
                f"{100 * (row.get('known') or 0):.4g} %",
            ]
        )
    without = () if any(row.get("total") is not None for row in rows) else ("total",)
    show(table(columns, cells, without=without))
    start, end = document.get("start"), document.get("end")
    if isinstance(start, int) and isinstance(end, int):
        note(f"{iso(start)} to {iso(end)} ({span(end - start)}), read at {span(document.get('resolution_s'))} or finer")

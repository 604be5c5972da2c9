"""`tocsin graph --all`: all graphs of a device on one sheet, small and beside each other, all of the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from common.graphtexts import plain
from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError, Exit, not_found
from hub.cli.graphlist import graph_rows, worth_a_picture
from hub.cli.progress import counting
from hub.cli.ranges import Range
from hub.cli.sheetmarkup import as_html, as_svg
from hub.cli.sheetparts import Cell, Section, Sheet
from hub.cli.sheetpixels import as_pdf, as_png

AWAY = frozenset({"collector_unavailable", "unavailable", "timeout", "busy"})
WIDTH, HEIGHT = 460, 110
"""Of a plot on a sheet, in pixels, where nobody says otherwise."""


class _Form(Struct, frozen=True):
    """How a sheet is made.

    Attributes:
        of: form of the pictures on it.
        zoom: of these, at least.
        made: makes the file.
    """

    of: str
    zoom: int
    made: Callable[[Sheet], bytes]


SHEETS: Mapping[str, _Form] = {
    "png": _Form("png", 1, as_png),
    "svg": _Form("svg", 1, as_svg),
    "pdf": _Form("png", 2, as_pdf),
    "html": _Form("svg", 1, as_html),
}


class DrawnSheet(Struct, frozen=True, kw_only=True):
    """A sheet as a file; `missing` says in sentences what is not on it, `left_out` how many graphs had no room."""

    data: bytes
    graphs: int
    left_out: int
    missing: tuple[str, ...]


def draw_sheet(
    api: Api, device: str, components: Sequence[str], span: Range, form: str, manner: Mapping[str, Any], limit: int
) -> DrawnSheet:
    """Draw all graphs of a device, or of some of its components.

    Args:
        api: of the hub.
        device: id.
        components: empty for all.
        span: of all of them.
        form: of the file.
        manner: parameters of each picture.
        limit: so many graphs at most.

    Raises:
        CommandError: exit code 3: there is no such device or component, or no graph of it.
    """
    rows, problem = graph_rows(api, device, components)
    if not rows and not problem:
        raise not_found(f"{device} has no graphs yet; the first sample makes its series")
    every, rows = len(rows), worth_a_picture(rows)
    shown, wanted = rows[:limit], SHEETS[form]
    size = {"width": manner.get("width") or WIDTH, "height": manner.get("height") or HEIGHT}
    zoom = max(wanted.zoom, manner.get("zoom") or 1)
    zoomed = zoom if wanted.of == "png" else None
    parameters = {**manner, **size, "format": wanted.of, "zoom": zoomed, "title": None}
    sections, failed = _pictures(api, device, shown, parameters)
    missing = list(dict.fromkeys([*([problem] if problem else []), *failed]))
    if not sections:
        raise CommandError(missing[0], missing[1:])
    left_out = len(rows) - len(shown)
    sheet = Sheet(
        title=plain(str(manner.get("title") or device)),
        subtitle=_times(span, str(manner.get("zone") or "UTC")),
        sections=tuple(Section(_called(component, device), tuple(cells)) for component, cells in sections.items()),
        notes=tuple(plain(one) for one in [*_more(left_out, limit), *_points(every - len(rows)), *missing]),
        is_dark=manner.get("theme") == "dark",
        zoom=zoomed or 1,
        cell_width=size["width"],
    )
    return DrawnSheet(
        data=wanted.made(sheet),
        graphs=sum(len(cells) for cells in sections.values()),
        left_out=left_out,
        missing=tuple(missing),
    )


def _pictures(
    api: Api, device: str, rows: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
) -> tuple[dict[str | None, list[Cell]], list[str]]:
    """The pictures by component, and why some are not there."""
    sections: dict[str | None, list[Cell]] = {}
    missing: list[str] = []
    with counting("drawing", len(rows)) as bar:
        for row in rows:
            component = row.get("component")
            try:
                asked = {**parameters, "component": component, "graph": row.get("graph")}
                picture = api.picture(path_of("devices", device, "graph"), asked)
                missing += picture.missing
                sections.setdefault(component, []).append(Cell(picture.data, str(row.get("title") or "")))
            except CommandError as error:
                if error.exit_code in {Exit.UNREACHABLE, Exit.USAGE}:
                    raise
                if error.code in AWAY:
                    return sections, [*missing, error.message]  # so it would be with all others
                missing.append(f"{component or device} {row.get('graph')}: {error.message}")
            bar.advance(1)
    return sections, missing


def _called(component: str | None, device: str) -> str:
    if component is None:
        return f"All of {plain(device)}"
    return plain(component) or plain(device)


def _more(left_out: int, limit: int) -> list[str]:
    return [f"{left_out} more graphs have no room here; --limit {limit + left_out} shows them."] if left_out else []


def _points(number: int) -> list[str]:
    return [f"{counted(number, 'point')} without a graph: see --list; each can be drawn by its name."] if number else []


def _times(span: Range, zone: str) -> str:
    try:
        place = ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        place, zone = ZoneInfo("UTC"), "UTC"
    start, end = (datetime.fromtimestamp(at, place).strftime("%Y-%m-%d %H:%M") for at in (span.start, span.end))
    return f"{start} to {end}, {zone}"

"""Which templates hold for a device, for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.text import Text

from hub.cli.client import Api, path_of
from hub.cli.figures import safe
from hub.cli.output import Column, emit, note, plural_rows, show, table

_COLUMNS = (
    Column("template"),
    Column("what"),
    Column("id", elastic=True),
    Column("says", wraps=True),
    Column("from", wraps=True),
)
MAX_POINTS = 5
"""Of a source, by name; --json has all."""

_BOUNDS = {
    "limit": (("minimum", "below"), ("maximum", "above")),
    "band": (("minimum", "between"), ("maximum", "and")),
    "change": (),
    "trend": (("minimum", "on the way to"), ("maximum", "on the way to")),
}
_BOUNDLESS = {
    "change": "changes",
    "absence": "has no value",
    "baseline both": "not as its past makes likely",
    "baseline over": "above what its past makes likely",
    "baseline under": "below what its past makes likely",
}

Row = dict[str, Any]


def show_templates(api: Api, device: str, *, as_json: bool) -> None:
    """Print the templates that hold for a device, the strongest first, what each says, and those that do not hold."""
    document = api.get(path_of("devices", device, "templates"))
    if as_json:
        emit(document)
        return
    rows: list[list[object]] = []
    reasons: dict[str, int] = {}
    for held in plural_rows(document, "templates"):
        rows += _held(held, reasons)
    for one in plural_rows(document, "process_sets"):
        own = f"process set {one.get('id')}"
        rows += ([own, "threshold", row.get("id"), says(row), own] for row in one.get("thresholds") or [])
    for one in plural_rows(document, "not_held"):
        origin = f"{one.get('origin')}; {one.get('why')}"
        rows.append([Text(safe(one.get("id")), style="dim"), "not held", "", "", origin])
    if rows:
        show(table(_COLUMNS, rows), *(Text(f"({number}) {safe(why)}") for why, number in reasons.items()))
    else:
        note(f"No template is bound for {device}. Classes, groups and devices bind them: docs/templates.md")


def _held(held: Row, reasons: dict[str, int]) -> Iterable[list[object]]:
    """Rows of a template; why something is not collected gets a number in `reasons`, as often it is always the same."""
    component = f"for {held.get('component')}"
    yield [held.get("id"), component, "", held.get("description"), held.get("origin")]
    hidden = held.get("hidden_points") or {}
    for source in held.get("sources") or []:
        yield ["", "source", source.get("id"), _source(source), _of_source(source, reasons)]
        for point in source.get("points") or []:
            if point.get("derived") and not source.get("hidden_by"):
                unit = f", in {point['unit']}" if point.get("unit") else ""
                origin = _origin({**source, "hidden_by": hidden.get(point.get("name"), "")})
                yield ["", "point", point.get("name"), f"{point['derived']}{unit}", origin]
    for threshold in held.get("thresholds") or []:
        yield ["", "threshold", threshold.get("id"), says(threshold), _origin(threshold)]
    for graph in held.get("graphs") or []:
        yield ["", "graph", graph.get("id"), draws(graph), _origin(graph)]
    for one in held.get("dropped") or []:
        what = str(one.get("section")).removesuffix("s")
        yield ["", what, one.get("id"), "", f"dropped by {one.get('said_by')}; {one.get('instead_of')} has it"]


def _origin(row: Row) -> str:
    """Who says an entry, and whether it holds."""
    said_by, instead_of = row.get("said_by"), row.get("instead_of")
    origin = f"{said_by}, instead of {instead_of}" if instead_of else str(said_by)
    by = row.get("hidden_by")
    return f"{origin}; does not hold: {by} is stronger" if by else origin


def _of_source(source: Row, reasons: dict[str, int]) -> str:
    """Who says a source, and whether it is read."""
    why = source.get("not_collected")
    if not why or source.get("hidden_by"):
        return _origin(source)
    return f"{_origin(source)}; not collected ({reasons.setdefault(str(why), len(reasons) + 1)})"


def _source(source: Row) -> str:
    """What is measured."""
    what = source.get("oid") or source.get("item") or source.get("url") or ""
    what = what or " ".join(source.get("command") or []) or _objects(source)
    measured = [str(one.get("name")) for one in source.get("points") or [] if not one.get("derived")]
    more = [f"+{len(measured) - MAX_POINTS}"] if len(measured) > MAX_POINTS else []
    return f"{source.get('type')} {what}".strip() + f": {', '.join([*measured[:MAX_POINTS], *more])}"


def _objects(source: Row) -> str:
    """The objects of an SNMP source, or what a plugin or a handler is."""
    oids = [str(one.get("walk") or one.get("get")) for one in source.get("oids") or []]
    if oids:
        return ", ".join(oids[:2]) + (f", +{len(oids) - 2}" if len(oids) > 2 else "")
    if source.get("type") == "plugin":
        return f"of {source.get('service')}"
    return "handler" if source.get("type") == "probe" else ""


def says(threshold: Row) -> str:
    """A threshold in words."""
    if not threshold.get("points"):
        return "silenced"
    form = str(threshold.get("form"))
    points = " or ".join(str(point) for point in threshold.get("points") or [])
    side = threshold.get("side") or "both"
    shape = f"{form} {side}" if form == "baseline" else form
    levels = (_level(level, shape) for level in threshold.get("levels") or [])
    text = f"{points} {'; '.join(level for level in levels)}"
    if threshold.get("within_s"):
        text += f", there within {threshold['within_s']} s"
        text += f" by the last {threshold['window_s']} s" if threshold.get("window_s") else ""
    text += _habits(threshold) if form == "baseline" else ""
    scans, of, for_s = threshold.get("scans") or 1, threshold.get("of"), threshold.get("for_s") or 0
    what = "parts" if form == "baseline" else "scans"
    if of and of > scans:
        text += f", {scans} of the last {of} {what}"
    elif scans > 1:
        text += f", {scans} {what} in a row"
    text += f", for {for_s} s" if for_s else ""
    hysteresis, more = threshold.get("hysteresis"), threshold.get("escalate_after")
    text += f", over when {hysteresis:g} within" if hysteresis else ""
    text += f", one worse after {more}" if more else ""
    return text if threshold.get("enabled", True) else f"{text} (silenced)"


def draws(graph: Row) -> str:
    """What a graph draws, in words."""
    text = ", ".join(_curve(curve) for curve in graph.get("points") or [])
    text += ", logarithmic" if graph.get("log") else ""
    band = graph.get("band")
    text += "" if band is None else ", with bands" if band else ", without bands"
    without = " or ".join(name for name in ("thresholds", "events") if not graph.get(name, True))
    text += f", without {without}" if without else ""
    percentiles = " and ".join(f"{one:g}" for one in graph.get("percentiles") or [])
    return text + (f", percentile {percentiles}" if percentiles else "")


def _curve(curve: Row) -> str:
    transform = f" as {curve['transform']}" if curve.get("transform") else ""
    return f"{curve.get('point')}{transform}{' (stacked)' if curve.get('stack') else ''}"


def _level(level: Row, form: str) -> str:
    bounds = [f"{word} {level[name]:g}" for name, word in _BOUNDS.get(form, ()) if level.get(name) is not None]
    return f"{(' or ' if form == 'limit' else ' ').join(bounds) or _BOUNDLESS.get(form, '')}: {level.get('severity')}"


def _habits(threshold: Row) -> str:
    """What a baseline takes for likely, as far as it says so."""
    season_s, width, least = (threshold.get(name) for name in ("season_s", "width", "least"))
    percent, adapts, learn_s = (threshold.get(name) for name in ("least_percent", "adapts", "learn_s"))
    text = f", season of {season_s} s" if season_s else ""
    text += f", {width:g} times the usual spread" if width else ""
    text += f", by {least:g} at least" if least else ""
    text += f", by {percent:g} % at least" if percent is not None else ""
    text += f", adapts {adapts}" if adapts else ""
    return text + (f", learned for {learn_s} s" if learn_s else "")

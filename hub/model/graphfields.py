"""How the graphs of templates are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from common.expressions import MAX_LENGTH, ExpressionError, parse
from hub.model.fields import Fault, FieldSpec, Reader, choice, flag, many, text, wrong
from hub.model.nested import by_id, line_of, number, record
from hub.model.templates import Curve, Draw, Graph
from hub.model.thresholdfields import MAX_ENTRIES, SLUG, SLUG_EXPECTED, point_name
from hub.model.yaml import Item

MAX_CURVES = 50
MAX_PERCENTILES = 5

_colour = text("a colour such as #3366cc, in quotes", r"#[0-9A-Fa-f]{6}")


# --- curves -----------------------------------------------------------------------------------------------------------


def _check_curve(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    if "transform" not in values:
        return
    try:
        names = parse(values["transform"]).names
    except ExpressionError as error:
        yield Fault(line_of(item, "transform"), ".transform", str(error))
        return
    if not names:
        yield Fault(
            line_of(item, "transform"), ".transform", "is the same at all times; `value` stands for the point's value"
        )


def _build_curve(**values: Any) -> Curve:
    return Curve(draw=Draw(values.pop("draw", Draw.LINE.value)), **values)


_curve_fields = record(
    {
        "point": FieldSpec(point_name, required=True),
        "label": FieldSpec(text("text", longest=100)),
        "draw": FieldSpec(choice(*(draw.value for draw in Draw))),
        "stack": FieldSpec(flag),
        "colour": FieldSpec(_colour),
        "transform": FieldSpec(
            text("an expression over `value` and points of the same source", r".+", longest=MAX_LENGTH)
        ),
    },
    "the name of a point, or a mapping with point, label, draw, stack, colour, transform",
    _build_curve,
    _check_curve,
)


def _read_curve(item: Item) -> Curve:
    if isinstance(item.value, str):
        return Curve(point=point_name(item))
    curve: Curve = _curve_fields(item)
    return curve


_curve = Reader(_read_curve, {"anyOf": [point_name.schema, _curve_fields.schema]})


# --- graphs -----------------------------------------------------------------------------------------------------------


def _check_graph(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    if not values["points"]:
        yield Fault(line_of(item, "points"), ".points", "names no point")
    low, high = values.get("minimum"), values.get("maximum")
    if low is not None and high is not None and low >= high:
        yield Fault(line_of(item, "minimum"), ".minimum", f"minimum {low:g} is not below maximum {high:g}")
    if values.get("log") and low is not None and low <= 0:
        yield Fault(line_of(item, "minimum"), ".minimum", f"a logarithmic axis begins above 0, not at {low:g}")


def _read_base(item: Item) -> int:
    if not isinstance(item.value, int) or item.value not in {1000, 1024}:
        raise wrong(item, "1000 or 1024")
    return item.value


_base = Reader(_read_base, {"enum": [1000, 1024]})


def _read_percentile(item: Item) -> float:
    value = item.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100:
        raise wrong(item, "a number above 0 and below 100, such as 95")
    return float(value)


_percentile = Reader(_read_percentile, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100})

graphs: Reader = by_id(
    record(
        {
            "title": FieldSpec(text("text", longest=200)),
            "axis": FieldSpec(text("text", longest=50)),
            "unit": FieldSpec(text("a unit", longest=50)),
            "points": FieldSpec(many(_curve, longest=MAX_CURVES), required=True),
            "log": FieldSpec(flag),
            "base": FieldSpec(_base),
            "minimum": FieldSpec(number()),
            "maximum": FieldSpec(number()),
            "band": FieldSpec(flag),
            "thresholds": FieldSpec(flag),
            "events": FieldSpec(flag),
            "percentiles": FieldSpec(many(_percentile, longest=MAX_PERCENTILES)),
        },
        "a mapping with title and points",
        Graph,
        _check_graph,
    ),
    key="id",
    pattern=SLUG,
    expected=SLUG_EXPECTED,
    longest=MAX_ENTRIES,
    droppable=True,
)

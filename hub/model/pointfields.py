"""How the points of a source are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from common.expressions import MAX_LENGTH, ExpressionError, parse
from common.series import POINT_NAME, Kind
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, choice, cut, describe, text, wrong
from hub.model.nested import by_id, line_of, number, record
from hub.model.sources import DataPoint
from hub.model.thresholdfields import MAX_ENTRIES, POINT_EXPECTED
from hub.model.yaml import Item

_WIDTHS = (32, 64)
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
MAX_LABELS = 50
MAX_LABEL = 4096


def _read_width(item: Item) -> int:
    if not isinstance(item.value, int) or item.value not in _WIDTHS:
        raise wrong(item, "32 or 64")
    return item.value


_width = Reader(_read_width, {"enum": list(_WIDTHS)})


def _read_labels(item: Item) -> dict[str, str]:
    if not isinstance(item.value, dict) or len(item.value) > MAX_LABELS:
        raise wrong(item, f"a mapping of at most {MAX_LABELS} labels to texts")
    faults = [
        Fault(part.line, f".{cut(name)}", f"got {describe(part.value)}; expected a text, in quotes")
        for name, part in item.value.items()
        if not isinstance(part.value, str) or len(part.value) > MAX_LABEL
    ]
    faults += [
        Fault(part.line, "", f"got '{cut(name)}'; expected the name of a label: letters, digits and _")
        for name, part in item.value.items()
        if not _LABEL.fullmatch(name)
    ]
    if faults:
        raise WrongValueError(*faults)
    return {name: part.value for name, part in item.value.items()}


_labels = Reader(
    _read_labels,
    {
        "type": "object",
        "propertyNames": {"pattern": f"^(?:{_LABEL.pattern})$"},
        "additionalProperties": {"type": "string", "maxLength": MAX_LABEL},
        "maxProperties": MAX_LABELS,
    },
)


def _check_point(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    low, high = values.get("minimum"), values.get("maximum")
    if low is not None and high is not None and low >= high:
        yield Fault(line_of(item, "minimum"), ".minimum", f"minimum {low:g} is not below maximum {high:g}")
    if "derived" in values:
        yield from _check_derived(values, item)
    else:
        yield from _check_measured(values, item)


def _check_derived(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    if values.get("kind", Kind.GAUGE.value) != Kind.GAUGE.value:
        yield Fault(line_of(item, "kind"), ".kind", "a point that is computed is a gauge; leave the field out")
    for name in ("scale", "offset", "wraps_at_bits", "value", "metric", "labels"):
        if name in values:
            yield Fault(
                line_of(item, name), f".{name}", "a point that is computed has none; put it into the expression"
            )
    try:
        parse(values["derived"])
    except ExpressionError as error:
        yield Fault(line_of(item, "derived"), ".derived", str(error))


def _check_measured(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    kind = Kind(values.get("kind", Kind.GAUGE.value))
    if "wraps_at_bits" in values:
        if kind is not Kind.COUNTER:
            yield Fault(line_of(item, "wraps_at_bits"), ".wraps_at_bits", f"a point of kind {kind.value} wraps never")
        elif values.get("maximum") is None:
            yield Fault(
                line_of(item, "wraps_at_bits"),
                ".wraps_at_bits",
                "a wrap is told from a reset by the greatest rate that can be; say it as maximum",
            )
    if "scale" in values:
        if kind not in {Kind.GAUGE, Kind.COUNTER}:
            yield Fault(line_of(item, "scale"), ".scale", f"a point of kind {kind.value} is stored as it is")
        elif not values["scale"] or (kind is Kind.COUNTER and values["scale"] < 0):
            expected = "above 0" if kind is Kind.COUNTER else "other than 0"
            yield Fault(line_of(item, "scale"), ".scale", f"got {values['scale']:g}; expected a factor {expected}")
    if "offset" in values and kind is not Kind.GAUGE:
        yield Fault(line_of(item, "offset"), ".offset", f"a point of kind {kind.value} has none; leave the field out")


def _build_point(**values: Any) -> DataPoint:
    return DataPoint(kind=Kind(values.pop("kind", Kind.GAUGE.value)), **values)


points: Reader = by_id(
    record(
        {
            "kind": FieldSpec(choice(*(kind.value for kind in Kind))),
            "unit": FieldSpec(text("a unit", longest=50)),
            "minimum": FieldSpec(number()),
            "maximum": FieldSpec(number()),
            "derived": FieldSpec(text("an expression over points of the same source", r".+", longest=MAX_LENGTH)),
            "wraps_at_bits": FieldSpec(_width),
            "scale": FieldSpec(number()),
            "offset": FieldSpec(number()),
            "value": FieldSpec(text("an expression over $1, $2 and so on", r".+", longest=MAX_LENGTH)),
            "metric": FieldSpec(text("the name of a metric", r"[A-Za-z_:][A-Za-z0-9_:]*", longest=512)),
            "labels": FieldSpec(_labels),
        },
        "a mapping with kind, unit, minimum, maximum, derived, wraps_at_bits, scale, offset, value, metric, labels",
        _build_point,
        _check_point,
        inner="derived",
    ),
    key="name",
    pattern=POINT_NAME,
    expected=POINT_EXPECTED,
    longest=MAX_ENTRIES,
    bare=True,
)

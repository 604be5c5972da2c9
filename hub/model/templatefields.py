"""How the sources of templates are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from common.expressions import parse
from common.processpoints import POINTS as PROCESS_POINTS
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, choice, text, unknown, whole
from hub.model.judging import sorted_by
from hub.model.nested import by_id, in_turn, line_of, record
from hub.model.pointfields import points
from hub.model.templates import DataPoint, Source, SourceType, points_of
from hub.model.thresholdfields import MAX_ENTRIES, SLUG, SLUG_EXPECTED
from hub.model.yaml import Item

OID = r"\.?[0-2](?:\.[0-9]{1,10}){1,127}"
MAX_ARC = 2**32 - 1  # RFC 2578, section 3.5
MAX_SECOND_ARC = 39

_FIELDS_OF: Mapping[SourceType, tuple[str, ...]] = {
    SourceType.PROCESS: (),
    SourceType.SNMP: ("oid", "interval_s"),
    SourceType.STATUS: ("item", "interval_s"),
    SourceType.PROBE: ("command", "handler", "interval_s"),
}
_NEEDS = {SourceType.SNMP: "oid", SourceType.STATUS: "item", SourceType.PROBE: "command"}


def _check_derived(source: Source, item: Item) -> Iterable[Fault]:
    """What is wrong between the points of a source."""
    known = points_of(source)
    needs: dict[str, set[str]] = {}
    for name, point in source.points.items():
        line, place = line_of(item, "points", name, "derived"), f".points.{name}"
        if not point.derived:
            continue
        needs[name] = set(parse(point.derived).names)
        if name in needs[name]:
            yield Fault(line, f"{place}.derived", f"{name} is computed from itself")
            needs[name].discard(name)
        for strange in sorted(needs[name] - known.keys()):
            yield Fault(line, f"{place}.derived", unknown("point", strange, known))
    needs = {name: {other for other in others if other in needs} for name, others in needs.items()}
    left = sorted(needs.keys() - set(sorted_by(needs)))
    if left:
        circle = _circle(needs, left[0])
        line = line_of(item, "points", circle[0], "derived")
        yield Fault(line, f".points.{circle[0]}.derived", f"points are computed from each other: {' <- '.join(circle)}")


def _circle(needs: Mapping[str, Iterable[str]], name: str) -> list[str]:
    """Points from one that is needed by itself back to it; begins at, or before, a circle."""
    left = needs.keys() - set(sorted_by(needs))
    walked: list[str] = []
    while name not in walked:
        walked.append(name)
        name = min(other for other in needs[name] if other in left)
    return [*walked[walked.index(name) :], name]


# --- sources ----------------------------------------------------------------------------------------------------------


def _read_oid(item: Item) -> str:
    oid: str = _oid_text(item)
    arcs = [int(arc) for arc in oid.strip(".").split(".")]
    if max(arcs) > MAX_ARC:
        raise WrongValueError(Fault(item.line, "", f"{max(arcs)} is no number of an OID: at most {MAX_ARC}"))
    if arcs[0] < 2 and arcs[1] > MAX_SECOND_ARC:
        raise WrongValueError(
            Fault(item.line, "", f"the second number of an OID that begins with {arcs[0]} is at most {MAX_SECOND_ARC}")
        )
    return "." + oid.strip(".")


_oid_text = text("an OID in digits such as .1.3.6.1.2.1.1.3.0", OID, longest=1400)


def _check_source(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    type_ = SourceType(values["type"])
    strange = [name for name in values if name not in {"type", "points", *_FIELDS_OF[type_]}]
    for name in strange:
        yield Fault(line_of(item, name), f".{name}", f"a source of type {type_.value} has none; leave the field out")
    needed = _NEEDS.get(type_)
    if needed is not None and not values.get(needed):
        yield Fault(item.line, "", f"a source of type {type_.value} needs the field '{needed}'")
    named: dict[str, DataPoint] = values.get("points", {})
    if type_ is SourceType.PROCESS:
        yield from _check_process_points(named, item)
    elif not any(not point.derived for point in named.values()):
        yield Fault(line_of(item, "points"), "", "has no point that is measured; name one under 'points'")
    yield from _check_derived(Source(type=type_, points=named), item)


def _check_process_points(named: Mapping[str, DataPoint], item: Item) -> Iterable[Fault]:
    """A process source has the points that the collector measures; only what is computed from them can be added."""
    for name, point in named.items():
        line, place = line_of(item, "points", name), f".points.{name}"
        if name not in PROCESS_POINTS and not point.derived:
            yield Fault(
                line,
                place,
                f"{unknown('point', name, PROCESS_POINTS)}; another one needs 'derived', an expression over these",
            )
        elif name in PROCESS_POINTS and point != DataPoint():
            what = "choose another name" if point.derived else "leave its fields out"
            yield Fault(line, place, f"{name} is measured by the process collector as it is; {what}")


def _build_source(**values: Any) -> Source:
    return Source(type=SourceType(values.pop("type")), **values)


_argument = text("an argument of the command, on one line", longest=4096)

sources: Reader = by_id(
    record(
        {
            "type": FieldSpec(choice(*(type_.value for type_ in SourceType)), required=True),
            "oid": FieldSpec(Reader(_read_oid, _oid_text.schema)),
            "item": FieldSpec(text("what of the status is meant", r".+")),
            "command": FieldSpec(in_turn(_argument, longest=100)),
            "handler": FieldSpec(text(SLUG_EXPECTED, SLUG)),
            "interval_s": FieldSpec(whole(1, 86400)),
            "points": FieldSpec(points),
        },
        "a mapping with type and points",
        _build_source,
        _check_source,
        inner="derived",
    ),
    key="id",
    pattern=SLUG,
    expected=SLUG_EXPECTED,
    longest=MAX_ENTRIES,
    droppable=True,
)

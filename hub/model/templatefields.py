"""How the sources of templates are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from common.expressions import parse
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, choice, unknown, whole, wrong
from hub.model.judging import sorted_by
from hub.model.nested import by_id, line_of, record
from hub.model.pointfields import points
from hub.model.schemas import mapping
from hub.model.sourcefields.ping import PING
from hub.model.sourcefields.plugin import PLUGIN
from hub.model.sourcefields.probe import PROBE
from hub.model.sourcefields.process import PROCESS
from hub.model.sourcefields.scrape import SCRAPE
from hub.model.sourcefields.shape import SourceFields
from hub.model.sourcefields.snmp import SNMP
from hub.model.sourcefields.status import STATUS
from hub.model.sources import Source, SourceType, points_of
from hub.model.thresholdfields import MAX_ENTRIES, SLUG, SLUG_EXPECTED
from hub.model.yaml import Item

SOURCES: Mapping[SourceType, SourceFields] = MappingProxyType(
    {
        SourceType.PROCESS: PROCESS,
        SourceType.SNMP: SNMP,
        SourceType.PING: PING,
        SourceType.STATUS: STATUS,
        SourceType.PROBE: PROBE,
        SourceType.PROMETHEUS: SCRAPE,
        SourceType.PLUGIN: PLUGIN,
    }
)
_OF_POINTS = ("value", "metric", "labels")


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

_type = choice(*(type_.value for type_ in SourceType))
_interval = FieldSpec(whole(1, 86400))
_points = FieldSpec(points)


def _fields_of(type_: SourceType) -> Mapping[str, FieldSpec]:
    interval = {} if type_ is SourceType.PROCESS else {"interval_s": _interval}
    return {"type": FieldSpec(_type, required=True), **SOURCES[type_].fields, **interval, "points": _points}


def _reader_of(type_: SourceType) -> Reader:
    """Reads a source of a type."""
    known = SOURCES[type_]

    def check(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
        for name in known.needs:
            if name not in values:
                yield Fault(item.line, "", f"a source of type {type_.value} needs the field '{name}'")
        for name, point in values.get("points", {}).items():
            for field in _OF_POINTS:
                if getattr(point, field) and field not in known.of_points:
                    told = f"a point of a source of type {type_.value} has none; leave the field out"
                    yield Fault(line_of(item, "points", name, field), f".points.{name}.{field}", told)
        yield from known.check(values, item)
        yield from _check_derived(_build(**values), item)

    return record(_fields_of(type_), "a mapping with type and points", _build, check, inner="derived")


def _build(**values: Any) -> Source:
    return Source(**values | {"type": SourceType(values["type"])})


_READERS = {type_: _reader_of(type_) for type_ in SourceType}
_ALL = {name for reader in _READERS.values() for name in reader.schema["properties"]}


def _read_source(item: Item) -> Source:
    """Read a source by its type, which tells what else it may say."""
    if not isinstance(item.value, dict):
        raise wrong(item, "a mapping with type and points")
    if "type" not in item.value:
        raise WrongValueError(Fault(item.line, "", "field 'type' is missing"))
    try:
        type_ = SourceType(_type(item.value["type"]))
    except WrongValueError as error:
        line = item.value["type"].line
        raise WrongValueError(*(Fault(one.line or line, ".type", one.sentence) for one in error.faults)) from None
    strange = [name for name in item.value if name in _ALL and name not in _fields_of(type_)]
    told = f"a source of type {type_.value} has none; leave the field out"
    faults = [Fault(item.value[name].line, f".{name}", told) for name in strange]
    rest = {name: part for name, part in item.value.items() if name not in strange}
    try:
        source: Source = _READERS[type_](Item(rest, item.line) if strange else item)
    except WrongValueError as error:
        if not faults:
            raise
        faults += error.faults
    if faults:
        raise WrongValueError(*faults)
    return source


def _schema() -> Mapping[str, Any]:
    """All fields, and for each type those that it may have."""
    found: dict[str, list[Any]] = {}
    for reader in _READERS.values():
        for name, schema in reader.schema["properties"].items():
            same = found.setdefault(name, [])
            if schema not in same:
                same.append(schema)
    properties = {name: one[0] if len(one) == 1 else {"anyOf": one} for name, one in found.items()}
    rules = [
        {
            "if": {"properties": {"type": {"const": type_.value}}},
            "then": {
                "properties": {
                    name: reader.schema["properties"].get(name, False)
                    for name in properties
                    if properties[name] is not reader.schema["properties"].get(name)
                },
                **({"required": list(SOURCES[type_].needs)} if SOURCES[type_].needs else {}),
            },
        }
        for type_, reader in _READERS.items()
    ]
    return {**mapping(properties, ["type"]), "allOf": rules}


sources: Reader = by_id(
    Reader(_read_source, _schema()),
    key="id",
    pattern=SLUG,
    expected=SLUG_EXPECTED,
    longest=MAX_ENTRIES,
    droppable=True,
)

"""Sources of the type snmp: objects of an agent, and formulas over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from common.expressions import ExpressionError
from common.formulas import name_of, parse_formula, places_of
from common.rownames import INDEX, RowNameError, parse_row_name
from common.sources import DEVICE, MAX_OIDS
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, many, text, whole, wrong
from hub.model.nested import in_turn, line_of
from hub.model.schemas import mapping
from hub.model.sourcefields.shape import SourceFields, Values, check_measured, measured, regex
from hub.model.sources import Oid, Source
from hub.model.yaml import Item

OID = r"\.?[0-2](?:\.[0-9]{1,10}){1,127}"
MAX_ARC = 2**32 - 1  # RFC 2578, section 3.5
MAX_SECOND_ARC = 39
WAYS = ("get", "walk")

_oid_text = text("an OID in digits such as .1.3.6.1.2.1.1.3.0", OID, longest=1400)


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


def _read_object(item: Item) -> Oid:
    if not isinstance(item.value, dict):
        return Oid(get=_read_oid(item))
    if len(item.value) != 1 or not item.value.keys() <= set(WAYS):
        raise WrongValueError(Fault(item.line, "", "expected an OID, {get: OID} or {walk: OID}"))
    ((way, part),) = item.value.items()
    try:
        return Oid(**{way: _read_oid(part)})
    except WrongValueError as error:
        raise WrongValueError(*(Fault(one.line, f".{way}{one.place}", one.sentence) for one in error.faults)) from None


def _read_objects(item: Item) -> tuple[Oid, ...]:
    if item.value == []:
        raise wrong(item, "one object at least")
    found: tuple[Oid, ...] = _objects(item)
    return found


_ways = [mapping({way: _oid_text.schema}, [way]) for way in WAYS]
_objects = in_turn(Reader(_read_object, {"anyOf": [_oid_text.schema, *_ways]}), longest=MAX_OIDS)


def _check(values: Values, item: Item) -> Iterable[Fault]:
    if ("oid" in values) == ("oids" in values):
        yield Fault(
            line_of(item, "oid"), "", "a source of type snmp needs the field 'oid', or a list 'oids', and not both"
        )
        return
    oids = values.get("oids", (Oid(get=values.get("oid", "")),))
    yield from check_measured(values, item)
    for place, (name, point) in enumerate(measured(values).items(), 1):
        line = line_of(item, "points", name, "value")
        if point.value:
            for sentence in _wrong_formula(point.value, len(oids)):
                yield Fault(line, f".points.{name}.value", sentence)
        elif place > len(oids):
            there = "there is one object" if len(oids) == 1 else f"there are {len(oids)} objects"
            yield Fault(
                line, f".points.{name}", f"is the measured point {place}, so ${place}, but {there}; give it a 'value'"
            )
    if values.get("discontinuity", 1) > len(oids):
        line = line_of(item, "discontinuity")
        yield Fault(line, ".discontinuity", f"there is no object {values['discontinuity']}; there are {len(oids)}")
    for sentence in _wrong_name(values.get("name", ""), oids):
        yield Fault(line_of(item, "name"), ".name", sentence)


def _wrong_formula(formula: str, count: int) -> Iterable[str]:
    try:
        places = places_of(parse_formula(formula))
    except ExpressionError as error:
        yield str(error)
        return
    there = "the source has one object, $1" if count == 1 else f"the source has the objects $1 to ${count}"
    yield from (f"there is no ${place}; {there}" for place in sorted(places) if place > count)


def _wrong_name(name: str, oids: tuple[Oid, ...]) -> Iterable[str]:
    try:
        parts = parse_row_name(name, len(oids)).parts
    except RowNameError as error:
        yield str(error)
        return
    if not any(one.walk for one in oids) and any(INDEX in part for part in parts if isinstance(part, tuple)):
        yield f"nothing is walked, so there is no {{{INDEX}}}"


def _fits(source: Source, component: str) -> Iterable[str]:
    walks = any(one.walk for one in source.oids)
    if component == DEVICE:
        if _of_rows(source):
            yield "is walked, so it has rows; a template for these says what they are in 'component'"
        for field in ("name", "only"):
            if getattr(source, field):
                yield f"has a '{field}', but the device itself has no components; leave it out, or say a 'component'"
    elif not walks and not source.name:
        yield f"is walked nowhere; say in 'name' which {component} its values are of"


def _of_rows(source: Source) -> bool:
    """Whether any point is of the rows of a walk, and not of all of them together."""
    walked = {place for place, one in enumerate(source.oids, 1) if one.walk}
    plain = [point for point in source.points.values() if not point.derived]
    for place, point in enumerate(plain, 1):
        try:
            expression = parse_formula(point.value or f"${place}")
        except ExpressionError:
            continue
        alone = {name_of(one) for one in places_of(expression)} & expression.names
        if any(name_of(one) in alone for one in walked):
            return True
    return False


_FIELDS: Mapping[str, FieldSpec] = {
    "oid": FieldSpec(Reader(_read_oid, _oid_text.schema)),
    "oids": FieldSpec(Reader(_read_objects, {**_objects.schema, "minItems": 1})),
    "name": FieldSpec(text("a text with {index} and {$1} in it", r".+", longest=500)),
    "only": FieldSpec(many(regex(), longest=1)),
    "discontinuity": FieldSpec(whole(1, MAX_OIDS)),
}
SNMP = SourceFields(fields=_FIELDS, of_points=("value",), check=_check, fits=_fits)

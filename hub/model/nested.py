"""Readers of what documents nest: numbers, records, and collections of records that each have an id."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.model import schemas
from hub.model.fields import (
    Fault,
    FieldSpec,
    Reader,
    WrongValueError,
    cut,
    describe,
    required_of,
    schemas_of,
    unknown,
    wrong,
)
from hub.model.yaml import Item

MAX_NUMBER = 1e300

_EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]{1,3}")
"""Numbers that YAML 1.1 takes for text."""

Check = Callable[[Mapping[str, Any], Item], Iterable[Fault]]
"""Gives what is wrong between fields that are each right; the places of its faults go on from the record's own."""


def number(minimum: float = -MAX_NUMBER, maximum: float = MAX_NUMBER) -> Reader:
    """Read a finite number."""
    bounded = minimum != -MAX_NUMBER or maximum != MAX_NUMBER
    expected = f"a number from {minimum:g} to {maximum:g}" if bounded else "a number such as 1500 or 0.5"

    def read(item: Item) -> float:
        value = item.value
        if isinstance(value, str) and _EXPONENT.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise wrong(item, expected)
        if not minimum <= value <= maximum:
            raise wrong(item, expected)
        return float(value)

    plain = {"type": "number", "minimum": minimum, "maximum": maximum}
    return Reader(read, {"anyOf": [plain, {"type": "string", "pattern": f"^{_EXPONENT.pattern}$"}]})


def line_of(item: Item, *path: str) -> int:
    """The line of something nested, or of what it would stand in."""
    line = item.line
    for name in path:
        if not isinstance(item.value, dict) or name not in item.value:
            break
        item = item.value[name]
        line = item.line or line
    return line


def record(
    specs: Mapping[str, FieldSpec], expected: str, build: Callable[..., Any], check: Check, inner: str = ""
) -> Reader:
    """Read a mapping with fields of its own into what `build` makes of them.

    Args:
        specs: by name of the field.
        expected: what it has to be, in words.
        build: makes it of its fields.
        check: what is wrong between them.
        inner: a field; what is wrong with its value is of no concern to what stands elsewhere.
    """

    def read(item: Item) -> Any:
        if not isinstance(item.value, dict):
            raise wrong(item, expected)
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        inside: list[Fault] = []
        for name, part in item.value.items():
            spec = specs.get(name)
            if spec is None:
                faults.append(Fault(part.line, "", unknown("field", name, specs)))
                continue
            try:
                values[name] = spec.read(part)
            except WrongValueError as error:
                told = [Fault(one.line or part.line, f".{name}{one.place}", one.sentence) for one in error.faults]
                (faults if error.rest is None else inside).extend(told)
                values[name] = error.rest
        faults += (
            Fault(item.line, "", f"field '{name}' is missing") for name in required_of(specs) if name not in item.value
        )
        if faults:
            raise WrongValueError(*inside, *faults)
        if not inside:
            faults = list(check(values, item))
        if inside or faults:
            harmless = inner and all(fault.place.endswith(f".{inner}") for fault in (*inside, *faults))
            raise WrongValueError(*inside, *faults, rest=build(**values) if harmless else None)
        return build(**values)

    return Reader(read, schemas.mapping(schemas_of(specs), required_of(specs)))


def in_turn(one: Reader, *, longest: int) -> Reader:
    """Read a list, doubles and all."""

    def read(item: Item) -> tuple[Any, ...]:
        if not isinstance(item.value, list) or len(item.value) > longest:
            raise wrong(item, f"a list of at most {longest} entries")
        values: list[Any] = []
        faults: list[Fault] = []
        for place, part in enumerate(item.value, start=1):
            try:
                values.append(one(part))
            except WrongValueError as error:
                faults += (Fault(fault.line, f"[{place}]{fault.place}", fault.sentence) for fault in error.faults)
        if faults:
            raise WrongValueError(*faults)
        return tuple(values)

    return Reader(read, {"type": "array", "items": one.schema, "maxItems": longest})


def nothing_wrong(_values: Mapping[str, Any], _item: Item) -> Iterable[Fault]:
    """For records of which no field depends on another."""
    return ()


def by_id(
    one: Reader, *, key: str, pattern: str, expected: str, longest: int, bare: bool = False, droppable: bool = False
) -> Reader:
    """Read a mapping from ids to records, or a list of records that have their id in a field.

    Args:
        one: reads a record, without its id.
        key: the field of the id, in a list.
        pattern: of an id.
        expected: what an id has to be, in words.
        longest: how many there may be.
        bare: an id alone, or with nothing behind it, stands for a record without fields.
        droppable: an id with nothing behind it gives None.
    """
    compiled = re.compile(pattern)

    def read(item: Item) -> dict[str, Any]:
        pairs = _pairs(item, key, bare=bare)
        if len(pairs) > longest:
            raise wrong(item, f"at most {longest} entries, not {len(pairs)}")
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        first: dict[str, int] = {}
        known = True
        for id_, part in pairs:
            if not compiled.fullmatch(id_):
                faults.append(Fault(part.line, "", f"got '{cut(id_)}' as {key}; expected {expected}"))
            elif id_ in first:
                faults.append(Fault(part.line, f".{id_}", f"stands there twice; first in line {first[id_]}"))
            else:
                first[id_] = part.line
                told, values[id_] = _one(part, id_, one, bare=bare, droppable=droppable)
                known = known and (not told or values[id_] is not None)
                faults += told
        if faults:
            known = known and len(values) == len(pairs)
            raise WrongValueError(*faults, rest=values if known else None)
        return values

    return Reader(read, _schema(one, key, pattern, longest, bare=bare, droppable=droppable))


def _pairs(item: Item, key: str, *, bare: bool) -> list[tuple[str, Item]]:
    """The ids with what stands behind each."""
    if isinstance(item.value, dict):
        return list(item.value.items())
    if not isinstance(item.value, list):
        raise wrong(
            item, f"a mapping from the {key} of each to its fields, or a list in which each has a field '{key}'"
        )
    pairs: list[tuple[str, Item]] = []
    faults: list[Fault] = []
    for number_, part in enumerate(item.value, start=1):
        word = part.value.get(key, Item(None)).value if isinstance(part.value, dict) else part.value
        if not isinstance(word, str) or not (bare or isinstance(part.value, dict)):
            faults.append(
                Fault(part.line, f"[{number_}]", f"got {describe(part.value)}; expected a mapping with '{key}', a text")
            )
            continue
        rest = {name: value for name, value in part.value.items() if name != key} if part.value != word else {}
        pairs.append((word, Item(rest, part.line)))
    if faults:
        raise WrongValueError(*faults)
    return pairs


def _one(part: Item, id_: str, one: Reader, *, bare: bool, droppable: bool) -> tuple[list[Fault], Any]:
    """What is wrong with an entry, and the entry as far as it is known."""
    if part.value is None and droppable:
        return [], None
    if part.value is None and bare:
        part = Item({}, part.line)
    try:
        return [], one(part)
    except WrongValueError as error:
        told = [Fault(one.line or part.line, f".{id_}{one.place}", one.sentence) for one in error.faults]
        return told, error.rest


def _schema(one: Reader, key: str, pattern: str, longest: int, *, bare: bool, droppable: bool) -> Mapping[str, Any]:
    schema = dict(one.schema)
    id_ = {"type": "string", "pattern": f"^(?:{pattern})$"}
    listed = {
        **schema,
        "properties": {key: id_, **schema.get("properties", {})},
        "required": [key, *schema.get("required", [])],
    }
    empty = [{"type": "null"}] if bare or droppable else []
    return {
        "anyOf": [
            {
                "type": "object",
                "propertyNames": {"pattern": f"^(?:{pattern})$"},
                "additionalProperties": {"anyOf": [schema, *empty]},
                "maxProperties": longest,
            },
            {"type": "array", "items": {"anyOf": [listed, *([id_] if bare else [])]}, "maxItems": longest},
        ]
    }

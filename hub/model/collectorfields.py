"""How the documents of collectors and pools are read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from common.events import HUB
from hub.model import schemas
from hub.model.entities import Collector, Pool, WhenAlone
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, choice, many, read_properties, text, wrong
from hub.model.properties import CATALOGUE, Property, Value
from hub.model.thresholdfields import SLUG
from hub.model.yaml import Item

MAX_MEMBERS = 100
MIN_FAILOVER_S, MAX_FAILOVER_S = 30, 86_400

_HERE = frozenset({"interval_s", "full_scan_every", "model_interval_s", "retention", "roll_days"})
_HOW_TO_ASK = "snmp_"

OF_COLLECTORS: Mapping[str, Property] = MappingProxyType(
    {name: prop for name, prop in CATALOGUE.items() if name in _HERE or name.startswith(_HOW_TO_ASK)}
)
"""The properties that a collector or pool may have: those that depend on where a device is watched from."""

_ELSEWHERE = (
    "does not depend on who watches a device; set it on a class, a group or the device itself. "
    f"A collector or pool may have {', '.join(sorted(_HERE))}, and what begins with {_HOW_TO_ASK}"
)


def name_of(what: str) -> Reader:
    """Read the name of a collector or pool, which is not the hub's own."""
    plain = text(f"the name of a {what}: letters, digits and _ . -, a letter or digit first", SLUG)

    def read(item: Item) -> str:
        name: str = plain(item)
        if name == HUB:
            sentence = f"'{HUB}' is the hub itself, whose own events bear that name; choose another"
            raise WrongValueError(Fault(item.line, "", sentence))
        return name

    return Reader(read, {**plain.schema, "not": {"const": HUB}})


collector_name = name_of("collector")
_names = many(collector_name, longest=MAX_MEMBERS)


def _read_members(item: Item) -> tuple[str, ...]:
    names: tuple[str, ...] = _names(item)
    if not names:
        raise WrongValueError(Fault(item.line, "", "is empty; name at least one collector"))
    if isinstance(item.value, list):
        seen: set[str] = set()
        faults = []
        for number, part in enumerate(item.value, start=1):
            if part.value in seen:
                faults.append(Fault(part.line, f"[{number}]", f"'{part.value}' stands there twice"))
            seen.add(part.value)
        if faults:
            raise WrongValueError(*faults)
    return names


def _read_failover(item: Item) -> int:
    value = item.value
    if isinstance(value, bool) or not isinstance(value, int) or not MIN_FAILOVER_S <= value <= MAX_FAILOVER_S:
        raise wrong(
            item,
            f"a whole number of seconds from {MIN_FAILOVER_S} (a daemon that restarts, or a connection that breaks, "
            f"is back by then) to {MAX_FAILOVER_S} (a day)",
        )
    return value


def _read_properties(item: Item) -> dict[str, Value]:
    return read_properties(item, OF_COLLECTORS, _ELSEWHERE)


members = Reader(_read_members, schemas.many(collector_name.schema, MAX_MEMBERS, distinct=True))
failover = Reader(_read_failover, {"type": "integer", "minimum": MIN_FAILOVER_S, "maximum": MAX_FAILOVER_S})
properties = Reader(_read_properties, schemas.properties(OF_COLLECTORS))

_title = FieldSpec(text("text", r".+"))
COLLECTOR_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    {"id": FieldSpec(collector_name, required=True), "title": _title, "properties": FieldSpec(properties)}
)
POOL_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    {
        "id": FieldSpec(name_of("pool"), required=True),
        "title": _title,
        "members": FieldSpec(members, required=True),
        "failover_after_s": FieldSpec(failover),
        "when_alone": FieldSpec(choice(*(word.value for word in WhenAlone))),
        "properties": FieldSpec(properties),
    }
)


def build_collector(values: dict[str, Any], _number: int) -> Collector:
    """Make a collector of fields that are all right."""
    return Collector(**values)


def build_pool(values: dict[str, Any], _number: int) -> Pool:
    """Make a pool of fields that are all right."""
    values["when_alone"] = WhenAlone(values.get("when_alone", WhenAlone.STOP))
    return Pool(**values)

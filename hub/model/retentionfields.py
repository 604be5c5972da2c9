"""How the documents of retention plans are read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from common.rrd import DAY_S, MOST_ROWS
from common.series import MOST_ARCHIVES, Retention
from hub.model.entities import KeptArchive, RetentionPlan
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, prose, text, whole, wrong
from hub.model.thresholdfields import SLUG
from hub.model.yaml import Item

MOST_DAYS = 36_600
COARSEST_S = 366 * DAY_S
BROUGHT = tuple(plan.value for plan in Retention)
"""Names of the plans that Tocsin brings along."""

_slug = text("the name of a plan: letters, digits and _ . -, a letter or digit first", SLUG)
_every = whole(1, COARSEST_S)


def _read_name(item: Item) -> str:
    name: str = _slug(item)
    if name in BROUGHT:
        sentence = f"'{name}' is a plan that Tocsin brings along, which stays as it is; choose another name"
        raise WrongValueError(Fault(item.line, "", sentence))
    return name


def _read_days(item: Item) -> int | float:
    value = item.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_DAYS:
        raise wrong(item, f"a number of days, more than 0 and at most {MOST_DAYS} (a hundred years)")
    return int(value) if value == int(value) else value


days = Reader(_read_days, {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_DAYS})

_ARCHIVE: Mapping[str, FieldSpec] = MappingProxyType(
    {"every_s": FieldSpec(_every, required=True), "days": FieldSpec(days, required=True)}
)


def _read_archives(item: Item) -> tuple[KeptArchive, ...]:
    if not isinstance(item.value, list):
        raise wrong(item, "a list of archives, each with every_s (seconds a row) and days")
    if len(item.value) > MOST_ARCHIVES:
        raise wrong(item, f"at most {MOST_ARCHIVES} archives, not {len(item.value)}")
    found: dict[int, KeptArchive] = {}
    faults: list[Fault] = []
    for number, part in enumerate(item.value, start=1):
        try:
            archive = _archive(part)
        except WrongValueError as error:
            faults += (Fault(one.line or part.line, f"[{number}]{one.place}", one.sentence) for one in error.faults)
            continue
        if archive.every_s in found:
            sentence = f"there are two archives of {archive.every_s} s; one keeps what both would"
            faults.append(Fault(part.line, f"[{number}]", sentence))
        found[archive.every_s] = archive
    if faults:
        raise WrongValueError(*faults)
    return tuple(found.values())


def _archive(item: Item) -> KeptArchive:
    if not isinstance(item.value, dict):
        raise wrong(item, "an archive: every_s (seconds a row) and days")
    values: dict[str, Any] = {}
    faults = []
    for name, part in item.value.items():
        if name not in _ARCHIVE:
            faults.append(Fault(part.line, "", f"there is no field '{name[:60]}'; known: {', '.join(_ARCHIVE)}"))
            continue
        try:
            values[name] = _ARCHIVE[name].read(part)
        except WrongValueError as error:
            faults += (Fault(one.line or part.line, f".{name}", one.sentence) for one in error.faults)
    faults += (Fault(item.line, f".{name}", "is missing") for name in _ARCHIVE if name not in item.value)
    if faults:
        raise WrongValueError(*faults)
    return KeptArchive(**values)


archives = Reader(
    _read_archives,
    {
        "type": "array",
        "maxItems": MOST_ARCHIVES,
        "items": {
            "type": "object",
            "properties": {name: spec.read.schema for name, spec in _ARCHIVE.items()},
            "required": list(_ARCHIVE),
            "additionalProperties": False,
        },
    },
)

PLAN_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    {
        "id": FieldSpec(
            Reader(_read_name, {**_slug.schema, "not": {"enum": list(BROUGHT)}}),
            required=True,
        ),
        "description": FieldSpec(prose(4096)),
        "full_days": FieldSpec(days, required=True),
        "archives": FieldSpec(archives),
    }
)


def check_plan(values: Mapping[str, Any], bad: Collection[str]) -> list[tuple[str, str]]:
    """What is wrong between the fields of a plan: an archive that keeps less than a finer one, or that is never full.

    What it keeps at an interval is checked beside the devices that have it.
    """
    if {"full_days", "archives"} & set(bad) or "full_days" not in values:
        return []
    found: list[tuple[str, str]] = []
    finer, longest = "the full step", values["full_days"]
    for archive in sorted(values.get("archives", ()), key=lambda one: one.every_s):
        name = f"the archive of {archive.every_s} s"
        if archive.days <= longest:
            sentence = f"{name} keeps {archive.days:g} days, and {finer} {longest:g}: it could tell nothing beside that"
            found.append(("archives", sentence))
        elif archive.days * DAY_S < archive.every_s:
            found.append(("archives", f"{name} keeps {archive.days:g} days, which is less than one row"))
        elif math.ceil(archive.days * DAY_S / archive.every_s) > MOST_ROWS:
            rows = math.ceil(archive.days * DAY_S / archive.every_s)
            found.append(("archives", f"{name} would have {rows:,} rows; a file may have {MOST_ROWS:,} in all"))
        else:
            finer, longest = name, archive.days
    return found


def build_plan(values: dict[str, Any], _number: int) -> RetentionPlan:
    """Make a plan of fields that are all right."""
    return RetentionPlan(**values)

"""Sources of the type plugin: what collectors read that were installed as packages of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from common.configs import SERVICE_MODELER, SERVICE_PROCESS
from common.sources import SERVICE_PROBE, SERVICE_SNMP, SERVICE_STATUS
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, cut, describe, kind_of_value, text, wrong
from hub.model.nested import line_of
from hub.model.sourcefields.shape import SourceFields, Values, check_measured
from hub.model.thresholdfields import SLUG, SLUG_EXPECTED
from hub.model.yaml import Item, Revealed

OWN = (SERVICE_PROCESS, SERVICE_MODELER, SERVICE_SNMP, SERVICE_STATUS, SERVICE_PROBE, "hub")
MAX_SETTINGS = 200
MAX_LISTED = 1000
MAX_TEXT = 4096
EXPECTED = "a text, a number, true, false, or a list of texts"


def _read_settings(item: Item) -> dict[str, Any]:
    if not isinstance(item.value, dict) or len(item.value) > MAX_SETTINGS:
        raise wrong(item, f"a mapping of at most {MAX_SETTINGS} names to values")
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, part in item.value.items():
        sentence = _wrong_value(part)
        if not 0 < len(name) <= MAX_TEXT or not name.isprintable():
            faults.append(Fault(part.line, "", f"got '{cut(name)}'; expected a name on one line"))
        elif sentence:
            faults.append(Fault(part.line, f".{cut(name)}", sentence))
        else:
            found[name] = tuple(one.value for one in part.value) if isinstance(part.value, list) else part.value
    if faults:
        raise WrongValueError(*faults)
    return found


def _wrong_value(part: Item) -> str:
    parts = part.value if isinstance(part.value, list) else [part]
    if any(isinstance(one.value, Revealed) for one in parts):
        return "a secret cannot stand here; have the collector read it from a file of its own, and name that"
    if isinstance(part.value, list):
        fits = len(parts) <= MAX_LISTED and all(isinstance(one.value, str) for one in parts)
    else:
        fits = isinstance(part.value, str | bool | int | float)
    if not fits:
        return f"got {describe(part.value)}; expected {EXPECTED}"
    if any(isinstance(one.value, str) and len(one.value) > MAX_TEXT for one in parts):
        return f"expected at most {MAX_TEXT} characters"
    if isinstance(part.value, float) and not math.isfinite(part.value):
        return f"got {kind_of_value(part.value)} that is not finite; expected {EXPECTED}"
    if isinstance(part.value, int) and abs(part.value) >= 2**63:
        return "expected a number of at most 63 bits"
    return ""


def _check(values: Values, item: Item) -> Iterable[Fault]:
    yield from check_measured(values, item)
    if values.get("service") in OWN:
        told = f"{values['service']} is Tocsin's own; expected the service of a collector that was installed"
        yield Fault(line_of(item, "service"), ".service", told)


_TEXT = {"type": "string", "maxLength": MAX_TEXT}
_SETTINGS = {
    "type": "object",
    "maxProperties": MAX_SETTINGS,
    "additionalProperties": {
        "anyOf": [_TEXT, {"type": ["number", "boolean"]}, {"type": "array", "items": _TEXT, "maxItems": MAX_LISTED}]
    },
}

PLUGIN = SourceFields(
    fields={
        "service": FieldSpec(text(f"the service of a collector: {SLUG_EXPECTED}", SLUG, longest=100)),
        "settings": FieldSpec(Reader(_read_settings, _SETTINGS)),
    },
    needs=("service",),
    check=_check,
)

"""Sources of the type probe: programs of one's own, and handlers, which say what the points of probes are."""

from __future__ import annotations

from collections.abc import Iterable

from common.sources import MAX_ARGUMENTS
from hub.model.fields import Fault, FieldSpec, Reader, text, whole, wrong
from hub.model.nested import in_turn, line_of, number
from hub.model.sourcefields.shape import SourceFields, Values, check_measured
from hub.model.thresholdfields import SLUG
from hub.model.yaml import Item

USER = r"[A-Za-z_][A-Za-z0-9_.-]{0,62}\$?"
OF_RUNS = ("handler", "timeout_s", "memory_mib", "output_kib", "user")
"""What only a source with a command may say."""

_arguments = in_turn(text("an argument of the command, on one line", longest=4096), longest=MAX_ARGUMENTS)


def _read_command(item: Item) -> tuple[str, ...]:
    if isinstance(item.value, str):
        raise wrong(item, "a list: the probe and its arguments, such as [http, --port, '8080']; no shell splits a text")
    found: tuple[str, ...] = _arguments(item)
    if not found or not found[0].strip():
        raise wrong(item, "the name of the probe first, and then its arguments")
    return found


def _check(values: Values, item: Item) -> Iterable[Fault]:
    if "command" not in values:
        for name in OF_RUNS:
            if name in values:
                told = "a source without 'command' is a handler, and runs nothing; leave the field out"
                yield Fault(line_of(item, name), f".{name}", told)
    if "handler" not in values:
        yield from check_measured(values, item)
    elif values.get("points"):
        told = f"the points are those that the template '{values['handler']}' says; leave the field out"
        yield Fault(line_of(item, "points"), ".points", told)


PROBE = SourceFields(
    fields={
        "command": FieldSpec(Reader(_read_command, {**_arguments.schema, "minItems": 1})),
        "handler": FieldSpec(text("the id of a template", SLUG, longest=100)),
        "timeout_s": FieldSpec(number(0.1, 3600)),
        "memory_mib": FieldSpec(whole(16, 65536)),
        "output_kib": FieldSpec(whole(1, 16384)),
        "user": FieldSpec(text("the name of a user of the collector's host", USER, longest=64)),
    },
    check=_check,
)

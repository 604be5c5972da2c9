"""What a datagram of statsd says (pure).

The form: https://github.com/statsd/statsd/blob/master/docs/metric_types.md, with the tags of DogStatsD, of which
`component` names the component.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

COUNT, GAUGE, TIMING, UNIQUE = "c", "g", "ms", "s"
KINDS = {"c": COUNT, "g": GAUGE, "ms": TIMING, "h": TIMING, "d": TIMING, "s": UNIQUE}
MAX_NAME = 400
MAX_COMPONENT = 255
MAX_VALUES = 100
COMPONENT = "component:"


class Line(Struct, frozen=True):
    """One value of one metric.

    Attributes:
        component: as a tag says, or what stands before the last dot of the name.
        name: the rest of it.
        rate: so large a share of what happened is sent.
        adds: of a gauge: the value is added to the one before.
    """

    component: str
    name: str
    kind: str
    value: float | str
    rate: float = 1.0
    adds: bool = False


def parse(datagram: bytes) -> Iterator[Line | str]:
    """The values of a datagram; what is none is given as the sentence why."""
    for line in datagram.decode("utf-8", "replace").split("\n"):
        text = line.strip()
        if not text or text.startswith(("_e{", "_sc|")):
            continue  # events and service checks of DogStatsD are no figures
        try:
            yield from _line(text)
        except ValueError as error:
            yield f"{text[:80]!a}: {error}"


def _line(text: str) -> Iterator[Line]:
    head, bar, rest = text.partition("|")
    name, colon, values = head.partition(":")
    if not bar or not colon:
        raise ValueError("the form is NAME:VALUE|TYPE")
    kind, *extras = rest.split("|")
    if kind not in KINDS:
        raise ValueError(f"there is no type {kind[:20]!r}; there are c, g, ms, h, d, s")
    rate, component = 1.0, ""
    for extra in extras:
        if extra.startswith("@"):
            rate = _number(extra[1:])
            if not 0 < rate <= 1:
                raise ValueError("the sampling rate has to be over 0, and at most 1")
        elif extra.startswith("#"):
            tags = [tag for tag in extra[1:].split(",") if tag.startswith(COMPONENT)]
            component = tags[0].removeprefix(COMPONENT).strip() if tags else ""
    where, point = _placed(name.strip(), component)
    given = values.split(":")
    if len(given) > MAX_VALUES:
        raise ValueError(f"there are more than {MAX_VALUES} values")
    for value in given:
        yield _value(where, point, KINDS[kind], value, rate)


def _value(component: str, name: str, kind: str, text: str, rate: float) -> Line:
    if kind == UNIQUE:
        return Line(component, name, kind, text[:200])
    adds = kind == GAUGE and text[:1] in {"+", "-"}
    return Line(component, name, kind, _number(text), rate, adds)


def _placed(name: str, component: str) -> tuple[str, str]:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"a name has 1 to {MAX_NAME} characters that can be seen")
    if len(component) > MAX_COMPONENT or not component.isprintable():
        raise ValueError(f"a component has at most {MAX_COMPONENT} characters that can be seen")
    if component:
        return component, name
    before, _, last = name.rpartition(".")
    if len(before) > MAX_COMPONENT:
        raise ValueError(f"what stands before the last dot has more than {MAX_COMPONENT} characters")
    if not last:
        raise ValueError("the name ends with a dot")
    return before, last


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]!r} is no number")
    return value

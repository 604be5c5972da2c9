"""What the documents of devices say of single components: `KIND/NAME`, and the properties that these may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from common.components import MAX_NAME, ComponentKind
from hub.model.entities import Device
from hub.model.model import Model
from hub.model.properties import CATALOGUE, Property, Value, default_of

MAX_COMPONENTS = 10_000
EXPECTED = (
    f"KIND/NAME, such as process_set/nginx or filesystem//home; kinds: {', '.join(k.value for k in ComponentKind)}"
)

OF_COMPONENTS: Mapping[str, Property] = MappingProxyType(
    {name: prop for name, prop in CATALOGUE.items() if prop.component}
)
"""The properties that a component may have."""
WATCHING = frozenset({"monitor", "missing_severity", "restart_severity"})
"""Those of them that collectors have to know."""

KIND_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What kinds of components may be called."""

_KINDS = {kind.value: kind for kind in ComponentKind}


def component_key(kind: ComponentKind, name: str) -> str:
    """What documents call a component."""
    return f"{kind.value}/{name}"


def split_key(key: str) -> tuple[ComponentKind, str]:
    """Kind and name of a component.

    Raises:
        ValueError: it is none; the text is what was expected.
    """
    word, slash, name = key.partition("/")
    kind = _KINDS.get(word)
    if kind is None or not slash or not name:
        raise ValueError(EXPECTED)
    _check_name(name)
    return kind, name


def check_key(key: str) -> None:
    """Look whether a document may call a component so; its kind may be any that a template is for.

    Raises:
        ValueError: it may not; the text is what was expected.
    """
    word, slash, name = key.partition("/")
    if not KIND_WORD.fullmatch(word) or not slash or not name:
        raise ValueError(EXPECTED)
    _check_name(name)


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"a name of at most {MAX_NAME} characters on one line")


def left_out_of(device: Device) -> dict[str, tuple[str, ...]]:
    """The components of a device that its document wants left alone, by their kind; those of process sets left out."""
    if not device.components:
        return {}
    found: dict[str, list[str]] = {}
    for key, said in sorted(device.components.items()):
        kind, _, name = key.partition("/")
        if kind != ComponentKind.PROCESS_SET.value and said.get("monitor") is False:
            found.setdefault(kind, []).append(name)
    return {kind: tuple(names) for kind, names in found.items()}


def said_of(device: Device, kind: ComponentKind, name: str, series: str = "") -> Mapping[str, Value]:
    """What a device's document says of a component.

    Args:
        device: that has it.
        kind: of the component.
        name: that it has now.
        series: the name of its series, by which it was called before it was renamed; a document may not know better.
    """
    if not device.components:
        return {}
    found = device.components.get(component_key(kind, name))
    if found is None and series:
        found = device.components.get(component_key(kind, series))
    return found or {}


def watched_otherwise(device: Device) -> dict[str, dict[str, Value]]:
    """What a device's document says of how single process sets are watched: by name, what collectors have to know."""
    prefix = component_key(ComponentKind.PROCESS_SET, "")
    found = {
        key.removeprefix(prefix): {name: value for name, value in said.items() if name in WATCHING}
        for key, said in device.components.items()
        if key.startswith(prefix)
    }
    return {name: said for name, said in found.items() if said}


def holding(model: Model, device: Device, kind: ComponentKind, name: str, series: str = "") -> dict[str, Value]:
    """The properties that a component may have, with the values that hold for this one."""
    values = {**model.properties_of(device), **said_of(device, kind, name, series)}
    return {prop: values[prop] if prop in values else default_of(prop, values) for prop in OF_COMPONENTS}

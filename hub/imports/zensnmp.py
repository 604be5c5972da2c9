"""Version 3 of SNMP: what cannot hold once something else was left out, so that every device can still be watched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from hub.imports.report import Notes, Secret
from hub.imports.zenproperties import Z_PROPERTIES
from hub.model.properties import Value, in_vain

_WORDS: Mapping[str, str] = {known.name: word for word, known in Z_PROPERTIES.items()}
_INSTEAD: Mapping[str, tuple[str, str]] = {
    "snmp_auth_protocol": ("snmp_auth_protocol", "none"),
    "snmp_priv_protocol": ("snmp_priv_protocol", "none"),
}
_WITHOUT = ("snmp_version", "2c")
"""What a device can always say instead: nothing else matters then."""


class Layer(Struct):
    """A device class or a device, and what it says; later ones in a chain say it for themselves.

    Attributes:
        line: that says it.
        refused: names of properties that could not be taken.
    """

    line: int
    properties: dict[str, Value | Secret]
    refused: frozenset[str] = frozenset()


class _Vain(Struct):
    """A property that a layer says in vain for some chains, and why."""

    layer: Layer
    name: str
    why: str
    chains: list[Sequence[Layer]]


def settle(chains: Sequence[Sequence[Layer]], notes: Notes) -> None:
    """Take away what contradicts: where it is said if nobody can use it, else each device says otherwise.

    Args:
        chains: of each device the classes from the root down, and itself; they are changed.
        notes: get what is left out.
    """
    while found := _in_vain(chains):
        for vain, is_used in found:
            for layer in _take_away(vain) if not is_used else _say_otherwise(vain):
                here, value = _INSTEAD.get(vain.name, _WITHOUT)
                what = f"{here} is {value} here" if is_used else "left out"
                notes.lost(_WORDS[vain.name], layer.line, f"{what}: {vain.why}")


def _in_vain(chains: Sequence[Sequence[Layer]]) -> list[tuple[_Vain, bool]]:
    """The first of each chain, and whether other chains need it."""
    users: Counter[tuple[int, str]] = Counter()
    found: dict[tuple[int, str], _Vain] = {}
    for chain in chains:
        said = {name: layer for layer in chain for name in layer.properties}
        values = {name: _revealed(layer.properties[name]) for name, layer in said.items()}
        if values.get("snmp_version") != "3":
            continue
        users.update((id(layer), name) for name, layer in said.items())
        for name, why in in_vain(values)[:1]:
            layer = said[name]
            found.setdefault((id(layer), name), _Vain(layer, name, why, [])).chains.append(chain)
    return [
        (vain, vain.layer is not vain.chains[0][-1] and users[key] > len(vain.chains)) for key, vain in found.items()
    ]


def _take_away(vain: _Vain) -> list[Layer]:
    del vain.layer.properties[vain.name]
    return [vain.layer]


def _say_otherwise(vain: _Vain) -> list[Layer]:
    name, value = _INSTEAD.get(vain.name, _WITHOUT)
    for chain in vain.chains:
        chain[-1].properties[name] = value
    return [chain[-1] for chain in vain.chains]


def _revealed(value: Value | Secret) -> Value:
    return value.value if isinstance(value, Secret) else value

"""Components as the hub keeps them."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from common.components import Attributes, ComponentKind, ComponentName

MAX_HELD = 10_000
"""Components of one device; what goes beyond is left out."""

ComponentKey = tuple[ComponentKind, str]
"""Kind and name."""


class State(enum.Enum):
    """What became of a component."""

    PRESENT = "present"
    ABSENT = "absent"
    RETIRED = "retired"


class Component(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A component of a device; times are epoch seconds.

    Attributes:
        id: stays when the name changes.
        series: the name that its series are kept under; no other component of its kind has it on the device.
        anchor, attributes: as in `common.components.FoundComponent`.
        seen_at: when a modelling saw it last.
        absent_since: the first modelling that should have seen it and did not; None while it is there.
        retired_at: since when it is not expected any more.
    """

    id: str
    kind: ComponentKind
    name: ComponentName
    series: Annotated[str, Meta(max_length=255)]
    anchor: Annotated[str, Meta(max_length=255)] = ""
    attributes: Attributes = {}
    first_seen: float
    seen_at: float
    absent_since: float | None = None
    retired_at: float | None = None

    @property
    def key(self) -> ComponentKey:
        """Kind and name."""
        return self.kind, self.name

    @property
    def state(self) -> State:
        """What became of it."""
        if self.retired_at is not None:
            return State.RETIRED
        return State.PRESENT if self.absent_since is None else State.ABSENT


class DeviceComponents(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a device consists of.

    Attributes:
        modelled_at: epoch second of the last modelling that found out something; None before the first.
        problem: what ailed the last modelling, also if it only ailed a part; empty when all went well.
        attributes: of the device itself, for example sysDescr.
        components: in order of kind and name.
    """

    modelled_at: float | None = None
    problem: str = ""
    attributes: Attributes = {}
    components: tuple[Component, ...] = ()

    def find(self, kind: ComponentKind, name: str) -> Component | None:
        """A component by its name, else by the name of its series."""
        of_kind = [one for one in self.components if one.kind is kind]
        by_name = (one for one in of_kind if one.name == name)
        return next(by_name, None) or next((one for one in of_kind if one.series == name), None)

    def earlier_name(self, one: Component) -> str:
        """What a component was called before it was renamed, unless another has that name by now; empty for none."""
        if one.series == one.name or any(other.key == (one.kind, one.series) for other in self.components):
            return ""
        return one.series


NOTHING = DeviceComponents()
"""Of a device that was never modelled."""

_decoder = msgspec.json.Decoder(DeviceComponents)


def encode_components(held: DeviceComponents) -> bytes:
    """The JSON that is stored."""
    return msgspec.json.encode(held)


def decode_components(body: bytes | str) -> DeviceComponents:
    """Read what was stored.

    Raises:
        msgspec.DecodeError: it is damaged, or of another version.
    """
    return _decoder.decode(body)

"""Which graphs a device has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from common.errors import NotFoundError, RemoteError, TransientError
from common.queries import LastValue
from common.series import Kind, Point
from hub.graphs.catalogue import BUILT_IN, Known, Offer, known_of, offers
from hub.model.model import Model


class Lister(Protocol):
    """Who knows which series there are."""

    async def listing(self, device: str, component: str | None) -> list[LastValue]:
        """Series with their last values."""


class Graphs(Struct, frozen=True):
    """The graphs of a device.

    Attributes:
        whole: those that show all of its components.
        of: by component.
        problem: why it is not known which points there are; empty when it is.
    """

    whole: Sequence[Offer]
    of: Mapping[str, Sequence[Offer]]
    problem: str = ""


async def graphs_of(model: Model, lister: Lister, device: str, component: str | None) -> Graphs:
    """List what can be drawn; where the collector is away, what templates define alone.

    Raises:
        NotFoundError: there is no such device, or no such component.
    """
    in_model = model.devices.get(device)
    known: Mapping[str, Known] = known_of(model, in_model) if in_model is not None else {}
    try:
        values = await lister.listing(device, component)
    except NotFoundError:
        if in_model is None or component is not None:
            raise
        return Graphs((), {})
    except (TransientError, RemoteError) as error:
        if in_model is None:
            raise
        return Graphs((), {component or "": offers((), known)} if known else {}, error.message)
    points = _points(values)
    every = list({point.name: point for of_one in points.values() for point in of_one}.values())
    others = {id_: one for id_, one in known.items() if id_ not in BUILT_IN}
    whole = [one for one in offers(every, others) if one.template or one.graph in BUILT_IN] if component is None else ()
    return Graphs(whole, {name: offers(of_one, known) for name, of_one in sorted(points.items())})


def _points(values: Iterable[LastValue]) -> dict[str, list[Point]]:
    found: dict[str, dict[str, Point]] = {}
    for value in values:
        kind = Kind.GAUGE if value.kind == Kind.GAUGE.value else Kind.DERIVE  # all else is drawn as a rate
        point = Point(name=value.point, kind=kind, unit=value.unit)
        found.setdefault(value.component, {}).setdefault(value.point, point)
    return {component: list(points.values()) for component, points in found.items()}

"""Which graphs a device has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from common.errors import NotFoundError, RemoteError, TransientError
from common.queries import LastValue
from common.series import Kind, Point
from hub.graphs.catalogue import BUILT_IN, Offer, known_of, offers
from hub.graphs.kinds import SETS, all_kinds, kinds_of
from hub.model.model import Model


class Lister(Protocol):
    """Who knows which series there are."""

    async def listing(self, device: str, component: str | None) -> Sequence[LastValue]:
        """Series with their last values."""

    async def told(self, device: str, component: str | None) -> tuple[Sequence[LastValue], str]:
        """The same, and why they are not all; else empty."""


class Graphs(Struct, frozen=True):
    """The graphs of a device.

    Attributes:
        whole: those that show all of its components, where several have them.
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
    every_kind = all_kinds(model, in_model) if in_model is not None else ()
    known = known_of(model, in_model, every_kind) if in_model is not None else {}
    try:
        values, problem = await lister.told(device, component)
    except NotFoundError:
        if in_model is None or component is not None:
            raise
        return Graphs((), {})
    except (TransientError, RemoteError) as error:
        if in_model is None:
            raise
        return Graphs((), {component or "": offers((), known)} if known else {}, error.message)
    points = points_by_component(values)
    every = list({point.name: point for of_one in points.values() for point in of_one}.values())
    others = {id_: one for id_, one in known.items() if id_ not in BUILT_IN}
    sources = sources_by_component(values)
    of: dict[str, Sequence[Offer]] = {}
    for name, of_one in sorted(points.items()):
        kinds = kinds_of(model, in_model, name, sources[name]) if in_model is not None else ()
        known_here = known_of(model, in_model, kinds) if in_model is not None else {}
        of[name] = offers(of_one, known_here, sources[name], is_set=SETS in kinds or not kinds)
    whole: Sequence[Offer] = ()
    if component is None:
        having = Counter(one.graph for some in of.values() for one in some if not one.is_point)
        found = offers(every, others, {source for some in sources.values() for source in some})
        whole = [one for one in found if having[one.graph] > 1]
    return Graphs(whole, of, problem)


def sources_by_component(values: Iterable[LastValue]) -> dict[str, set[str]]:
    """The sources of each component."""
    found: dict[str, set[str]] = {}
    for value in values:
        found.setdefault(value.component, set()).add(value.source)
    return found


def points_by_component(values: Iterable[LastValue]) -> dict[str, list[Point]]:
    """The points of each component, as they are drawn."""
    found: dict[str, dict[str, Point]] = {}
    for value in values:
        kind = Kind.GAUGE if value.kind == Kind.GAUGE.value else Kind.DERIVE  # all else is drawn as a rate
        point = Point(name=value.point, kind=kind, unit=value.unit)
        found.setdefault(value.component, {}).setdefault(value.point, point)
    return {component: list(points.values()) for component, points in found.items()}

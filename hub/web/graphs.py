"""The API of pictures of series."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from common.errors import RemoteError, TransientError
from common.graphs import MAX_SUBJECTS
from hub.graphs.catalogue import Offer
from hub.graphs.desk import Asked, Drawn
from hub.graphs.listing import Lister, graphs_of
from hub.graphs.subjects import Whose
from hub.model.entities import Device, is_below
from hub.model.model import Model
from hub.web.call import Call, File
from hub.web.refusals import bad_request, not_found
from hub.web.router import Route
from hub.web.spans import span_of
from hub.web.wishes import PARAMETERS, wishes_of

PICTURES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
MAX_NAMED = 100
"""Components that may be named."""
KEPT_S = 60
PAST_KEPT_S = 600
_PLAIN = ("component", "graph", "start", "end", "format", "width", "height", *PARAMETERS)


class GraphRow(Struct, frozen=True, kw_only=True):
    """A graph that may be asked for; `component` is null where it shows all components of the device.

    Attributes:
        points: those it draws.
        missing: points of its definition that are not there, or not yet.
        template: id of the template that defines it; empty for one that is built in.
        single: it is built in, and shows one point that no other graph shows.
    """

    component: str | None
    graph: str
    title: str
    points: Sequence[str]
    missing: Sequence[str]
    template: str
    single: bool = False


class Graphs(Struct, frozen=True):
    """What can be drawn of a device; `problem` says why it is not all known, else empty."""

    device: str
    graphs: list[GraphRow]
    problem: str


class Desk(Protocol):
    """Who makes pictures."""

    async def draw(self, asked: Asked) -> Drawn:
        """Draw."""


class GraphTopic:
    """Has pictures drawn."""

    def __init__(self, desk: Desk, lister: Lister, model: Callable[[], Model], wall: Callable[[], float]) -> None:
        self._desk = desk
        self._lister = lister
        self._model = model
        self._wall = wall

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "devices/{device}/graphs", self.listed),
            Route("GET", "devices/{device}/graph", self.one),
            Route("GET", "graph", self.several),
        ]

    async def listed(self, call: Call) -> Graphs:
        """Which graphs there are of a device, or of one component."""
        call.only("component")
        device = call.names["device"]
        found = await graphs_of(self._model(), self._lister, device, call.text("component"))
        rows = [_row(None, offer) for offer in found.whole]
        rows += [_row(component, offer) for component, each in found.of.items() for offer in each]
        return Graphs(device, rows, found.problem)

    async def one(self, call: Call) -> File:
        """A picture of a device, or of some components.

        A script in an SVG would be held back by the headers all the same.
        """
        call.only(*_PLAIN)
        return await self._draw(call, [call.names["device"]])

    async def several(self, call: Call) -> File:
        """A picture of several devices: those named, those of a class and all below it, those of a group."""
        call.only("device", "class", "group", *_PLAIN)
        await self._check_named(call.all("device"))
        return await self._draw(call, _devices(call, self._model()))

    async def _check_named(self, devices: Sequence[str]) -> None:
        """Refuse a name of nothing; what is no device in the model may be a collector, which has series of its own."""
        known = self._model().devices
        for name in dict.fromkeys(devices):
            if name not in known:
                with contextlib.suppress(TransientError, RemoteError):  # one that is away is told by who draws
                    await self._lister.listing(name, None)

    async def _draw(self, call: Call, devices: Sequence[str]) -> File:
        components: list[str | None] = list(dict.fromkeys(call.all("component")))
        if len(components) > MAX_NAMED:
            raise bad_request(f"parameter component: at most {MAX_NAMED} may be given, not {len(components)}")
        subjects = [Whose(device, component) for device in devices for component in components or [None]]
        if len(subjects) > MAX_SUBJECTS:
            raise bad_request(
                f"{len(subjects)} components of devices are too many for a picture; at most {MAX_SUBJECTS} can be "
                "asked for at once: name fewer devices, a smaller class or a group"
            )
        start, end = span_of(call, self._wall())
        asked = Asked(
            subjects=tuple(subjects),
            graph=(call.text("graph") or "")[:255],
            start=start,
            end=end,
            form=call.choice("format", "png", PICTURES),
            width=call.integer("width", 720, 100, 4000) or 720,
            height=call.integer("height", 200, 50, 2000) or 200,
            wishes=wishes_of(call),
        )
        drawn = await self._desk.draw(asked)
        kept_s = 0 if drawn.missing else self._kept_s(asked)
        return File(PICTURES[asked.form], drawn.picture.data, kept_s, drawn.missing)

    def _kept_s(self, asked: Asked) -> int:
        """How long a picture stays right: one of the past longer than one that grows by a column now and then."""
        if asked.end < self._wall() - PAST_KEPT_S:
            return PAST_KEPT_S
        return max(1, min(KEPT_S, (asked.end - asked.start) // asked.width))


def _devices(call: Call, model: Model) -> list[str]:
    found = dict.fromkeys(call.all("device"))
    class_, group = call.text("class"), call.text("group")
    if class_ is not None:
        of_class = _chosen(model, lambda device: is_below(device.class_, class_))
        if not of_class:
            raise not_found(f"there is no device of the class {class_[:200]!r} or below it")
        found.update(of_class)
    if group is not None:
        of_group = _chosen(model, lambda device: group in device.groups)
        if not of_group:
            raise not_found(f"there is no device in the group {group[:200]!r}")
        found.update(of_group)
    if not found:
        raise bad_request("no device is named; give device, class or group")
    return list(found)


def _chosen(model: Model, wanted: Callable[[Device], bool]) -> dict[str, None]:
    return dict.fromkeys(sorted(id_ for id_, device in model.devices.items() if wanted(device)))


def _row(component: str | None, offer: Offer) -> GraphRow:
    return GraphRow(
        component=component,
        graph=offer.graph,
        title=offer.title,
        points=offer.points,
        missing=offer.missing,
        template=offer.template,
        single=offer.is_point,
    )

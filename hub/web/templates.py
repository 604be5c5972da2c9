"""The API of the templates that hold for a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from hub.model.bound import resolution_of
from hub.model.entities import Device, ProcessSet
from hub.model.gathering import is_local
from hub.model.judging import threshold_config
from hub.model.plain import plain
from hub.model.resolution import Effective, Held, Origin, Trace
from hub.model.service import ModelService
from hub.model.sources import Source, SourceType, points_of, service_of
from hub.model.templates import Entry, Threshold
from hub.web.call import Call
from hub.web.router import Route

Row = dict[str, Any]


class Dropped(Struct, frozen=True, kw_only=True):
    """An entry that a template does not take over from the one it extends; `section` is sources, thresholds, graphs."""

    section: str
    id: str
    said_by: str
    instead_of: str


class HeldRow(Struct, frozen=True, kw_only=True):
    """A template that holds.

    Attributes:
        origin: who binds it: `class /Server`, `group web`, `device`.
        extends: ids of the templates that it is made of, the first of them first, without itself.
        replaces: id of the template that goes where both are bound; empty for none.
        sources, thresholds, graphs: each as its document says it, with `id`, `origin` (own, inherited, replaced),
            `said_by`, `instead_of` and `hidden_by`, the stronger template that has one of that id, else empty; sources
            with `service`, the daemon that reads them, and `not_collected`, why it does not. `hidden_points` are
            derived points that a stronger template computes otherwise.
    """

    id: str
    description: str
    component: str
    origin: str
    extends: list[str]
    replaces: str
    sources: list[Row]
    thresholds: list[Row]
    graphs: list[Row]
    dropped: list[Dropped]
    hidden_points: dict[str, str]


class UnheldRow(Struct, frozen=True, kw_only=True):
    """A template that somebody binds, and that does not hold; `why` is the rest of a sentence."""

    id: str
    origin: str
    why: str


class SetRow(Struct, frozen=True, kw_only=True):
    """A process set that has thresholds of its own."""

    id: str
    thresholds: list[Row]


class Templates(Struct, frozen=True, kw_only=True):
    """What templates say of a device; the strongest first."""

    device: str
    templates: list[HeldRow]
    not_held: list[UnheldRow]
    process_sets: list[SetRow]


WhyNot = Callable[[Device, str], str]
"""Why a service does not read a device; empty when it does."""


def _is_read(_device: Device, _service: str) -> str:
    return ""


class TemplateTopic:
    """Tells which templates hold, and why."""

    def __init__(self, model: ModelService, why_not: WhyNot = _is_read) -> None:
        self._model = model
        self._why_not = why_not

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "devices/{device}/templates", self.of_device)]

    async def of_device(self, call: Call) -> Templates:
        """Tell which templates hold for a device, who binds them, and where each of their entries comes from."""
        call.only()
        model = self._model.model
        device = model.device(call.names["device"])
        found = resolution_of(model, device)
        sets = [one for one in model.sets_of(device) if one.monitor and one.thresholds]

        def of_source(source: Source) -> Row:
            return _read_by(source, local=is_local(model, device), why_not=partial(self._why_not, device))

        return Templates(
            device=device.id,
            templates=[_held(one, of_source) for one in reversed(found.held)],
            not_held=[UnheldRow(id=one.id, origin=one.bound_by, why=one.why) for one in found.unheld],
            process_sets=[_set(one) for one in sets],
        )


def _read_by(source: Source, *, local: bool, why_not: Callable[[str], str]) -> Row:
    """Which daemon reads a source of a device, and why it does not."""
    service = service_of(source)
    why = "" if source.type is SourceType.PROCESS or source.is_handler else why_not(service)
    if source.type is SourceType.STATUS and not local:
        why = "it is of the collector's own host, and the device is none: its property source is snmp"
    elif source.type is SourceType.SNMP and local:
        why = "no agent is asked: the device's property source is local"
    return {"service": service, "not_collected": why}


def _held(held: Held, of_source: Callable[[Source], Row]) -> HeldRow:
    template = held.template
    hidden = {
        what: {one.id: one.by for one in held.hidden if one.what == what}
        for what in ("point", "source", "threshold", "graph")
    }
    traces = {(one.section, one.id): one for one in template.traces}
    return HeldRow(
        id=template.id,
        description=template.description,
        component=template.component,
        origin=held.bound_by,
        extends=list(template.chain[:-1]),
        replaces=template.replaces,
        sources=[
            row | of_source(template.sources[row["id"]]) for row in _rows(template, "sources", traces, hidden["source"])
        ],
        thresholds=_rows(template, "thresholds", traces, hidden["threshold"]),
        graphs=_rows(template, "graphs", traces, hidden["graph"]),
        dropped=[
            Dropped(section=one.section, id=one.id, said_by=one.said_by, instead_of=one.instead_of)
            for one in template.traces
            if one.origin is Origin.REMOVED
        ],
        hidden_points=hidden["point"],
    )


def _rows(
    template: Effective, section: str, traces: Mapping[tuple[str, str], Trace], hidden: Mapping[str, str]
) -> list[Row]:
    rows = []
    for id_, entry in template.section(section).items():
        trace = traces[section, id_]
        row: Row = {
            "id": id_,
            "origin": trace.origin.value,
            "said_by": trace.said_by,
            "instead_of": trace.instead_of,
        }
        row["hidden_by"] = hidden.get(id_, "")
        rows.append(row | _fields(id_, entry))
    return rows


def _fields(id_: str, entry: Entry) -> Row:
    """What an entry says, all of it; the points of a source with those that it has anyhow."""
    fields: Row = plain(entry, full=True)
    if isinstance(entry, Source):
        return fields | {"points": [{"name": name} | plain(one, full=True) for name, one in points_of(entry).items()]}
    if isinstance(entry, Threshold):
        levels = plain(threshold_config(id_, entry).levels, full=True)
        single = ("severity", "minimum", "maximum")
        return {name: value for name, value in fields.items() if name not in single} | {"levels": levels}
    return fields


def _set(definition: ProcessSet) -> SetRow:
    rows = [{"id": id_} | _fields(id_, one) for id_, one in definition.thresholds.items()]
    return SetRow(id=definition.id, thresholds=rows)

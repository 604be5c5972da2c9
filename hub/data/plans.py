"""What retention plans keep, and what files by them take: told before there are any (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from common import rrd
from common.series import Kept
from common.sources import DEVICE
from hub.components.book import ComponentBook
from hub.model.entities import Device
from hub.model.gathering import gathered_of
from hub.model.model import Model
from hub.model.retention import BROUGHT, as_plan, held_name, plan_named, points_of, step_of

DESCRIPTIONS = {
    "standard": "about a day at full step, two weeks at 10 minutes, three months at an hour, three years at a day",
    "short": "for machines of which nobody will ask after a month",
    "long": "hours for three years, days for ten",
}


class Span(Struct, frozen=True):
    """A resolution of a file: a row for so many seconds, kept for so long."""

    resolution_s: int
    kept_s: int


class PlanFacts(Struct, frozen=True, kw_only=True):
    """What a plan keeps in a file of so many points with this step.

    Attributes:
        own: it is a document of the model.
        spans: finest first; minimum, average and maximum of each.
        file_bytes: of one file.
        problem: why there can be no such file; empty when there can.
    """

    name: str
    own: bool
    description: str
    spans: list[Span]
    file_bytes: int
    problem: str


class DeviceFacts(Struct, frozen=True, kw_only=True):
    """What the files of a device take.

    Attributes:
        sets: process sets with a file each: those that were found; before a modelling the definitions that apply.
        modelled: whether it was.
        source_files, source_bytes: of other sources than process sets: of the device itself, and of its components
            that a modelling has found; what comes as rows of a source is not known before.
        bytes: of all files by its plan.
    """

    device: str
    plan: str
    step_s: int
    points: int
    sets: int
    modelled: bool
    file_bytes: int
    bytes: int
    source_files: int = 0
    source_bytes: int = 0


def names(model: Model) -> list[str]:
    """All plans: those that Tocsin brings along, then those of the user's own."""
    return [*BROUGHT, *sorted(model.plans)]


def plan_facts(model: Model, name: str, points: int, step_s: int) -> PlanFacts | None:
    """What a plan keeps; None where there is none of that name."""
    kept = plan_named(model, name)
    if kept is None:
        return None
    own = name in model.plans
    return PlanFacts(
        name=name,
        own=own,
        description=model.plans[name].description if own else DESCRIPTIONS[name],
        spans=spans(step_s, kept),
        file_bytes=rrd.size_bytes(points, step_s, kept),
        problem=rrd.wrong_with_size(points, step_s, kept) if own else "",
    )


def spans(step_s: int, kept: Kept) -> list[Span]:
    """The resolutions that a file has."""
    archives = rrd.archives(step_s, kept)
    return [Span(step_s * one.steps, step_s * one.steps * one.rows) for one in archives]


def device_facts(model: Model, device: Device, components: ComponentBook) -> DeviceFacts:
    """What the files of a device take, by the model."""
    values = model.properties_of(device)
    name, step_s, points = held_name(values), step_of(values), points_of(model, device)
    kept: Kept = as_plan(model.plans[name]) if name in model.plans else BROUGHT[name]
    size = rrd.size_bytes(points, step_s, kept)
    modelled = components.modelled_at(device.id) is not None
    source_files, source_bytes = _of_sources(model, device, components, step_s, kept)
    sets = len(components.expected(device.id)) if modelled else sum(one.monitor for one in model.sets_of(device))
    return DeviceFacts(
        device=device.id,
        plan=name,
        step_s=step_s,
        points=points,
        sets=sets,
        modelled=modelled,
        file_bytes=size,
        bytes=size * sets + source_bytes,
        source_files=source_files,
        source_bytes=source_bytes,
    )


def _of_sources(model: Model, device: Device, components: ComponentBook, step_s: int, kept: Kept) -> tuple[int, int]:
    """How many files other sources have, as far as that is known, and what they take."""
    there = components.of(device.id).components if components.modelled_at(device.id) is not None else ()
    kinds = Counter(one.kind.value for one in there if one.retired_at is None)
    files = size = 0
    for bound in gathered_of(model, device).bound:
        source = bound.config
        count = 1 if source.component == DEVICE else kinds[source.component]
        points = len(source.points) + len(source.derived)
        if count and points:
            files += count
            size += count * rrd.size_bytes(points, step_s if bound.follows else source.interval_s, kept)
    return files, size


def having(model: Model, facts: Sequence[PlanFacts]) -> dict[str, int]:
    """How many devices each of these plans holds for."""
    counts = {one.name: 0 for one in facts}
    for device in model.devices.values():
        name = held_name(model.properties_of(device))
        if name in counts:
            counts[name] += 1
    return counts

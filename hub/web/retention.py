"""The API of retention plans: what they keep, and what the files of devices take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable

from msgspec import Struct

from common.errors import NotFoundError
from hub.components.book import ComponentBook
from hub.data import plans
from hub.model.entities import Device
from hub.model.model import Model
from hub.model.retention import BROUGHT, points_of
from hub.purging.counting import Counted
from hub.web.call import Call
from hub.web.router import Route

STEP_S = 60
ANY = Device(id="any", class_="/")
"""What of its process sets is kept is kept of those of all devices over SNMP."""
MOST_FILES = 100_000_000
MOST_POINTS = 1000

Counting = Callable[[Iterable[str], Collection[str]], Awaitable[tuple[Counted, dict[str, str]]]]
"""Counts the files that collectors have of devices; tells also who could not be asked."""


class SpanRow(Struct, frozen=True):
    """A row for so many seconds, kept for so long."""

    resolution_s: int
    kept_s: int


class PlanRow(Struct, frozen=True, kw_only=True):
    """A plan; `devices` have it, `problem` says why there can be no such file."""

    name: str
    own: bool
    description: str
    spans: list[SpanRow]
    file_bytes: int
    fleet_bytes: int
    devices: int
    problem: str


class Plans(Struct, frozen=True, kw_only=True):
    """Plans, for files of so many points with this step, and a fleet of so many files."""

    step_s: int
    points: int
    files: int
    plans: list[PlanRow]


class DeviceRow(Struct, frozen=True, kw_only=True):
    """What the files of a device take.

    Attributes:
        sets: process sets with a file each; those that were found, or where it was not `modelled` those that may be.
        bytes: of all of them by the plan.
        held_files, held_bytes: what its collector has of it; null where it, or a daemon of it, could not be asked.
        source_files, source_bytes: of these by the plan those of other sources than process sets.
    """

    device: str
    collector: str | None
    plan: str
    step_s: int
    points: int
    sets: int
    modelled: bool
    file_bytes: int
    bytes: int
    held_files: int | None
    held_bytes: int | None
    source_files: int = 0
    source_bytes: int = 0


class Devices(Struct, frozen=True, kw_only=True):
    """Devices, and by collector why it could not be asked."""

    devices: list[DeviceRow]
    problems: dict[str, str]


class RetentionTopic:
    """Tells of plans."""

    def __init__(
        self,
        model: Callable[[], Model],
        components: ComponentBook,
        owner: Callable[[str], str | None],
        count: Counting,
    ) -> None:
        self._model = model
        self._components = components
        self._owner = owner
        self._count = count

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "retention/plans", self.all), Route("GET", "retention/devices", self.devices)]

    async def all(self, call: Call) -> Plans:
        """Tell what all plans keep, or those that are named."""
        call.only("name", "step_s", "points", "files")
        model = self._model()
        step_s = call.integer("step_s", STEP_S, 1, 86_400) or STEP_S
        points = call.integer("points", points_of(model, ANY), 1, MOST_POINTS) or 1
        files = call.integer("files", 1, 0, MOST_FILES) or 0
        facts = []
        for name in dict.fromkeys(call.all("name")) or plans.names(model):
            found = plans.plan_facts(model, name, points, step_s)
            if found is None:
                known = ", ".join([*BROUGHT, *sorted(model.plans)][:20])
                raise NotFoundError(f"there is no retention plan {name[:100]!r}; known: {known}")
            facts.append(found)
        having = plans.having(model, facts)
        rows = [
            PlanRow(
                name=one.name,
                own=one.own,
                description=one.description,
                spans=[SpanRow(span.resolution_s, span.kept_s) for span in one.spans],
                file_bytes=one.file_bytes,
                fleet_bytes=one.file_bytes * files,
                devices=having[one.name],
                problem=one.problem,
            )
            for one in facts
        ]
        return Plans(step_s=step_s, points=points, files=files, plans=rows)

    async def devices(self, call: Call) -> Devices:
        """Tell what the files of all devices take, or of those that are named."""
        call.only("device")
        model = self._model()
        ids = list(dict.fromkeys(call.all("device"))) or sorted(model.devices)
        found = [plans.device_facts(model, model.device(id_), self._components) for id_ in ids]
        owners = {id_: self._owner(id_) for id_ in ids}
        counted, problems = await self._count(
            dict.fromkeys(owner for owner in owners.values() if owner is not None), frozenset(ids)
        )
        rows = [
            DeviceRow(
                device=one.device,
                collector=(owner := owners[one.device]),
                plan=one.plan,
                step_s=one.step_s,
                points=one.points,
                sets=one.sets,
                modelled=one.modelled,
                file_bytes=one.file_bytes,
                bytes=one.bytes,
                source_files=one.source_files,
                source_bytes=one.source_bytes,
                held_files=None if owner is None or owner in problems else counted.files.get(one.device, 0),
                held_bytes=None if owner is None or owner in problems else counted.bytes.get(one.device, 0),
            )
            for one in found
        ]
        return Devices(devices=rows, problems=problems)

"""Which retention plan a device has, and what is wrong with plans only when all documents are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from common.configs import SourceKind
from common.processpoints import ALWAYS, LOCAL
from common.rrd import wrong_with_size
from common.series import Kept, Plan, Retention
from hub.model.bound import judged_of, place_of
from hub.model.entities import (
    KIND_DEVICE,
    KIND_RETENTION_PLAN,
    Device,
    Entity,
    Key,
    RetentionPlan,
    key_of,
)
from hub.model.model import Model
from hub.model.properties import Value, default_of
from hub.model.unread import ALL_READ, Unread
from hub.model.wrong import Wrong

RETENTION = "retention"
INTERVAL = "interval_s"
MAX_NAMED = 20

BROUGHT: Mapping[str, Retention] = {plan.value: plan for plan in Retention}


def as_plan(plan: RetentionPlan) -> Plan:
    """A plan of the user's own as collectors get it."""
    archives = tuple((archive.every_s, float(archive.days)) for archive in plan.archives)
    return Plan(name=plan.id, full_days=plan.full_days, archives=archives)


def plan_named(model: Model, name: str) -> Kept | None:
    """The plan of a name; None when there is none."""
    if name in BROUGHT:
        return BROUGHT[name]
    own = model.plans.get(name)
    return as_plan(own) if own is not None else None


def held_name(values: Mapping[str, Value]) -> str:
    """The name of the plan that holds for a device with these properties."""
    return str(values[RETENTION] if RETENTION in values else default_of(RETENTION, values))


def points_of(model: Model, device: Device) -> int:
    """How many data sources a process set's file of a device has."""
    values = model.properties_of(device)
    source = values.get("source", default_of("source", values))
    measured = len(ALWAYS) + (len(LOCAL) if source == SourceKind.LOCAL.value else 0)
    return measured + len(judged_of(model, place_of(device)).derived)


def step_of(values: Mapping[str, Value]) -> int:
    """The step of the files of a device with these properties."""
    return int(values[INTERVAL] if INTERVAL in values else default_of(INTERVAL, values))  # type: ignore[arg-type]  # a whole number, by the catalogue


def with_plan(model: Model, names: Collection[str]) -> list[str]:
    """Ids of the devices for which a plan of these names holds."""
    return [device.id for device in model.devices.values() if held_name(model.properties_of(device)) in names]


def wrong_with_plans(
    after: Model, keys: Collection[Key], device_ids: Iterable[str], unread: Unread = ALL_READ
) -> list[Wrong]:
    """Tell what a change would make wrong: names of no plan, plans that go and are named, files that are too large.

    Args:
        after: the model as it would be.
        keys: of the documents that come, change or go.
        device_ids: of the devices whose configs change.
        unread: documents that are there and are not in the model.
    """
    found: list[Wrong] = []
    gone = [id_ for kind, id_ in keys if kind == KIND_RETENTION_PLAN and id_ not in after.plans]
    for key in keys:
        entity = after.get(key)
        name = said_by(entity)
        if name is None or name in gone or plan_named(after, name) is not None:
            continue
        if not unread.may_have((KIND_RETENTION_PLAN, name)):
            known = ", ".join([*BROUGHT, *sorted(after.plans)][:MAX_NAMED])
            found.append(Wrong(key, ("properties", RETENTION), f"there is no retention plan '{name}'; known: {known}"))
    for id_ in gone:
        found += _of_gone(after, id_)
    return [*found, *_too_large(after, {id_ for kind, id_ in keys if kind == KIND_RETENTION_PLAN}, device_ids)]


def said_by(entity: Entity | None) -> str | None:
    """The plan that a document names; None when it names none."""
    properties: Mapping[str, Value] = getattr(entity, "properties", {})
    said = properties.get(RETENTION)
    return None if said is None else str(said)


def _of_gone(model: Model, id_: str) -> Iterator[Wrong]:
    """A plan that goes, while something names it."""
    named = [" ".join(key_of(entity)) for entity in model.entities() if said_by(entity) == id_]
    if named:
        more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
        sentence = (
            f"would be removed, and is named as {RETENTION} by {', '.join(named[:MAX_NAMED])}{more}; "
            "give them another plan first"
        )
        yield Wrong((KIND_RETENTION_PLAN, id_), (), sentence)


def _too_large(model: Model, touched: Collection[str], device_ids: Iterable[str]) -> Iterator[Wrong]:
    """Plans that would make files too large; once for each plan that changes, else by device."""
    seen: dict[tuple[str, int, int], str] = {}
    for id_ in device_ids if model.plans else ():
        device = model.devices.get(id_)
        if device is None:
            continue
        values = model.properties_of(device)
        name = held_name(values)
        if name not in model.plans:
            continue
        shape = name, step_of(values), points_of(model, device)
        sentence = seen.get(shape)
        if sentence is None:
            sentence = seen[shape] = wrong_with_size(shape[2], shape[1], as_plan(model.plans[name]))
            if sentence and name in touched:
                yield Wrong((KIND_RETENTION_PLAN, name), (), f"for device {id_}, {sentence}")
        if sentence and name not in touched:
            yield Wrong((KIND_DEVICE, id_), ("properties", RETENTION), f"by plan '{name}', {sentence}")

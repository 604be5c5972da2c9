"""What a change of the model does to the compiled config of one device, field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from common.errors import NotFoundError, PermanentError
from common.sources import Source
from hub.compile.device import SNMP
from hub.compile.differing import Owner, named
from hub.compile.process import Expected, compile_device, nothing
from hub.compile.sources import sources_of
from hub.model.diff import FieldChange, Path, field_changes
from hub.model.gathering import services_in
from hub.model.model import Model
from hub.model.plain import plain
from hub.model.properties import is_secret

LISTS = (
    ("process_sets", "id"),
    ("expected", "name"),
    ("overrides", "name"),
    ("thresholds", "id"),
    ("derived", "point"),
)
"""Lists of the config whose entries are told one by one, and what these are called by."""


class ConfigChange(Struct, frozen=True, kw_only=True):
    """The config of a device before and after.

    Attributes:
        fields: those that differ; secrets are only said to be set.
        collector_before, collector_after: who watches it; empty where there is no such device.
        problem: why it cannot be compiled afterwards; empty when it can.
    """

    device: str
    fields: tuple[FieldChange, ...]
    collector_before: str
    collector_after: str
    problem: str = ""


def config_change(
    before: Model, after: Model, device_id: str, expected: Expected = nothing, owner: Owner = named
) -> ConfigChange:
    """Compile a device of two models, and compare.

    Args:
        before: the model as it was.
        after: as it is then.
        device_id: of the device.
        expected: what is known to be on it now.
        owner: who of a pool watches a device.

    Raises:
        NotFoundError: there is no such device in either.
    """
    if device_id not in after.devices:
        before.device(device_id)
    services = services_in((before, after))
    (old, sources_before, _), (new, sources_after, problem) = (
        _config(model, device_id, expected, services) for model in (before, after)
    )
    old |= {name: _fields(one, full=name in sources_after) for name, one in sources_before.items()}
    new |= {name: _fields(one, full=name in sources_before) for name, one in sources_after.items()}
    return ConfigChange(
        device=device_id,
        fields=() if problem else field_changes(old, new, _is_secret),
        collector_before=owner_in(before, device_id, owner),
        collector_after=owner_in(after, device_id, owner),
        problem=problem,
    )


def owner_in(model: Model, device_id: str, owner: Owner) -> str:
    """Who watches a device in a model; empty where there is no such device."""
    device = model.devices.get(device_id)
    return owner(model, device) if device is not None else ""


def _config(
    model: Model, device_id: str, expected: Expected, services: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Source], str]:
    """The config as plain values, its definitions and thresholds by id; empty where there is none, with the reason.

    What other daemons read is beside it, by what it is called; what else is in their configs is the same there.
    """
    try:
        config = plain(compile_device(model, device_id, expected), full=True)
        sources = [one for service in services for one in sources_of(service, model, device_id)]
    except NotFoundError:
        return {}, {}, ""
    except PermanentError as error:
        return {}, {}, error.message
    entries: dict[str, Any] = {}
    for field, key in LISTS:
        entries.update((_name(field, key, one), _without(one, key)) for one in config.pop(field))
    config.pop("sources")
    return _without(config, "device") | entries, _by_id(sources), ""


def _by_id(sources: Sequence[Source]) -> dict[str, Source]:
    """Sources by id; where this does not tell which one is meant, with its template."""
    often = Counter(one.id for one in sources)
    return {
        f"sources[{one.id if often[one.id] == 1 else f'{one.template}/{one.id}'}]": one
        for one in sorted(sources, key=lambda one: one.id)
    }


def _fields(source: Source, *, full: bool) -> dict[str, Any]:
    """A source as plain values; of one that comes or goes, those that it says."""
    fields: dict[str, Any] = plain(source, full=full)
    for field, key in (("thresholds", "id"), ("derived", "point"), ("points", "name")):
        fields[field] = {one[key]: _without(one, key) for one in fields.get(field, ())}
    if "settings" in fields:
        fields["settings"] = dict(fields["settings"])
    return {"type": str(type(source).__struct_config__.tag)} | _without(fields, "id")


def _name(field: str, key: str, one: Mapping[str, Any]) -> str:
    """What an entry of a list is called; a threshold may be there once for each process set that has its own."""
    own = one.get("definitions") or []
    return f"{field}[{own[0]}/{one[key]}]" if len(own) == 1 else f"{field}[{one[key]}]"


def _without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def _is_secret(path: Path) -> bool:
    return len(path) > 1 and f"{path[0]}_" == SNMP and is_secret(SNMP + path[-1])

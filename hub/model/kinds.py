"""The kinds of documents, and what each may say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from common.components import Lock
from common.configs import SourceKind
from common.matching import check_definition
from hub.model.collectorfields import COLLECTOR_FIELDS, POOL_FIELDS, build_collector, build_pool, name_of
from hub.model.componentfields import components
from hub.model.definitions import to_config
from hub.model.entities import (
    KIND_COLLECTOR,
    KIND_DEVICE,
    KIND_DEVICE_CLASS,
    KIND_GROUP,
    KIND_POOL,
    KIND_PROCESS_SET,
    KIND_RETENTION_PLAN,
    LOCAL_ADDRESS,
    Bounds,
    Device,
    DeviceClass,
    DeviceState,
    Entity,
    Group,
    Instances,
    ProcessSet,
)
from hub.model.fields import FieldSpec, choice, flag, group, many, properties, prose, severity, text, whole
from hub.model.retentionfields import PLAN_FIELDS, build_plan, check_plan
from hub.model.templatekinds import TEMPLATE_FIELDS, bindings, build_template, check_bindings, check_template
from hub.model.templates import KIND_TEMPLATE
from hub.model.thresholdfields import SLUG, thresholds

DEVICE_ID = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}"
CLASS_PATH = r"/|(?:/[A-Za-z0-9][A-Za-z0-9 _.-]{0,99}){1,10}"
GROUP = r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,99}"
ADDRESS = r"[A-Za-z0-9:][A-Za-z0-9_.:%-]*"

ORDER_STEP = 100
MAX_ORDER = 1_000_000_000

PLANNED = ("Maintenance", "Notification")

device_id = text("letters, digits and _ . : -, a letter or digit first", DEVICE_ID)
class_path = text("a path such as /Server/Linux", CLASS_PATH)
group_name = text("a group: letters, digits, spaces and _ . -, a letter or digit first", GROUP, longest=100)


class Kind(Struct, frozen=True):
    """A kind of document.

    Attributes:
        title: what people call one, in sentences.
        check: what is wrong beyond each single field, as pairs of the field it is about and a sentence. It gets the
            fields that are right, and the names of those that are not.
        build: makes an entity of fields that are all right; the number is the document's place among those of its kind
            in its file, from 1.
    """

    title: str
    fields: Mapping[str, FieldSpec]
    check: Callable[[Mapping[str, Any], Collection[str]], list[tuple[str, str]]]
    build: Callable[[dict[str, Any], int], Entity]


def _build_device(values: dict[str, Any], _number: int) -> Device:
    values = {("class_" if name == "class" else name): value for name, value in values.items()}
    values["state"] = DeviceState(values.get("state", DeviceState.PRODUCTION.value))
    if values.get("properties", {}).get("source") == SourceKind.LOCAL.value:
        values.setdefault("address", LOCAL_ADDRESS)
    return Device(**values)


def _build_class(values: dict[str, Any], _number: int) -> DeviceClass:
    return DeviceClass(**values)


def _build_group(values: dict[str, Any], _number: int) -> Group:
    return Group(**values)


def _nothing(_values: Mapping[str, Any], _bad: Collection[str]) -> list[tuple[str, str]]:
    return []


def _check_set(values: Mapping[str, Any], bad: Collection[str]) -> list[tuple[str, str]]:
    wrong = []
    bounds = values.get("count", {})
    low, high = bounds.get("min"), bounds.get("max")
    if low is not None and high is not None and low > high:
        wrong.append(("count", f"min {low} is more than max {high}; nothing could fit"))
    if not {"include", "exclude", "name", "title"} & set(bad) and "include" in values:
        bare = {"id": "any"} | {name: value for name, value in values.items() if name != "count"}
        wrong += (_by_field(sentence) for sentence in check_definition(to_config(_build_set(bare, 1))))
    return wrong


def _by_field(sentence: str) -> tuple[str, str]:
    """Sentences about a definition begin with the field that they are about."""
    field, colon, rest = sentence.partition(": ")
    return (field, rest) if colon and field in {"include", "exclude", "name"} else ("include", sentence)


def _build_set(values: dict[str, Any], number: int) -> ProcessSet:
    bounds = Bounds(**values.pop("count", {}))
    instances = Instances(**values.pop("instances", {}))
    lock = tuple(Lock(word) for word in values.pop("lock", ()))
    values.setdefault("order", number * ORDER_STEP)
    return ProcessSet(count=bounds, instances=instances, lock=lock, **values)


_regex = text("a regular expression (RE2) on one line", longest=4096)
_required_regex = text("a regular expression (RE2) on one line", r"[\s\S]+", longest=4096)
_scope = text("a device class such as /Server/Linux, or a group", f"{CLASS_PATH}|{GROUP}")
_number = whole(0, 1_000_000)
_LAYER_FIELDS = {
    "description": FieldSpec(prose(4096)),
    "properties": FieldSpec(properties),
    "templates": FieldSpec(bindings),
}

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        KIND_DEVICE: Kind(
            title="device",
            fields={
                "id": FieldSpec(device_id, required=True),
                "address": FieldSpec(text("a host name or an IP address", ADDRESS)),
                "class": FieldSpec(class_path),
                "collector": FieldSpec(name_of("collector or pool")),
                "groups": FieldSpec(many(group_name, longest=100)),
                "state": FieldSpec(choice(*(state.value for state in DeviceState))),
                "properties": FieldSpec(properties),
                "components": FieldSpec(components),
                "templates": FieldSpec(bindings),
            },
            check=check_bindings,
            build=_build_device,
        ),
        KIND_DEVICE_CLASS: Kind(
            title="device class",
            fields={"id": FieldSpec(class_path, required=True), **_LAYER_FIELDS},
            check=check_bindings,
            build=_build_class,
        ),
        KIND_GROUP: Kind(
            title="group",
            fields={"id": FieldSpec(group_name, required=True), **_LAYER_FIELDS},
            check=check_bindings,
            build=_build_group,
        ),
        KIND_TEMPLATE: Kind(
            title="template",
            fields=TEMPLATE_FIELDS,
            check=check_template,
            build=build_template,
        ),
        KIND_COLLECTOR: Kind(
            title="collector",
            fields=COLLECTOR_FIELDS,
            check=_nothing,
            build=build_collector,
        ),
        KIND_POOL: Kind(
            title="pool",
            fields=POOL_FIELDS,
            check=_nothing,
            build=build_pool,
        ),
        KIND_RETENTION_PLAN: Kind(
            title="retention plan",
            fields=PLAN_FIELDS,
            check=check_plan,
            build=build_plan,
        ),
        KIND_PROCESS_SET: Kind(
            title="process set",
            fields={
                "id": FieldSpec(text("letters, digits and _ . -, a letter or digit first", SLUG), required=True),
                "title": FieldSpec(text("text", r".+")),
                "description": FieldSpec(prose(4096)),
                "order": FieldSpec(whole(0, MAX_ORDER)),
                "include": FieldSpec(_required_regex, required=True),
                "exclude": FieldSpec(_regex),
                "name": FieldSpec(text("a name, which may have groups of include such as {1}", r".+")),
                "applies_to": FieldSpec(many(_scope, longest=100)),
                "required": FieldSpec(flag),
                "monitor": FieldSpec(flag),
                "missing_severity": FieldSpec(severity(none=False)),
                "restart_severity": FieldSpec(severity(none=True)),
                "count": FieldSpec(
                    group({"min": FieldSpec(_number), "max": FieldSpec(_number)}, "a mapping with min, max or both")
                ),
                "instances": FieldSpec(group({"max": FieldSpec(whole(1, 1_000_000))}, "a mapping with max")),
                "confirm": FieldSpec(whole(1, 100)),
                "thresholds": FieldSpec(thresholds(droppable=False)),
                "lock": FieldSpec(many(choice(*(lock.value for lock in Lock)), longest=len(Lock))),
            },
            check=_check_set,
            build=_build_set,
        ),
    }
)

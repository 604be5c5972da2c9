"""A changed retention plan gives other configs to those devices for which it holds, whoever says so."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hub.compile.differing import differing
from hub.compile.process import compile_device
from hub.model.entities import Collector, Device, Entity, RetentionPlan, key_of
from hub.model.model import Model

PLAN = RetentionPlan(id="years", full_days=7)
SITE: list[Entity] = [
    PLAN,
    replace(PLAN, id="other"),
    Collector(id="far", properties={"retention": "years"}),
    Device(id="near1", address="a"),
    Device(id="far1", address="b", collector="far"),
    Device(id="far2", address="c", collector="far", properties={"retention": "long"}),
    Device(id="own1", address="d", properties={"retention": "other"}),
    Device(id="own2", address="e", properties={"retention": "years"}),
]
MODEL = Model(1, SITE)


@pytest.mark.parametrize("order", [1, -1])
def test_only_those_for_which_it_holds_differ(order: int) -> None:
    changed = replace(PLAN, full_days=8)
    after = MODEL.changed(2, {key_of(changed): changed})
    devices = list(MODEL.devices)[::order]
    found = differing(MODEL, after, devices)
    assert sorted(found) == ["far1", "own2"]
    assert found == [one for one in devices if compile_device(MODEL, one) != compile_device(after, one)]

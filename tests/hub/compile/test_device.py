"""How long a collector goes on with a device without the hub."""

from __future__ import annotations

import pytest

from hub.compile.modeler import ModelerCompiler
from hub.compile.process import compile_device
from hub.model.entities import (
    Device,
    Entity,
    Pool,
    WhenAlone,
)
from hub.model.model import Model


def model(*pools: Entity) -> Model:
    return Model(1, [Device(id="web1", address="a", collector="eu"), *pools])


@pytest.mark.parametrize(
    ("pools", "lease_s"),
    [
        ([], None),
        ([Pool(id="us", members=("c1", "c2"))], None),
        ([Pool(id="eu", members=("c1",))], None),
        ([Pool(id="eu", members=("c1", "c2"))], 90),
        ([Pool(id="eu", members=("c1", "c2"), failover_after_s=40)], 40),
        ([Pool(id="eu", members=("c1", "c2"), when_alone=WhenAlone.CONTINUE)], None),
    ],
)
def test_a_device_that_others_may_take_over_has_a_lease(pools: list[Entity], lease_s: int | None) -> None:
    assert compile_device(model(*pools), "web1").lease_s == lease_s
    assert ModelerCompiler().compile(model(*pools), "web1").lease_s == lease_s

"""A change in words."""

from __future__ import annotations

from hub.model.change import plan
from hub.model.entities import DeviceClass
from hub.model.model import Model


def test_the_summary_has_every_kind_in_its_plural() -> None:
    change = plan(Model(), [DeviceClass(id="/"), DeviceClass(id="/Server")])
    assert change.summary == "2 device classes added"

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from common import rrd
from common.components import ComponentKind
from hub.data.plans import device_facts
from hub.model.model import Model
from tests.hub.graphs.test_seats import DOCUMENTS
from tests.hub.model.test_documents import read


class Book:
    """Knows two interfaces, one of which has retired."""

    def __init__(self, at: float | None) -> None:
        self.at = at

    def modelled_at(self, _device: str) -> float | None:
        return self.at

    def expected(self, _device: str) -> list[Any]:
        return []

    def of(self, _device: str) -> Any:
        assert self.at is not None
        kind = ComponentKind.INTERFACE
        return SimpleNamespace(components=[SimpleNamespace(kind=kind, retired_at=at) for at in (None, 5.0)])


def test_files_of_other_sources_are_counted_as_far_as_their_components_are_known() -> None:
    model = Model(1, read(DOCUMENTS))
    before: Any = Book(None)
    facts = device_facts(model, model.devices["web1"], before)
    one = rrd.size_bytes(1, facts.step_s)
    assert (facts.source_files, facts.source_bytes) == (1, one)  # of the device itself
    assert facts.bytes == facts.file_bytes * facts.sets + one
    modelled: Any = Book(1.0)
    facts = device_facts(model, model.devices["web1"], modelled)
    assert (facts.source_files, facts.source_bytes, facts.bytes) == (2, 2 * one, 2 * one)

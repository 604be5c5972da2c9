"""The templates of tocsin-status that come with Tocsin: what a host of a collector has without a word, and strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.sources import SERVICE_STATUS, StatusSource
from common.statuspoints import ITEMS
from hub.compile.sources import sources_of
from hub.model.change import plan
from hub.model.documents import SourceFile, read_documents
from hub.model.entities import Device
from hub.model.model import Model

FOLDER = Path(__file__).parents[3] / "etc" / "model"
STRICT = ("status-host-strict", "status-disks-strict", "status-interfaces-strict")


@pytest.fixture(scope="module")
def model() -> Model:
    files = [SourceFile(path.name, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
    devices = (
        Device(id="here", address="x", class_="/Server/Linux", properties={"source": "local", "interval_s": 10}),
        Device(id="strict", address="x", properties={"source": "local"}, templates=STRICT),
        Device(id="far", address="x", class_="/Server/Linux", properties={"source": "snmp"}),
    )
    return plan(Model(), [*(document.entity for document in read_documents(files)), *devices]).after


def of(model: Model, device: str) -> dict[str, StatusSource]:
    found = sources_of(SERVICE_STATUS, model, device)
    return {source.item: source for source in found if isinstance(source, StatusSource)}


def test_a_collectors_own_host_is_read_whole_and_judged_by_nothing(model: Model) -> None:
    sources = of(model, "here")
    assert set(sources) == set(ITEMS) - {"cpus", "processes"}
    for item, source in sources.items():
        assert (source.component, source.interval_s) == (ITEMS[item].component, 10)
        assert source.points == ITEMS[item].points
        assert source.thresholds == ()
        assert source.only == ()


def test_what_is_read_from_afar_has_no_status(model: Model) -> None:
    assert of(model, "far") == {}


def test_bound_strictly_it_rings_and_its_series_stay_what_they_are(model: Model) -> None:
    strict, quiet = of(model, "strict"), of(model, "here")
    assert {source.id for source in strict.values()} == {source.id for source in quiet.values()}
    judged = {item: {one.id for one in source.thresholds} for item, source in strict.items() if source.thresholds}
    assert judged == {
        "disks": {"disk-full", "disk-inodes", "disk-filling"},
        "interfaces": {"interface-errors", "interface-drops"},
        "load": {"host-load"},
        "cpu": {"host-cpu", "host-cpu-wait", "host-cpu-steal"},
        "memory": {"host-memory"},
        "swap": {"host-swap"},
        "units": {"host-units"},
    }

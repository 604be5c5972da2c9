from __future__ import annotations

from common.components import ComponentKind
from hub.components.merged import Merged, Note, What
from hub.components.values import NOTHING, Component, DeviceComponents
from hub.model.diff import FieldChange
from hub.modelling.findings import Finding, pack, unpack


def merged(count: int) -> Merged:
    """What the first modelling of a device with so many interfaces finds."""
    fields = tuple(FieldChange(name, None, 1_000_000_000) for name in ("index", "mtu", "speed_bps", "type"))
    notes = tuple(
        Note(what=What.ADDED, kind=ComponentKind.INTERFACE, name=f"eth{n}", fields=fields) for n in range(count)
    )
    held = tuple(
        Component(id="1", kind=note.kind, name=note.name, series=note.name, first_seen=1.0, seen_at=1.0)
        for note in notes
    )
    return Merged(
        device="web1",
        after=DeviceComponents(modelled_at=1.0, components=held),
        notes=notes,
        attributes=(FieldChange("sysName", "a", "b"),),
        problems={"hardware": "no table"},
        left_out=3,
    )


def test_what_is_shown_comes_back() -> None:
    for one in (merged(0), merged(60)):
        assert unpack(pack(one)) == Finding(
            notes=one.notes, attributes=one.attributes, problems=one.problems, left_out=one.left_out
        )
    assert unpack(pack(Merged(device="a", after=NOTHING))) == Finding()


def test_it_takes_little_room() -> None:
    assert len(pack(merged(60))) < 1500

"""What an agent tells of a capture, and when."""

from __future__ import annotations

import pytest

from collectors.framework.captures.reading import Failure, Got, Origin, Reading, Scanned, Section, Typed, Walked
from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from collectors.sim import oids
from collectors.sim.served import Served
from common.errors import SettingsError

NAME: Oid = oids.COLUMNS[oids.NAME]
PATH: Oid = oids.COLUMNS[oids.PATH]


def reading(at: float, *sections: Section, origin: Origin = Origin.SNMP) -> Reading:
    return Reading(device="box", origin=origin, at=at, monotonic_s=at, sections=list(sections))


def names(*pids: int) -> Walked:
    rows: dict[Oid, Typed] = {(pid,): Typed(ber.OCTET_STRING, b"p%d" % pid) for pid in pids}
    return Walked(columns=(NAME,), rows=(rows,))


def path(pid: int, text: bytes) -> Got:
    return Got(values={(*PATH, pid): Typed(ber.OCTET_STRING, text)})


def shown(served: Served, t: float) -> list[Oid]:
    view = served.view(t)
    assert view is not None
    return view.oids


def test_readings_follow_each_other_at_their_pace_and_the_last_one_stays() -> None:
    served = Served([reading(100, names(1)), reading(160, names(2)), reading(170, names(3))])
    assert [shown(served, t)[0][-1] for t in (0, 59.9, 60, 69.9, 70, 1e6)] == [1, 1, 2, 2, 3, 3]


def test_or_begin_anew_or_one_of_them_stands_still() -> None:
    readings = [reading(100, names(1)), reading(160, names(2))]
    again = Served(readings, again=True)
    assert [shown(again, t)[0][-1] for t in (0, 60, 119, 120, 180)] == [1, 2, 2, 1, 2]
    assert [shown(Served(readings, 2), t)[0][-1] for t in (0, 1e6)] == [2, 2]
    with pytest.raises(SettingsError, match="there are 2 readings"):
        Served(readings, 3)


def test_a_reading_that_failed_is_silence() -> None:
    failed = Got(values={oids.SYS_UPTIME: None}, failure=Failure("SnmpTimeout", "No answer"))
    served = Served([reading(0, names(1)), reading(60, failed)])
    assert served.view(30) is not None
    assert served.view(90) is None
    with pytest.raises(SettingsError, match="nothing to tell"):
        Served([reading(60, failed)])


def test_what_a_reading_did_not_ask_for_comes_from_the_others_for_its_rows_alone() -> None:
    readings = [
        reading(0, names(1, 2), path(1, b"/one"), path(2, b"/two")),
        reading(60, names(1, 3), path(3, b"/three")),
        reading(120, names(1), Got(values={(*PATH, 1): None})),
    ]
    served = Served(readings)
    assert shown(served, 60) == [(*NAME, 1), (*NAME, 3), (*PATH, 1), (*PATH, 3)]
    assert shown(served, 120) == [(*NAME, 1)]
    assert shown(Served(readings[1:] + readings[:1]), 0) == [(*NAME, 1), (*NAME, 3), (*PATH, 1), (*PATH, 3)]


def test_a_view_has_order() -> None:
    view = Served([reading(0, names(300, 5))]).view(0)
    assert view is not None
    assert view.following(NAME) == (*NAME, 5)
    assert view.following((*NAME, 5)) == (*NAME, 300)
    assert view.following((*NAME, 300)) is None


def test_a_local_scan_is_told_as_an_agent_tells_it() -> None:
    row = ProcessRow(
        pid=7, name="web", path="/web", parameters="x" * 500, started=1.0, cpu_s=1.5, memory_bytes=4096,
        status="zombie", alive=False,
    )  # fmt: skip
    served = Served([reading(50, Scanned(rows=(row,), full=True), origin=Origin.LOCAL)])
    view = served.view(0)
    assert view is not None
    cells = [view.values[*column, 7].value for column in oids.COLUMNS]
    assert cells == [7, b"web", (0, 0), b"/web", b"x" * 128, 4, 4, 150, 4]
    assert view.values[oids.SYS_UPTIME].value == 5000

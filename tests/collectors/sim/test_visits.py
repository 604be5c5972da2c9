"""When a simulated host was read, as it is told to whoever checks a collector."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest

from collectors.framework.snmp import messages
from collectors.framework.snmp.messages import PduType
from collectors.sim import oids
from collectors.sim.visits import Visit, VisitsFile
from common.errors import SettingsError


def get(number: int, *asked: tuple[int, ...]) -> bytes:
    pdu = messages.encode_pdu(PduType.GET, number, 0, 0, messages.ask_for_all(asked))
    return messages.encode_message(1, b"public", pdu)


def test_a_reading_lasts_from_one_question_for_the_uptime_to_the_next(tmp_path: Path) -> None:
    up, name = oids.SYS_UPTIME, oids.SYS_NAME
    with contextlib.closing(VisitsFile(tmp_path / "visits", 1000.0)) as visits:
        visits.note("a", get(1, up), 5.0, answered=False)
        visits.note("a", get(1, up), 6.0, answered=True)
        visits.note("b", get(7, up), 6.0, answered=True)
        visits.note("a", get(2, name), 6.5, answered=True)
        visits.note("a", get(3, up), 65.0, answered=False)
    read = [msgspec.json.decode(line, type=Visit) for line in (tmp_path / "visits").read_bytes().splitlines()]
    assert sorted(read, key=lambda visit: (visit.device, visit.t)) == [
        Visit(device="a", t=5.0, until=6.5, at=1005.0, requests=3, answers=2),
        Visit(device="a", t=65.0, until=65.0, at=1065.0, requests=1, answers=0),
        Visit(device="b", t=6.0, until=6.0, at=1006.0, requests=1, answers=1),
    ]


def test_nothing_is_written_where_nothing_is_wanted_and_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    with contextlib.closing(VisitsFile(None, 1000.0)) as visits:
        visits.note("a", get(1, oids.SYS_UPTIME), 5.0, answered=True)
    with pytest.raises(SettingsError, match="cannot be written"):
        VisitsFile(tmp_path / "none" / "visits", 0.0)

"""What a piece of evidence holds, how small it is, and what of it nobody may see."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.evidence.gather import MOST_SETS, PIECE_BYTES, TOP, Taken, id_of, piece, unpacked
from collectors.process.evidence.host import ASKED, local_host, snmp_host
from collectors.process.tables import View
from common.errors import PermanentError
from common.evidence import Evidence, HostEvidence
from common.masking import masker
from common.matching import SetName

START = 1_800_000_000.0


def row(pid: int, **fields: Any) -> ProcessRow:
    given: dict[str, Any] = {
        "pid": pid,
        "name": "web",
        "path": "/usr/bin/web",
        "parameters": f"--worker {pid}",
        "started": START - 100.0,
        "cpu_s": 1.0,
        "memory_bytes": pid * 1000,
        "status": "sleeping",
        "alive": True,
    }
    return ProcessRow(**(given | fields))


def view(*rows: ProcessRow, at: float = START, used: dict[int, float] | None = None, **sets: str) -> View:
    table = ProcessTable(at=at, monotonic=at, rows={one.pid: one for one in rows}, complete=True, full=True)
    owners = {one.pid: SetName("web", "web") for one in rows if one.name == "web"}
    return View(table=table, owners=owners, used=used or {})


def evidence(now: View, before: View | None = None, host: HostEvidence | None = None, **sets: Any) -> Evidence:
    taken = Taken(id_of("box", now.table.at), "box", now.table.at, sets, before, now)
    data = piece(taken, host or HostEvidence(), masker())
    assert len(data) <= PIECE_BYTES
    return unpacked(data)


def test_it_has_the_set_before_and_then_and_the_tops_of_the_host() -> None:
    before = view(row(1), row(2), row(9, name="db", memory_bytes=9 * 2**30), at=START - 60, used={9: 350.0, 1: 2.0})
    now = view(row(3, parameters="--fresh"), row(8, name="top"), used={8: 99.5, 3: 0.0})
    found = evidence(now, before, web=before.of("web"))
    (web,) = found.sets
    assert (found.device, found.at, found.before_at, found.processes) == ("box", START, START - 60, 2)
    assert [(one.pid, one.gone, one.cpu_percent) for one in web.before or []] == [(2, True, None), (1, True, 2.0)]
    assert [(one.pid, one.command) for one in web.now] == [(3, "/usr/bin/web --fresh")]
    assert [(one.pid, one.cpu_percent, one.gone) for one in found.by_cpu] == [
        (9, 350.0, True), (8, 99.5, False), (1, 2.0, True),
    ]  # fmt: skip
    assert [one.pid for one in found.by_memory][:2] == [9, 8]
    assert (found.by_memory[0].set, found.by_cpu[2].set) == (None, "web")


def test_one_that_has_died_is_gone_though_nobody_has_reaped_it_yet() -> None:
    before = view(row(1), row(2), at=START - 60)
    found = evidence(view(row(1, alive=False, status="zombie"), row(2)), before, web=before.of("web"))
    assert [(one.pid, one.gone) for one in found.sets[0].before or []] == [(2, False), (1, True)]


def test_what_is_not_known_is_unknown() -> None:
    found = evidence(view(row(1)), None, web=None)
    assert (found.before_at, found.sets[0].before, found.sets[0].more_before) == (None, None, 0)


def test_secrets_and_terminal_sequences_are_in_no_piece() -> None:
    nasty = row(1, parameters="--password hunter22 \x1b[31m \u202e", name="we\x07b")
    now = view(nasty)
    (shown,) = evidence(now, web={}).by_memory
    assert "hunter22" not in shown.command
    assert "***" in shown.command
    assert shown.command.isprintable()
    assert shown.name.isprintable()


def test_sizes_that_are_none_are_unknown() -> None:
    rows = [row(1, memory_bytes=2**80), row(2, memory_bytes=-5), row(3, memory_bytes=7), row(4, cpu_s=None)]
    now = view(*rows, used={1: float("inf"), 2: 1.0})
    found = evidence(now, now, web=now.of("web"))
    assert [one.pid for one in found.by_memory] == [4, 3]
    assert [one.memory_bytes for one in found.sets[0].now] == [4000, 7, None, None]


def noise(rng: random.Random, size: int) -> str:
    return "".join(rng.choices(string.ascii_letters + string.digits, k=size))


def test_a_piece_is_small_however_much_there_is() -> None:
    rng = random.Random(1)
    rows = [row(pid, parameters=noise(rng, 5000), path=noise(rng, 300)) for pid in range(1, 400)]
    now = view(*rows, used={pid: float(pid) for pid in range(1, 400)})
    sets: dict[str, Any] = {f"web{number}": now.of("web") for number in range(30)}
    found = evidence(now, now, **sets)
    assert (len(found.sets), found.more_sets) == (MOST_SETS, 10)
    assert (len(found.by_cpu), len(found.by_memory)) == (TOP, TOP)
    first = found.sets[0]
    assert len(first.before or []) + first.more_before == 399


def test_ids_of_a_device_sort_by_time_and_those_of_others_differ() -> None:
    ids = [id_of("box", START + number / 10) for number in range(50)]
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {20}
    assert id_of("box", START) != id_of("other", START)
    assert len(id_of("box", -5.0)) == len(id_of("box", 1e18)) == 20


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x28\xb5\x2f\xfd" + bytes(50)])
def test_what_is_damaged_is_told_so(data: bytes) -> None:
    with pytest.raises(PermanentError, match="damaged"):
        unpacked(data)


# --- the host ---------------------------------------------------------------------------------------------------------


def test_this_host_is_read_from_proc(tmp_path: Any) -> None:
    (tmp_path / "loadavg").write_text("0.50 1.25 2.00 1/500 1234\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable:  400 kB\nSwapTotal: 0 kB\nHuge: x\n")
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure" / "memory").write_text(
        "some avg10=12.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=3.00 avg60=0 avg300=0 total=1\n"
    )
    host = local_host(tmp_path)
    assert host.load == (0.5, 1.25, 2.0)
    assert (host.memory_bytes, host.available_bytes, host.swap_bytes, host.swap_free_bytes) == (
        1024000,
        409600,
        0,
        None,
    )
    assert host.pressure == {"memory": 12.5, "memory_full": 3.0}
    assert host.problem == ""


def test_a_proc_without_anything_is_unknown(tmp_path: Any) -> None:
    host = local_host(tmp_path)
    assert (host.load, host.memory_bytes, host.pressure) == (None, None, None)
    assert "neither loadavg nor meminfo" in host.problem


def test_an_agent_tells_what_it_has() -> None:
    full = snmp_host([b"0.10", b"0.20", b"0.30", 2000, 1500, 8000, 1000, 100, 900, 8000])
    assert full.load == (0.1, 0.2, 0.3)
    assert (full.memory_bytes, full.available_bytes) == (8000 * 1024, 2000 * 1024)
    assert (full.swap_bytes, full.swap_free_bytes, full.problem) == (2000 * 1024, 1500 * 1024, "")
    bare = snmp_host([None] * 9 + [4096])
    assert (bare.load, bare.memory_bytes, bare.available_bytes, bare.problem) == (None, 4096 * 1024, None, "")
    nothing = snmp_host([None] * len(ASKED))
    assert nothing.problem == "the agent tells neither load nor memory"
    wrong = snmp_host([b"nan", b"\xff", b"1e999", -1, b"x", 2**63, -5, None, (1, 3), b""])
    assert (wrong.load, wrong.memory_bytes, wrong.swap_bytes) == (None, None, None)

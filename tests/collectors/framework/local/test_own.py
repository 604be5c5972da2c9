"""Which processes are Tocsin's own, and which only say so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collectors.framework.local.own import OwnDaemons, owner_of
from collectors.framework.processtable import ProcessRow

US = os.geteuid()
STRANGER = 54_321
OTHER_DAEMON = 54_322


def row(pid: int, line: str = "/bin/x", parent: int = 1) -> ProcessRow:
    path, _, parameters = line.partition(" ")
    return ProcessRow(
        pid=pid, name=path, path=path, parameters=parameters, started=1.0, cpu_s=1.0, memory_bytes=1, status="running",
        alive=True, parent=parent,
    )  # fmt: skip


def among(
    *rows: ProcessRow, owners: dict[int, int] | None = None, folder: Path | None = None, pid: int = 50
) -> set[int]:
    own = OwnDaemons(folder, pid, (owners or {}).get)
    return set(own.among({one.pid: one for one in rows}))


def test_this_daemon_and_what_descends_from_it_is_ours() -> None:
    rows = [row(1), row(50), row(51, parent=50), row(52, parent=51), row(60), row(61, parent=60)]
    assert among(*rows) == {50, 51, 52}


@pytest.mark.parametrize(
    "line",
    [
        "/opt/tocsin/bin/python3 /opt/tocsin/bin/tocsin-hub run --config x",
        "python bin/tocsin-modeler run",
        "/opt/tocsin/bin/tocsin-process run",
        "/opt/tocsin/bin/python /opt/tocsin/bin/tocsin-collector queue run --config x",
    ],
)
def test_a_daemon_is_known_by_its_program_and_its_user_together(line: str) -> None:
    rows = [row(70, line), row(71, parent=70)]
    assert among(*rows, owners={70: US}) == {70, 71}
    assert among(*rows, owners={70: STRANGER}) == set()
    assert among(*rows) == set()  # it has just ended, or nobody tells


@pytest.mark.parametrize(
    "line",
    [
        "/bin/vim /opt/tocsin/bin/tocsin-hub",
        "python miner.py tocsin-hub",
        "python /opt/tocsin/bin/tocsin-hub-miner",
        "/bin/tocsin",
        "tocsin-sim fleet",
    ],
)
def test_what_only_speaks_of_a_daemon_is_none(line: str) -> None:
    assert among(row(70, line), owners={70: US}) == set()


def test_a_daemon_that_is_process_1_has_no_children_of_its_own() -> None:
    rows = [row(1, "python /opt/tocsin/bin/tocsin-process run", parent=0), row(80), row(81, parent=80)]
    assert among(*rows, pid=1) == {1}


def test_parents_in_a_circle_end() -> None:
    assert among(row(50, parent=51), row(51, parent=50)) == {50, 51}


@pytest.mark.skipif(US != 0, reason="only root may give folders away")
def test_who_owns_a_folder_beside_ours_may_run_a_daemon_where_nobody_else_can_write(tmp_path: Path) -> None:
    state = tmp_path / "tocsin"
    for name in ("process", "hub"):
        (state / name).mkdir(parents=True)
    os.chown(state / "hub", OTHER_DAEMON, OTHER_DAEMON)
    state.chmod(0o755)
    hub = row(70, "python bin/tocsin-hub run")
    assert among(hub, owners={70: OTHER_DAEMON}, folder=state / "process") == {70}
    assert among(hub, owners={70: STRANGER}, folder=state / "process") == set()
    state.chmod(0o777)  # whoever likes makes a folder here
    assert among(hub, owners={70: OTHER_DAEMON}, folder=state / "process") == set()
    assert among(hub, owners={70: US}, folder=state / "process") == {70}


def test_who_runs_a_process_is_told_while_it_is_there() -> None:
    assert owner_of(os.getpid()) == US
    assert owner_of(2**22 + 7) is None

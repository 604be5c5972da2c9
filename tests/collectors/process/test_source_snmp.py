"""What the SNMP source asks for, when, and what it makes of agents that lie."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from collectors.framework.interfaces import IProcessSource
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.errors import NoHostResources, SnmpAuthError, SnmpError, SnmpTimeout
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.sizing import Sizing
from collectors.framework.snmp.values import MOST_TEXT_BYTES
from collectors.process.source_snmp import (
    CPU,
    EVERYTHING,
    FIGURES,
    HR_SYSTEM_UPTIME,
    IDENTITY,
    MEMORY,
    NAME,
    PARAMETERS,
    PATH,
    STATUS,
    SYS_UPTIME,
    WALK_FROM,
    SnmpSource,
)
from common.configs import DeviceConfig, SnmpConfig, SnmpVersion, SourceKind
from tests.fakes.snmp import FakeSnmpClient, FakeUdpReactor, result_of

UPTIMES = (SYS_UPTIME, HR_SYSTEM_UPTIME)
QUIET = [(*UPTIMES, *FIGURES)]
FULL = [(*UPTIMES, *EVERYTHING)]


class Box:
    """A source, and the agent that it reads."""

    def __init__(self, processes: int = 8, **options: Any) -> None:
        self.agent = FakeSnmpClient({SYS_UPTIME: 100_000, HR_SYSTEM_UPTIME: 900_000})
        for pid in range(1, processes + 1):
            self.start(pid)
        self.config = DeviceConfig(
            device="box", address="192.0.2.1", source=SourceKind.SNMP, interval_s=60, snmp=SnmpConfig()
        )
        self.source = SnmpSource(lambda *_: self.agent, self.config, lambda: 5.0, lambda: 1.0, **options)

    def start(self, pid: int, name: str = "", path: str = "/bin/x", parameters: str = "-v", cpu: int = 100) -> None:
        row: dict[Oid, SnmpValue] = {
            NAME: (name or f"name{pid}").encode(),
            PATH: path.encode(),
            PARAMETERS: parameters.encode(),
            STATUS: 2,
            CPU: cpu,
            MEMORY: 1000,
        }
        self.agent.values |= {(*column, pid): value for column, value in row.items()}

    def end(self, pid: int, *columns: Oid) -> None:
        for column in columns or EVERYTHING:
            del self.agent.values[*column, pid]

    def scan(self, *, full: bool = False) -> ProcessTable:
        self.agent.asked.clear()
        return result_of(FakeUdpReactor.start(self.source.scan(full)))

    def asked_again(self) -> list[tuple[Oid, ...]]:
        """What the next scan asks for."""
        self.scan()
        return self.agent.asked


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_it_is_a_source() -> None:
    assert IProcessSource.providedBy(Box().source)


def test_the_first_scan_and_a_full_one_read_everything_at_once() -> None:
    box = Box()
    table = box.scan()
    assert (box.agent.asked, table.full, table.complete) == (FULL, True, True)
    assert (table.uptime_s, table.host_uptime_s) == (1000.0, 9000.0)
    assert (table.rows[3].name, table.rows[3].path, table.rows[3].parameters) == ("name3", "/bin/x", "-v")
    assert (table.rows[3].cpu_s, table.rows[3].memory_bytes, table.rows[3].status) == (1.0, 1_024_000, "runnable")
    assert (box.scan(full=True).full, box.agent.asked) == (True, FULL)


def test_a_quiet_cycle_reads_names_and_figures_alone() -> None:
    box = Box()
    first = box.scan()
    box.agent.values[*CPU, 3] = 150
    second = box.scan()
    assert box.agent.asked == QUIET
    assert not second.full
    assert second.rows[3] == msgspec.structs.replace(first.rows[3], cpu_s=1.5)
    assert all(second.rows[pid] == first.rows[pid] for pid in first.rows if pid != 3)


def test_of_a_new_process_alone_path_and_arguments_are_read() -> None:
    box = Box()
    box.scan()
    box.start(77, "web", "/usr/bin/web", "-d")
    table = box.scan()
    assert box.agent.asked == [*QUIET, tuple((*column, 77) for column in IDENTITY)]
    assert (table.rows[77].path, table.rows[77].parameters) == ("/usr/bin/web", "-d")
    assert box.asked_again() == QUIET


@pytest.mark.parametrize("change", [{"cpu": 99}, {"name": "other", "cpu": 1000}])
def test_a_pid_that_is_used_again_is_asked_who_it_is(change: dict[str, Any]) -> None:
    box = Box()
    box.scan()
    box.start(3, path="/bin/other", **change)
    assert box.scan().rows[3].path == "/bin/other"


def test_many_new_processes_are_walked() -> None:
    box = Box()
    box.scan()
    for pid in range(100, 100 + WALK_FROM):
        box.start(pid, path=f"/bin/{pid}")
    table = box.scan()
    assert box.agent.asked == [*QUIET, tuple(IDENTITY)]
    assert table.rows[130].path == "/bin/130"


def test_v1_is_never_walked_for_some() -> None:
    box = Box()
    box.source.update(msgspec.structs.replace(box.config, snmp=SnmpConfig(version=SnmpVersion.V1)))
    box.scan()
    for pid in range(100, 100 + WALK_FROM):
        box.start(pid)
    box.scan()
    assert tuple(IDENTITY) not in box.agent.asked
    assert len(box.agent.asked) > 2


def test_all_are_asked_again_in_the_cycle_in_which_the_agent_came_up_anew() -> None:
    box = Box(processes=70)
    box.scan()
    box.agent.values[SYS_UPTIME] = 50
    box.start(3, "name3", "/bin/other", cpu=5000)  # another boot, the same number and name
    table = box.scan()
    assert table.full
    assert table.rows[3].path == "/bin/other"
    assert box.asked_again() == QUIET


def test_an_uptime_that_wrapped_is_no_doubt() -> None:
    box = Box()
    box.agent.values[SYS_UPTIME] = 2**32 - 100
    box.scan()
    box.agent.values[SYS_UPTIME] = 5900
    assert box.asked_again() == QUIET


def test_after_a_scan_that_failed_everything_is_read() -> None:
    box = Box()
    box.scan()
    box.agent.fail = SnmpError("genErr")
    with pytest.raises(SnmpError):
        box.scan()
    box.agent.fail = None
    assert box.asked_again() == FULL


def test_after_a_table_that_ended_early_everything_is_read() -> None:
    box = Box()
    box.scan()
    box.agent.cut = "it ended"
    assert not box.scan().complete
    box.agent.cut = ""
    assert box.asked_again() == FULL


@pytest.mark.parametrize("error", [SnmpTimeout("silent"), SnmpAuthError("wrong password")])
def test_one_that_did_not_answer_is_looked_at_cheaply_first(error: Exception) -> None:
    box = Box()
    box.scan()
    box.agent.fail = error
    for asked in (QUIET, [(SYS_UPTIME,)], [(SYS_UPTIME,)]):
        with pytest.raises(type(error)):
            box.scan()
        assert box.agent.asked == asked
    box.agent.fail = None
    assert box.asked_again() == [(SYS_UPTIME,), *FULL]
    assert box.asked_again() == QUIET


def test_one_that_was_silent_before_the_daemon_started_is_looked_at_cheaply_first() -> None:
    box = Box(silent=True)
    assert box.asked_again() == [(SYS_UPTIME,), *FULL]


def test_what_is_kept_of_the_agent_is_what_the_client_uses() -> None:
    sizing = Sizing(budget=7)
    box = Box(recall=lambda: sizing)
    box.scan()
    assert box.agent.sizing is sizing


# --- lies -------------------------------------------------------------------------------------------------------------


def test_what_is_no_process_id_is_left_out() -> None:
    box = Box(processes=0)
    box.start(0)
    box.start(2**31 - 1)
    for index in ((2**31,), (5, 1), (2**32 - 1,), ()):
        box.agent.values[*NAME, *index] = b"odd"
    box.agent.values[*NAME, 9] = b"new"
    assert sorted(box.scan().rows) == [0, 9, 2**31 - 1]


def test_a_table_without_process_ids_is_an_error_that_says_so() -> None:
    box = Box(processes=0)
    box.agent.values[*NAME, 5, 1] = b"odd"
    with pytest.raises(SnmpError, match="none of them has a process id"):
        box.scan()


def test_no_table_at_all_is_told_with_what_to_run() -> None:
    with pytest.raises(NoHostResources, match="snmpwalk"):
        Box(processes=0).scan()


@pytest.mark.parametrize("value", [-1, 2**32, 2**63, b"12", (1, 3), None])
def test_figures_that_cannot_be_are_unknown(value: SnmpValue) -> None:
    box = Box()
    for column in (CPU, MEMORY):
        box.agent.values[*column, 3] = value
    row = box.scan().rows[3]
    assert (row.cpu_s, row.memory_bytes, row.path) == (None, None, "/bin/x")
    assert msgspec.msgpack.encode(row)


@pytest.mark.parametrize("value", [-1, 2**63, b"\xff", None])
def test_an_uptime_that_cannot_be_is_unknown(value: SnmpValue) -> None:
    box = Box()
    box.agent.values[SYS_UPTIME] = value
    assert box.scan().uptime_s is None


def test_long_texts_are_cut_and_strange_ones_are_text() -> None:
    box = Box()
    for column in (NAME, PATH, PARAMETERS):
        box.agent.values[*column, 3] = b"\xff\xc3" + b"x" * 65_000
    row = box.scan().rows[3]
    for text in (row.name, row.path, row.parameters):
        assert len(text) == MOST_TEXT_BYTES
        assert text.startswith("\ufffd\ufffdxxx")
    box.start(4, "y" * 65_000, "z" * 65_000)
    assert len(box.scan().rows[4].path) == MOST_TEXT_BYTES


def test_a_row_that_some_columns_lack_has_unknown_figures() -> None:
    box = Box()
    box.end(3, CPU, MEMORY, STATUS)
    row = box.scan().rows[3]
    assert (row.cpu_s, row.memory_bytes, row.status, row.alive) == (None, None, "unknown", True)


def test_a_row_without_a_name_is_none_unless_there_are_many_of_them() -> None:
    box = Box(processes=100)
    box.scan()
    for pid in range(80, 90):
        box.end(pid, NAME)
    table = box.scan()
    assert (table.complete, len(table.rows)) == (True, 90)
    for pid in range(20, 80):
        box.end(pid, NAME)
    table = box.scan()
    assert not table.complete
    assert table.problem == "the agent names 30 processes, and tells of 100 how they fare"


def test_names_that_are_gone_while_figures_stay_are_no_missing_table() -> None:
    box = Box(processes=40)
    for pid in range(1, 41):
        box.end(pid, NAME)
    assert not box.scan().complete


def test_paths_that_a_full_pass_lacks_stay_as_they_were_known() -> None:
    box = Box()
    box.scan()
    for pid in range(4, 9):
        box.end(pid, PATH, PARAMETERS)
    rows = box.scan(full=True).rows
    assert {(row.path, row.parameters) for row in rows.values()} == {("/bin/x", "-v")}


class EndsColumnsEarly(FakeSnmpClient):
    """Its walks tell the arguments of the first processes alone."""

    async def table(self, columns: Any, max_rows: int = 50_000, scalars: Any = (), known: Any = None) -> Any:
        found = await super().table(columns, max_rows, scalars, known)
        cut = [
            {index: value for index, value in column.items() if oid != PARAMETERS or index < (4,)}
            for oid, column in zip(columns, found.columns, strict=True)
        ]
        return msgspec.structs.replace(found, columns=tuple(cut))


def test_who_is_new_and_stands_behind_the_end_of_a_column_is_asked() -> None:
    box = Box()
    box.agent = EndsColumnsEarly(box.agent.values)
    assert {row.parameters for row in box.scan().rows.values()} == {"-v"}
    assert [len(asked) for asked in box.agent.asked] == [8, 3 * 5]


class Fleeting(FakeSnmpClient):
    """Its processes change between the walk and the question who they are."""

    def __init__(self, box: Box, now: dict[Oid, SnmpValue]) -> None:
        super().__init__(box.agent.values)
        self._now = now

    async def get(self, oids: Any, retries: int | None = None) -> list[SnmpValue]:
        found = await super().get(oids, retries)
        return [self._now.get(oid, value) for oid, value in zip(oids, found, strict=True)]


def test_a_process_that_is_gone_when_it_is_asked_for_is_left_out() -> None:
    box = Box()
    box.agent = Fleeting(box, {(*column, 77): None for column in IDENTITY})
    box.scan()
    box.start(77, "web")
    table = box.scan()
    assert table.complete
    assert 77 not in table.rows


def test_a_pid_that_changed_hands_between_walk_and_question_is_the_new_process_without_figures() -> None:
    box = Box()
    box.agent = Fleeting(box, {(*NAME, 77): b"late", (*PATH, 77): b"/bin/late", (*PARAMETERS, 77): b""})
    box.scan()
    box.start(77, "web", "/bin/web")
    row = box.scan().rows[77]
    assert (row.name, row.path, row.cpu_s, row.memory_bytes) == ("late", "/bin/late", None, None)
    box.scan()
    assert len(box.agent.asked) == 2  # it is asked for once more: its name is another one now


def test_silence_while_new_processes_are_asked_for_is_a_partial_table() -> None:
    box = Box()
    box.scan()
    box.start(77)

    async def silent(oids: Any, retries: int | None = None) -> list[SnmpValue]:
        raise SnmpTimeout("no answer any more")

    box.agent.get = silent  # type: ignore[method-assign]  # an agent that falls silent in the middle
    table = box.scan()
    assert (table.complete, table.problem) == (False, "no answer any more")

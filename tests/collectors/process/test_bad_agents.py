"""Agents that lie, on the whole path: what is decided, told, written and shown, and that nothing goes on for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec import structs

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.task import Outcome
from collectors.process.backoff import longest_read_s
from collectors.process.task import state_key
from common.configs import ProcessSetConfig
from common.roll import Process, SetState, SetStatus
from tests.fakes.snmp import Answer
from tests.fakes.snmp_agent import HR_SW_RUN, HR_SW_RUN_PERF, SYS_UP_TIME, Agent, FakeProcess, host_values, tlv, varbind
from tests.fuzz.wholepath import DEVICE, SNMP, Cycle, WholePath, no_traceback

NAME, PATH, PARAMETERS, STATUS = (*HR_SW_RUN, 2), (*HR_SW_RUN, 4), (*HR_SW_RUN, 5), (*HR_SW_RUN, 7)
CPU, MEMORY = (*HR_SW_RUN_PERF, 1), (*HR_SW_RUN_PERF, 2)
WEB = 500
PROCESSES = {pid: FakeProcess(f"other{pid}", f"/bin/other{pid}", "-x", pid) for pid in range(10, 60)} | {
    WEB: FakeProcess("web", "/srv/web", "--port 80", 1000, 2048)
}
CONFIG = structs.replace(
    SNMP,
    process_sets=(
        ProcessSetConfig(id="web", title="web", order=1, include="web", name="web", required=True),
        ProcessSetConfig(id="all", title="all", order=2, include=".", exclude="", name="all"),
    ),
)

Lie = Callable[[bytes, Pdu, bytes], Sequence[Answer]]
"""(request, its PDU, the honest answer) -> what comes in its place."""


class Visited(WholePath):
    """A host with a web server, whose agent begins to lie when it is told to."""

    def __init__(self, config: Any = CONFIG) -> None:
        self.honest = Agent(host_values(PROCESSES))
        self.lie: Lie = lambda _request, _pdu, answer: [answer]
        self.requests = 0
        super().__init__(self._answer, config)

    def set(self, column: Oid, pid: int, value: bytes) -> None:
        """Let the agent tell this of a process, also of one that is not there."""
        values = {oid: piece for oid, piece in self.values.items() if oid != (*column, pid)}
        self.honest.replace(values | {(*column, pid): value})
        self.values = values | {(*column, pid): value}

    values: dict[Oid, bytes] = host_values(PROCESSES)

    def _answer(self, datagram: bytes, t: float) -> Sequence[Answer]:
        self.requests += 1
        self.honest.set(SYS_UP_TIME, tlv(100_000 + int(100 * t), ber.TIMETICKS))
        answer = self.honest.answer(datagram)
        assert answer is not None
        return self.lie(datagram, messages.decode_message(datagram)[2], answer)

    def shown(self, pid: int = WEB) -> Process:
        """A process as people see it."""
        (row,) = (row for row in self.answers()[0].rows if row.pid == pid)
        found: Process = row
        return found

    def status(self, component: str = "web") -> SetStatus:
        """A set as people see it."""
        (one,) = (one for one in self.answers()[1].sets if one.set == component)
        found: SetStatus = one
        return found

    def values_of(self, cycle: Cycle, component: str = "web") -> dict[str, Any]:
        """What a cycle wrote of a set."""
        (sample,) = (sample for sample in cycle.samples if sample.key.component == component)
        return dict(sample.values)


@pytest.fixture
def visited() -> Any:
    with no_traceback():
        made = Visited()
        made.cycle()
        made.cycle()
        yield made
        made.close()


def answer_of(pdu: Pdu, varbinds: bytes, request_id: int | None = None) -> bytes:
    number = pdu.request_id if request_id is None else request_id
    return messages.encode_message(1, b"public", messages.encode_pdu(PduType.RESPONSE, number, 0, 0, varbinds))


def unreadable(visited: Visited, key: str) -> Cycle:
    """Two cycles in which nothing can be read: one event, nothing written, the set as it was and unknown."""
    first = visited.cycle()
    assert first.outcome is Outcome.FAILED
    assert first.told == [("", key, 4)]
    again = visited.cycle()
    assert again.told == []
    assert first.samples == again.samples == ()
    assert visited.status().state is SetState.UNKNOWN
    assert visited.status().count == 1
    return first


def recovers(visited: Visited, key: str) -> None:
    """When the agent is honest again, that alone is told."""
    visited.lie = lambda _request, _pdu, answer: [answer]
    told = [cycle.told for cycle in (visited.cycle(), visited.cycle(), visited.cycle())]
    assert [one for cycle in told for one in cycle] == [("", key, 0)]
    assert visited.status().state is SetState.UP


def test_an_endless_table_ends_at_its_cap_and_takes_nobody_away(visited: Visited) -> None:
    last = [0]

    def endless(_request: bytes, pdu: Pdu, answer: bytes) -> list[Answer]:
        asked = [oid for oid, _, _ in messages.decode_varbinds(pdu)]
        if NAME in asked:
            last[0] = 0
        if pdu.kind != PduType.GETBULK:
            return [answer]
        columns = [oid for oid in asked if len(oid) >= len(NAME)]
        rows = range(last[0] + 1, last[0] + 501)
        last[0] += 500
        end = tlv(None, ber.END_OF_MIB_VIEW)
        body = b"".join(
            varbind((*NAME, pid), tlv(b"x")) if column[: len(NAME)] == NAME else varbind(column, end)
            for pid in rows
            for column in columns
        )
        return [answer_of(pdu, varbind(SYS_UP_TIME, tlv(1, 0x43)) * (len(asked) - len(columns)) + body)]

    visited.lie = endless
    before = visited.requests
    cycle = visited.cycle()
    assert cycle.told == [("", "table_incomplete", 4)]
    assert "50000 rows" in cycle.events[0].summary
    assert visited.requests - before < 250
    assert len(visited.kept.load(state_key(DEVICE)) or b"") < 20_000
    recovers(visited, "table_incomplete")


def test_an_endless_table_told_slowly_is_cut_off_before_the_end_of_a_cycle(visited: Visited) -> None:
    last = [0]

    def drip(_request: bytes, pdu: Pdu, answer: bytes) -> list[Answer]:
        if pdu.kind != PduType.GETBULK:
            return [answer]
        visited.reactor.delay_s = 0.9
        last[0] += 1
        asked = [oid for oid, _, _ in messages.decode_varbinds(pdu) if len(oid) >= len(NAME)]
        single = len(messages.decode_varbinds(pdu)) - len(asked)
        rows = b"".join(varbind((*oid[: len(NAME)], last[0]), tlv(b"x")) for oid in asked)
        return [answer_of(pdu, varbind(SYS_UP_TIME, tlv(1, 0x43)) * single + rows)]

    visited.lie = drip
    cycle = visited.cycle()
    assert (cycle.outcome, cycle.told) == (Outcome.FAILED, [("", "table_incomplete", 4)])
    assert cycle.took_s == pytest.approx(longest_read_s(visited.task.interval_s), abs=1.0)
    visited.reactor.delay_s = 0.0
    visited.lie = lambda _request, _pdu, answer: [answer]
    recovers(visited, "table_incomplete")
    assert visited.status().state is SetState.UP


@pytest.mark.parametrize("rows", [[7, 7], [9, 8], [5, 6, 5, 6]])
def test_rows_that_come_twice_or_go_back_end_the_table(visited: Visited, rows: list[int]) -> None:
    def circling(_request: bytes, pdu: Pdu, answer: bytes) -> list[Answer]:
        asked = [oid for oid, _, _ in messages.decode_varbinds(pdu)]
        if pdu.kind != PduType.GETBULK:
            return [answer]
        columns = [oid[: len(NAME)] for oid in asked if len(oid) >= len(NAME)]
        body = b"".join(varbind((*column, pid), tlv(b"x")) for pid in rows for column in columns)
        return [answer_of(pdu, varbind(SYS_UP_TIME, tlv(1, 0x43)) * (len(asked) - len(columns)) + body)]

    visited.lie = circling
    before = visited.requests
    assert "do not increase" in unreadable(visited, "table_incomplete").events[0].summary
    assert visited.requests - before < 20
    recovers(visited, "table_incomplete")


@pytest.mark.parametrize(
    "value",
    [
        tlv(b"many"), tlv(-1), tlv(-(2**31)), tlv((1, 3)), tlv(None), tlv(2**64 - 1, ber.COUNTER64),
        tlv(b"\1\2", ber.OPAQUE),
    ],
    ids=["text", "-1", "least", "oid", "null", "counter64", "opaque"],
)  # fmt: skip
def test_a_figure_that_cannot_be_is_unknown_and_its_process_runs(visited: Visited, value: bytes) -> None:
    visited.set(CPU, WEB, value)
    visited.set(MEMORY, WEB, value)
    cycles = [visited.cycle(), visited.cycle()]
    assert [cycle.told for cycle in cycles] == [[], []]
    written = visited.values_of(cycles[1])
    assert (written["count"], written["restarts"]) == (1, 0)
    assert written["cpu"] is None
    assert written["memory"] is None
    assert (visited.shown().cpu_percent, visited.shown().memory_bytes) == (None, None)
    assert any("memory unknown" in line and "/srv/web" in line for line in visited.look())


@pytest.mark.parametrize("value", [tlv(5), tlv((1, 3)), tlv(None), tlv(b"")], ids=["5", "oid", "null", "empty"])
def test_a_name_of_a_wrong_type_is_empty_and_the_path_tells_who_it_is(visited: Visited, value: bytes) -> None:
    visited.set(NAME, WEB, value)
    assert [visited.cycle().told, visited.cycle().told] == [[], []]
    assert visited.shown().set == "web"


@pytest.mark.parametrize("value", [tlv(b"running"), tlv(99), tlv(None), tlv(0)], ids=["text", "99", "null", "0"])
def test_a_state_that_is_none_is_unknown_and_no_end(visited: Visited, value: bytes) -> None:
    visited.set(STATUS, WEB, value)
    assert visited.cycle().told == []
    assert visited.shown().state == "unknown"
    assert visited.status().count == 1


def test_an_uptime_of_a_wrong_type_is_no_restart(visited: Visited) -> None:
    honest = visited.honest.set

    def wrong(oid: Oid, value: bytes) -> None:
        honest(oid, tlv(b"long") if oid == SYS_UP_TIME else value)

    visited.honest.set = wrong  # type: ignore[method-assign]
    assert [visited.cycle().told, visited.cycle().told] == [[], []]


def test_strings_of_64_kilobytes_are_cut_before_they_are_kept_told_or_shown(visited: Visited) -> None:
    visited.honest.max_bytes = 65_000
    visited.set(NAME, WEB, tlv(b"web" + b"n" * 60_000))
    visited.set(PARAMETERS, WEB, tlv(b"p" * 60_000))
    for pid in (600, 601, 602):
        visited.set(NAME, pid, tlv(b"long" * 15_000))
    cycles = [visited.cycle() for _ in range(4)]
    assert [cycle.told for cycle in cycles] == [[], [], [], []]
    assert visited.status().count == 1
    assert len(visited.shown().command) <= 500
    assert len(visited.shown().name) <= 100
    table, _ = visited.answers()
    assert all(line is None or len(line.text) < 70_000 for line in table.lines)
    assert len(visited.kept.load(state_key(DEVICE)) or b"") < 100_000


def test_an_argument_that_gives_a_terminal_orders_is_matched_as_it_is_and_shown_without_them(visited: Visited) -> None:
    orders = b"\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\x00\xe2\x80\xae web"
    visited.set(PARAMETERS, WEB, tlv(orders))
    visited.set(NAME, 600, tlv(b"\x1b[31mred"))
    visited.set(NAME, WEB, tlv(b"web\x07"))
    for _ in range(4):
        assert visited.cycle().told == []
    assert visited.shown().set == "web"
    assert "\ufffd]0;owned\ufffd" in visited.shown().command
    assert any("]0;owned" in line for line in visited.look())  # look() itself refuses what a terminal would obey
    del visited.values[(*NAME, WEB)]
    gone = {oid: value for oid, value in visited.values.items() if oid[-1] != WEB}
    visited.honest.replace(gone)
    cycle = visited.cycle()
    assert cycle.told == [("web", "process_missing", 4)]
    assert "]0;owned" in cycle.events[0].message
    assert all(letter.isprintable() for letter in cycle.events[0].message + str(cycle.events[0].details["command"]))


def test_bytes_that_are_no_utf_8_become_a_sign_that_says_so(visited: Visited) -> None:
    visited.set(PATH, WEB, tlv(b"/srv/\xff\xfe\xc3web"))
    for _ in range(4):
        assert visited.cycle().told == []
    assert visited.shown().command.startswith("/srv/\ufffd\ufffd\ufffdweb")


def test_pids_at_the_edges_are_processes_and_what_is_beyond_is_none(visited: Visited) -> None:
    for pid in (0, 2**31 - 1, 2**31, 2**32 - 1):
        visited.set(NAME, pid, tlv(b"edge"))
    cycle = visited.cycle()
    assert cycle.told == []
    pids = [row.pid for row in visited.answers()[0].rows if row.name == "edge"]
    assert pids == [0, 2**31 - 1]
    assert visited.values_of(cycle, "all")["count"] == len(PROCESSES) - 1 + 2


@pytest.mark.parametrize(
    "forge",
    [
        lambda _request, _pdu, answer: [(answer, ("192.0.2.66", 161))],
        lambda _request, _pdu, answer: [(answer, ("192.0.2.1", 1610))],
        lambda _request, pdu, _answer: [answer_of(pdu, b"", pdu.request_id ^ 1)],
        lambda _request, pdu, _answer: [answer_of(pdu, b"", -pdu.request_id)],
        lambda request, _pdu, _answer: [request],
        lambda _request, _pdu, answer: [answer[: len(answer) // 2]],
        lambda _request, _pdu, answer: [answer[:-1]],
        lambda _request, _pdu, _answer: [b"", b"\x30", b"\x30\x84\x7f\xff\xff\xff", b"\x30\x80\0\0"],
    ],
    ids=["address", "port", "request id", "negative id", "echo", "half", "a byte less", "scraps"],
)  # fmt: skip
def test_what_is_no_answer_of_the_agent_is_silence_and_beside_an_answer_nothing(visited: Visited, forge: Lie) -> None:
    visited.lie = lambda request, pdu, answer: [*forge(request, pdu, answer), answer]
    assert [visited.cycle().told, visited.cycle().told] == [[], []]
    visited.lie = forge
    first = unreadable(visited, "snmp_timeout")
    assert first.took_s < 10
    recovers(visited, "snmp_timeout")


def test_a_table_that_breaks_off_in_the_middle_takes_nobody_away(visited: Visited) -> None:
    def broken(_request: bytes, pdu: Pdu, answer: bytes) -> list[Answer]:
        honest = messages.decode_message(answer)[2]
        if pdu.kind != PduType.GETBULK:
            return [answer]
        _, rest = messages.split(honest, 10)
        return [answer_of(pdu, honest.data[honest.start : rest.start + 5])]

    visited.lie = broken
    unreadable(visited, "table_incomplete")
    recovers(visited, "table_incomplete")


def test_names_that_an_agent_makes_up_become_no_more_than_a_hundred_sets() -> None:
    each = ProcessSetConfig(id="each", title="each", order=1, include=r"/each/(\w+)", name="each {1}")
    with no_traceback():
        visited = Visited(structs.replace(CONFIG, process_sets=(each,)))
        for turn in range(6):
            processes = {1000 + n: FakeProcess(f"n{n}", f"/each/t{turn}n{n}") for n in range(300)}
            visited.honest.replace(host_values(processes | {1: FakeProcess("init")}))
            visited.cycle()
        sets = visited.answers()[1].sets
        visited.close()
    assert len([one for one in sets if one.set.startswith("each")]) == 100

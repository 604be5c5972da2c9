"""One device: sources become requests, answers become rows and problems."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from collectors.framework.networks import SILENT
from collectors.framework.snmp import ber
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.snmp.ping import Pinger, PingReading
from common.configs import SnmpVersion
from common.events import Severity
from common.pingpoints import ALWAYS as POINTS
from common.series import Kind
from common.sources import PingSource, SnmpSource
from tests.collectors.snmp.bench import BEGAN, IN, NAME, OUT, Bench, interfaces, keys_of, rows_of, source
from tests.fakes.snmp_agent import SYS_UP_TIME, Agent, tlv

THREE = {1: ("lo", 10, 20), 2: ("eth0", 100, 200), 7: ("eth1", 1000, 2**64 - 1)}
LOAD = (1, 3, 6, 1, 4, 1, 2021, 10, 1, 3, 1)
TRAFFIC = source(walks=(IN, OUT, NAME), points={"in": "$1", "out": "$2"}, name="{$3}")


@pytest.mark.parametrize("version", [SnmpVersion.V1, SnmpVersion.V2C])
def test_a_walk_becomes_a_row_for_each_name(version: SnmpVersion) -> None:
    bench = Bench(interfaces(THREE), [TRAFFIC], version=version)
    found = bench.run()["traffic"]
    assert rows_of(found) == {name: {"in": i, "out": o} for name, i, o in THREE.values()}
    assert (found.complete, found.problems) == (True, [])
    assert {row.uptime_s for row in found.rows} == {1000.0}
    assert {row.taken for row in found.rows} == {bench.wall()}


def test_what_several_sources_want_is_asked_once_and_together() -> None:
    other = source("errors", walks=(OUT, NAME), gets=(SYS_UP_TIME,), points={"sum": "$1 + $3"}, name="{$2}")
    bench = Bench(interfaces(THREE), [TRAFFIC, other])
    bench.run()
    found = bench.run()
    assert rows_of(found["errors"])["lo"] == {"sum": 20 + 100_000}
    assert len(bench.requests) == 1  # the table is known by now: its end is in the first answer
    assert sorted(bench.asked()[0]) == [SYS_UP_TIME[:-1], NAME, IN, OUT]


def test_sources_that_are_not_due_are_not_asked() -> None:
    slow = source("load", gets=(LOAD,), points={"load": "$1 / 100"}, component="device", interval_s=300)
    bench = Bench(interfaces(THREE) | {LOAD: tlv(b"42")}, [TRAFFIC, slow])
    assert set(bench.run(60)) == {"traffic"}
    assert not any(LOAD in asked for asked in bench.asked())
    found = bench.run(60, 300)
    assert set(found) == {"traffic", "load"}
    assert (found["load"].step % 300, rows_of(found["load"])) == (0, {"": {"load": 0.42}})


def test_a_source_of_the_device_and_one_of_its_components_may_have_one_id() -> None:
    whole = source("traffic", gets=(LOAD, SYS_UP_TIME), points={"load": "$1 / 100"}, component="device")
    bench = Bench(interfaces(THREE) | {LOAD: tlv(b"42")}, [TRAFFIC, whole])
    rows, device = bench.results()
    assert rows_of(rows).keys() == {"lo", "eth0", "eth1"}
    assert rows_of(device) == {"": {"load": 0.42}}
    assert [*rows.problems, *device.problems] == []


def test_a_counter_of_64_bits_stays_exact() -> None:
    bench = Bench(interfaces(THREE), [replace(TRAFFIC, points=())])
    bench = Bench(interfaces(THREE), [source(walks=(OUT,), points={"out": "$1", "twice": "$1 * 2"}, name="{index}")])
    assert rows_of(bench.run()["traffic"])["7"] == {"out": 2**64 - 1, "twice": 2**65 - 2}


# --- what is not there ------------------------------------------------------------------------------------------------


def test_an_object_that_is_not_there_harms_its_own_point_and_is_asked_less_often() -> None:
    missing = (1, 3, 6, 1, 4, 1, 9, 9, 0)
    load = source("load", gets=(LOAD, missing), points={"a": "$1", "b": "$2"}, component="device")
    bench = Bench(interfaces(THREE) | {LOAD: tlv(b"42")}, [load])
    asked = []
    for _ in range(20):
        found = bench.run()["load"]
        assert rows_of(found)[""]["a"] == 42
        assert keys_of(found) == ["snmp_point:load:b"]
        asked.append(any(missing in one for one in bench.asked()))
        bench.wait(60)
    assert [step for step, was in enumerate(asked) if was] == [0, 2, 6, 14]
    (problem,) = found.problems
    assert "load: b is unknown: $2 (.1.3.6.1.4.1.9.9.0) gave nothing" in problem.summary
    bench.agent.replace(interfaces(THREE) | {LOAD: tlv(b"42"), missing: tlv(5)})
    bench.wait(60 * 10)
    found = bench.run()["load"]
    assert (rows_of(found)[""]["b"], found.problems) == (5, [])


def test_a_value_that_is_no_number_harms_its_own_row_and_point() -> None:
    bench = Bench(interfaces(THREE) | {(*IN, 2): tlv(b"n/a")}, [TRAFFIC])
    found = bench.run()["traffic"]
    assert rows_of(found)["eth0"] == {"in": None, "out": 200}
    assert rows_of(found)["lo"] == {"in": 10, "out": 20}
    (problem,) = found.problems
    assert problem.key == "snmp_point:traffic:in"
    assert "'n/a' in row 2, which is no number" in problem.summary


def test_a_row_that_lacks_an_object_lacks_that_point_alone() -> None:
    values = interfaces(THREE)
    del values[*OUT, 2]
    bench = Bench(values, [TRAFFIC])
    found = bench.run()["traffic"]
    assert rows_of(found)["eth0"] == {"in": 100, "out": None}
    assert (found.complete, found.problems) == (True, [])


def test_a_row_without_a_name_is_none() -> None:
    values = interfaces(THREE)
    del values[*NAME, 2]
    assert set(rows_of(Bench(values, [TRAFFIC]).run()["traffic"])) == {"lo", "eth1"}


def test_a_table_that_is_not_there_is_said_and_asked_less_often() -> None:
    bench = Bench(interfaces({}), [TRAFFIC])
    found = bench.run()["traffic"]
    assert (found.rows, keys_of(found), found.complete) == ([], ["snmp_rows:traffic"], True)
    assert found.problems[0].severity is Severity.INFO
    bench.wait(60)
    found = bench.run()["traffic"]
    assert (keys_of(found), bench.requests) == (["snmp_rows:traffic"], [])
    bench.agent.replace(interfaces(THREE))
    bench.wait(60)
    assert len(bench.run()["traffic"].rows) == 3


def test_a_formula_that_is_none_harms_its_own_point() -> None:
    bad = source(walks=(IN,), points={"in": "$1", "bad": "$1 +"}, name="{index}")
    found = Bench(interfaces(THREE), [bad]).run()["traffic"]
    assert rows_of(found)["1"] == {"in": 10}
    assert keys_of(found) == ["snmp_point:traffic:bad"]


# --- names ------------------------------------------------------------------------------------------------------------


def test_several_rows_of_one_name_are_kept_apart_and_told() -> None:
    bench = Bench(interfaces({3: ("eth", 3, 0), 5: ("eth", 5, 0), 9: ("eth (5)", 9, 0)}), [TRAFFIC])
    found = bench.run()["traffic"]
    assert {name: row["in"] for name, row in rows_of(found).items()} == {"eth": 3, "eth (5) (5)": 5, "eth (5)": 9}
    (problem,) = found.problems
    assert problem.key == "snmp_names:traffic"
    assert "'eth' are the rows 3, 5" in problem.summary


def test_names_are_chosen_and_left_out() -> None:
    chosen = replace(TRAFFIC, only="^eth", left_out=("eth1",))
    assert set(rows_of(Bench(interfaces(THREE), [chosen]).run()["traffic"])) == {"eth0"}


def test_a_component_whose_row_is_another_one_counts_from_a_new_base() -> None:
    counted = source(walks=(IN, NAME), points={"in": "$1"}, kind=Kind.COUNTER, name="{$2}")
    bench = Bench(interfaces(THREE), [counted])
    before = {row.component: row.discontinuity for row in bench.run()["traffic"].rows}
    bench.agent.replace(interfaces({1: ("lo", 10, 20), 4: ("eth0", 500, 600), 7: ("eth1", 2000, 0)}))
    after = {row.component: row.discontinuity for row in bench.run()["traffic"].rows}
    assert {name for name in before if before[name] != after[name]} == {"eth0"}


def test_a_discontinuity_that_the_agent_tells_is_one() -> None:
    counted = source(walks=(IN, NAME, BEGAN), points={"in": "$1"}, kind=Kind.COUNTER, name="{$2}", discontinuity=3)
    values = interfaces(THREE) | {(*BEGAN, index): tlv(0, ber.TIMETICKS) for index in THREE}
    bench = Bench(values, [counted])
    before = {row.component: row.discontinuity for row in bench.run()["traffic"].rows}
    bench.agent.replace(values | {(*BEGAN, 7): tlv(99, ber.TIMETICKS)})
    after = {row.component: row.discontinuity for row in bench.run()["traffic"].rows}
    assert {name for name in before if before[name] != after[name]} == {"eth1"}


# --- all rows ---------------------------------------------------------------------------------------------------------


def test_a_point_of_the_device_may_be_of_all_rows() -> None:
    whole = source(walks=(IN,), points={"mean": "avg($1)", "rows": "count($1)"}, component="device")
    found = Bench(interfaces(THREE), [whole]).run()["traffic"]
    assert (rows_of(found), found.problems) == ({"": {"mean": 370, "rows": 3}}, [])


def test_several_rows_where_one_was_expected_are_told() -> None:
    found = Bench(interfaces(THREE), [source(walks=(IN,), points={"in": "$1"}, component="device")]).run()["traffic"]
    assert (rows_of(found), keys_of(found)) == ({"": {"in": 10}}, ["snmp_cut:traffic"])


# --- agents that are silent, or lie -----------------------------------------------------------------------------------


def test_a_device_that_does_not_answer_is_one_problem_and_asked_less_often() -> None:
    other = source("load", gets=(LOAD,), points={"load": "$1"}, component="device")
    bench = Bench(interfaces(THREE) | {LOAD: tlv(1)}, [TRAFFIC, other])
    assert bench.device.lane == "192.0.2.0/24"
    bench.silent = True
    found = bench.run()
    assert {(key, found[name].complete) for name in found for key in keys_of(found[name])} == {("snmp_timeout", False)}
    assert bench.device.lane == SILENT
    bench.wait(60)
    bench.run()
    assert (bench.device.rests, len(bench.requests)) == (True, 2)
    assert all(one == [SYS_UP_TIME] for one in bench.asked())
    bench.silent = False
    bench.wait(600)
    assert not bench.device.rests
    assert bench.run()["load"].problems == []


class Mute(Agent):
    """Says nothing after so many answers."""

    left = 2

    def respond(self, pdu: Pdu, version: int) -> bytes:
        self.left -= 1
        return super().respond(pdu, version)

    def answer(self, datagram: bytes, now: float = 0.0) -> bytes | None:
        return super().answer(datagram, now) if self.left > 0 else None


def test_of_rows_that_were_not_read_nothing_is_concluded() -> None:
    many = {index: (f"if{index}", index, 0) for index in range(1, 200)}
    load = source("load", gets=(LOAD,), points={"load": "$1"}, component="device")
    bench = Bench({}, [TRAFFIC, load], Mute(interfaces(many)))
    found = bench.run()
    assert 0 < len(found["traffic"].rows) < 199
    assert (found["traffic"].complete, keys_of(found["traffic"])) == (False, ["snmp_cut:traffic"])
    assert (found["load"].complete, keys_of(found["load"])) == (False, ["snmp_cut:load"])


class Looping(Agent):
    """One column never ends: its last row is followed by its first."""

    def _bulk(self, asked: list[tuple[int, ...]], single: int, rows: int) -> list[bytes]:
        found = super()._bulk(asked, single, rows)
        loops = [at for at, oid in enumerate(asked[single:]) if oid[: len(IN)] == IN]
        for at in loops:
            for row in range(rows):
                place = single + row * (len(asked) - single) + at
                if place < len(found) and row > 2:
                    found[place] = self._varbinds[*IN, 1]
        return found


def test_a_column_that_never_ends_harms_itself_alone() -> None:
    bench = Bench({}, [TRAFFIC], Looping(interfaces({**THREE, 8: ("eth2", 1, 1), 9: ("eth3", 2, 2)})))
    found = bench.run()["traffic"]
    assert (found.complete, keys_of(found)) == (False, ["snmp_cut:traffic"])
    bench.wait(60)
    found = bench.run()["traffic"]
    assert (found.complete, {row.component for row in found.rows}) == (False, {"lo", "eth0", "eth1", "eth2", "eth3"})
    assert [row["out"] for row in rows_of(found).values()] == [20, 200, 2**64 - 1, 1, 2]
    bench.wait(60)
    found = bench.run()["traffic"]
    assert (found.complete, keys_of(found)) == (True, ["snmp_point:traffic:in"])


class Erring(Agent):
    """Answers with genErr whenever it is asked for something."""

    def respond(self, pdu: Pdu, version: int) -> bytes:
        from collectors.framework.snmp import messages

        asked = [oid for oid, _, _ in messages.decode_varbinds(pdu)]
        if LOAD in asked and pdu.kind == PduType.GET:
            return messages.encode_pdu(PduType.RESPONSE, pdu.request_id, 5, asked.index(LOAD) + 1, b"")
        return super().respond(pdu, version)


def test_an_object_by_which_an_agent_errs_harms_itself_alone() -> None:
    others = tuple((*LOAD[:-1], number) for number in range(2, 9))
    load = source("load", gets=(LOAD, *others), points={f"p{n}": f"${n}" for n in range(1, 9)}, component="device")
    bench = Bench({}, [load], Erring(interfaces(THREE) | {oid: tlv(7) for oid in (LOAD, *others)}))
    found = bench.run()["load"]
    assert rows_of(found)[""] == {"p1": None, **{f"p{n}": 7 for n in range(2, 9)}}
    assert keys_of(found) == ["snmp_point:load:p1"]
    bench.wait(60)
    bench.run()
    assert len(bench.requests) == 1


# --- configs ----------------------------------------------------------------------------------------------------------


def test_another_config_keeps_the_session_and_what_was_learnt() -> None:
    bench = Bench(interfaces(THREE), [TRAFFIC])
    bench.run()
    bench.device.update(replace(bench.config, sources=(TRAFFIC, source("more", walks=(OUT,), points={"out": "$1"}))))
    assert len(rows_of(bench.run()["more"])) == 3
    assert (len(bench.reactor.ports), bench.reactor.ports[0].open) == (1, True)
    bench.device.update(replace(bench.config, address="192.0.2.9"))
    bench.run()
    assert [port.open for port in bench.reactor.ports] == [False, True]


def test_what_was_learnt_of_an_agent_is_kept_over_restarts() -> None:
    many = {index: (f"if{index}", index, 0) for index in range(1, 200)}
    agent = Agent(interfaces(many), max_bytes=900)
    agent.cut_bulk = False
    bench = Bench({}, [TRAFFIC], agent)
    assert len(bench.run()["traffic"].rows) == 199
    first = len(bench.requests)
    bench.begin()
    assert len(bench.run()["traffic"].rows) == 199
    assert len(bench.requests) < first


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_pass_that_takes_too_long_is_ended_and_told() -> None:
    many = {index: (f"if{index}", index, 0) for index in range(1, 400)}
    agent = Agent(interfaces(many), max_bytes=900)
    load = source("load", gets=(LOAD,), points={"load": "$1"}, component="device", interval_s=10)
    bench = Bench({}, [replace(TRAFFIC, interval_s=10), load], agent)
    bench.reactor.delay_s = 0.9
    began = bench.reactor.seconds()
    found = bench.run(10)
    assert bench.reactor.seconds() - began == pytest.approx(0.9 * bench.device.timeout_s, abs=0.1)
    assert [keys_of(one) for one in found.values()] == [["snmp_cut:traffic"], ["snmp_cut:load"]]
    assert "took longer than 9 s" in found["load"].problems[0].summary


# --- pings ------------------------------------------------------------------------------------------------------------


class FakePinger(Pinger):
    """Is answered, or not."""

    up = True

    async def reading(self, source: PingSource, address: str) -> PingReading:
        return PingReading(source.packets, source.packets if self.up else 0, (0.01,) if self.up else ())


PING = PingSource(id="ping", template="t", interval_s=60, points=POINTS)


def pinged(*sources: SnmpSource) -> tuple[Bench, FakePinger]:
    bench = Bench(interfaces(THREE), [PING, *sources])
    pinger = FakePinger(bench.reactor)
    bench.begin(pinger)
    return bench, pinger


def test_a_device_that_answers_to_pings_is_asked() -> None:
    bench, _ = pinged(TRAFFIC)
    found = bench.run()
    assert (rows_of(found["ping"])[""]["loss"], len(found["traffic"].rows)) == (0, 3)


def test_while_a_device_does_not_answer_to_pings_nothing_else_is_asked_and_one_problem_stands() -> None:
    bench, pinger = pinged(TRAFFIC)
    pinger.up, bench.silent = False, True
    found = bench.run()
    assert (set(found), found["ping"].problems) == ({"ping"}, ())  # what SNMP has seen is left to the ping to tell
    for _ in range(3):
        bench.wait(60)
        found = bench.run()
        assert (set(found), keys_of(found["ping"]), bench.requests) == ({"ping"}, ["ping_down"], [])
        assert not bench.device.rests
    pinger.up, bench.silent = True, False
    bench.wait(60)
    assert len(bench.run()["traffic"].rows) == 3


def test_that_a_device_is_down_is_known_after_a_restart() -> None:
    bench, pinger = pinged(TRAFFIC)
    pinger.up, bench.silent = False, True
    for _ in range(2):
        bench.run()
        bench.wait(60)
    bench.begin(pinger)
    assert keys_of(bench.run()["ping"]) == ["ping_down"]
    assert bench.requests == []


def test_one_that_answers_to_pings_but_not_to_snmp_is_told_of() -> None:
    bench, _ = pinged(TRAFFIC)
    bench.silent = True
    found = bench.run()
    assert (keys_of(found["ping"]), keys_of(found["traffic"])) == ([], ["snmp_timeout"])


def test_rows_have_the_time_and_the_uptime_of_the_answer_that_brought_them() -> None:
    many = {index: (f"if{index}", index, 0) for index in range(1, 25)}
    bench = Bench(interfaces(many), [TRAFFIC])
    bench.reactor.delay_s = 0.5
    rows = bench.run()["traffic"].rows
    moments = sorted({row.taken for row in rows})
    assert len(moments) == len(bench.requests) > 1
    assert {round(later - first, 6) for first, later in itertools.pairwise(moments)} == {0.5}
    assert [row.taken for row in rows] == sorted(row.taken for row in rows)
    assert {round(row.uptime_s - row.taken, 6) for row in rows if row.uptime_s} == {round(1000 - moments[0], 6)}

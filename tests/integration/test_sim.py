"""Simulated agents, as net-snmp's commands, both of our engines and the process collector see them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert, structs

from collectors.framework.captures.folder import readings
from collectors.framework.captures.reading import values_of
from collectors.framework.configcache import ConfigCache
from collectors.sim import oids
from collectors.sim.facts import Alive
from collectors.sim.processes import Process, cpu_cs, memory_kib
from collectors.sim.scenario import read_scenario
from collectors.sim.world import World
from common.configs import AuthProtocol, DeviceConfig, PrivProtocol, SnmpConfig, SnmpEngine, SnmpVersion, SourceKind
from tests.contracts.snmp_driver import Driver
from tests.integration.snmpd import AUTH_PASSWORD, PRIV_PASSWORD, Snmpd, free_udp_port, snmpd
from tests.integration.test_captures import EVERYTHING, over_snmp, rows_shown, run
from tests.truth.evidence import read_truth
from tests.truth.ledger import Ledger

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NAME = oids.COLUMNS[oids.NAME]
TABLES = [".1.3.6.1.2.1.25.4", ".1.3.6.1.2.1.25.5"]
WALKS = [("snmpbulkwalk", ("-v2c", "-cpublic")), ("snmpwalk", ("-v1", "-cpublic"))]
WITHIN_S = 100
QUIET = "programs: [{name: web, path: /usr/bin/web, parameters: '-n {n}', count: 4}]\n"


def sim(*words: object) -> list[str]:
    return [sys.executable, "-m", "collectors.sim.main", *map(str, words)]


@contextlib.contextmanager
def running(*words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, and the line that it printed when it was ready; it ends with SIGTERM and exit code 0."""
    with subprocess.Popen(sim(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        try:
            line = program.stdout.readline()
            assert line, program.stderr.read()
            yield program, line
        finally:
            program.send_signal(signal.SIGTERM)
            _, said = program.communicate(timeout=WITHIN_S)
        assert (program.returncode, said) == (0, "")


def truth(file: Path, what: str) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().split("\n")[:-1]]
    return [fact for fact in facts if fact["what"] == what]


@contextlib.contextmanager
def fleet(
    folder: Path, scenario: str = QUIET, devices: int = 2, more: tuple[object, ...] = ()
) -> Iterator[list[tuple[str, int]]]:
    """A fleet on ports that the kernel chose; gives address and port of each device."""
    (folder / "scenario.yaml").write_text(scenario)
    listen = ["--listen", "127.0.0.1:0", "--by-port"]
    words = ["--devices", devices, "--processes", 60, "--scenario", folder / "scenario.yaml", *listen]
    with running("fleet", *words, *more, "--truth", folder / "truth.jsonl"):
        found = truth(folder / "truth.jsonl", "device")
        assert len(found) == devices
        yield [(fact["address"], fact["port"]) for fact in found]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, int]]]:
    with fleet(tmp_path_factory.mktemp("fleet")) as endpoints:
        yield endpoints


def ask(program: str, where: tuple[str, int], *words: str, credential: tuple[str, ...] = ("-v2c", "-cpublic")) -> str:
    command = [
        program,
        *credential,
        "-On",
        "-Oe",
        "-m",
        "",
        "-t3",
        "-r1",
        *words[:-1],
        f"{where[0]}:{where[1]}",
        words[-1],
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WITHIN_S)
    return done.stdout + done.stderr


# --- a fleet ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("repetitions", ["1", "10", "75"])
def test_snmpbulkwalk_and_snmpwalk_see_the_same_tables(quiet: list[tuple[str, int]], repetitions: str) -> None:
    bulk = ask("snmpbulkwalk", quiet[0], f"-Cr{repetitions}", TABLES[0])
    assert len(bulk.splitlines()) == 1 + 7 * 60
    assert ask("snmpwalk", quiet[0], TABLES[0], credential=("-v1", "-cpublic")) == bulk
    assert '"-n 3"' in bulk
    names = [line.partition(" ")[0] for line in bulk.splitlines()]
    figures = [ask(program, quiet[0], TABLES[1], credential=one) for program, one in WALKS]  # CPU time goes on
    assert [len(text.splitlines()) for text in figures] == [1 + 2 * 60] * 2  # and a line that says it is the end
    assert len({tuple(line.partition(" ")[0] for line in text.splitlines()[:-1]) for text in figures}) == 1
    assert len(set(names)) == len(names)


def column_of(where: tuple[str, int], column: int, *words: str) -> dict[int, str]:
    """What snmpbulkwalk prints of a column, by pid."""
    found = {}
    for line in ask("snmpbulkwalk", where, *words, "." + ".".join(map(str, oids.COLUMNS[column]))).splitlines():
        name, _, value = line.partition(" = ")
        if value.startswith("No more variables"):
            break
        found[int(name.rpartition(".")[2])] = value.rpartition(": ")[2].strip('"').replace(r"\\", "\\")
    return found


def test_snmpbulkwalk_sees_each_column_as_the_fleet_has_it(quiet: list[tuple[str, int]]) -> None:
    (host, _) = World(read_scenario(QUIET, "test"), 2, 60, 1).hosts
    own = host.processes
    columns = [column_of(quiet[0], number) for number in range(len(oids.COLUMNS))]
    assert {tuple(column) for column in columns} == {tuple(host.pids)}
    texts: dict[int, Callable[[Process], str]] = {
        oids.INDEX: lambda one: str(one.pid), oids.NAME: lambda one: one.name, oids.ID: lambda _one: ".0.0",
        oids.PATH: lambda one: one.path, oids.PARAMETERS: lambda one: one.parameters[:128],
        oids.TYPE: lambda one: "4" if one.path else "2",
        oids.STATUS: lambda one: "1" if one.name == "snmpd" else "2",
    }  # fmt: skip
    for number, text in texts.items():
        assert columns[number] == {pid: text(own[pid]) for pid in host.pids}, oids.COLUMNS[number]
    for pid, used in columns[oids.CPU].items():
        assert cpu_cs(own[pid], 0.0) <= int(used) <= cpu_cs(own[pid], 3600.0)
    assert columns[oids.MEMORY] == {pid: str(memory_kib(own[pid], 0.0)) for pid in host.pids}
    assert any(int(used) > cpu_cs(own[pid], 0.0) for pid, used in columns[oids.CPU].items())


def test_snmpbulkwalk_sees_what_changes_as_the_truth_has_it(tmp_path: Path) -> None:
    text = """
    programs:
      - {name: web, path: /web, count: 6, restarts: {every: 80ms}}
      - {name: pool, path: /pool, count: 3, churns: {every: 150ms, for: 300ms}, dies: {every: 200ms, for: 200ms}}
    """
    walks: list[tuple[float, float, dict[int, str]]] = []
    with fleet(tmp_path, text, 1) as (where,):
        for repetitions in (1, 5, 10, 25, 50) * 3:
            before = time.time()
            seen = column_of(where, oids.NAME, f"-Cr{repetitions}")
            walks.append((before, time.time(), seen))
    told = read_truth(tmp_path / "truth.jsonl")
    about = told.devices["sim0001"]
    ledger = Ledger(convert(about["running"], dict[str, list[Alive]]))
    for fact in told.facts["sim0001"]:
        ledger.take(fact)
    unsure = 0
    for before, after, seen in walks:
        for program in ("web", "pool"):
            there = ledger.seen(program, before - told.began - 0.05, after - told.began + 0.05)
            pids = {pid for pid, name in seen.items() if name == program}
            assert {life.pid for life in there.sure} <= pids <= {life.pid for life in there.all}
            unsure += len(there.maybe)
    assert unsure > 10


def test_devices_are_not_the_same(quiet: list[tuple[str, int]]) -> None:
    names = {ask("snmpget", where, ".1.3.6.1.2.1.1.5.0") for where in quiet}
    assert len(names) == 2


@pytest.fixture(scope="module", params=[SnmpEngine.OWN, SnmpEngine.PYSNMP])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    made = Driver(request.param)
    yield made
    made.close()


def test_both_engines_see_what_snmpbulkwalk_sees(quiet: list[tuple[str, int]], driver: Driver) -> None:
    address, port = quiet[1]
    table = driver.table(address, SnmpConfig(port=port), [NAME, oids.COLUMNS[oids.PARAMETERS]])
    assert (table.complete, len(table.columns[0])) == (True, 60)
    lines = ask("snmpbulkwalk", quiet[1], "." + ".".join(map(str, NAME))).splitlines()
    seen = {int(line.split(" ")[0].rpartition(".")[2]): line.partition('"')[2].rstrip('"') for line in lines}
    assert {index[0]: value.decode() for index, value in table.columns[0].items()} == seen  # type: ignore[union-attr]


KINDS = [
    ("none", "none", "noAuthNoPriv", AuthProtocol.NONE, PrivProtocol.NONE),
    ("md5", "none", "authNoPriv", AuthProtocol.MD5, PrivProtocol.NONE),
    ("sha1", "des", "authPriv", AuthProtocol.SHA1, PrivProtocol.DES),
    ("sha256", "aes128", "authPriv", AuthProtocol.SHA256, PrivProtocol.AES128),
    ("sha512", "aes256", "authPriv", AuthProtocol.SHA512, PrivProtocol.AES256),
]


@pytest.mark.parametrize(("auth", "priv", "level", "authentication", "privacy"), KINDS)
def test_a_fleet_speaks_v3_as_net_snmp_and_both_engines_do(
    tmp_path: Path,
    driver: Driver,
    auth: str,
    priv: str,
    level: str,
    authentication: AuthProtocol,
    privacy: PrivProtocol,
) -> None:
    (tmp_path / "word").write_text(AUTH_PASSWORD)
    words: list[object] = ["--user", "joe", "--auth-protocol", auth, "--priv-protocol", priv]
    credential = ["-v3", "-ujoe", f"-l{level}"]
    if auth != "none":
        words += ["--auth-password-file", tmp_path / "word"]
        credential += ["-a", auth.upper().replace("SHA", "SHA-").replace("SHA-1", "SHA"), "-A", AUTH_PASSWORD]
    if priv != "none":
        words += ["--priv-password-file", tmp_path / "word"]
        credential += ["-x", priv.upper().replace("AES", "AES-").replace("AES-128", "AES"), "-X", AUTH_PASSWORD]
    config = SnmpConfig(
        version=SnmpVersion.V3, user="joe", timeout_s=5, auth_protocol=authentication, priv_protocol=privacy,
        auth_password=AUTH_PASSWORD if auth != "none" else "", priv_password=AUTH_PASSWORD if priv != "none" else "",
    )  # fmt: skip
    with fleet(tmp_path, more=tuple(words)) as endpoints:
        for where in endpoints:
            seen = ask("snmpbulkwalk", where, TABLES[0], credential=tuple(credential))
            assert seen == ask("snmpbulkwalk", where, TABLES[0])
            assert len(seen.splitlines()) == 1 + 7 * 60
            table = driver.table(where[0], structs.replace(config, port=where[1]), [NAME])
            assert (table.complete, len(table.columns[0])) == (True, 60)
        uptime, where = ".1.3.6.1.2.1.1.3.0", endpoints[0]
        stranger = ("-v3", "-ujim", *credential[2:])
        assert "Unknown user name" in ask("snmpget", where, uptime, credential=stranger)
        if auth != "none":
            less = ask("snmpget", where, uptime, credential=("-v3", "-ujoe", "-lnoAuthNoPriv"))
            assert "authorizationError" in less
            wrong = tuple(word.replace(AUTH_PASSWORD, "some other word") for word in credential)
            assert "Authentication failure" in ask("snmpget", where, uptime, credential=wrong)


def test_the_process_collector_reads_a_device(quiet: list[tuple[str, int]], tmp_path: Path) -> None:
    config = DeviceConfig(
        device="box", address=quiet[0][0], source=SourceKind.SNMP, interval_s=60,
        snmp=SnmpConfig(port=quiet[0][1]), process_sets=(EVERYTHING,),
    )  # fmt: skip
    ConfigCache(tmp_path / "data" / "configs").replace([config], [])
    assert "all: 60 processes" in run(tmp_path, "--once")


def test_a_walk_that_goes_in_circles_is_refused_by_net_snmp(tmp_path: Path) -> None:
    with fleet(tmp_path, "agents: {non_increasing: {every: 1ms, for: 1d}}", 1) as (where,):
        assert "OID not increasing" in ask("snmpbulkwalk", where, TABLES[0])


def test_a_slow_agent_answers_late(tmp_path: Path) -> None:
    with fleet(tmp_path, "agents: {slow: {every: 1ms, for: 1d, by: 1s}}", 1) as (where,):
        begun = time.monotonic()
        assert "sim0001" in ask("snmpget", where, ".1.3.6.1.2.1.1.5.0")
        assert time.monotonic() - begun >= 1


def test_what_happens_is_written_while_it_happens_and_all_of_it_at_the_end(tmp_path: Path) -> None:
    text = "programs: [{name: web, path: /web, restarts: {every: 300ms}}]"
    with fleet(tmp_path, text, 1) as (where,):
        deadline = time.monotonic() + WITHIN_S
        while len(truth(tmp_path / "truth.jsonl", "restarted")) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        seen = ask("snmpbulkwalk", where, "." + ".".join(map(str, NAME)))
    facts = truth(tmp_path / "truth.jsonl", "restarted")
    assert any(f'.{fact["pid"]} = STRING: "web"' in seen for fact in facts)
    assert all(fact["program"] == "web" and abs(fact["at"] - time.time()) < 120 for fact in facts)
    dry = tmp_path / "dry.jsonl"
    words = ["--scenario", tmp_path / "scenario.yaml", "--devices", 1, "--processes", 60, "--duration", "1h"]
    subprocess.run(sim("fleet", *words, "--dry-run", "--truth", dry), check=True, timeout=WITHIN_S)
    planned = [(fact["t"], fact["pid"]) for fact in truth(dry, "restarted")]
    assert [(fact["t"], fact["pid"]) for fact in facts] == planned[: len(facts)]


def test_a_fleet_goes_on_and_ends_in_peace_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    words = ["--devices", 1, "--processes", 40, "--listen", "127.0.0.1:0", "--truth", tmp_path / "truth.jsonl"]
    with subprocess.Popen(sim("fleet", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        program.send_signal(signal.SIGTERM)
        assert (program.stderr.read(), program.wait(WITHIN_S)) == ("", 0)


def test_a_fleet_has_an_address_for_each_device(tmp_path: Path) -> None:
    port = free_udp_port("127.77.0.1")
    words = ["--devices", 300, "--processes", 40, "--listen", f"127.77.0.1:{port}"]
    with running("fleet", *words, "--truth", tmp_path / "truth.jsonl") as (_, line):
        assert line.startswith(f"300 simulated hosts answer at 127.77.0.1:{port} to 127.77.1.44:{port}; ")
        assert "sim0300" in ask("snmpget", ("127.77.1.44", port), ".1.3.6.1.2.1.1.5.0")


def test_a_fleet_ends_by_itself(tmp_path: Path) -> None:
    words = ["--devices", 1, "--processes", 40, "--listen", "127.0.0.1:0", "--duration", "1s"]
    with running("fleet", *words, "--truth", tmp_path / "truth.jsonl") as (program, _):
        assert program.wait(WITHIN_S) == 0


# --- captures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Iterator[Snmpd]:
    with snmpd() as agent:
        yield agent


@pytest.fixture(scope="module")
def captured(real: Snmpd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of a real agent."""
    folder = tmp_path_factory.mktemp("captured")
    ConfigCache(folder / "data" / "configs").replace([over_snmp(real, real.v2c())], [])
    run(folder, "--once", "--capture", folder / "capture")
    return folder / "capture"


def serving(line: str) -> tuple[str, int]:
    host, _, port = line.split(" answers at ")[1].split(" ", maxsplit=1)[0].rpartition(":")
    return host, int(port)


@pytest.fixture(scope="module")
def served(captured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    folder = tmp_path_factory.mktemp("passwords")
    (folder / "auth").write_text(AUTH_PASSWORD + "\n")
    (folder / "priv").write_text(PRIV_PASSWORD + "\n")
    words = ["--user", "joe", "--auth-protocol", "sha256", "--auth-password-file", folder / "auth"]
    words += ["--priv-protocol", "aes128", "--priv-password-file", folder / "priv"]
    with running("agent", "--capture", captured, "--listen", "127.0.0.1:0", *words) as (_, line):
        assert "(v1 and v2c, community public; v3, user joe, authPriv)" in line
        yield serving(line)


V3 = ("-v3", "-ujoe", "-lauthPriv", "-aSHA-256", "-A" + AUTH_PASSWORD, "-xAES", "-X" + PRIV_PASSWORD)


@pytest.mark.parametrize(
    ("program", "credential"),
    [("snmpwalk", ("-v1", "-cpublic")), ("snmpbulkwalk", ("-v2c", "-cpublic")), ("snmpbulkwalk", V3)],
)
def test_net_snmp_reads_a_capture(
    served: tuple[str, int], captured: Path, real: Snmpd, program: str, credential: tuple[str, ...]
) -> None:
    values = values_of(readings(captured / "box")[0].sections)
    names = {oid[-1]: typed.value for oid, typed in values.items() if oid[:-1] == NAME}
    assert names[real.pid] == b"snmpd"
    text = ask(program, served, "." + ".".join(map(str, NAME)), credential=credential)
    lines = [line for line in text.splitlines() if " = STRING: " in line]
    assert {int(line.split(" ")[0].rpartition(".")[2]) for line in lines} == set(names)
    assert f'.{real.pid} = STRING: "snmpd"' in text


def test_our_engines_read_a_capture_over_v3(served: tuple[str, int], driver: Driver) -> None:
    config = SnmpConfig(
        version=SnmpVersion.V3, port=served[1], user="joe", auth_protocol=AuthProtocol.SHA256, timeout_s=5,
        auth_password=AUTH_PASSWORD, priv_protocol=PrivProtocol.AES128, priv_password=PRIV_PASSWORD,
    )  # fmt: skip
    table = driver.table(served[0], config, [NAME])
    assert table.complete
    assert b"snmpd" in table.columns[0].values()


def test_who_may_not_read_is_refused(served: tuple[str, int]) -> None:
    uptime = ".1.3.6.1.2.1.1.3.0"
    assert "Unsupported security level" in ask("snmpget", served, uptime, credential=("-v3", "-ujoe", "-lnoAuthNoPriv"))
    signed = ("-v3", "-ujoe", "-lauthNoPriv", "-aSHA-256", "-A" + AUTH_PASSWORD)
    assert "Unsupported security level" in ask("snmpget", served, uptime, credential=signed)
    wrong = (*V3[:4], "-Asome other word", *V3[5:])
    assert "uthentication" in ask("snmpget", served, uptime, credential=wrong)
    assert "Timeout" in ask("snmpget", served, "-t1", "-r0", uptime, credential=("-v2c", "-cother"))
    done = subprocess.run(
        ["snmpset", "-v2c", "-cpublic", "-m", "", f"{served[0]}:{served[1]}", ".1.3.6.1.2.1.1.5.0", "s", "x"],
        check=False, capture_output=True, text=True, timeout=WITHIN_S,
    )  # fmt: skip
    assert done.returncode
    assert "notWritable" in done.stdout + done.stderr


def test_the_collector_sees_on_a_served_capture_what_it_saw_on_the_host(
    real: Snmpd, captured: Path, served: tuple[str, int], tmp_path: Path
) -> None:
    snmp = SnmpConfig(port=served[1], timeout_s=5)
    config = DeviceConfig(
        device="again", address=served[0], source=SourceKind.SNMP, interval_s=60, snmp=snmp, process_sets=(EVERYTHING,)
    )
    ConfigCache(tmp_path / "data" / "configs").replace([config], [])
    again = run(tmp_path, "--once", "--show-tables")
    first = run(tmp_path, "--once", "--show-tables", "--replay", captured, name="elsewhere")
    assert len(rows_shown(first)) > 5
    assert rows_shown(again) == rows_shown(first)


def test_several_devices_are_told_apart_by_community_and_context(captured: Path, tmp_path: Path) -> None:
    text = (captured / "box" / "000001.jsonl").read_text()
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        changed = text.replace('"device":"box"', f'"device":"{name}"').replace('"snmpd"', f'"{name}d"')
        (tmp_path / name / "000001.jsonl").write_text(changed)
    (tmp_path / "left" / "000002.jsonl").write_text((tmp_path / "left" / "000001.jsonl").read_text())
    column = "." + ".".join(map(str, NAME))
    with running("agent", "--capture", tmp_path, "--listen", "127.0.0.1:0", "--user", "joe") as (_, line):
        where = serving(line)
        for name, other in (("left", "right"), ("right", "left")):
            for credential in (("-v2c", f"-c{name}"), ("-v3", "-ujoe", "-lnoAuthNoPriv", f"-n{name}")):
                seen = ask("snmpbulkwalk", where, column, credential=credential)
                assert f'"{name}d"' in seen
                assert f'"{other}d"' not in seen


# --- what cannot be ---------------------------------------------------------------------------------------------------


def refused(*words: object, code: int = 2, **options: Any) -> str:
    done = subprocess.run(sim(*words), check=False, capture_output=True, text=True, timeout=WITHIN_S, **options)
    assert done.returncode == code, done.stderr
    said: str = done.stderr
    assert "Traceback" not in said
    return said


def test_what_cannot_be_served_is_told(tmp_path: Path, captured: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"{where}: Address already in use" in refused("agent", "--capture", captured, "--listen", where)
        assert "Address already in use" in refused("fleet", "--devices", 1, "--listen", where, cwd=tmp_path)
    assert "--any-address" in refused("fleet", "--listen", "0.0.0.0:1161")
    assert "is no capture" in refused("agent", "--capture", tmp_path)
    assert "there are: box" in refused("agent", "--capture", captured, "-d", "other", code=3)
    assert "--dry-run needs --duration" in refused("fleet", "--dry-run")
    assert "'soon' is no time" in refused("fleet", "--duration", "soon")
    assert "--processes is 3" in refused("fleet", "--processes", 3)
    assert "--auth-password-file is missing" in refused(
        "agent", "--capture", captured, "--user", "joe", "--auth-protocol", "sha1"
    )
    (tmp_path / "bad.yaml").write_text("programs: [{nome: x}]\n")
    said = refused("fleet", "--scenario", tmp_path / "bad.yaml")
    assert "bad.yaml:1: nome is unknown here; did you mean name?" in said
    assert "cannot be written" in refused(
        "fleet", "--devices", 1, "--listen", "127.0.0.1:0", "--truth", tmp_path / "none" / "t"
    )


def test_the_operators_command_hands_over(tmp_path: Path) -> None:
    code = "import sys; from hub.cli.main import main; sys.exit(main(sys.argv[1:]))"
    (tmp_path / "tocsin-sim").write_text('#!/bin/sh\nprintf "%s|" "$@"; exit 7\n')
    (tmp_path / "tocsin-sim").chmod(0o755)
    there = f"import sys; sys.executable = '{tmp_path}/python'; {code}"
    done = subprocess.run(
        [sys.executable, "-c", there, "sim", "fleet", "--devices", "5", "--json"],
        check=False, capture_output=True, text=True, timeout=WITHIN_S,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (7, "fleet|--devices|5|--json|")
    gone = f"import sys; sys.executable = '{tmp_path}/nothing/python'; {code}"
    done = subprocess.run(
        [sys.executable, "-c", gone, "sim", "fleet"],
        check=False, capture_output=True, text=True, timeout=WITHIN_S, env={**os.environ, "PATH": "/nowhere"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "tocsin-sim cannot be started: No such file or directory. It comes with Tocsin's collectors" in done.stderr

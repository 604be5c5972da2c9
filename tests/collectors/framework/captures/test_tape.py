"""Recording and replaying, against the contracts of what they stand for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.captures.folder import CONFIG, CaptureFolder, folder_name, read_config, readings
from collectors.framework.captures.reading import Got, Origin, Reading, Scanned, Typed, Walked, values_of
from collectors.framework.captures.recording import Recorder
from collectors.framework.captures.replaying import Replay, Tape
from collectors.framework.interfaces import IProcessSource
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp import ber
from collectors.framework.snmp.errors import SnmpAuthError, SnmpTimeout
from collectors.framework.snmp.interfaces import Oid, SnmpValue, Table
from collectors.framework.source_local import ProcSource
from common.configs import DeviceConfig, SnmpConfig, SourceKind
from common.errors import NotFoundError, SettingsError
from tests.collectors.framework.snmp.test_fakes import PID, PROCESSES, FakeReader
from tests.contracts.process_source import LocalSourceContract, Wanted, now
from tests.contracts.snmp import HR_SW_RUN, SYS_LOCATION, SYS_UP_TIME, SnmpReading
from tests.fakes.snmp import FakeSnmpClient, result_of
from tests.integration.snmpd import Snmpd

NAME: Oid = (*HR_SW_RUN, 2)
STATUS: Oid = (*HR_SW_RUN, 7)
SECRETS = SnmpConfig(
    community="the community", user="somebody", auth_password="an auth password", priv_password="a priv"
)


def config(device: str = "box", **changes: Any) -> DeviceConfig:
    fields: dict[str, Any] = {"address": "192.0.2.1", "source": SourceKind.SNMP, "interval_s": 60, "snmp": SECRETS}
    return DeviceConfig(device=device, **(fields | changes))


def local(device: str = "box") -> DeviceConfig:
    return config(device, source=SourceKind.LOCAL, snmp=None)


class Times:
    """A wall clock and a monotonic one, a while apart."""

    def __init__(self) -> None:
        self.now = 100.0

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now

    def monotonic(self) -> float:
        return self.now


class Taped:
    """A fake agent, a recorder on it, and what came of it."""

    def __init__(self, folder: Path, agent: FakeSnmpClient, **options: Any) -> None:
        self.folder, self.agent, self.times = folder, agent, Times()
        self.recorder = Recorder(folder, self.times.wall, self.times.monotonic, **options)
        self.client = self.recorder.clients(config(), lambda *_: agent)("192.0.2.1", SECRETS)

    def get(self, *oids: Oid) -> list[SnmpValue]:
        values: list[SnmpValue] = now(self.client.get(oids))
        return values

    def table(self, *columns: Oid) -> Table:
        table: Table = now(self.client.table(columns))
        return table

    def replay(self, interval_s: float = 60) -> tuple[Any, Tape]:
        tape = Tape(readings(self.folder / "box"), interval_s)
        return Replay(tape).clients(config(), lambda *_: None)("", SECRETS), tape


class RecordedReader(FakeReader):
    """Reads through a recorder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.client = Taped(folder, self.client).client


class ReplayedReader(FakeReader):
    """Records all that there is, then reads what is asked for from the capture."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        taped = Taped(folder, self.client)
        taped.get(SYS_UP_TIME, *(oid for oid in self.client.values if oid[:-2] != HR_SW_RUN))
        taped.table(*((*HR_SW_RUN, column) for column in (2, 4, 5, 7)))
        self.client, self.tape = taped.replay()
        assert self.tape.next_run()

    def get(self, address: str, config: SnmpConfig, oids: Sequence[Oid]) -> list[SnmpValue]:
        return result_of(_started(self.client.get(oids)))


def _started(work: Any) -> Any:
    from twisted.internet.defer import Deferred

    return Deferred.fromCoroutine(work)


class Contract(SnmpReading):
    @pytest.fixture
    def agent(self) -> Snmpd:
        class Standing:
            pid = PID

        return Snmpd("127.0.0.1", 1, Standing(), None, ipv6=False)  # type: ignore[arg-type]  # a process is not needed


class TestRecordingClient(Contract):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> RecordedReader:
        return RecordedReader(tmp_path)


class TestReplayClient(Contract):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> ReplayedReader:
        return ReplayedReader(tmp_path)


class ThroughFiles:
    """Every scan goes to files and comes back from them."""

    def __init__(self, source: IProcessSource, folder: Path) -> None:
        self._inner = Recorder(folder, time.time, time.monotonic).source(local(), source)
        self._folder = folder

    def _last(self) -> IProcessSource:
        tape = Tape(readings(self._folder / "box")[-1:], 60)
        return Replay(tape).source(local(), self._inner)

    async def scan(self, full: bool) -> ProcessTable:
        await self._inner.scan(full)
        table: ProcessTable = await self._last().scan(full)
        return table

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        await self._inner.alive(pids)
        alive: frozenset[int] = await self._last().alive(pids)
        return alive

    def update(self, config: DeviceConfig) -> None:
        self._inner.update(config)


class TestLocalThroughFiles(LocalSourceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make(self, wanted: Wanted) -> IProcessSource:
        return ThroughFiles(ProcSource(time.time, time.monotonic, wanted), self.folder)  # type: ignore[return-value]


# --- what is written --------------------------------------------------------------------------------------------------


def agent(**values: SnmpValue) -> FakeSnmpClient:
    return FakeSnmpClient({SYS_UP_TIME: 5, (*NAME, 7): b"web", (*STATUS, 7): 2, **values})  # type: ignore[dict-item]


def test_a_reading_begins_with_sys_uptime_and_holds_all_that_follows(tmp_path: Path) -> None:
    taped = Taped(tmp_path, agent())
    for _ in range(2):
        taped.get(SYS_UP_TIME)
        taped.table(NAME, STATUS)
        taped.get((*STATUS, 8))
        taped.times.now += 60
    first, second = readings(tmp_path / "box")
    assert [type(section) for section in first.sections] == [Got, Walked, Got]
    assert (first.at, second.at - first.at) == (1_800_000_100.0, 60)
    assert (first.monotonic_s, first.engine, first.version, first.origin) == (100, "own", "2c", Origin.SNMP)
    assert sorted(path.name for path in (tmp_path / "box").iterdir()) == ["000001.jsonl", "000002.jsonl", CONFIG]


def test_a_second_recording_goes_on_behind_the_first(tmp_path: Path) -> None:
    Taped(tmp_path, agent()).get(SYS_UP_TIME)
    Taped(tmp_path, agent()).get(SYS_UP_TIME)
    assert len(readings(tmp_path / "box")) == 2


def test_no_secret_is_written_anywhere(tmp_path: Path) -> None:
    values = {(*NAME, 9): b"x --password=hunter2", (*NAME, 10): b"snmpd -c the community"}
    taped = Taped(tmp_path, FakeSnmpClient({**agent().values, **values}))
    taped.get(SYS_UP_TIME)
    taped.table(NAME)
    taped.agent.fail = SnmpTimeout("nobody answers to the community")
    with pytest.raises(SnmpTimeout):
        taped.get(SYS_UP_TIME)
    text = "".join(path.read_text() for path in (tmp_path / "box").iterdir())
    for secret in ("the community", "somebody", "an auth password", "a priv", "hunter2"):
        assert secret not in text
    assert text.count("***") == 3
    assert (tmp_path / "box").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "box").iterdir())


def test_the_config_is_beside_the_readings_without_its_credentials(tmp_path: Path) -> None:
    Taped(tmp_path, agent()).get(SYS_UP_TIME)
    kept = read_config(tmp_path / "box")
    assert kept == config(snmp=SnmpConfig(community=""))


def test_a_credential_that_came_later_is_not_written_either(tmp_path: Path) -> None:
    agent = FakeSnmpClient({SYS_UP_TIME: 5, (*NAME, 7): b"snmpd -c the new community"})
    clients = Recorder(tmp_path, time.time, time.monotonic).clients(config(), lambda *_: agent)
    client = clients("192.0.2.2", SnmpConfig(community="the new community"))
    now(client.get([SYS_UP_TIME]))
    now(client.table([NAME]))
    assert "the new community" not in "".join(path.read_text() for path in (tmp_path / "box").iterdir())


def test_only_the_device_that_was_named_is_recorded(tmp_path: Path) -> None:
    taped = Taped(tmp_path, agent(), only="other")
    assert taped.get(SYS_UP_TIME) == [5]
    assert not list(tmp_path.iterdir())


def test_a_full_disk_ends_the_capture_and_not_the_reading(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("a file where the folder belongs")
    taped = Taped(tmp_path, agent())
    assert taped.get(SYS_UP_TIME) == [5]
    assert taped.get(SYS_UP_TIME) == [5]


def test_a_capture_that_was_forgotten_ends_before_the_disk_does(tmp_path: Path) -> None:
    taped = Taped(tmp_path, agent(), most_bytes=200)
    for _ in range(20):
        taped.get(SYS_UP_TIME)
    assert 1 <= len(readings(tmp_path / "box")) <= 3


def test_devices_with_any_name_have_their_folder(tmp_path: Path) -> None:
    for name in ("web1", "../../etc", "a/b", ".", "..", ".hidden", "Gerät 7", "x" * 60):
        assert "/" not in folder_name(name)
        assert not folder_name(name).startswith(".")
        recorder = Recorder(tmp_path, time.time, time.monotonic)
        now(recorder.clients(config(name), lambda *_: agent())("", SECRETS).get([SYS_UP_TIME]))
        assert CaptureFolder(tmp_path).chosen(name)[0] == name


# --- what is replayed -------------------------------------------------------------------------------------------------


def test_types_of_a_replay_are_those_of_a_real_agent_when_the_client_tells_them() -> None:
    """See tests/integration/test_captures.py; here, what is served when nobody told."""
    got = Got(values={(1, 3, 6, 1): Typed(ber.TIMETICKS, 5), (*NAME, 7): Typed(ber.OCTET_STRING, b"alone")})
    walked = Walked(columns=(NAME,), rows=({(8,): Typed(ber.OCTET_STRING, b"row")},))
    assert set(values_of([got, walked])) == {(1, 3, 6, 1), (*NAME, 8)}


def test_the_same_question_gets_the_next_answer_and_another_one_what_is_known(tmp_path: Path) -> None:
    taped = Taped(tmp_path, agent())
    taped.get(SYS_UP_TIME)
    taped.table(NAME, STATUS)
    del taped.agent.values[*STATUS, 7]
    taped.get((*STATUS, 7))
    client, tape = taped.replay()
    assert tape.next_run()
    assert now(client.get([SYS_UP_TIME])) == [5]
    assert now(client.table([STATUS])).columns == ({(7,): 2},)
    assert now(client.get([(*STATUS, 7)])) == [None]
    assert now(client.get([(*NAME, 7), SYS_LOCATION])) == [b"web", None]


def test_errors_are_raised_again_also_for_other_questions(tmp_path: Path) -> None:
    taped = Taped(tmp_path, agent())
    taped.agent.fail = SnmpAuthError("wrong password")
    with pytest.raises(SnmpAuthError):
        taped.get(SYS_UP_TIME)
    client, tape = taped.replay()
    assert tape.next_run()
    for _ in range(2):
        with pytest.raises(SnmpAuthError, match="wrong password"):
            now(client.get([SYS_UP_TIME, SYS_LOCATION]))
    with pytest.raises(SnmpAuthError):
        now(client.table([NAME]))
    assert not tape.next_run()


@pytest.mark.parametrize(("later_s", "second"), [(3, 6), (60, 5)])
def test_a_second_look_gets_the_reading_that_was_made_for_it_or_the_same(
    tmp_path: Path, later_s: int, second: int
) -> None:
    taped = Taped(tmp_path, agent())
    taped.get(SYS_UP_TIME)
    taped.times.now += later_s
    taped.agent.values[SYS_UP_TIME] = 6
    taped.get(SYS_UP_TIME)
    client, tape = taped.replay()
    assert tape.next_run()
    assert [now(client.get([SYS_UP_TIME])) for _ in range(2)] == [[5], [second]]
    assert tape.next_run() is (second == 5)


class WrongTests(SynchronousTestCase):
    def test_a_capture_of_another_source_than_the_config_s_is_refused(self) -> None:
        reading = Reading(device="box", origin=Origin.LOCAL, at=1.0, monotonic_s=1.0, sections=[])
        with pytest.raises(SettingsError, match=r"source local.*config\.json"):
            Replay(Tape([reading], 60)).clients(config(), lambda *_: None)


def test_folders_that_are_no_capture(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        CaptureFolder(tmp_path / "none").devices()
    with pytest.raises(SettingsError, match=r"000001\.jsonl"):
        CaptureFolder(tmp_path).devices()
    for device in ("a", "b"):
        recorder = Recorder(tmp_path, time.time, time.monotonic)
        now(recorder.clients(config(device), lambda *_: agent())("", SECRETS).get([SYS_UP_TIME]))
    with pytest.raises(NotFoundError, match="there are: a, b"):
        CaptureFolder(tmp_path).chosen(None)
    with pytest.raises(NotFoundError, match="no readings of c"):
        CaptureFolder(tmp_path).chosen("c")
    assert CaptureFolder(tmp_path / "b").chosen(None) == ("b", tmp_path / "b")
    (tmp_path / "b" / "000002.jsonl").write_text("oops")
    (tmp_path / "b" / "000003.jsonl").write_text("oops")
    with pytest.raises(SettingsError, match="2 mistakes"):
        readings(tmp_path / "b")
    (tmp_path / "b" / CONFIG).write_text('{"device": 5}')
    with pytest.raises(SettingsError, match=r"config\.json is no config"):
        read_config(tmp_path / "b")


def test_a_scan_without_processes_is_told() -> None:
    reading = Reading(device="box", origin=Origin.LOCAL, at=1.0, monotonic_s=1.0, sections=[])
    source = Replay(Tape([reading], 60)).source(local(), None)  # type: ignore[arg-type]  # it is not asked
    with pytest.raises(SettingsError, match="no processes"):
        now(source.scan(full=True))
    reading.sections.append(Scanned(rows=(), full=True, problem="half of it"))
    table = now(source.scan(full=True))
    assert (table.complete, table.problem) == (False, "half of it")


def test_the_number_of_processes_of_the_fixture_is_worth_the_name() -> None:
    assert len(PROCESSES) > 50
    assert msgspec.json.encode(config()) != b""

"""What every ISnmpClient does, whoever speaks the protocol."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec
import pytest

from collectors.framework.snmp.errors import SnmpAuthError, SnmpConfigError, SnmpTimeout
from collectors.framework.snmp.interfaces import Oid, SnmpValue, Table
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig
from tests.integration import snmpd as real
from tests.integration.snmpd import Snmpd

SYS_UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
SYS_OBJECT_ID: Oid = (1, 3, 6, 1, 2, 1, 1, 2, 0)
SYS_LOCATION: Oid = (1, 3, 6, 1, 2, 1, 1, 6, 0)
NO_OBJECT: Oid = (1, 3, 6, 1, 2, 1, 1, 99, 0)
NO_INSTANCE: Oid = (1, 3, 6, 1, 2, 1, 1, 6, 5)
HR_SW_RUN: Oid = (1, 3, 6, 1, 2, 1, 25, 4, 2, 1)
HR_SW_RUN_PERF: Oid = (1, 3, 6, 1, 2, 1, 25, 5, 1, 1)
PROCESS_COLUMNS: list[Oid] = [
    *((*HR_SW_RUN, column) for column in (2, 4, 5, 7)),
    (*HR_SW_RUN_PERF, 1),
    (*HR_SW_RUN_PERF, 2),
]
BEHIND_ALL: Oid = (1, 3, 6, 1, 6, 3, 99, 1)


class Reader(Protocol):
    """Reads with a client of the implementation that is tested."""

    def get(self, address: str, config: SnmpConfig, oids: Sequence[Oid]) -> list[SnmpValue]: ...
    def table(
        self,
        address: str,
        config: SnmpConfig,
        columns: Sequence[Oid],
        max_rows: int = 50_000,
        scalars: Sequence[Oid] = (),
    ) -> Table: ...
    def table_again(self, address: str, config: SnmpConfig, columns: Sequence[Oid]) -> Table: ...


def credentials(agent: Snmpd) -> dict[str, SnmpConfig]:
    """One of each kind."""
    sha1, sha256, aes = AuthProtocol.SHA1, AuthProtocol.SHA256, PrivProtocol.AES128
    return {
        "v1": agent.v1(),
        "v2c": agent.v2c(),
        "v3 noAuthNoPriv": agent.v3(real.USER_PLAIN, AuthProtocol.NONE),
        "v3 authNoPriv SHA-1": agent.v3(real.USER_SHA1, sha1),
        "v3 authNoPriv SHA-256": agent.v3(real.USER_SHA256, sha256),
        "v3 authPriv SHA-1 AES": agent.v3(real.USER_SHA1, sha1, aes),
        "v3 authPriv SHA-256 AES": agent.v3(real.USER_SHA256, sha256, aes),
        "v3 authPriv SHA-1 AES-256": agent.v3(real.USER_AES256, sha1, PrivProtocol.AES256),
        "v3 authPriv MD5 DES": agent.v3(real.USER_MD5_DES, AuthProtocol.MD5, PrivProtocol.DES),
    }


KINDS = list(credentials(Snmpd("", 1, None, None, ipv6=False)))  # type: ignore[arg-type]  # only the names are used


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes datagrams and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening.getsockname()[1]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port where nobody takes datagrams, and which nobody else gets: its socket takes only those of one peer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reserved:
        reserved.bind(("127.0.0.1", 0))
        reserved.connect(reserved.getsockname())
        yield reserved.getsockname()[1]


class SnmpReading:
    """Reading values and tables. A subclass gives fixtures `agent` and `reader`."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_get_gives_values_by_type_and_none_for_what_is_missing(self, agent: Any, reader: Reader, kind: str) -> None:
        oids = [SYS_LOCATION, NO_OBJECT, SYS_UP_TIME, NO_INSTANCE, SYS_OBJECT_ID]
        location, no_object, up_time, no_instance, object_id = reader.get(agent.address, credentials(agent)[kind], oids)
        assert location == b"a shelf"
        assert isinstance(up_time, int)
        assert up_time >= 0
        assert isinstance(object_id, tuple)
        assert object_id[:7] == (1, 3, 6, 1, 4, 1, 8072)
        assert (no_object, no_instance) == (None, None)

    @pytest.mark.parametrize("kind", KINDS)
    def test_table_gives_all_columns_by_row(self, agent: Any, reader: Reader, kind: str) -> None:
        table = reader.table(agent.address, credentials(agent)[kind], PROCESS_COLUMNS)
        assert (table.complete, table.problem) == (True, "")
        assert table.requests > 0
        assert table.varbinds >= sum(map(len, table.columns))
        names, paths, _, states, cpu, memory = table.columns
        assert (agent.pid,) in names
        assert names[agent.pid,] == b"snmpd"
        assert isinstance(paths[agent.pid,], bytes)
        assert states[agent.pid,] in {1, 2}
        assert isinstance(cpu[agent.pid,], int)
        kib = memory[agent.pid,]
        assert isinstance(kib, int)
        assert kib > 1000
        for column in table.columns:
            assert list(column) == sorted(column)
            assert all(len(index) == 1 for index in column)

    def test_column_that_is_not_there_is_empty_and_complete(self, agent: Any, reader: Reader) -> None:
        for config in (agent.v1(), agent.v2c()):
            table = reader.table(agent.address, config, [(*HR_SW_RUN, 77), BEHIND_ALL])
            assert (table.columns, table.complete) == (({}, {}), True)

    def test_columns_of_different_tables_are_read_together(self, agent: Any, reader: Reader) -> None:
        table = reader.table(agent.address, agent.v2c(), [(1, 3, 6, 1, 2, 1, 1, 9, 1, 2), (*HR_SW_RUN, 2)])
        assert table.complete
        assert table.columns[0]
        assert set(table.columns[0]) != set(table.columns[1])

    @pytest.mark.parametrize("kind", KINDS)
    def test_values_of_no_table_come_with_it(self, agent: Any, reader: Reader, kind: str) -> None:
        asked = [SYS_UP_TIME, (1, 3, 6, 1, 2, 1, 25, 99, 1, 0), SYS_LOCATION]
        table = reader.table(agent.address, credentials(agent)[kind], PROCESS_COLUMNS, scalars=asked)
        up_time, no_object, location = table.scalars
        assert table.complete
        assert isinstance(up_time, int)
        assert (no_object, location) == (None, b"a shelf")
        assert (agent.pid,) in table.columns[0]
        assert [len(column) for column in table.columns] == [len(table.columns[0])] * len(PROCESS_COLUMNS)

    @pytest.mark.parametrize("kind", ["v1", "v2c", "v3 authPriv SHA-256 AES"])
    def test_rows_that_are_known_and_those_that_come_are_the_whole_table(
        self, agent: Any, reader: Reader, kind: str
    ) -> None:
        columns = [(*HR_SW_RUN, 2), (*HR_SW_RUN, 4)]
        table = reader.table_again(agent.address, credentials(agent)[kind], columns)
        assert (table.complete, table.problem) == (True, "")
        names, paths = table.columns
        assert names[agent.pid,] == b"snmpd"
        assert isinstance(paths[agent.pid,], bytes)
        assert table.same <= len(names) == len(paths)

    def test_walk_ends_at_the_row_cap(self, agent: Any, reader: Reader) -> None:
        table = reader.table(agent.address, agent.v2c(), [(*HR_SW_RUN, 2)], max_rows=5)
        assert not table.complete
        assert "5 rows" in table.problem


class SnmpRefusals:
    """What is raised when an agent does not answer, or refuses. A subclass gives fixtures `agent` and `reader`."""

    wrong_privacy: tuple[type[Exception], ...] = (SnmpAuthError,)
    hears_icmp = True
    """It knows of a closed port at once, not by waiting."""

    def refused(
        self, agent: Any, reader: Reader, config: SnmpConfig, error: type[Exception] | tuple[type[Exception], ...]
    ) -> str:
        with pytest.raises(error) as caught:
            reader.get(agent.address, config, [SYS_UP_TIME])
        with pytest.raises(error):
            reader.table(agent.address, config, PROCESS_COLUMNS)
        said = str(caught.value)
        assert f"{agent.address}:{config.port}" in said
        for secret in (real.AUTH_PASSWORD, real.PRIV_PASSWORD, "wrong password", "wrong community"):
            assert secret not in said
        return said

    def test_wrong_community_is_a_timeout(self, agent: Any, reader: Reader) -> None:
        config = agent.v2c("wrong community", timeout_s=0.2, retries=1)
        started = time.monotonic()
        assert "community" in self.refused(agent, reader, config, SnmpTimeout)
        assert time.monotonic() - started > 0.7

    def test_silence_is_a_timeout(self, agent: Any, reader: Reader, silent_port: int) -> None:
        for config in (agent.v2c(), agent.v1(), agent.sha256_aes()):
            quick = msgspec.structs.replace(config, port=silent_port, timeout_s=0.2, retries=0)
            assert "No answer" in self.refused(agent, reader, quick, SnmpTimeout)

    def test_closed_port_is_a_timeout(self, agent: Any, reader: Reader) -> None:
        timeout_s = 30.0 if self.hears_icmp else 0.5
        with closed_port() as port:
            config = agent.v2c(port=port, timeout_s=timeout_s, retries=0)
            started = time.monotonic()
            self.refused(agent, reader, config, SnmpTimeout)
        assert time.monotonic() - started < 20

    def test_unknown_user(self, agent: Any, reader: Reader) -> None:
        said = self.refused(agent, reader, agent.v3("nobody", AuthProtocol.SHA1), SnmpAuthError)
        assert "'nobody'" in said

    def test_wrong_password(self, agent: Any, reader: Reader) -> None:
        for user, auth in ((real.USER_SHA1, AuthProtocol.SHA1), (real.USER_SHA256, AuthProtocol.SHA256)):
            config = agent.v3(user, auth, auth_password="wrong password")
            assert repr(user) in self.refused(agent, reader, config, SnmpAuthError)

    def test_wrong_auth_protocol(self, agent: Any, reader: Reader) -> None:
        config = agent.v3(real.USER_SHA1, AuthProtocol.SHA256)
        assert "auth_protocol sha256" in self.refused(agent, reader, config, SnmpAuthError)

    def test_wrong_privacy_password(self, agent: Any, reader: Reader) -> None:
        for timeout_s in (0.3, 2.0, 10.0):  # an agent that is too slow for one is taken for silent, and rightly so
            config = agent.sha256_aes(priv_password="wrong password", timeout_s=timeout_s, retries=0)
            with contextlib.suppress(SnmpTimeout):
                self.refused(agent, reader, config, self.wrong_privacy)
                return
        raise AssertionError("the agent is silent, however long one waits")

    def test_level_that_the_user_has_not(self, agent: Any, reader: Reader) -> None:
        config = agent.v3(real.USER_AUTH_ONLY, AuthProtocol.SHA1, PrivProtocol.AES128)
        assert repr(real.USER_AUTH_ONLY) in self.refused(agent, reader, config, SnmpAuthError)

    def test_level_that_the_agent_does_not_let_read(self, agent: Any, reader: Reader) -> None:
        for config in (agent.v3(real.USER_STRICT, AuthProtocol.SHA1), agent.v3(real.USER_STRICT, AuthProtocol.NONE)):
            assert "authorizationError" in self.refused(agent, reader, config, SnmpAuthError)

    def test_address_that_does_not_exist(self, agent: Any, reader: Reader) -> None:
        with pytest.raises(SnmpConfigError, match=r"no\.such\.host\.invalid"):
            reader.get("no.such.host.invalid", agent.v2c(), [SYS_UP_TIME])

    def test_view_without_the_table_shows_an_empty_one(self, agent: Any, reader: Reader) -> None:
        narrow_user = agent.v3(real.USER_NARROW, AuthProtocol.SHA256, PrivProtocol.AES128)
        for config in (agent.v2c(real.NARROW_COMMUNITY), narrow_user):
            assert isinstance(reader.get(agent.address, config, [SYS_UP_TIME])[0], int)
            table = reader.table(agent.address, config, PROCESS_COLUMNS)
            assert (table.columns, table.complete) == (({},) * len(PROCESS_COLUMNS), True)

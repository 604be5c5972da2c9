"""What holds for every test."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.postgres import PostgresServer

# A machine may be slow, and a test of it is none of ours; the long form of the tests looks at more.
EXAMPLES = 100 if os.environ.get("TOCSIN_FAULTS") == "long" else 50
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=EXAMPLES)
settings.load_profile("tocsin")

# A shell starts background jobs with SIGINT ignored, and every process that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


ZONE = os.environ.get("TZ")


def pytest_runtest_teardown() -> None:
    """Who draws a picture sets the time zone of the whole process; the next test has that of the machine again."""
    if os.environ.get("TZ") != ZONE:
        os.environ.pop("TZ", None)
        os.environ.update({} if ZONE is None else {"TZ": ZONE})
        time.tzset()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of this process; it starts with the first of them that needs it."""
    server = PostgresServer()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[PostgresDatabases]:
    """Databases on that server."""
    databases = PostgresDatabases(postgres_server)
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Databases of each kind, one kind after the other."""
    if request.param == "postgresql":
        yield request.getfixturevalue("postgres")
        return
    made = SqliteDatabases(tmp_path)
    yield made
    made.close()

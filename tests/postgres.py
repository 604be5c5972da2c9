"""A PostgreSQL server of our own, for tests: in a folder of its own, on a socket in there, gone when we are."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from common.parents import end_with_parent

START_WITHIN_S = 100.0
STOP_WITHIN_S = 100.0
FREE_WITHIN_S = 60.0
PASSWORD = "right-horse"

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
unix_socket_permissions = 0777
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
jit = off
shared_buffers = 16MB
max_connections = 30
"""

ACCESS = """
local all guarded scram-sha-256
local all all     trust
"""


def programs() -> Path | None:
    """The folder of the newest server's programs; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


class PostgresServer:
    """Runs `postgres` as its child, on data that is made anew.

    Its command line is `postgres` alone, without -D: a Tocsin that watches this machine meanwhile does not take it for
    somebody's database. When we are killed, the kernel tells it to end at once.

    Attributes:
        folder: data, log and socket.
    """

    def __init__(self) -> None:
        bin_folder = programs()
        assert bin_folder is not None, "no PostgreSQL server is installed here: run tools/install test"
        self.bin = bin_folder
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-postgres-"))
        self._user = _user()
        self._numbers = itertools.count(1)
        self._admin: psycopg.Connection[Any] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            os.chown(self.folder, *pwd.getpwnam(self._user)[2:4])
        try:
            self._make()
            self.start()
            self.ask("CREATE ROLE hub LOGIN")
            self.ask(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([str(self.bin / "postgres")], stdout=log, stderr=log, **self._as_user())
        deadline = time.monotonic() + START_WITHIN_S
        while not self._answers():
            said = (self.folder / "log").read_text()[-2000:]
            assert self.process.poll() is None, f"postgres ended: {said}"
            assert time.monotonic() < deadline, f"postgres does not answer: {said}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self.ask("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT throws its clients out (`pg_ctl stop`), SIGQUIT is like a crash."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(how)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("postgres did not stop") from None

    def close(self) -> None:
        """Stop it, and take its data away."""
        try:
            self.stop(signal.SIGQUIT)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser."""
        if self._admin is None or self._admin.closed:
            self._admin = psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)
        cursor = self._admin.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def create(self, *, owner: str = "hub", options: str = "") -> str:
        """Make an empty database; return its name."""
        name = f"t{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name} OWNER {owner} {options}")
        return name

    def drop(self, name: str) -> None:
        """Take a database away, whoever uses it."""
        self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def wait_until_free(self, name: str) -> None:
        """Wait until no hub owns a database: a session that was closed ends when the server comes to it."""
        owned = f"""
            SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
            WHERE locktype = 'advisory' AND datname = '{name}'
        """
        deadline = time.monotonic() + FREE_WITHIN_S
        while self.ask(owned):
            assert time.monotonic() < deadline, f"{name} is still owned by a hub that was closed"
            time.sleep(0.01)

    def url(self, name: str, user: str = "hub") -> str:
        """What an operator would write into hub.toml."""
        return f"postgresql://{user}@/{name}?host={self.folder}"

    def _make(self) -> None:
        major = float(self.bin.parts[-2])
        # The order of a language, as on a machine of somebody's, not that of the characters' numbers.
        sorted_as = ["--locale-provider=icu", "--icu-locale=en-US"] if major >= 15 else []
        subprocess.run(
            [str(self.bin / "initdb"), "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8",
             "--locale=C.UTF-8", *sorted_as],
            check=True, stdout=subprocess.DEVNULL, **self._as_user(),
        )  # fmt: skip
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(folder=self.folder))
        (self.folder / "data" / "pg_hba.conf").write_text(ACCESS)

    def _as_user(self) -> dict[str, Any]:
        us = os.getpid()

        def end_with_us() -> None:
            # After the change of user, which would undo it.
            end_with_parent(signal.SIGQUIT)
            if os.getppid() != us:
                os._exit(1)

        options: dict[str, Any] = {
            "cwd": self.folder,
            "stdin": subprocess.DEVNULL,
            "env": {"PATH": os.environ.get("PATH", ""), "PGDATA": str(self.folder / "data"), "LC_ALL": "C.UTF-8"},
            "preexec_fn": end_with_us,
        }
        if self._user is not None:
            options |= {"user": self._user, "group": pwd.getpwnam(self._user).pw_gid, "extra_groups": []}
        return options


def _user() -> str | None:
    """Whom to run the server as; None for ourselves. It refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"

"""tocsin-hub as a process of its own."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import PostgresDatabases

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

COMMAND = [sys.executable, "-c", "import sys, hub.app; sys.exit(hub.app.main())"]
ROOT = Path(__file__).parents[2]


class Daemon:
    """A hub in a folder, in the foreground."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.config = folder / "hub.toml"
        self.config.write_text(
            settings or f'folder = "{folder}/hub"\n[http]\nport = 0\n[broker]\nport = 0\n[enrol]\nport = 0\n'
        )
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> dict[str, Any]:
        self.process = subprocess.Popen(
            [*COMMAND, "run", "--config", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        run_file = self.folder / "hub" / "run.json"
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(FileNotFoundError):  # that of one that was killed goes when the next one starts
                run: dict[str, Any] = json.loads(run_file.read_text())
                if run["pid"] == self.process.pid:
                    return run
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, "it does not start"
            time.sleep(0.05)

    def end(self, number: int) -> tuple[int, str]:
        assert self.process is not None
        self.process.send_signal(number)
        said = self.process.communicate(timeout=60)[1]
        return self.process.returncode, said

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            cwd=ROOT,
        )

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        url = json.loads((self.folder / "hub" / "run.json").read_text())["url"]
        token = (self.folder / "hub" / "operator.token").read_text().strip()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/api/v1/{path}", data, method=method)
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


def test_it_starts_answers_and_ends_cleanly(daemon: Daemon) -> None:
    run = daemon.start()
    assert set(run) >= {"url", "http_port", "broker_port", "pid", "version"}
    assert daemon.ask("status")["hub"]["pb_port"] == run["broker_port"]
    assert daemon.run("status").returncode == 0
    assert json.loads(daemon.run("stats", "--json").stdout)["revision"] == 0
    assert "revision" in daemon.run("stats").stdout
    second = daemon.run("run")
    assert second.returncode == 1
    assert "already running" in second.stderr
    status, said = daemon.end(signal.SIGTERM)
    assert status == 0
    assert "Traceback" not in said
    assert not (daemon.folder / "hub" / "run.json").exists()
    assert daemon.run("status").returncode == 3


def test_a_revision_that_was_answered_survives_a_kill(daemon: Daemon) -> None:
    daemon.start()
    for number in range(5):
        body = {"address": f"192.0.2.{number}", "message": f"number {number}"}
        assert daemon.ask(f"devices/web{number}", "PUT", body)["revision"] == number + 1
    daemon.end(signal.SIGKILL)
    daemon.start()
    assert [row["id"] for row in daemon.ask("devices")["devices"]] == [f"web{number}" for number in range(5)]
    assert [row["number"] for row in daemon.ask("revisions")["revisions"]] == [5, 4, 3, 2, 1]


def test_a_hub_on_postgresql_keeps_all_over_its_own_death_and_that_of_the_server(
    tmp_path: Path, postgres: PostgresDatabases
) -> None:
    daemon = Daemon(
        tmp_path,
        f'folder = "{tmp_path}/hub"\ndatabase = "{postgres.url("site")}"\n'
        "[http]\nport = 0\n[broker]\nport = 0\n[enrol]\nport = 0\n",
    )
    try:
        daemon.start()
        for number in range(3):
            assert daemon.ask(f"devices/web{number}", "PUT", {"address": "192.0.2.1"})["revision"] == number + 1
        daemon.end(signal.SIGKILL)
        daemon.start()
        assert [row["number"] for row in daemon.ask("revisions")["revisions"]] == [3, 2, 1]

        postgres.server.stop()
        with pytest.raises(urllib.error.HTTPError) as refused:
            daemon.ask("devices/web3", "PUT", {"address": "192.0.2.1"})
        assert refused.value.code == 503
        assert "nothing was stored" in json.loads(refused.value.read())["error"]["message"]
        assert daemon.ask("configs/process/web2")["config"]["device"] == "web2"  # the model is in memory

        postgres.server.start()
        assert daemon.ask("devices/web3", "PUT", {"address": "192.0.2.1"})["revision"] == 4
        status, said = daemon.end(signal.SIGTERM)
        assert (status, "Traceback" in said) == (0, False)
        assert not (tmp_path / "hub" / "hub.db").exists()
    finally:
        if postgres.server.process is None:
            postgres.server.start()
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.communicate()


@pytest.mark.parametrize("section", ["http", "broker"])
def test_a_port_that_is_taken_is_a_sentence_and_exit_1(tmp_path: Path, section: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"http": 0, "broker": 0, section: port}
        daemon = Daemon(
            tmp_path, f'folder = "{tmp_path}/hub"\n' + "".join(f"[{key}]\nport = {n}\n" for key, n in ports.items())
        )
        done = daemon.run("run")
    assert done.returncode == 1
    assert f"port {port}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "hub" / "run.json").exists()


def test_a_damaged_database_and_a_readable_token_are_sentences(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "hub.db").write_text("this is no database, but a letter to a friend")
    done = daemon.run("run")
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "hub" / "hub.db").unlink()
    (tmp_path / "hub" / "operator.token").write_text("a-token-that-all-can-read\n")
    (tmp_path / "hub" / "operator.token").chmod(0o644)
    done = daemon.run("run")
    assert done.returncode == 1
    assert "chmod 600" in done.stderr


def test_a_waiting_request_does_not_keep_the_hub_from_stopping(daemon: Daemon) -> None:
    daemon.start()
    daemon.ask("devices/web1", "PUT", {"address": "192.0.2.1"})
    url = json.loads((daemon.folder / "hub" / "run.json").read_text())["url"]
    token = (daemon.folder / "hub" / "operator.token").read_text().strip()
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as waiting:
        head = f"GET /api/v1/revisions/1/live?wait=60 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}"
        waiting.sendall(f"{head}\r\n\r\n".encode())
        time.sleep(0.3)
        began = time.monotonic()
        status, said = daemon.end(signal.SIGTERM)
    assert (status, "Traceback" in said) == (0, False), said
    assert time.monotonic() - began < 50  # the poll would wait for 60 s

"""A host is enrolled, thrown out, and enrolled again: a real hub, real daemons, real files."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.certificates import ends_at, ensure_site, issue_collector
from common.edge.pem import load_certificate
from tests.integration.stack import BIN, Stack, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("enrolment")]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as made:
        yield made


class Host:
    """Another host, as far as one machine can have it: folders of its own."""

    def __init__(self, stack: Stack, folder: Path, name: str) -> None:
        self.stack = stack
        self.folder = folder
        self.name = name
        self.config = folder / "process.toml"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)

    def token(self, *options: str) -> dict[str, Any]:
        made: dict[str, Any] = self.stack.json("collector", "token", self.name, *options)
        return made

    def enrol(self, made: dict[str, Any], *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        argv = [str(BIN / "tocsin-process"), "enrol", "--config", str(self.config), "--hub", made["hub"]]
        done = subprocess.run(
            [*argv, "--token", "-", *options],
            input=made["token"] + "\n",
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"enrol -> {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def run(self) -> None:
        log = (self.folder / "run.log").open("ab")
        argv = [str(BIN / "tocsin-process"), "run", "--config", str(self.config)]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def row(self, daemon: str = "process") -> dict[str, Any]:
        rows = self.stack.ask("collectors")["collectors"]
        return next((row for row in rows if (row["id"], row["daemon"]) == (self.name, daemon)), {})

    def is_attached(self) -> bool:
        return bool(self.row().get("connected"))

    def log(self) -> str:
        return (self.folder / "run.log").read_text()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


@pytest.fixture
def host(stack: Stack, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Host]:
    made = Host(stack, tmp_path / "host", f"far-{request.node.name[5:20]}")
    yield made
    made.stop()


def test_enrolled_it_attaches_revoked_it_is_cut_and_enrolled_again_it_is_back(stack: Stack, host: Host) -> None:
    host.enrol(host.token())
    host.run()
    wait_for("it is attached", host.is_attached)
    assert host.row()["certificate_expires"] > "2027"
    stack.tocsin("device", "add", "web-far", "--address", "127.0.0.1", "--collector", host.name, "--set",
                 "source=local", "--wait")  # fmt: skip
    revoked = stack.json("collector", "revoke", host.name, "--yes")
    assert not host.is_attached(), "cut at once"
    assert (revoked["sessions"], revoked["devices"]) == (["process"], ["web-far"])
    wait_for("it is told why", lambda: "was revoked" in host.log())
    attempts = host.log().count("no session with the hub")
    assert attempts >= 1
    assert not host.is_attached()
    assert host.row()["revoked_at"] is not None
    assert host.process is not None
    assert host.process.poll() is None, "it goes on collecting"
    stats = subprocess.run(
        [str(BIN / "tocsin-process"), "stats", "--json", "--config", str(host.config)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "was revoked" in json.loads(stats.stdout)["hub"]
    assert len(json.loads(stats.stdout)["task_list"]) == 1
    status = subprocess.run(
        [str(BIN / "tocsin-process"), "status", "--config", str(host.config)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "was revoked" in status.stdout
    host.enrol(host.token())
    wait_for("it is back", host.is_attached)
    stack.tocsin("device", "remove", "web-far", "--wait")


def test_a_token_is_good_once_and_for_the_one_who_comes_first(stack: Stack, host: Host, tmp_path: Path) -> None:
    made = host.token()
    others = [Host(stack, tmp_path / f"other{n}", host.name) for n in range(3)]
    codes: list[int] = []

    def come(other: Host) -> None:
        codes.append(other.enrol(made, check=False).returncode)

    threads = [threading.Thread(target=come, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 4, 4]
    late = host.enrol(made, check=False)
    assert late.returncode == 4
    assert "used already" in late.stderr
    assert made["token"] not in late.stderr
    refused = f"enrolment refused: collector {host.name}: this token has been used already"
    log = wait_for(
        "the hub says so", lambda: refused in (told := (stack.data / "hub" / "hub.log").read_text()) and told
    )
    assert made["token"] not in log
    assert made["token"] not in (stack.data / "hub" / "pki" / "tokens.json").read_text()


def test_enrolled_anew_elsewhere_the_old_host_is_out_at_once(stack: Stack, host: Host, tmp_path: Path) -> None:
    host.enrol(host.token())
    host.run()
    wait_for("it is attached", host.is_attached)
    assert stack.tocsin("collector", "token", host.name, check=False).returncode == 1
    made = host.token("--again")
    assert host.is_attached()
    Host(stack, tmp_path / "new", host.name).enrol(made)
    wait_for("the old one is told", lambda: "replaced by a newer one" in host.log())
    assert not host.is_attached()


def test_the_modeler_of_the_host_needs_no_token_and_dead_collectors_are_removed(stack: Stack, host: Host) -> None:
    made = host.token()
    host.enrol(made)
    config = host.folder / "modeler.toml"
    subprocess.run(
        [str(BIN / "tocsin-modeler"), "enrol", "--config", str(config), "--hub", made["hub"]],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert f'certificates = "{host.folder}/certs"' in config.read_text()
    host.run()
    wait_for("it is attached", host.is_attached)
    refused = stack.tocsin("collector", "remove", host.name, "--yes", check=False)
    assert refused.returncode == 1
    assert "is connected" in refused.stderr
    host.stop()
    wait_for("it is away", lambda: not host.is_attached())
    stack.tocsin("collector", "remove", host.name, "--yes")
    assert host.row() == {}
    again = stack.tocsin("collector", "revoke", host.name, "--yes", check=False)
    assert (again.returncode, "is revoked already" in again.stderr) == (1, True)
    assert stack.tocsin("collector", "revoke", "nobody", "--yes", check=False).returncode == 3


def test_a_certificate_that_is_due_is_renewed_while_the_daemon_runs(stack: Stack, host: Host) -> None:
    made, began = host.token(), time.monotonic()
    host.enrol(made)
    # The daemon has to start, and to log in, before the brief one is over: on a slow machine that takes longer.
    brief_s = max(15.0, 10 * (time.monotonic() - began))
    site = ensure_site(stack.data / "hub" / "pki", time.time, collector_days=brief_s / 86400)
    certificates = issue_collector(site, host.name, host.folder / "certs")
    brief = load_certificate(certificates / "collector.crt")
    host.run()
    wait_for("it is attached", host.is_attached)
    wait_for("it is renewed", lambda: load_certificate(certificates / "collector.crt") != brief)
    renewed = load_certificate(certificates / "collector.crt")
    assert ends_at(renewed) > ends_at(brief) + 800 * 86400
    wait_for("the log says so", lambda: f"the certificate of collector {host.name} was renewed" in host.log())
    wait_for("the brief one is over", lambda: time.time() > ends_at(brief), brief_s + 60)
    wait_for("it comes with the new one", lambda: host.log().count("attached to the hub") >= 2)
    wait_for("and stays", host.is_attached)

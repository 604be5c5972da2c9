"""`tocsin up` as a process of its own, over daemons that are fakes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from hub.cli.exits import CommandError
from hub.cli.folder import Folder, program
from hub.cli.settings import port_for_enrolment
from hub.cli.up import again, device_id, more_services
from tests.fakes.packages import install

WITHIN_S = 50
"""For what takes two seconds where nothing else runs; two of them are less than a test may take."""
DRIVER = """
import sys
from pathlib import Path
from hub.cli.main import main
import hub.cli.up as up
daemon = lambda name: [sys.executable, "-m", "tests.hub.cli.fake_daemon", name]
real = up.bring_up
up.bring_up = lambda options: real(options, daemon)
sys.exit(main(sys.argv[1:]))
"""


def test_how_to_start_again_names_the_folder_only_where_it_must() -> None:
    assert again(Path("var")) == "`make run` (or `tocsin up`)"
    assert again(Path("/srv/x")) == "`tocsin up --data /srv/x` (or `make run ARGS='--data /srv/x'`)"


class Up:
    """A `tocsin up` that runs."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.out = data.parent / "out"
        self.process: subprocess.Popen[bytes] | None = None
        self.environ: dict[str, str] = {}

    def start(self, *options: str) -> None:
        environ = {**os.environ, "XDG_CONFIG_HOME": str(self.data.parent / "config"), **self.environ}
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    DRIVER,
                    "up",
                    "--data",
                    str(self.data),
                    "--http-port",
                    "0",
                    "--broker-port",
                    "0",
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environ,
                cwd=Path(__file__).parents[3],
            )

    def text(self) -> str:
        return self.out.read_text()

    def pid(self, daemon: str) -> int:
        try:
            return int((self.data / daemon / "pid").read_text())
        except (OSError, ValueError):
            return 0

    def until(self, what: str, check: Callable[[], object]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not check():
            assert time.monotonic() < deadline, f"{what}: {self.text()}"
            time.sleep(0.02)

    def wait_up(self, *daemons: str) -> None:
        wanted = daemons or ("process", "status", "modeler")
        self.until("up", lambda: "Tocsin is up" in self.text() and all(map(self.pid, wanted)))

    def end(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(WITHIN_S)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path / "var")
    yield started
    if started.process is not None and started.process.poll() is None:
        started.process.kill()
        started.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_starts_all_daemons_and_stops_them_cleanly(up: Up, number: int) -> None:
    up.start("--no-roll")
    up.wait_up()
    assert up.end(number) == 0
    for daemon in ("hub", "process", "status", "modeler"):
        assert (up.data / daemon / "stopped").exists()
        assert not Path(f"/proc/{up.pid(daemon)}").exists()
    assert "Stopped. The data is in" in up.text()


def test_the_first_start_applies_the_model_and_this_machine_as_one_revision_and_later_ones_do_not(up: Up) -> None:
    up.start("--no-roll", "--host-name", "here", "--interval", "3")
    up.wait_up()
    up.end()
    files = json.loads((up.data / "hub" / "applied.json").read_text())
    assert yaml.safe_load(files["this-machine.yaml"]) == {
        "kind": "Device",
        "id": "here",
        "address": "127.0.0.1",
        "class": "/Server/Linux",
        "collector": "local",
        "properties": {"source": "local", "interval_s": 3},
    }
    (up.data / "hub" / "applied.json").unlink()
    up.start("--no-roll")
    up.wait_up()
    up.end()
    assert not (up.data / "hub" / "applied.json").exists()


def test_the_token_is_left_where_tocsin_looks_for_it(up: Up) -> None:
    up.start("--no-roll")
    up.wait_up()
    (token,) = (up.data.parent / "config" / "tocsin" / "tokens").iterdir()
    url = json.loads((up.data / "hub" / "run.json").read_text())["url"]
    assert token.name == "127.0.0.1_" + url.rsplit(":", 1)[1]
    assert token.stat().st_mode & 0o777 == 0o600


def test_more_collectors_are_started_where_somebody_asks_and_from_then_on(up: Up) -> None:
    up.start("--no-roll", "--with", "snmp")
    up.wait_up("snmp")
    assert up.end() == 0
    (up.data / "snmp" / "pid").unlink()
    up.start("--no-roll")
    up.wait_up("snmp")
    assert not (up.data / "probe").exists()
    with pytest.raises(CommandError, match="there are snmp, probe"):
        more_services("snmp,moon")
    assert more_services(" probe , snmp,probe") == ("probe", "snmp")


def test_what_is_not_wanted_is_not_started_this_time(up: Up) -> None:
    up.start("--no-roll", "--without", "status,modeler", "--with", "snmp")
    up.wait_up("snmp", "process")
    assert up.end() == 0
    assert (up.pid("status"), up.pid("modeler")) == (0, 0)
    up.start("--no-roll")
    up.wait_up()
    up.end()
    with pytest.raises(CommandError, match="--without moon"):
        more_services("moon", "--without")


def test_a_collector_of_a_package_is_started_too_and_one_that_is_gone_is_told(up: Up, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    install(packages, "newt-pack", "tocsin.collectors", {"newt": "newt_pack:Newt"})
    up.environ = {"PYTHONPATH": os.pathsep.join([str(packages), str(Path(__file__).parents[3])])}
    up.start("--no-roll", "--with", "newt")
    up.wait_up("newt")
    assert up.end() == 0
    settings = up.data / "etc" / "newt.toml"
    assert settings.read_text().startswith("# Settings of tocsin-collector newt, written by `tocsin up`.")
    (settings.parent / "notes.toml").write_text("# mine\n")
    up.environ = {}
    up.start("--no-roll")
    up.wait_up()
    up.end()
    assert (
        f"No package brings the collector newt: it is not started. Install its package again, or remove {settings}"
        in (" ".join(up.text().split()))
    )


def test_how_daemons_are_started() -> None:
    assert [Path(one).name for one in (*program("tocsin-hub"), *program("tocsin-snmp"))] == [
        "tocsin-hub",
        "tocsin-snmp",
    ]
    first, *rest = program("tocsin-newt")
    assert (Path(first).name, rest) == ("tocsin-collector", ["newt"])


def test_a_daemon_that_is_killed_is_started_again(up: Up) -> None:
    up.start("--no-roll")
    up.wait_up()
    for daemon in ("process", "hub", "status", "modeler"):
        pid = up.pid(daemon)
        os.kill(pid, signal.SIGKILL)
        up.until(f"{daemon} again", lambda daemon=daemon, pid=pid: up.pid(daemon) not in {0, pid})  # type: ignore[misc]
        assert f"tocsin-{daemon} ended: killed by SIGKILL (9); starting it again in 0.5 s" in up.text()


def test_the_roll_is_plain_lines_where_there_is_no_terminal(up: Up) -> None:
    up.start()
    up.until("the roll", lambda: "here  up         cron  1  812" in up.text())
    assert "\x1b" not in up.text()
    assert up.end() == 0


@pytest.mark.parametrize("daemon", ["tocsin-hub", "tocsin-process", "tocsin-status"])
def test_a_daemon_that_cannot_start_ends_it_with_the_daemons_own_words(up: Up, daemon: str) -> None:
    (up.data / "etc").mkdir(parents=True)
    (up.data / "etc" / f"fail-{daemon}").write_text("")
    up.start("--no-roll")
    assert up.process is not None
    assert up.process.wait(WITHIN_S) == 1
    assert f"tocsin: {daemon} ended while it started: exit status 1" in up.text()
    assert f"{daemon}: the settings are wrong" in up.text()
    assert up.pid("hub") == 0 or not Path(f"/proc/{up.pid('hub')}").exists()


def test_a_port_that_is_taken_is_named_with_the_option(up: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up.start("--http-port", str(port))
        assert up.process is not None
        assert up.process.wait(WITHIN_S) == 1
    assert f"Port {port} of 127.0.0.1, for the web page, is in use" in up.text()
    assert "--http-port" in up.text()


def test_a_port_for_enrolment_that_is_taken_is_said_and_not_exchanged_for_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Folder(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert port_for_enrolment(folder, None, port) == port
        said = capsys.readouterr().err
        assert f"Port {port} of 127.0.0.1, for enrolment, is in use" in said
        assert "no host can be enrolled; all else works" in said
        with pytest.raises(CommandError, match="--enrol-port"):
            port_for_enrolment(folder, port, 1)
        folder.hub_settings.parent.mkdir()
        folder.hub_settings.write_text(f"[enrol]\nenabled = false\nport = {port}\n")
        assert port_for_enrolment(folder, None, 1) == port
        assert capsys.readouterr().err == ""
    folder.hub_settings.write_text(f"[enrol]\nport = {port}\n")
    assert port_for_enrolment(folder, None, 1) == port
    assert capsys.readouterr().err == ""


def test_a_second_one_on_the_same_folder_is_refused(up: Up) -> None:
    up.start("--no-roll")
    up.wait_up()
    second = Up(up.data)
    second.out = up.data.parent / "second"
    second.start("--no-roll")
    assert second.process is not None
    assert second.process.wait(WITHIN_S) == 1
    assert "already up on" in second.text()
    assert up.end() == 0


@pytest.mark.parametrize(
    ("name", "wanted"), [("web1", "web1"), ("_x y.z", "x-y.z"), ("größe", "gr--e"), ("...", ""), ("a" * 300, "a" * 255)]
)
def test_a_host_name_becomes_the_id_of_a_device(name: str, wanted: str) -> None:
    assert device_id(name) == wanted


def test_a_host_name_that_cannot_be_an_id_is_a_usage_error(up: Up) -> None:
    up.start("--host-name", "a b")
    assert up.process is not None
    assert up.process.wait(WITHIN_S) == 2

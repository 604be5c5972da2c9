# mypy: allow-untyped-calls
# (Failure has no types)
"""The verbs of every daemon, as far as they need no process of their own (those are in tests/integration)."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from twisted.application.service import Service
from twisted.logger import LogEvent, LogLevel
from twisted.python.failure import Failure

from common.daemon import Program, Verb, main
from common.daemon_notify import SystemdNotifier
from common.daemon_pidfile import AlreadyRunningError, PidFile, Standing, standing
from common.errors import NotFoundError, SettingsError
from common.logs import LogLines, RotatingFile, line_of


class Settings(Struct, frozen=True, kw_only=True):
    """Settings.

    Attributes:
        folder: for data.
    """

    folder: Path = Path("var/x")


def made(**fields: Any) -> Program:
    return Program(name="tocsin-x", title="A test", settings_type=Settings, make_service=lambda *_: Service(), **fields)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "x.toml"
    path.write_text(f'folder = "{tmp_path}/data"\n')
    return str(path)


# --- command line -----------------------------------------------------------------------------------------------------


def test_genconf_prints_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(made(), ["genconf"]) == 0
    assert 'folder = "var/x"' in capsys.readouterr().out


def test_settings_that_tocsin_up_keeps_here_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(made(), ["status"]) == 2
    assert "`genconf` prints one to begin with" in capsys.readouterr().err
    (tmp_path / "var" / "etc").mkdir(parents=True)
    (tmp_path / "var" / "etc" / "x.toml").touch()
    assert main(made(), ["status"]) == 2
    assert "`tocsin up` keeps one here: --config var/etc/x.toml" in capsys.readouterr().err


def test_a_program_may_have_verbs_of_its_own(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    def do(settings: Settings, options: argparse.Namespace) -> int:
        sys.stdout.write(f"{settings.folder.name} {options.often}")
        return 7

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--often", type=int, default=1)

    program = made(verbs={"greet": Verb(about="say hello", do=do, add_options=add)})
    assert main(program, ["greet", "--config", config, "--often", "3"]) == 7
    assert capsys.readouterr().out == "data 3"
    with pytest.raises(SystemExit):
        main(program, ["--help"])
    assert "say hello" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(made(), ["greet"])


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["run", "--help"]])
def test_help_and_version(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(made(), argv)
    assert caught.value.code == 0
    assert "tocsin-x" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["dance"], ["run", "--conf", "x"]])
def test_wrong_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(made(), argv)
    assert caught.value.code == 2
    assert "usage: tocsin-x" in capsys.readouterr().err


def test_wrong_settings_are_2_and_every_mistake_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.toml"
    path.write_text("folder = 3\nfloder = 4\n")
    assert main(made(), ["run", "--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert "floder: unknown; did you mean folder?" in said
    assert "folder: got 3, wanted a path" in said
    assert main(made(), ["status", "--config", str(tmp_path / "none.toml")]) == 2


def test_status_of_what_does_not_run(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(made(), ["status", "--config", config]) == 3
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.pid").write_text("1\n")
    assert main(made(), ["status", "--config", config]) == 1
    assert "it was killed" in capsys.readouterr().out


def test_a_name_that_stands_for_nothing_is_3(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    def nothing(*_: object) -> int:
        raise NotFoundError("there is no such thing here")

    assert main(made(instead=nothing), ["run", "--config", config]) == 3
    assert capsys.readouterr().err == "tocsin-x: there is no such thing here\n"


def test_help_leaves_names_as_they_are(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(made(), ["run", "--help"])
    assert "Work in the foreground, until SIGTERM or Ctrl-C." in capsys.readouterr().out


def test_stop_of_what_does_not_run_is_done_and_others_fail(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(made(), ["stop", "--config", config]) == 0
    assert main(made(), ["debug", "--config", config]) == 1
    assert main(made(), ["stats", "--config", config]) == 1
    assert "it is not running" in capsys.readouterr().err


def test_what_runs_already_is_one_sentence_and_1(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    other = PidFile(tmp_path / "data" / "x.pid")
    other.acquire()
    try:
        for verb in ("run", "start"):
            assert main(made(), [verb, "--config", config]) == 1
            said = capsys.readouterr().err
            assert said.count("\n") == 1
            assert f"it is already running with {tmp_path}/data (pid {os.getpid()})" in said
    finally:
        other.release()


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "x.toml"
    path.write_text(f'folder = "{tmp_path}/file/data"\n')
    assert main(made(), ["run", "--config", str(path)]) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_options_of_its_own_take_the_place_of_the_daemon(config: str) -> None:
    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true")

    program = made(add_options=add, instead=lambda settings, options: 7 if options.once else None)
    assert main(program, ["run", "--config", config, "--once"]) == 7


# --- pid file ---------------------------------------------------------------------------------------------------------


def test_a_number_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "x.pid"
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(SettingsError, match=r"x\.pid cannot be written: No space left"):
            PidFile(path).acquire()
    PidFile(path).acquire()


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "x.pid"
    assert standing(path) == (Standing.STOPPED, 0)
    first, second = PidFile(path), PidFile(path)
    first.acquire()
    assert standing(path) == (Standing.RUNNING, os.getpid())
    with pytest.raises(AlreadyRunningError, match=f"pid {os.getpid()}"):
        second.acquire()
    first.release()
    assert not path.exists()
    second.acquire()
    assert standing(path)[0] is Standing.RUNNING
    second.release()


def test_a_killed_holder_leaves_a_stale_file_that_can_be_taken(tmp_path: Path) -> None:
    path = tmp_path / "x.pid"
    code = (
        "import os, signal, sys, pathlib; from common.daemon_pidfile import PidFile;"
        "PidFile(pathlib.Path(sys.argv[1])).acquire(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert standing(path)[0] is Standing.STALE
    lock = PidFile(path)
    lock.acquire()
    assert standing(path) == (Standing.RUNNING, os.getpid())
    lock.release()


@pytest.mark.parametrize("junk", [b"", b"not a number", b"-5", b"\xff\xfe"])
def test_junk_in_the_file_is_no_process(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "x.pid"
    path.write_bytes(junk)
    assert standing(path) == (Standing.STALE, 0)


# --- logs -------------------------------------------------------------------------------------------------------------


def entry(text: str, level: Any = LogLevel.info, **fields: Any) -> LogEvent:
    return {"log_format": "{text}", "text": text, "log_level": level, "log_time": 1.5, "log_namespace": "n", **fields}


def test_a_line_cannot_be_forged() -> None:
    assert line_of(entry("a\nb\x1b[0m")) == "1970-01-01T00:00:01.500Z info     n: a\\nb\\x1b[0m\n"


def test_a_traceback_follows_its_line() -> None:
    try:
        raise ValueError("boom\nsecond")
    except ValueError:
        text = line_of(entry("it broke", LogLevel.critical, log_failure=Failure()))
    first, *rest = text.splitlines()
    assert first.endswith("critical n: it broke")
    assert all(line.startswith("    ") for line in rest)
    assert "ValueError: boom" in text


def test_levels_and_the_debug_switch() -> None:
    written: list[str] = []
    lines = LogLines("info", [written.append])
    lines(entry("quiet", LogLevel.debug))
    lines(entry("chatter", log_namespace="twisted.internet.tcp"))
    lines(entry("loud"))
    assert len(written) == 1
    lines.debug = True
    lines(entry("quiet", LogLevel.debug))
    assert len(written) == 2


def test_files_are_bounded_in_size_and_number(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x.log", 100, 2)
    for number in range(60):
        file.write(f"line number {number:>8}\n")
    file.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"x.log", "x.log.1", "x.log.2"}
    assert max(sizes.values()) <= 100
    assert (tmp_path / "x.log").read_text().endswith("line number       59\n")


def test_a_disk_that_refuses_costs_lines(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "none" / "x.log", 100, 2)
    file.write("lost\n")
    assert file.lost == 1
    full = RotatingFile(Path("/dev/full"), 100, 0)
    full.write("lost\n")
    assert full.lost == 1
    full.close()


# --- systemd ----------------------------------------------------------------------------------------------------------


def test_systemd_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(5)
        notifier = SystemdNotifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000000"})
        notifier.tell("READY=1", "STATUS=works")
        assert manager.recv(100) == b"READY=1\nSTATUS=works"
        assert notifier.watchdog_s == 10.0
    notifier.tell("STOPPING=1")


def test_without_systemd_nothing_is_told() -> None:
    notifier = SystemdNotifier({"WATCHDOG_USEC": "20000000"})
    notifier.tell("READY=1")
    assert notifier.watchdog_s is None
    assert SystemdNotifier({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}).watchdog_s is None

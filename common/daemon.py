"""The command line that every daemon has: run, start, stop, restart, status, debug, stats, genconf.

A daemon is a `Program`: a name, a type of settings, and a function that makes a service of them. Everything else, from
the pid file to what a user reads when it cannot start, is the same for all and lies in the modules `daemon_*`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger, globalLogBeginner

from common import daemon_verbs
from common.daemon_keeper import kept_by
from common.daemon_notify import SystemdNotifier
from common.daemon_pidfile import PidFile, Standing, standing
from common.daemon_program import Program, Verb, nothing_to_say
from common.daemon_run import (
    Figures,
    Foreground,
    Ready,
    hold_signals,
    install_reactor,
    release_signals,
    run_to_end,
)
from common.errors import NotFoundError, SettingsError, TocsinError, TransientError
from common.logs import MEGABYTE, LogLines, LogSettings, RotatingFile, to_stream
from common.settings import genconf, load_settings

EXIT_OK, EXIT_FAILED, EXIT_SETTINGS, EXIT_NOT_FOUND = 0, 1, 2, 3
STATUS_S = 4.0

VERBS = {
    "run": "work in the foreground, until SIGTERM or Ctrl-C",
    "start": "work in the background; returns when it works",
    "stop": "end the daemon; what is queued is on disk first",
    "restart": "stop, then start",
    "status": "say whether it runs: exit code 0 running, 1 stale pid file, 3 stopped",
    "debug": "turn debug messages of the running daemon on or off",
    "stats": "tell the figures of the running daemon",
    "genconf": "print the settings file, commented, every value its default",
}

_log = Logger()


def main(program: Program, argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    options = _typed(program, argv)
    try:
        return _verb(program, options)
    except SettingsError as error:
        return _refuse(program, error, EXIT_SETTINGS)
    except NotFoundError as error:
        return _refuse(program, error, EXIT_NOT_FOUND)
    except TocsinError as error:
        return _refuse(program, error, EXIT_FAILED)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def version() -> str:
    """Version of the installed project."""
    try:
        return importlib.metadata.version("tocsin")
    except importlib.metadata.PackageNotFoundError:
        return "0 (not installed)"


def _refuse(program: Program, error: TocsinError, status: int) -> int:
    sys.stderr.write(f"{program.name}: {error}\n")
    return status


def _typed(program: Program, argv: Sequence[str] | None) -> argparse.Namespace:
    """What was typed; by itself argparse takes no word of a list behind an option, as in `run NAME --dry-run WORD`."""
    parser = _parser(program)
    options, late = parser.parse_known_args(argv)
    before = late[: late.index("--")] if "--" in late else late
    if late and (not hasattr(options, program.late) or any(word.startswith("-") for word in before)):
        parser.error(f"unrecognized arguments: {' '.join(late)}")
    if late:
        setattr(options, program.late, [*getattr(options, program.late), *before, *late[len(before) + 1 :]])
    return options


def _parser(program: Program) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program.typed or program.name, description=program.title, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{program.name} {version()}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, about in (VERBS | {name: verb.about for name, verb in program.verbs.items()}).items():
        one = verbs.add_parser(verb, help=about, description=f"{about[0].upper()}{about[1:]}.", allow_abbrev=False)
        if verb == "genconf":
            continue
        one.add_argument("--config", type=Path, metavar="FILE", help=f"settings file [{program.default_config}]")
        one.add_argument("-v", "--verbose", action="store_true", help="debug messages, too")
        if verb == "run":
            program.add_options(one)
        if verb == "stats":
            one.add_argument("--json", action="store_true", help="all figures, as JSON")
            program.stats.add_options(one)
        if verb in program.verbs:
            program.verbs[verb].add_options(one)
    return parser


def _verb(program: Program, options: argparse.Namespace) -> int:
    if options.verb == "genconf":
        sys.stdout.write(genconf(program.settings_type, program.typed or program.name))
        return EXIT_OK
    path: Path = options.config or program.default_config
    own = program.verbs.get(options.verb)
    if own is not None and not own.needs_settings:
        return own.do(path, options)
    if options.config is None and not path.exists() and (kept := Path("var") / "etc" / path.name).is_file():
        raise SettingsError(f"{path}: there is no such settings file; `tocsin up` keeps one here: --config {kept}")
    settings = load_settings(path, program.settings_type)
    if own is not None:
        return own.do(settings, options)
    daemon = _Daemon(program, settings, verbose=options.verbose)
    if options.verb == "stats":
        return daemon.stats(options)
    if options.verb == "run":
        status = program.instead(daemon.settings, options)
        return daemon.run() if status is None else status
    verb: Callable[[], int] = getattr(daemon, options.verb)
    return verb()


class _Daemon:
    """One daemon with its settings; each method is a verb and returns an exit status."""

    def __init__(self, program: Program, settings: Any, *, verbose: bool) -> None:
        self.settings = settings
        self._program = program
        self._verbose = verbose
        self._folder: Path = settings.folder
        self._pid_file = self._folder / f"{program.short}.pid"
        self._log_file = self._folder / f"{program.short}.log"
        self._stats_file = self._folder / f"{program.short}.stats.json"

    def run(self) -> int:
        self._make_folder()
        return self._work(self._say, lambda: None, to_stderr=True)

    def start(self) -> int:
        self._make_folder()
        state, pid = standing(self._pid_file)
        if state is Standing.RUNNING:
            return self._say(f"it is already running with {self._folder} (pid {pid})", EXIT_FAILED)
        return daemon_verbs.start(lambda report, ready: self._work(report, ready, to_stderr=False), self._log_file)

    def stop(self) -> int:
        keeper = kept_by(standing(self._pid_file)[1])
        if not daemon_verbs.stop(self._pid_file):
            self._say("it was not running")
        elif keeper is not None:
            self._say(f"it was stopped, and `tocsin up` (pid {keeper}) starts it again; end that to end all")
        return EXIT_OK

    def restart(self) -> int:
        before = standing(self._pid_file)[1]
        keeper = kept_by(before)
        daemon_verbs.stop(self._pid_file)
        if keeper is None:
            return self.start()
        pid = daemon_verbs.await_another(self._pid_file, before, f"`tocsin up` (pid {keeper})")
        return self._say(f"`tocsin up` (pid {keeper}) has started it again (pid {pid})", EXIT_OK)

    def status(self) -> int:
        state, pid = standing(self._pid_file)
        words = {
            Standing.RUNNING: f"running (pid {pid})",
            Standing.STALE: f"not running, but {self._pid_file} is there: it was killed",
            Standing.STOPPED: "stopped",
        }
        sys.stdout.write(f"{self._program.name} is {words[state]}\n")
        if state is Standing.RUNNING:
            sys.stdout.write(self._how_it_fares())
        return state.value

    def _how_it_fares(self) -> str:
        """What the daemon itself says of that; nothing if it does not answer soon."""
        if self._program.fares is nothing_to_say:
            return ""
        try:
            figures = json.loads(daemon_verbs.ask_stats(self._pid_file, self._stats_file, STATUS_S))
        except (TocsinError, ValueError, OSError):
            return ""
        line = self._program.fares(figures)
        return f"{line}\n" if line else ""

    def debug(self) -> int:
        daemon_verbs.send(self._pid_file, signal.SIGUSR1)
        return EXIT_OK

    def stats(self, options: argparse.Namespace) -> int:
        text, stats = daemon_verbs.ask_stats(self._pid_file, self._stats_file), self._program.stats
        try:
            figures = stats.choose(json.loads(text), options)
        except ValueError:
            raise TransientError(f"what it wrote into {self._stats_file} is no JSON; ask again") from None
        sys.stdout.write((json.dumps(figures) if options.json else stats.show(figures, options)) + "\n")
        return EXIT_OK

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"folder {self._folder} cannot be made: {error.strerror or error}") from None

    def _say(self, sentence: str, status: int = EXIT_OK) -> int:
        sys.stderr.write(f"{self._program.name}: {sentence}\n")
        return status

    def _work(self, report: Callable[[str], Any], on_ready: Callable[[], None], *, to_stderr: bool) -> int:
        """Be the daemon, until it is told to end."""
        lock = PidFile(self._pid_file)
        hold_signals()  # the pid file invites them, and nobody listens yet
        try:
            lock.acquire()
            lines = self._begin_logging(to_stderr=to_stderr)
            reactor = install_reactor(self._program.reactor(self.settings))
            service = self._make_service(reactor)
            foreground = Foreground(
                reactor,
                self._program.name,
                lines,
                self._stats_file,
                report,
                on_ready,
                SystemdNotifier(os.environ),
            )
            return foreground.run(service)
        finally:
            lock.release()
            release_signals()

    def _make_service(self, reactor: Any) -> IService:
        try:
            return self._program.make_service(self.settings, reactor)
        except TocsinError:
            raise
        except Exception as error:  # noqa: BLE001 - the supervisor of the start
            _log.failure("defect while starting")
            raise TocsinError(f"an error of ours ({type(error).__name__}: {error}); see {self._log_file}") from None

    def _begin_logging(self, *, to_stderr: bool) -> LogLines:
        wanted = getattr(self.settings, "log", LogSettings())
        # Who started us may have put our standard error into the same file: then a line is written there once, and a
        # new file takes the place of the old one there, too.
        same = _is_same(2, self._log_file)
        file = RotatingFile(
            self._log_file,
            int(wanted.file_mb * MEGABYTE),
            wanted.keep,
            on_open=_become_stderr if same or not to_stderr else lambda _: None,
        )
        writers: list[Callable[[str], None]] = [file.write]
        if to_stderr and not same:
            writers.append(to_stream(sys.stderr))
        lines = LogLines(wanted.level, writers, debug=self._verbose)
        globalLogBeginner.beginLoggingTo([lines], redirectStandardIO=False, discardBuffer=True)
        return lines


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        ours, theirs = os.fstat(descriptor), path.stat()
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)


def _become_stderr(descriptor: int) -> None:
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


__all__ = ["Figures", "Program", "Ready", "Verb", "install_reactor", "main", "run_to_end", "version"]

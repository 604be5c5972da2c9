"""`tocsin up`: a hub and its collectors on this machine, and the roll on the screen."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import click
import yaml
from msgspec import Struct

from common.endings import how_it_ended
from hub.cli.client import Api, path_of
from hub.cli.context import author
from hub.cli.exits import CommandError, usage
from hub.cli.folder import COLLECTOR, MORE_SERVICES, SERVICES, Folder, brought, model_files, program
from hub.cli.output import note, say
from hub.cli.roll import View
from hub.cli.settings import settle
from hub.cli.supervise import Child, Program, last_words
from hub.cli.tokens import DEFAULT_URL, Credentials, token_file, write_token
from hub.cli.unblocked import unblocked
from hub.cli.watch import Watch

START_WITHIN_S = 100.0
"""A hub that ends meanwhile is seen at once; one on a slow and busy machine only needs its time."""
POLL_S = 0.1
DEFAULT_DATA = Path("var")


class Options(Struct, frozen=True, kw_only=True):
    """What was typed after `tocsin up`; None is the default, or what the settings file says."""

    data: Path
    http_port: int | None
    broker_port: int | None
    enrol_port: int | None
    host_name: str | None
    roll: bool
    interval_s: int
    status_port: int | None = None
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()


@click.command("up")
@click.option(
    "--data",
    default=DEFAULT_DATA,
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for all data.",
)
@click.option("--http-port", type=click.IntRange(0, 65535), help="Port of page and API [8080]; 0: any free one.")
@click.option("--broker-port", type=click.IntRange(0, 65535), help="Port that collectors connect to; 0: any free one.")
@click.option("--enrol-port", type=click.IntRange(0, 65535), help="Port where hosts are enrolled; 0: any free one.")
@click.option("--status-port", type=click.IntRange(0, 65535), help="Port of the status tree [8792]; 0: any free one.")
@click.option(
    "--with",
    "more",
    metavar="NAME,…",
    default="",
    help=f"Also these collectors: {', '.join(MORE_SERVICES)}, and those of packages. They are started from then on.",
)
@click.option(
    "--without", "less", metavar="NAME,…", default="", help=f"Not these collectors, this time: {', '.join(SERVICES)}."
)
@click.option("--host-name", metavar="NAME", help="Name of this machine as a device [its host name].")
@click.option("--no-roll", is_flag=True, help="Do not show the roll.")
@click.option(
    "--interval",
    "interval_s",
    type=click.IntRange(1, 3600),
    default=10,
    show_default=True,
    help="Seconds from scan to scan of this machine, set on the first start.",
)
def up_command(
    *,
    data: Path,
    http_port: int | None,
    broker_port: int | None,
    enrol_port: int | None,
    status_port: int | None,
    more: str,
    less: str,
    host_name: str | None,
    no_roll: bool,
    interval_s: int,
) -> None:
    """Start a hub and its collectors here, and watch this machine.

    All data lies in one folder; later starts go on with it. Ctrl-C stops them all.
    """
    options = Options(
        data=data,
        http_port=http_port,
        broker_port=broker_port,
        enrol_port=enrol_port,
        host_name=host_name,
        roll=not no_roll,
        interval_s=interval_s,
        status_port=status_port,
        more=more_services(more),
        less=more_services(less, "--without"),
    )
    if host_name is not None and device_id(host_name) != host_name:
        raise usage(f"--host-name {host_name}: letters, digits and _ . : - only, a letter or digit first")
    bring_up(options)


def more_services(text: str, option: str = "--with") -> tuple[str, ...]:
    """The collectors that an option names.

    Raises:
        CommandError: exit code 2: there is no such collector.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if set(names) <= {*SERVICES, *MORE_SERVICES}:
        return names  # looking for those of packages takes a moment
    there = [*MORE_SERVICES, *brought()]
    unknown = [name for name in names if name not in {*SERVICES, *there}]
    if unknown:
        raise usage(
            f"{option} {unknown[0]}: there is no such collector; there are {', '.join(there)}. "
            "`tocsin-collector list` says what packages bring"
        )
    return names


def bring_up(options: Options, program: Callable[[str], Sequence[str]] = program) -> None:
    """Run until somebody stops us.

    Args:
        options: what was typed.
        program: gives the first arguments of a daemon, from its name.

    Raises:
        CommandError: it cannot start; everything that was started is stopped again.
    """
    folder, stop = Folder(options.data), _Stop()
    with unblocked():
        try:
            with ExitStack() as stack:
                for number in _STOP_SIGNALS:
                    stack.callback(signal.signal, number, signal.signal(number, stop))
                stack.enter_context(folder.locked())
                _Up(folder, options, stack, program, stop).run()
        except _StopUpError:
            say(f"Stopped. The data is in {folder.root}; {again(options.data)} goes on with it")


def again(data: Path) -> str:
    """The commands that start Tocsin on a data folder, as typed."""
    if data == DEFAULT_DATA:
        return "`make run` (or `tocsin up`)"
    option = f"--data {shlex.quote(str(data))}"
    return f"`tocsin up {option}` (or `make run ARGS={shlex.quote(option)}`)"


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _StopUpError(BaseException):
    """Somebody wants us to end; no `except Exception` on the way may keep it."""


class _Stop:
    """Takes the signals."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """End what goes on."""
        self._asked = True
        raise _StopUpError

    def check(self) -> None:
        """End also where the signal came while Python was tidying up, and its exception was lost."""
        if self._asked:
            raise _StopUpError


def _ignore_further_signals() -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class _Up:
    """One run, step by step."""

    def __init__(
        self, folder: Folder, options: Options, stack: ExitStack, program: Callable[[str], Sequence[str]], stop: _Stop
    ) -> None:
        self._program = program
        self._folder = folder
        self._options = options
        self._stack = stack
        self._stop = stop
        self._began = time.monotonic()

    def run(self) -> None:
        """Start everything, then show the roll until somebody stops us."""
        options, services = self._options, self._services()
        self._folder.prepare(services)
        settle(
            self._folder,
            options.http_port,
            options.broker_port,
            options.enrol_port,
            options.status_port,
            services,
        )
        hub = self._child("hub", self._folder.hub, self._folder.hub_settings)
        self._started(hub)
        url = self._until_ready(hub)
        api = self._api(url)
        collectors = [self._child(name, self._folder.home(name), self._folder.settings_of(name)) for name in services]
        for collector in collectors:
            self._started(collector)
        self._first_start(api)
        say(f"Tocsin is up: {url}")
        if url != DEFAULT_URL:
            note(f"Other commands need to know that: export TOCSIN_URL={url}")
        note(f"The page asks for the token in {self._folder.token_file}")
        view = View(url=url, token_file=_short(self._folder.token_file))
        watch = Watch(api, view, [hub, *collectors], self._began, self._stop.check)
        if self._options.roll:
            watch.show()
        else:
            watch.tend_only()

    def _services(self) -> tuple[str, ...]:
        """The collectors to be started: always some, and those that were asked for now or once."""
        asked = [
            name for name in MORE_SERVICES if name in self._options.more or self._folder.settings_of(name).exists()
        ]
        *first, last = SERVICES
        named = (*first, *asked, *self._of_packages(), last)
        return tuple(name for name in named if name not in self._options.less)

    def _of_packages(self) -> list[str]:
        """Those that were asked for now or once, and are still there."""
        once = self._folder.asked_for()
        now = [name for name in self._options.more if name not in {*SERVICES, *MORE_SERVICES, *once}]
        there = {*now, *(brought() if once else ())}
        for name in once:
            if name not in there:
                settings = self._folder.settings_of(name)
                note(
                    f"No package brings the collector {name}: it is not started. Install its package again, or remove "
                    f"{settings}; `tocsin-collector list` says more"
                )
        return [name for name in (*once, *now) if name in there]

    def _child(self, name: str, folder: Path, settings: Path) -> Child:
        argv = (*self._program(f"tocsin-{name}"), "run", "--config", str(settings))
        return Child(Program(f"tocsin-{name}", argv, folder / f"{name}.log"))

    def _started(self, child: Child) -> None:
        self._stack.callback(self._stopped, child)
        try:
            child.start()
        except OSError as error:
            raise CommandError(
                f"{child.program.argv[0]} cannot be started: {error.strerror or error}. Install Tocsin again"
            ) from None

    @staticmethod
    def _stopped(child: Child) -> None:
        _ignore_further_signals()
        if not child.stop():
            note(f"{child.program.title} did not stop in time and was killed; nothing that was confirmed is lost")

    def _until_ready(self, hub: Child) -> str:
        """Wait until the hub has told its address and answers there."""
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            self._stop.check()
            status = hub.ended()
            if status is not None:
                raise last_words(hub, f"ended while it started: {how_it_ended(status)}")
            url = self._folder.running().get("url")
            if isinstance(url, str) and _answers(url):
                return url
            time.sleep(POLL_S)
        raise last_words(hub, f"did not answer within {START_WITHIN_S:g} s")

    def _api(self, url: str) -> Api:
        """The API with the operator's token, which is put where `tocsin` looks for it."""
        try:
            token = self._folder.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise CommandError(f"{self._folder.token_file}: {error.strerror or error}") from None
        api = Api(url, Credentials(token=token, origin=str(self._folder.token_file)))
        self._stack.callback(api.close)
        path = token_file("127.0.0.1", int(url.rsplit(":", 1)[1].rstrip("/")), os.environ)
        try:
            write_token(path, token)
        except OSError as error:
            note(f"{path}: {error.strerror or error}; give other commands the token with TOCSIN_TOKEN")
        return api

    def _first_start(self, api: Api) -> None:
        """Give an empty hub the definitions that come with Tocsin, and this machine, as one revision."""
        if api.get(path_of("status"))["hub"]["revision"]:
            return
        files = [{"path": path.name, "text": path.read_text(encoding="utf-8")} for path in model_files()]
        if not files:
            note("The folder etc/model was not found: there are no definitions of process sets yet. See docs/guide.md")
        name = self._options.host_name or device_id(socket.gethostname()) or "localhost"
        files.append({"path": "this-machine.yaml", "text": local_device(name, self._options.interval_s)})
        body = {"files": files, "message": "first start", "author": author(), "dry_run": False}
        api.post(path_of("apply"), body)


def _short(path: Path) -> str:
    """A path as seen from where we are, if that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _answers(url: str) -> bool:
    api = Api(url, Credentials())
    try:
        return bool(api.get(path_of("health"), timeout_s=2.0))
    except CommandError:
        return False
    finally:
        api.close()


def local_device(name: str, interval_s: int) -> str:
    """The document of this machine."""
    return yaml.safe_dump(
        {
            "kind": "Device",
            "id": name,
            "address": "127.0.0.1",
            "class": "/Server/Linux",
            "collector": COLLECTOR,
            "properties": {"source": "local", "interval_s": interval_s},
        },
        sort_keys=False,
    )


def device_id(name: str) -> str:
    """A host name as the id of a device; empty when nothing of it can be one."""
    return re.sub(r"[^A-Za-z0-9_.:-]", "-", name).lstrip("_.:-")[:255]

"""The data folder of `tocsin up`: what is made on the first start, and kept on all later ones."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from common.entrypoints import COLLECTOR_NAME, COLLECTORS, OWN_COLLECTORS, usable
from common.errors import TocsinError
from common.settingsfile import with_setting
from hub.cli.exits import CommandError

COLLECTOR = "local"
SERVICES = ("process", "status", "modeler")
"""Collectors that `tocsin up` starts as a rule."""
MORE_SERVICES = ("snmp", "probe")
"""Those that it starts where somebody asks for them, and from then on; so are those that packages bring."""
WRITTEN = "written by `tocsin up`"
"""In the first line of each settings file that it writes."""


class Folder:
    """Where everything of one site on one machine lies.

    Attributes:
        root: absolute.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.hub = self.root / "hub"
        self.certificates = self.root / "certs" / COLLECTOR
        self.hub_settings = self.root / "etc" / "hub.toml"
        self.run_file = self.hub / "run.json"
        self.token_file = self.hub / "operator.token"

    def home(self, service: str) -> Path:
        """The folder of a collector's daemon."""
        return self.root / service

    def settings_of(self, service: str) -> Path:
        """Its settings file."""
        return self.root / "etc" / f"{service}.toml"

    def asked_for(self) -> list[str]:
        """Collectors of packages that were asked for once, by the settings files that were written for them then."""
        own = {"hub", *SERVICES, *MORE_SERVICES}
        return [
            path.stem
            for path in sorted(self.hub_settings.parent.glob("*.toml"))
            if path.stem not in own and WRITTEN in _first_line(path)
        ]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only `tocsin up` on this folder.

        Raises:
            CommandError: another one is; says which, and where its page is.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.root / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(self.root, error) from None
        with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                pid = file.read().strip() or "unknown"
                page = self.running().get("url")
                raise CommandError(
                    f"Tocsin is already up on {self.root} (pid {pid})"
                    + (f"; its page is {page}" if page else "")
                    + ". Stop that one with Ctrl-C, or give another folder with --data"
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def prepare(self, services: Sequence[str] = SERVICES) -> None:
        """Make the folders, the site's certificate authority and the local collector's certificate.

        Raises:
            CommandError: the folder cannot be used.
        """
        # Loads Twisted and takes a third of the start of every other command, which does not need it.
        from common.certificates import ensure_collector, ensure_site

        try:
            for path in (self.hub, *map(self.home, services), self.hub_settings.parent):
                path.mkdir(parents=True, exist_ok=True)
            self.hub.chmod(0o700)
            site = ensure_site(self.hub / "pki", time.time)
            ensure_collector(site, COLLECTOR, self.certificates)
            self.run_file.unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(self.root, error) from None
        except TocsinError as error:
            raise CommandError(error.message, error.details) from None

    def running(self) -> Mapping[str, object]:
        """What the hub wrote when it was ready: its address and ports; empty before."""
        with contextlib.suppress(OSError, ValueError):
            document = json.loads(self.run_file.read_text(encoding="utf-8"))
            if isinstance(document, dict):
                return document
        return {}


def model_files() -> list[Path]:
    """The definitions that come with Tocsin: next to the code, or where the package put them."""
    for folder in (Path(__file__).parents[2] / "etc" / "model", Path(sys.prefix) / "etc" / "tocsin" / "model"):
        if files := sorted(folder.glob("*.yaml")):
            return files
    return []


def beside(name: str) -> Path:
    """A program of the same installation."""
    return Path(sys.executable).parent / name


def program(name: str) -> Sequence[str]:
    """How to start a daemon of the same installation."""
    service = name.removeprefix("tocsin-")
    if service not in {"hub", *SERVICES, *MORE_SERVICES}:
        return [str(beside("tocsin-collector")), service]
    return [str(beside(name))]


def typed(service: str) -> str:
    """How people call the daemon of a collector."""
    return f"tocsin-{service}" if service in {*SERVICES, *MORE_SERVICES} else f"tocsin-collector {service}"


def brought() -> list[str]:
    """Names of the collectors that packages bring."""
    return list(usable(COLLECTORS, COLLECTOR_NAME, OWN_COLLECTORS))


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(1000)
    except OSError:
        return ""


def write_settings(path: Path, text: str, overrides: Mapping[tuple[str, str], str]) -> None:
    """Write a settings file if there is none; else only put in what was asked for on the command line.

    Args:
        path: of the file.
        text: for a file that is not there.
        overrides: TOML values by (section, key).
    """
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else text
        new = old
        for (section, key), value in overrides.items():
            new = with_setting(new, section, key, value)
        if new != old or not path.exists():
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            partial.write_text(new, encoding="utf-8")
            partial.replace(path)
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path}: not UTF-8 text at byte {error.start}. Mend it, or remove it to get a new one"
        ) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from None


def _unusable(root: Path, error: OSError) -> CommandError:
    return CommandError(
        f"The data folder {root} cannot be used: {error.strerror or error}"
        + (f" ({error.filename})" if error.filename and str(error.filename) != str(root) else "")
        + ". Give another one with --data"
    )

"""What a daemon says of itself: its name, its settings, its service, and the verbs that only it has."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from twisted.application.service import IService

from common.daemon_run import ReactorKind
from common.figures import lines_of


def _no_options(_parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


def _nothing_instead(_settings: Any, _options: argparse.Namespace) -> int | None:
    return None


def nothing_to_say(_figures: Mapping[str, Any]) -> str:
    """What `status` says of most daemons beside that they run."""
    return ""


def _epoll(_settings: Any) -> ReactorKind:
    return "epoll"


def _all_of_it(figures: Mapping[str, Any], _options: argparse.Namespace) -> Mapping[str, Any]:
    return figures


def _line_by_line(figures: Mapping[str, Any], _options: argparse.Namespace) -> str:
    return "\n".join(lines_of(figures))


class Stats(Struct, frozen=True, kw_only=True):
    """How `stats` shows the figures of a daemon.

    Attributes:
        add_options: adds options of its own.
        choose: gives the figures that the options ask for; what `--json` prints.
        show: makes text of these.
    """

    add_options: Callable[[argparse.ArgumentParser], None] = _no_options
    choose: Callable[[Mapping[str, Any], argparse.Namespace], Mapping[str, Any]] = _all_of_it
    show: Callable[[Mapping[str, Any], argparse.Namespace], str] = _line_by_line


class Verb(Struct, frozen=True, kw_only=True):
    """What a program can do beside what all daemons can.

    Attributes:
        about: what it does, as the help says it.
        do: gets the settings and the options; gives the exit status.
        add_options: adds options of its own.
        needs_settings: whether the settings file must be there. If not, `do` gets its path instead of what it says.
    """

    about: str
    do: Callable[[Any, argparse.Namespace], int]
    add_options: Callable[[argparse.ArgumentParser], None] = _no_options
    needs_settings: bool = True


class Program(Struct, frozen=True, kw_only=True):
    """What makes a daemon of a service.

    Attributes:
        name: of the command, for example `tocsin-process`. Files are named by what follows the dash.
        settings_type: a Struct with a field `folder`, and a field `log` of type `LogSettings` if that can be set.
        make_service: joins the parts. The service may also be `Ready`, and have `Figures`.
        reactor: which kind the settings ask for.
        add_options: adds options of its own to `run`.
        instead: what those options do in place of the daemon: gives an exit code, or None to run the daemon.
        verbs: by name, what only this program can do.
        stats: what `stats` makes of the figures.
        fares: makes of the figures what `status` says beside that it runs; empty for nothing.
        typed: how people call it, where that is not its name.
        late: of the options of `run`, the list that takes words that stand behind other options, too; empty for none.
    """

    name: str
    title: str
    settings_type: type[Any]
    make_service: Callable[[Any, Any], IService]
    reactor: Callable[[Any], ReactorKind] = _epoll
    add_options: Callable[[argparse.ArgumentParser], None] = _no_options
    instead: Callable[[Any, argparse.Namespace], int | None] = _nothing_instead
    verbs: Mapping[str, Verb] = {}
    stats: Stats = Stats()
    fares: Callable[[Mapping[str, Any]], str] = nothing_to_say
    typed: str = ""
    late: str = ""

    @property
    def short(self) -> str:
        """Name of its files: `process` for `tocsin-process`."""
        return self.name.removeprefix("tocsin-")

    @property
    def default_config(self) -> Path:
        """Settings file that is read when none is named."""
        return Path("/etc/tocsin") / f"{self.short}.toml"

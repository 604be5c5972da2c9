"""The daemon of a collector of the kit, and its command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.interfaces import CollectorContext, CollectorSpec
from collectors.framework.kit.adapted import Adapted
from collectors.framework.kit.collector import Collector
from collectors.framework.pbdaemon import main as run_daemon
from common.errors import SettingsError

NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")


def spec(
    collector: type[Collector],
    *,
    program: str = "",
    title: str = "",
    settings_type: Any = None,
    failure_class: str = "",
) -> CollectorSpec:
    """What makes a collector a daemon.

    Args:
        collector: the class.
        program: name of the command; empty for `tocsin-NAME`.
        title: what `--help` begins with.
        settings_type: a kind of `CollectorSettings`; None for one with the folder `var/NAME`.
        failure_class: class of the events that tell of its own troubles; empty for `/Status/NAME`.
    """
    name = collector.name
    if not NAME.fullmatch(name):
        raise SettingsError(f"{collector.__name__}.name is {name!r}; it has to be a word of a-z, 0-9, - and _")
    event_class = failure_class or f"/Status/{name.capitalize()}"

    def make(context: CollectorContext) -> Adapted:
        return Adapted(collector(context), context, event_class)

    return CollectorSpec(
        service=name,
        program=program or f"tocsin-{name}",
        title=title or f"Tocsin's collector {name}",
        make_collector=make,
        failure_class=event_class,
        settings_type=settings_type or _settings_of(name),
    )


def _settings_of(name: str) -> Any:
    """Settings with a folder of its own."""
    return msgspec.defstruct(
        f"{name.capitalize()}Settings",
        [("folder", Path, Path("var") / name)],
        bases=(CollectorSettings,),
        namespace={"__doc__": f"All settings of the collector {name}."},
        frozen=True,
        kw_only=True,
    )


def main(collector: type[Collector] | CollectorSpec, argv: Sequence[str] | None = None) -> int:
    """Run the command of a collector; returns its exit status."""
    return run_daemon(collector if isinstance(collector, CollectorSpec) else spec(collector), argv)

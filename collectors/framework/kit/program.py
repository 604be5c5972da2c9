"""The daemon of a collector of the kit, and its command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collectors.framework.interfaces import CollectorContext, CollectorSpec
from collectors.framework.kit.collector import Collector
from collectors.framework.pbdaemon import main as run_daemon


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

    def make(_context: CollectorContext) -> Any:
        raise NotImplementedError

    return CollectorSpec(
        service=collector.name,
        program=program or f"tocsin-{collector.name}",
        title=title or f"Tocsin's collector {collector.name}",
        make_collector=make,
        failure_class=failure_class or f"/Status/{collector.name.capitalize()}",
        settings_type=settings_type,
    )


def main(collector: type[Collector] | CollectorSpec, argv: Sequence[str] | None = None) -> int:
    """Run the command of a collector; returns its exit status."""
    return run_daemon(collector if isinstance(collector, CollectorSpec) else spec(collector), argv)

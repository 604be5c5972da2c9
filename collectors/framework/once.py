"""`run --once`: one run for one device in the foreground, beside a daemon that may be running; it leaves no trace.

With `--capture` it leaves what it read; with `--replay` it reads that in place of the device (see captures).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.logger import globalLogBeginner
from zope.interface import implementer

from collectors.framework.captures.options import (
    Recorded,
    add_capture_options,
    check_options,
    refuse_untapped,
    replay_all,
    replay_tap,
    replayed_devices,
    tap_of,
    unrecorded,
)
from collectors.framework.captures.run import Kept
from collectors.framework.configcache import ConfigCache
from collectors.framework.interfaces import CollectorContext, CollectorSpec, IEventSink, ISampleSink, IStateStore
from collectors.framework.spooldb import read_state
from common.configs import DeviceConfig
from common.daemon import EXIT_NOT_FOUND, run_to_end
from common.daemon_run import ReactorKind
from common.errors import NotFoundError
from common.events import Event
from common.logs import LogLines, to_stream
from common.series import Sample
from common.wire import ModelReport, ModelTaken

MAX_NAMES = 20


@implementer(IEventSink, IStateStore, ISampleSink)
class Nowhere:
    """Takes everything and keeps nothing; gives back what the daemon has kept in its spool.

    Args:
        spool: the daemon's event spool, which may be in use, or not be there.
    """

    def __init__(self, spool: Path) -> None:
        self._spool = spool

    async def send(self, events: Sequence[Event], state_key: str = "", state: bytes | None = None) -> None:
        """Take events."""

    def load(self, key: str) -> bytes | None:
        """What the daemon has kept; only looked at."""
        return read_state(self._spool, key)

    def forget(self, key: str) -> None:
        """Have nothing to forget."""

    async def send_model(self, _report: ModelReport) -> ModelTaken:
        """Take a report."""
        return ModelTaken()

    def write(self, samples: Sequence[Sample]) -> None:
        """Take samples."""


def add_once_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run` that are about a single run."""
    group = parser.add_argument_group("one run in the foreground, in place of the daemon")
    group.add_argument("--once", action="store_true", help="run once for a device, print what happened, end")
    group.add_argument("-d", "--device", metavar="DEVICE", help="the device; may be left out if there is but one")
    group.add_argument("--show-processes", action="store_true", help="print what was found")
    group.add_argument("--show-tables", action="store_true", help="print the tables as they were read")
    add_capture_options(parser)


def run_once(
    spec: CollectorSpec, folder: Path, key_file: Path | None, kind: ReactorKind, options: argparse.Namespace
) -> int | None:
    """Do what these options say; None when the daemon is to run."""
    check_options(options)
    runs_on = not options.once and not options.replay
    if runs_on and not options.capture:
        return None
    configs = _configs(folder, key_file)
    if runs_on and options.device is None:
        sys.stderr.write("".join(f"{spec.program}: {note}\n" for note in unrecorded(spec, configs)))
        return None
    try:
        replayed = replayed_devices(options, configs) if options.replay else []
        config = replayed[0].config if replayed else _chosen(configs, options.device)
    except NotFoundError as error:
        sys.stderr.write(f"{spec.program}: {error}\n")
        return EXIT_NOT_FOUND
    if replayed or options.capture:
        refuse_untapped(spec, config)
    if runs_on:
        return None
    level = "debug" if options.verbose else "warn"
    lines = LogLines(level, [to_stream(sys.stderr)])
    globalLogBeginner.beginLoggingTo([lines], redirectStandardIO=False, discardBuffer=True)

    async def work(reactor: Any) -> int:
        if options.replay and not options.once:
            found = await replay_all(spec, replayed, reactor, folder)
        else:
            context = _context(folder, reactor, options, replayed)
            collector = spec.make_collector(context)
            found = await collector.once(config, show_processes=options.show_processes, show_tables=options.show_tables)
        sys.stdout.write("".join(f"{line}\n" for line in found))
        return 0

    return run_to_end(work, kind)


def _context(folder: Path, reactor: Any, options: argparse.Namespace, replayed: Sequence[Recorded]) -> CollectorContext:
    """For one run: with what the daemon has kept, or, on a capture, with nothing."""
    nowhere: Any = Kept() if replayed else Nowhere(folder / "spool.db")
    tap, wall = tap_of(options, reactor), time.time
    if replayed:
        tap, tape = replay_tap(replayed[0])

        def wall() -> float:
            return tape.reading.at

    return CollectorContext(
        clock=reactor,
        wall=wall,
        reactor=reactor,
        rng=random.SystemRandom(),
        events=nowhere,
        states=nowhere,
        samples=nowhere,
        data_dir=folder,
        hub_epoch=str,
        send_model=nowhere.send_model,
        tap=tap,
    )


def _configs(folder: Path, key_file: Path | None) -> dict[str, DeviceConfig]:
    """The configs that the daemon holds; none where it never ran, so that a capture can be replayed anywhere."""
    path = folder / "configs"
    return ConfigCache(path, key_file).load() if path.exists() else {}


def _chosen(configs: dict[str, DeviceConfig], device: str | None) -> DeviceConfig:
    """The config that is meant.

    Raises:
        NotFoundError: it is not clear which, or there is none.
    """
    if not configs:
        raise NotFoundError(
            "there are no configs here yet: start the daemon, and give this collector a device on the hub"
        )
    if device is None and len(configs) == 1:
        return next(iter(configs.values()))
    if device in configs:
        return configs[device]
    names = sorted(configs)
    known = ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
    what = f"there is no config for device {device}" if device else "say which device, with -d"
    raise NotFoundError(f"{what}; there are: {known}")

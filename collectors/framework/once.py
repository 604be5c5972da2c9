"""`run --once`: one run for one device in the foreground, beside a daemon that may be running; it leaves no trace."""

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

from collectors.framework.configcache import ConfigCache
from collectors.framework.interfaces import CollectorContext, CollectorSpec, IEventSink, ISampleSink, IStateStore
from collectors.framework.spooldb import read_state
from common.configs import DeviceConfig
from common.daemon import run_to_end
from common.daemon_run import ReactorKind
from common.errors import SettingsError
from common.events import Event
from common.logs import LogLines, to_stream
from common.series import Sample
from common.wire import ModelReport, ModelTaken

EXIT_NOT_FOUND = 3
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


def run_once(
    spec: CollectorSpec, folder: Path, key_file: Path | None, kind: ReactorKind, options: argparse.Namespace
) -> int | None:
    """Do what these options say; None when they were not given."""
    if not options.once:
        if options.device or options.show_processes or options.show_tables:
            raise SettingsError("-d, --show-processes and --show-tables go with --once")
        return None
    configs = ConfigCache(folder / "configs", key_file).load()
    config = _chosen(configs, options.device)
    if isinstance(config, str):
        sys.stderr.write(f"{spec.program}: {config}\n")
        return EXIT_NOT_FOUND
    level = "debug" if options.verbose else "warn"
    lines = LogLines(level, [to_stream(sys.stderr)])
    globalLogBeginner.beginLoggingTo([lines], redirectStandardIO=False, discardBuffer=True)

    async def work(reactor: Any) -> int:
        nowhere = Nowhere(folder / "spool.db")
        context = CollectorContext(
            clock=reactor,
            wall=time.time,
            reactor=reactor,
            rng=random.SystemRandom(),
            events=nowhere,
            states=nowhere,
            samples=nowhere,
            data_dir=folder,
            hub_epoch=str,
            send_model=nowhere.send_model,
        )
        collector = spec.make_collector(context)
        found = await collector.once(config, show_processes=options.show_processes, show_tables=options.show_tables)
        sys.stdout.write("".join(f"{line}\n" for line in found))
        return 0

    return run_to_end(work, kind)


def _chosen(configs: dict[str, DeviceConfig], device: str | None) -> DeviceConfig | str:
    """The config that is meant, or a sentence that says which there are."""
    if not configs:
        return "there are no configs here yet: start the daemon, and give this collector a device on the hub"
    if device is None and len(configs) == 1:
        return next(iter(configs.values()))
    if device in configs:
        return configs[device]
    names = sorted(configs)
    known = ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
    what = f"there is no config for device {device}" if device else "say which device, with -d"
    return f"{what}; there are: {known}"

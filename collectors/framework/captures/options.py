"""`run --capture DIR` and `run --replay DIR`: what may be said together, and what is made of it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from collectors.framework.captures.folder import CaptureFolder, read_config, readings
from collectors.framework.captures.reading import Origin
from collectors.framework.captures.recording import Recorder
from collectors.framework.captures.replaying import Replay, Tape
from collectors.framework.captures.run import run_through
from collectors.framework.interfaces import CollectorSpec, NoTap
from common.configs import DeviceConfig
from common.errors import SettingsError


def add_capture_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run` that are about captures."""
    group = parser.add_argument_group("what is read of devices (docs/captures.md)")
    group.add_argument(
        "--capture", type=Path, metavar="DIR", help="write all that is read to files in DIR; with -d, of that device"
    )
    group.add_argument(
        "--replay", type=Path, metavar="DIR", help="run on such files in place of the network, print what follows, end"
    )


def check_options(options: argparse.Namespace) -> None:
    """Refuse what makes no sense together.

    Raises:
        SettingsError: it does not.
    """
    if options.capture and options.replay:
        raise SettingsError("--capture and --replay exclude each other")
    if options.once or (options.replay and not (options.show_processes or options.show_tables)):
        return
    if options.show_processes or options.show_tables:
        raise SettingsError("--show-processes and --show-tables go with --once")
    if options.device and not options.capture:
        raise SettingsError("-d goes with --once, --capture or --replay")


class Chosen:
    """What these options ask for, between the command line and the daemon that is made later."""

    def __init__(self) -> None:
        self.options: argparse.Namespace | None = None

    def tap(self, reactor: Any) -> Any:
        """What stands between the daemon and its devices."""
        return tap_of(self.options, reactor)


def tap_of(options: argparse.Namespace | None, reactor: Any) -> Any:
    """The tap for `--capture`, or none."""
    if options is None or options.capture is None:
        return NoTap()
    _writable(options.capture)
    return Recorder(options.capture, time.time, reactor.seconds, options.device)


def refuse_untapped(spec: CollectorSpec, config: DeviceConfig) -> None:
    """Refuse a device that is not read through the tap.

    Raises:
        SettingsError: it is not.
    """
    if config.snmp is None and not spec.runs_on_captures:
        raise SettingsError(
            f"{config.device} is this host, which {spec.program} reads in ways that no capture holds; "
            "capture a device that is read over SNMP, or use tocsin-process"
        )


def unrecorded(spec: CollectorSpec, configs: Mapping[str, DeviceConfig]) -> list[str]:
    """What is to be said of devices of a daemon that `--capture` will not have."""
    if spec.runs_on_captures:
        return []
    return [
        f"{device} is this host, of which no capture of {spec.program} has anything; the others are recorded"
        for device, config in sorted(configs.items())
        if config.snmp is None
    ]


class Recorded:
    """A device as a capture has it."""

    def __init__(self, path: Path, device: str | None, configs: dict[str, DeviceConfig]) -> None:
        self.device, folder = CaptureFolder(path).chosen(device)
        self._readings = readings(folder)
        config = read_config(folder) or configs.get(self.device)
        if config is None:
            raise SettingsError(
                f"{folder} has no config.json, and this daemon holds no config for {self.device}: what shall be "
                "decided by? Put the config.json there that was recorded with the readings"
            )
        self.config = config
        self.origin: Origin = self._readings[0].origin

    def tape(self) -> Tape:
        """Its readings, from the first one on."""
        return Tape(self._readings, self.config.interval_s)


def replayed_devices(options: argparse.Namespace, configs: dict[str, DeviceConfig]) -> list[Recorded]:
    """The devices of `--replay`: the one that is named, or all."""
    if options.device or options.once:
        return [Recorded(options.replay, options.device, configs)]
    return [Recorded(options.replay, device, configs) for device in sorted(CaptureFolder(options.replay).devices())]


async def replay_all(spec: CollectorSpec, devices: Sequence[Recorded], reactor: Any, folder: Path) -> list[str]:
    """Every run of every device, in words."""
    lines: list[str] = []
    for recorded in devices:
        runs = await run_through(spec, recorded.config, recorded.tape(), reactor, folder)
        lines += [line for run in runs for line in run.lines()]
    return lines


def replay_tap(recorded: Recorded) -> tuple[Any, Tape]:
    """The tap for one run, which stands at its first reading."""
    tape = recorded.tape()
    tape.next_run()
    return Replay(tape), tape


def _writable(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(f"--capture {path}: {error.strerror or error}") from None

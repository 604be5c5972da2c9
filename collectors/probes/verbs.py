"""What `tocsin-probe` can do beside what all daemons can: try a probe, and list those that there are."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from collectors.framework.configcache import ConfigCache
from collectors.framework.spooldb import read_state
from collectors.probes import dryrun
from collectors.probes.claims import Claims
from collectors.probes.collector import claims_key
from collectors.probes.found.folders import Folders
from collectors.probes.handlers import Handlers
from collectors.probes.plan import plan
from collectors.probes.settings import ProbeSettings
from common.configs import DeviceConfig, SourceKind
from common.daemon_program import Program, Verb
from common.errors import NotFoundError, SettingsError

HERE = "localhost"
"""Device of a host that the hub has told nothing of yet."""


def with_verbs(program: Program) -> Program:
    """The same program, with more to say."""

    def add_options(parser: argparse.ArgumentParser) -> None:
        program.add_options(parser)
        group = parser.add_argument_group("try a probe, in place of the daemon")
        group.add_argument("name", nargs="?", metavar="NAME", help="of the probe, of a source, or the path of a file")
        group.add_argument(
            "arguments", nargs="*", metavar="ARGUMENT", help="for the probe; behind -- they may begin with -"
        )
        group.add_argument("--dry-run", action="store_true", help="run it once, print what was taken; nothing is kept")
        group.add_argument("--json", action="store_true", help="print that as JSON")

    def instead(settings: ProbeSettings, options: argparse.Namespace) -> int | None:
        if options.dry_run and not options.name:
            raise SettingsError("--dry-run tries a probe: say which, for example `run NAME --dry-run`")
        if options.name and not options.dry_run:
            raise SettingsError(f"`run` alone is the daemon; to try the probe {options.name}, add --dry-run")
        if options.json and not options.dry_run:
            raise SettingsError("--json goes with --dry-run")
        return _try(settings, options) if options.dry_run else program.instead(settings, options)

    verbs = {**program.verbs, "list": _LIST}
    return replace(program, add_options=add_options, instead=instead, verbs=verbs, late="arguments")


def _try(settings: ProbeSettings, options: argparse.Namespace) -> int:
    config = _device(settings, options.device)
    claims = Claims(read_state(settings.folder / "spool.db", claims_key(config.device)))
    tried = dryrun.try_probe(settings, config, claims, options.name, options.arguments)
    if options.json:
        sys.stdout.write(json.dumps(tried.document()) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in tried.lines()))
    return 1 if tried.failed else 0


def _device(settings: ProbeSettings, name: str | None) -> DeviceConfig:
    """The config of the device that is meant; an empty one where the hub has told nothing yet.

    Raises:
        NotFoundError: there are others, and not that one.
    """
    folder = settings.folder / "configs"
    configs = ConfigCache(folder, settings.cache_key).load() if folder.exists() else {}
    if name is not None:
        if name not in configs and configs:
            raise NotFoundError(
                f"there is no config of device {name} here; there are: {', '.join(sorted(configs)[:20])}"
            )
        return configs.get(name) or _empty(name)
    local = [config for config in configs.values() if config.source is SourceKind.LOCAL]
    return next(iter([*local, *configs.values()]), None) or _empty(HERE)


def _empty(device: str) -> DeviceConfig:
    return DeviceConfig(device=device, address="127.0.0.1", source=SourceKind.LOCAL, interval_s=60)


def _list(settings: ProbeSettings, options: argparse.Namespace) -> int:
    folders = Folders(settings.folders())
    folders.look()
    config = _device(settings, options.device)
    planned = plan(config, folders.found, settings.probes)
    handlers = Handlers(config.sources)
    rows: list[Mapping[str, Any]] = [
        {
            "name": work.label,
            "device": config.device,
            "handler": work.handler,
            "handler_known": work.source is not None or work.handler in handlers.names(),
            "interval_s": work.interval_s,
            "timeout_s": work.order.timeout_s,
            "user": work.order.user.uid if work.order.user is not None else None,
            "command": work.order.argv,
            "source": work.source.id if work.source is not None else None,
        }
        for work in planned.works
    ]
    waiting = sorted(set(folders.found.probes) - {row["name"] for row in rows} - {_name(row) for row in rows})
    refused = [{"path": one.path, "why": one.why} for one in folders.found.refused]
    problems = [{"name": one.component, "why": one.summary} for one in planned.problems]
    if options.json:
        document = {
            "folders": [str(folder) for folder in settings.folders()],
            "probes": rows,
            "waiting": waiting,
            "refused": refused,
            "problems": problems,
        }
        sys.stdout.write(json.dumps(document) + "\n")
        return 0
    write: Callable[[str], object] = sys.stdout.write
    write(f"folders: {', '.join(str(folder) for folder in settings.folders())}\n")
    for row in rows:
        known = "" if row["handler_known"] else " (no template of that id yet)"
        write(f"{row['name']}: for {row['device']} every {row['interval_s']} s, handler {row['handler']}{known}\n")
    for name in waiting:
        write(f"{name}: runs when a template has it run\n")
    for told in dict.fromkeys([*(one["why"] for one in refused), *(one["why"] for one in problems)]):
        write(f"refused: {told}\n")
    if not rows and not waiting and not refused:
        write("there are no probes: put an executable file into one of the folders\n")
    return 0


def _name(row: Mapping[str, Any]) -> str:
    """Of the probe that a source runs."""
    return str(row["command"][0]).rpartition("/")[2].partition(".")[0]


def _list_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-d", "--device", metavar="DEVICE", help="the device; this host where it is left out")
    parser.add_argument("--json", action="store_true", help="as JSON")


_LIST = Verb(about="list the probes of this host, and what is not run, and why", do=_list, add_options=_list_options)

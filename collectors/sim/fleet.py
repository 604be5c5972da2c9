"""`fleet`: many hosts whose processes and agents behave as a scenario says."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path
from typing import Any

from collectors.sim.addresses import ANY_ADDRESS, Endpoint, endpoint, fleet
from collectors.sim.default import DEFAULT
from collectors.sim.facts import TruthFile
from collectors.sim.responder import Responder
from collectors.sim.saying import say
from collectors.sim.scenario import load_scenario, read_scenario
from collectors.sim.secured import Secured
from collectors.sim.server import Door, FleetServer, stopped_by_signals
from collectors.sim.units import duration_option
from collectors.sim.users import add_user_options, user_of
from collectors.sim.visits import VisitsFile
from collectors.sim.world import World
from common.errors import SettingsError

MOST_DEVICES = 100_000
MOST_PROCESSES = 20_000


def add_fleet_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fleet`."""
    parser.add_argument("--devices", type=int, default=100, metavar="N", help="how many hosts [100]")
    parser.add_argument("--processes", type=int, default=150, metavar="N", help="on each of them, about [150]")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="what runs there and what happens (YAML)")
    parser.add_argument(
        "--print-scenario", action="store_true", help="print the default scenario, to begin with, and end"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same happenings [1]")
    parser.add_argument("--duration", metavar="TIME", help="end after this time, such as 10m [until stopped]")
    parser.add_argument(
        "--listen", default="127.1.0.1:1161", metavar="ADDRESS:PORT", help="of the first host [127.1.0.1:1161]"
    )
    parser.add_argument("--by-port", action="store_true", help="one address, and a port of its own for each host")
    parser.add_argument(ANY_ADDRESS, action="store_true", help="allow addresses that others can reach")
    parser.add_argument("--community", default="public", metavar="WORD", help="of v1 and v2c; empty for none [public]")
    add_user_options(parser)
    parser.add_argument(
        "--truth", type=Path, default=Path("fleet-truth.jsonl"), metavar="FILE", help="takes what really happens"
    )
    parser.add_argument("--visits", type=Path, metavar="FILE", help="takes when each host was read")
    parser.add_argument(
        "--dry-run", action="store_true", help="write the truth of --duration at once, serve nothing, end"
    )


def run_fleet(options: argparse.Namespace) -> int:
    """Do what these options say.

    Raises:
        SettingsError: they cannot be.
    """
    if options.print_scenario:
        sys.stdout.write(DEFAULT)
        return 0
    _check(options)
    user = user_of(options)
    scenario = load_scenario(options.scenario) if options.scenario else read_scenario(DEFAULT, "default scenario")
    duration_s = duration_option(options.duration) if options.duration else float("inf")
    endpoints = fleet(
        endpoint(options.listen, anywhere=options.any_address),
        options.devices,
        by_port=options.by_port,
        anywhere=options.any_address,
    )
    world = World(scenario, options.devices, options.processes, options.seed)
    began, wall = time.monotonic(), time.time()
    if options.dry_run:
        if duration_s == float("inf"):
            raise SettingsError("--dry-run needs --duration: how long shall it be?")
        with contextlib.closing(TruthFile(options.truth, wall)) as truth:
            _introduce(truth, world, options, endpoints)
            truth.write(world.advance(duration_s))
        return 0
    with (
        contextlib.closing(Door(endpoints)) as door,
        contextlib.closing(TruthFile(options.truth, wall)) as truth,
        contextlib.closing(VisitsFile(options.visits, wall)) as visits,
    ):
        _introduce(truth, world, options, door.endpoints())
        responder = Responder(options.community, scenario.agents, wall, Secured(user) if user is not None else None)
        server = FleetServer(world, responder, door, truth, visits, scenario.agents.get("slow"))
        with stopped_by_signals(server.stop) as wakeup:
            where = _span(door.endpoints())
            say(f"{options.devices} simulated hosts answer at {where}; the truth is in {options.truth}")
            server.run(began, duration_s, wakeup)
        say(f"ended after {time.monotonic() - began:.0f} s: {server.requests} requests, {server.answers} answers")
    return 0


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.devices <= MOST_DEVICES:
        raise SettingsError(f"--devices {options.devices}: wanted a number from 1 to {MOST_DEVICES}")
    if not 1 <= options.processes <= MOST_PROCESSES:
        raise SettingsError(f"--processes {options.processes}: wanted a number from 1 to {MOST_PROCESSES}")


def _introduce(truth: TruthFile, world: World, options: argparse.Namespace, endpoints: list[Endpoint]) -> None:
    """Say who is there when it begins."""
    notes: list[dict[str, Any]] = [
        {
            "what": "fleet",
            "devices": options.devices,
            "processes": options.processes,
            "seed": options.seed,
            "scenario": str(options.scenario or "default"),
        }
    ]
    for host, (address, port) in zip(world.hosts, endpoints, strict=True):
        place = {"device": host.name, "what": "device", "address": address, "port": port}
        since = {"agent_since": round(host.agent_since, 3), "host_since": round(host.host_since, 3)}
        notes.append(
            place | since | {"processes": len(host.pids), "programs": host.counts(), "running": host.running(0.0)}
        )
    truth.begin(notes)


def _span(endpoints: list[Endpoint]) -> str:
    first, last = (f"{host}:{port}" for host, port in (endpoints[0], endpoints[-1]))
    return first if first == last else f"{first} to {last}"

"""tocsin-sim: simulated agents, one from captures, many from a scenario, or one of something that is no host."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from collectors.sim.agentoptions import add_agent_options
from collectors.sim.appliance import add_appliance_options, run_appliance
from collectors.sim.fleet import add_fleet_options, run_fleet
from common.daemon import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_SETTINGS, version
from common.errors import NotFoundError, SettingsError, TocsinError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = _parser().parse_args(argv)
    try:
        if options.what == "fleet":
            return run_fleet(options)
        if options.what == "appliance":
            return run_appliance(options)
        from collectors.sim.agent import run_agent  # pysnmp is slow to load, and a fleet has no use for it

        return run_agent(options)
    except TocsinError as error:
        sys.stderr.write(f"tocsin-sim: {error}\n")
        if isinstance(error, NotFoundError):
            return EXIT_NOT_FOUND
        return EXIT_SETTINGS if isinstance(error, SettingsError) else EXIT_FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    about = "Simulated SNMP agents, on the loopback: for tests, demonstrations and measurements."
    parser = argparse.ArgumentParser(prog="tocsin-sim", description=about, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"tocsin-sim {version()}")
    what = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    agent = what.add_parser("agent", help="serve captures to any SNMP client", allow_abbrev=False)
    add_agent_options(agent)
    fleet = what.add_parser("fleet", help="serve many hosts whose processes live and die", allow_abbrev=False)
    add_fleet_options(fleet)
    appliance = what.add_parser("appliance", help="serve a switch, a power supply or a printer", allow_abbrev=False)
    add_appliance_options(appliance)
    return parser


if __name__ == "__main__":
    sys.exit(main())

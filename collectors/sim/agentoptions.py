"""The options of `agent`."""

from __future__ import annotations

import argparse
from pathlib import Path

from collectors.sim.addresses import ANY_ADDRESS
from collectors.sim.users import add_user_options


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `agent`."""
    parser.add_argument("--capture", type=Path, required=True, metavar="DIR", help="what is served (docs/captures.md)")
    parser.add_argument(
        "-d", "--device", metavar="DEVICE", help="the device; else all, by community (v1, v2c) or context (v3)"
    )
    parser.add_argument("--listen", default="127.0.0.1:1161", metavar="ADDRESS:PORT", help="[127.0.0.1:1161]")
    parser.add_argument(ANY_ADDRESS, action="store_true", help="allow an address that others can reach")
    parser.add_argument("--reading", type=int, metavar="N", help="serve this one all the time [all, at their pace]")
    parser.add_argument("--again", action="store_true", help="begin anew behind the last one [it stays]")
    parser.add_argument("--community", default="public", metavar="WORD", help="of v1 and v2c; empty for none [public]")
    add_user_options(parser)

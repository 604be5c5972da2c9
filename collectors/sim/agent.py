"""`agent`: captures, served over SNMP v1, v2c and v3 by pysnmp."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import time
from collections.abc import Mapping

from collectors.framework.captures.folder import CaptureFolder, readings
from collectors.sim.addresses import Endpoint, endpoint
from collectors.sim.engine import Credentials, start_engine
from collectors.sim.saying import say
from collectors.sim.served import IServed, Served
from collectors.sim.users import user_of
from common.errors import SettingsError


def run_agent(options: argparse.Namespace) -> int:
    """Do what these options say.

    Raises:
        SettingsError, NotFoundError: they cannot be.
    """
    address = endpoint(options.listen, anywhere=options.any_address)
    devices = _devices(options)
    communities = _communities(options.community, list(devices)) if options.community else {}
    credentials = Credentials(communities=communities, user=user_of(options))
    with bound(address) as listening:
        asyncio.run(serve(listening, devices, credentials))
    return 0


async def serve(listening: socket.socket, devices: Mapping[str, IServed], credentials: Credentials) -> None:
    """Answer on a socket until a signal comes."""
    began = time.monotonic()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    close = start_engine(listening, devices, credentials, lambda: time.monotonic() - began)
    host, port = listening.getsockname()[:2]
    who = ", ".join(list(devices)[:5]) + (f" and {len(devices) - 5} more" if len(devices) > 5 else "")
    say(f"{who} answers at {f'[{host}]' if ':' in host else host}:{port} ({credentials.words()})")
    try:
        await stopped.wait()
    finally:
        close()


def _devices(options: argparse.Namespace) -> dict[str, Served]:
    folder = CaptureFolder(options.capture)
    chosen = dict([folder.chosen(options.device)]) if options.device else folder.devices()
    return {
        device: Served(readings(path), options.reading, again=options.again) for device, path in sorted(chosen.items())
    }


def _communities(community: str, devices: list[str]) -> dict[str, str]:
    """Community to device: one device has the community, several have their names."""
    return {community: devices[0]} if len(devices) == 1 else {device: device for device in devices}


def bound(address: Endpoint) -> socket.socket:
    """A socket for an address.

    Raises:
        SettingsError: it cannot be listened on.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        what = os.strerror(error.errno) if error.errno else str(error)
        raise SettingsError(f"--listen {address[0]}:{address[1]}: {what}") from None
    listening.setblocking(False)  # noqa: FBT003 - it has no other form
    return listening

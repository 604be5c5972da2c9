"""`agent`: captures, served over SNMP v1, v2c and v3 by pysnmp."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import time
from pathlib import Path

from collectors.framework.captures.folder import CaptureFolder, readings
from collectors.sim.addresses import Endpoint, endpoint
from collectors.sim.engine import Credentials, start_engine
from collectors.sim.saying import say
from collectors.sim.served import Served
from common.configs import AuthProtocol, PrivProtocol
from common.errors import SettingsError

SHORTEST_PASSWORD = 8
"""RFC 3414, section 11.2."""


def run_agent(options: argparse.Namespace) -> int:
    """Do what these options say.

    Raises:
        SettingsError, NotFoundError: they cannot be.
    """
    address = endpoint(options.listen, anywhere=options.any_address)
    devices = _devices(options)
    credentials = _credentials(options, list(devices))
    with _bound(address) as listening:
        asyncio.run(_serve(listening, devices, credentials))
    return 0


async def _serve(listening: socket.socket, devices: dict[str, Served], credentials: Credentials) -> None:
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


def _credentials(options: argparse.Namespace, devices: list[str]) -> Credentials:
    auth, priv = AuthProtocol(options.auth_protocol), PrivProtocol(options.priv_protocol)
    if not options.user and (auth is not AuthProtocol.NONE or priv is not PrivProtocol.NONE):
        raise SettingsError("--auth-protocol and --priv-protocol go with --user")
    if priv is not PrivProtocol.NONE and auth is AuthProtocol.NONE:
        raise SettingsError("SNMP has no privacy without authentication: --priv-protocol needs --auth-protocol")
    if not options.user and not options.community:
        raise SettingsError("nobody could ask anything: give --community or --user")
    return Credentials(
        communities={} if not options.community else _communities(options.community, devices),
        user=options.user,
        auth=auth,
        auth_password=_password("--auth-password-file", options.auth_password_file, auth is not AuthProtocol.NONE),
        priv=priv,
        priv_password=_password("--priv-password-file", options.priv_password_file, priv is not PrivProtocol.NONE),
    )


def _communities(community: str, devices: list[str]) -> dict[str, str]:
    """Community to device: one device has the community, several have their names."""
    return {community: devices[0]} if len(devices) == 1 else {device: device for device in devices}


def _password(option: str, file: Path | None, wanted: bool) -> str:  # noqa: FBT001 - it is said right before
    if not wanted:
        if file is not None:
            raise SettingsError(f"{option} goes with its protocol")
        return ""
    if file is None:
        raise SettingsError(f"{option} is missing: passwords are read from a file, which other users cannot see")
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{option} {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(password) < SHORTEST_PASSWORD:
        raise SettingsError(f"{option} {file}: the password has fewer than {SHORTEST_PASSWORD} characters")
    return password


def _bound(address: Endpoint) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        what = os.strerror(error.errno) if error.errno else str(error)
        raise SettingsError(f"--listen {address[0]}:{address[1]}: {what}") from None
    listening.setblocking(False)  # noqa: FBT003 - it has no other form
    return listening

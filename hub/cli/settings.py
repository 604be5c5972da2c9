"""The settings files that `tocsin up` writes for its daemons."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from typing import Any

from common.settingsfile import toml_text
from common.sources import SERVICE_STATUS
from hub.cli.exits import CommandError
from hub.cli.folder import COLLECTOR, SERVICES, Folder, typed, write_settings
from hub.cli.output import note
from hub.cli.ports import LOOPBACK, usable_port

_HUB = """\
# Settings of tocsin-hub, written by `tocsin up`. Kept from then on: change what you like.
# `tocsin-hub genconf` prints all settings with their defaults.
folder = {folder}

[http]
host = "{host}"
port = {http_port}

[broker]
host = "{host}"
port = {broker_port}

[enrol]
host = "{host}"
port = {enrol_port}
"""

_COLLECTOR = """\
# Settings of {program}, written by `tocsin up`. Kept from then on: change what you like.
# `{program} genconf` prints all settings with their defaults.
folder = {folder}
name = "{name}"

[hub]
host = "{host}"
port = {broker_port}
certificates = {certificates}
"""

_STATUS = """
# `disks`, `interfaces` and `processes` name what is watched live whatever the templates say; "*" is all that there are.
[status]
http_port = {status_port}
"""
STATUS_PORT = 8792


def settle(
    folder: Folder,
    http_port: int | None,
    broker_port: int | None,
    enrol_port: int | None = None,
    status_port: int | None = None,
    services: Sequence[str] = SERVICES,
) -> None:
    """Write the files if they are not there, and put in the ports that were asked for.

    Where the page may have any port, so may the status tree.

    Raises:
        CommandError: a port is taken, or a file cannot be written or read.
    """
    from hub.settings import HubSettings  # loads Twisted, which no other command needs

    defaults = HubSettings()
    http = usable_port(_wanted(folder, "http", http_port, defaults.http.port), "the web page", "--http-port")
    broker = usable_port(
        _wanted(folder, "broker", broker_port, defaults.broker.port), "the collectors", "--broker-port", {http}
    )
    enrol = port_for_enrolment(folder, enrol_port, defaults.enrol.port, {http, broker})
    ports = {"http_port": http, "broker_port": broker, "enrol_port": enrol}
    hub = _HUB.format(folder=toml_text(folder.hub), host=LOOPBACK, **ports)
    http_override = {} if http_port is None else {("http", "port"): str(http)}
    broker_override = {} if broker_port is None else {("broker", "port"): str(broker)}
    enrol_override = {} if enrol_port is None else {("enrol", "port"): str(enrol)}
    collector_override = {} if broker_port is None else {("hub", "port"): str(broker)}
    write_settings(folder.hub_settings, hub, http_override | broker_override | enrol_override)
    if status_port is None and http_port == 0:
        status_port = 0
    for service in services:
        program = typed(service)
        text = _COLLECTOR.format(
            program=program,
            folder=toml_text(folder.home(service)),
            host=LOOPBACK,
            broker_port=broker,
            certificates=toml_text(folder.certificates),
            name=COLLECTOR,
        )
        override = dict(collector_override)
        if service == SERVICE_STATUS:
            text += _STATUS.format(status_port=STATUS_PORT if status_port is None else status_port)
            override |= {} if status_port is None else {("status", "http_port"): str(status_port)}
        write_settings(folder.settings_of(service), text, override)


def port_for_enrolment(folder: Folder, option: int | None, default: int, others: Collection[int] = ()) -> int:
    """As that of the others; but where nobody asks for one, a port that is taken is said, and no reason not to start.

    No other one is taken in its place: hosts are told this one, and it is free again some day.

    Raises:
        CommandError: the one that is asked for is taken, or the settings file cannot be read.
    """
    if option is not None:
        return usable_port(option, "enrolment", "--enrol-port", others)
    port = _wanted(folder, "enrol", None, default)
    if port and _section(folder, "enrol").get("enabled", True):
        try:
            usable_port(port, "enrolment", "--enrol-port")
        except CommandError as error:
            note(
                f"{error.message}. Until it is free, or another one is chosen, no host can be enrolled; all else works"
            )
    return port


def _wanted(folder: Folder, section: str, option: int | None, default: int) -> int:
    """The port of the option, else of the settings file, else the default."""
    if option is not None:
        return option
    port = _section(folder, section).get("port", default)
    return port if isinstance(port, int) else default


def _section(folder: Folder, section: str) -> dict[str, Any]:
    """What the hub's settings file says in a section; nothing where there is no file yet."""
    path = folder.hub_settings
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return dict(document.get(section, {}))
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"{path} cannot be read: {error}. Mend it, or remove it to get a new one") from None

"""What stands in a daemon's settings file after its host was enrolled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from collectors.framework.hubaddresses import HubAddress
from common.errors import SettingsError
from common.settings import load_settings, read_settings
from common.settingsfile import toml_text, with_setting

SYSTEM = Path("/etc")
DATA = Path("/var/lib/tocsin")

_NEW = """\
# Settings of {program}, written by `{program} enrol`. Kept from then on: change what you like.
# `{program} genconf` prints all settings with their defaults.
folder = {folder}
name = {name}

[hub]
host = {host}
port = {port}
certificates = {certificates}
"""


class Place(Struct, frozen=True, kw_only=True):
    """Where the settings of a daemon are, and what they say.

    Attributes:
        settings: None where there is no file yet.
        certificates: folder of the three files.
    """

    program: str
    path: Path
    settings: Any
    certificates: Path


def find_place(program: str, path: Path, settings_type: Any) -> Place:
    """Look at a settings file, which need not be there.

    Raises:
        SettingsError: it is there and cannot be used.
    """
    if path.exists():
        settings = load_settings(path, settings_type)
        return Place(program=program, path=path, settings=settings, certificates=settings.hub.certificates)
    return Place(program=program, path=path, settings=None, certificates=_base(path) / "certs")


class Settled(Struct, frozen=True):
    """What was done with the settings, or is left to do, in a sentence; `is_done` when nothing is left."""

    sentence: str
    is_done: bool


def settle(place: Place, settings_type: Any, name: str, hub: HubAddress) -> Settled:
    """Let the settings name the hub.

    Args:
        place: of the settings.
        settings_type: of the daemon.
        name: of the collector.
        hub: where collectors connect.
    """
    try:
        text, done = _wanted(place, settings_type, name, hub)
        if text:
            _write(place.path, text)
        return Settled(done, is_done=True)
    except (OSError, SettingsError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        if place.settings is None:
            lines = _new(place, name, hub)
            return Settled(
                f"{place.path} could not be written ({why}). Write it as somebody who may:\n\n{_indented(lines)}\n",
                is_done=False,
            )
        lines = f"[hub]\nhost = {toml_text(hub.host)}\nport = {hub.port}\ncertificates = {_folder(place.certificates)}"
        return Settled(f"{place.path} was not changed ({why}). Let it say:\n\n{_indented(lines)}\n", is_done=False)


def _wanted(place: Place, settings_type: Any, name: str, hub: HubAddress) -> tuple[str, str]:
    """The text that should stand there, empty when it does, and the sentence."""
    if place.settings is None:
        text = _new(place, name, hub)
        read_settings(text, settings_type, str(place.path))
        return text, f"{place.path} was written"
    if hub in place.settings.hub.hubs():
        return "", f"{place.path} names this hub already"
    if place.settings.hub.addresses:
        raise SettingsError(f"its hub.addresses name other hubs; add {hub.host}:{hub.port} there")
    text = place.path.read_text(encoding="utf-8")
    changed = with_setting(with_setting(text, "hub", "host", toml_text(hub.host)), "hub", "port", str(hub.port))
    if hub not in read_settings(changed, settings_type, str(place.path)).hub.hubs():
        raise SettingsError("it is written in another way than usual")
    return changed, f"{place.path} names this hub now (hub.host, hub.port)"


def _new(place: Place, name: str, hub: HubAddress) -> str:
    return _NEW.format(
        program=place.program,
        folder=_folder(_base(place.path) / place.program.rpartition(" ")[2].removeprefix("tocsin-")),
        name=toml_text(name),
        host=toml_text(hub.host),
        port=hub.port,
        certificates=_folder(place.certificates),
    )


def _base(path: Path) -> Path:
    """Where new settings put what the daemon writes: for one of the system where systems have it, else beside them."""
    folder = path.absolute().parent
    return DATA if folder.is_relative_to(SYSTEM) else folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.chmod(0o644)  # no secret is in it, and the daemon may run as another user
        if path.exists():
            there = path.stat()
            partial.chmod(there.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.chown(partial, there.st_uid, there.st_gid)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _folder(path: Path) -> str:
    return toml_text(path.absolute())


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())

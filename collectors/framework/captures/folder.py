"""Files of a capture: DIR/DEVICE/000001.jsonl and so on, and DIR/DEVICE/config.json beside them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from collectors.framework.captures.parsing import parse
from collectors.framework.captures.reading import Reading
from common.configs import DeviceConfig
from common.errors import NotFoundError, SettingsError, TransientError
from common.textfile import read_text

SUFFIX = ".jsonl"
CONFIG = "config.json"
MOST_FILE_BYTES = 64 * 1024 * 1024


def folder_name(device: str) -> str:
    """A device's name as a folder may be called."""
    name = quote(device, safe=" +,=@~")
    return f"%2E{name[1:]}" if name.startswith(".") else name


class CaptureFolder:
    """The readings of some devices, on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    # --- reading ------------------------------------------------------------------------------------------------------

    def devices(self) -> dict[str, Path]:
        """The folder of each device. A folder that has readings itself is that of one device.

        Raises:
            SettingsError: there is no such folder, or nothing in it.
        """
        try:
            if _files(self.path):
                return {parse_file(_files(self.path)[0]).device: self.path}
            folders = sorted(entry for entry in self.path.iterdir() if entry.is_dir())
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be read as a capture: {error.strerror or error}") from None
        found = {unquote(folder.name): folder for folder in folders if _files(folder)}
        if not found:
            raise SettingsError(f"{self.path} is no capture: no folder in it has a file such as 000001{SUFFIX}")
        return found

    def chosen(self, device: str | None) -> tuple[str, Path]:
        """The device that is meant, and its folder; it may be left out when there is but one.

        Raises:
            NotFoundError: there is none of that name, or there are several.
            SettingsError: as `devices`.
        """
        found = self.devices()
        if device is None and len(found) == 1:
            return next(iter(found.items()))
        if device in found:
            return device, found[device]
        what = f"{self.path} has no readings of {device}" if device else f"{self.path} has several devices; name one"
        raise NotFoundError(f"{what}; there are: {', '.join(found)}")


def readings(folder: Path) -> list[Reading]:
    """The readings of one device, in order of their files' names.

    Raises:
        SettingsError: files that are no readings, with a line for each mistake in any of them.
    """
    found: list[Reading] = []
    mistakes: list[str] = []
    for file in _files(folder):
        try:
            found.append(parse_file(file))
        except SettingsError as error:
            mistakes += error.details or (error.message,)
    if mistakes:
        what = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise SettingsError(f"{folder} is no capture: {what}", mistakes)
    if {reading.device for reading in found} - {found[0].device} or {r.origin for r in found} - {found[0].origin}:
        raise SettingsError(f"{folder} has readings of several devices or sources; a folder is for one of them")
    return found


def parse_file(file: Path) -> Reading:
    """One reading.

    Raises:
        SettingsError: it cannot be read, or is none.
    """
    return parse(read_text(file, MOST_FILE_BYTES, "reading"), str(file))


def read_config(folder: Path) -> DeviceConfig | None:
    """The config that was recorded with the readings; None when there is none any more.

    Raises:
        SettingsError: it is no config.
    """
    file = folder / CONFIG
    try:
        return msgspec.json.decode(file.read_bytes(), type=DeviceConfig)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is no config of a device: {error}") from None


def without_secrets(config: DeviceConfig) -> DeviceConfig:
    """A config that may be shown to anybody."""
    if config.snmp is None:
        return config
    snmp = msgspec.structs.replace(config.snmp, community="", user="", auth_password="", priv_password="", context="")
    return msgspec.structs.replace(config, snmp=snmp)


def _files(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.name.endswith(SUFFIX) and entry.is_file())


# --- writing ----------------------------------------------------------------------------------------------------------


class DeviceFolder:
    """Where the readings of one device are written.

    Attributes:
        written_bytes: so far.
    """

    def __init__(self, root: Path, device: str) -> None:
        self._path = root / folder_name(device)
        self._number: int | None = None
        self.written_bytes = 0

    def begin(self, config: DeviceConfig) -> None:
        """Begin the next file.

        Raises:
            TransientError: the disk refused.
        """
        try:
            if self._number is None:
                self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._number = max((_number(file) for file in _files(self._path)), default=0)
            text = msgspec.json.format(msgspec.json.encode(without_secrets(config)), indent=2) + b"\n"
            file = self._path / CONFIG
            if not file.exists() or file.read_bytes() != text:
                _write(file, text, os.O_TRUNC)
        except OSError as error:
            raise TransientError(f"{self._path} cannot be written: {error.strerror or error}") from None
        self._number += 1

    def write(self, text: str) -> None:
        """Add to the file that was begun last.

        Raises:
            TransientError: the disk refused.
        """
        file = self._path / f"{self._number:06}{SUFFIX}"
        content = text.encode("utf-8", "surrogatepass")
        try:
            _write(file, content, os.O_APPEND)
        except OSError as error:
            raise TransientError(f"{file} cannot be written: {error.strerror or error}") from None
        self.written_bytes += len(content)


def _number(file: Path) -> int:
    stem = file.name.removesuffix(SUFFIX)
    return int(stem) if stem.isascii() and stem.isdigit() else 0


def _write(file: Path, content: bytes, how: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)

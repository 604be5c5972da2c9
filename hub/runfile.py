"""The file that tells others where the running hub is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from common.errors import SettingsError


class RunFile:
    """There while the hub answers: its address, real ports, process id and version."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, **facts: Any) -> None:
        """Write it whole, or not at all.

        Raises:
            SettingsError: the folder cannot be written.
        """
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            partial.write_bytes(msgspec.json.encode({**facts, "pid": os.getpid()}) + b"\n")
            partial.replace(self._path)
        except OSError as error:
            raise SettingsError(f"{self._path} cannot be written: {error.strerror or error}") from None

    def remove(self) -> None:
        """Take it away."""
        self._path.unlink(missing_ok=True)

"""A file of text that a person has made: bounded, UTF-8, and told in a sentence when it cannot be read."""

from __future__ import annotations

from pathlib import Path

from common.errors import SettingsError


def read_text(path: Path, most_bytes: int, what: str) -> str:
    """All of it.

    Args:
        path: the file.
        most_bytes: more is refused.
        what: it should be, for sentences: `scenario`.

    Raises:
        SettingsError: it cannot be read, is too large, or is no UTF-8.
    """
    try:
        if path.stat().st_size > most_bytes:
            raise SettingsError(f"{path} has more than {most_bytes >> 20} MiB, which no {what} has")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is no UTF-8 text at byte {error.start}") from None
    except OSError as error:
        raise SettingsError(f"the {what} {path} cannot be read: {error.strerror or error}") from None

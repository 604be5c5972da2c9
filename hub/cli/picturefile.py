"""Where a picture goes: a file, whole or not at all, or standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from hub.cli.exits import CommandError, usage

STDOUT = "-"


class Place(Struct, frozen=True):
    """Where a picture goes, and as what.

    Attributes:
        path: None for standard output.
        form: such as `png`.
    """

    path: Path | None
    form: str

    @property
    def name(self) -> str:
        """As it was typed, or nearly."""
        return STDOUT if self.path is None else str(self.path)


def place_of(output: str, form: str | None, forms: Collection[str]) -> Place:
    """Find out where a picture goes before anything is drawn.

    Args:
        output: what was typed behind -o.
        form: what was typed behind --format; None for what the name of the file says.
        forms: those that there are.

    Raises:
        CommandError: exit code 2: no picture can be there.
    """
    if output == STDOUT:
        if sys.stdout.isatty():
            raise usage("-o -: a picture is nothing for a terminal; name a file, or let another program read it")
        return Place(None, form or "png")
    path = Path(output)
    suffix = path.suffix.lower().removeprefix(".")
    if form is None and suffix not in forms:
        raise usage(f"-o {output}: the name of the picture should end in {_either(forms)}")
    if form is not None and suffix in forms and suffix != form:
        raise usage(f"-o {output}: its name says {suffix}, and --format says {form}; give one of them")
    try:
        if not path.parent.is_dir():
            raise usage(f"-o {path}: there is no folder {path.parent}")
        if path.is_dir():
            raise usage(f"-o {path}: that is a folder, not a file")
    except OSError as error:
        raise usage(f"-o {path}: {error.strerror or error}") from None
    return Place(path, form or suffix)


def _either(forms: Collection[str]) -> str:
    *most, last = [f".{form}" for form in forms]
    return f"{', '.join(most)} or {last}"


def put(place: Place, data: bytes) -> None:
    """Write the whole picture or nothing.

    Raises:
        CommandError: it cannot be written.
    """
    if place.path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    partial = place.path.with_name(f".{place.path.name}.{os.getpid()}")
    try:
        partial.write_bytes(data)
        partial.replace(place.path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CommandError(f"{place.path} cannot be written: {error.strerror or error}") from None

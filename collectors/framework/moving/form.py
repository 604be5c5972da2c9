"""Whether a file that came is what was told of it, by its own bytes alone: librrd is let near it only then."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from collectors.framework.data.rrdfile import DamagedError, Header, read_header
from common.moving import MovedFile
from common.series import Kind, Layout, Point

_KINDS = {"GAUGE": Kind.GAUGE, "ABSOLUTE": Kind.ABSOLUTE}


def why_not(path: Path, told: MovedFile) -> str:
    """In which way a file is not what was told of it; empty when it is.

    Raises:
        OSError: it cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        header = read_header(fd, "it")
    except DamagedError as error:
        return error.message
    finally:
        os.close(fd)
    if header.step_s != told.layout.step_s:
        return f"its step is {header.step_s} s, and not {told.layout.step_s} s"
    if header.last != told.last:
        return f"its last sample is of {header.last}, and not of {told.last}"
    names, wanted = ({source.name for source in header.sources}, {point.name for point in told.layout.points})
    if names != wanted:
        return f"its data sources are {_named(names)}, and not {_named(wanted)}"
    return ""


def layout_of(header: Header, known: Layout) -> Layout:
    """The layout of a file: what is known of its points, and what only the file tells."""
    by_name = {point.name: point for point in known.points}
    points = tuple(
        by_name.get(source.name) or Point(name=source.name, kind=_KINDS.get(source.type, Kind.DERIVE))
        for source in header.sources
    )
    return Layout(points=points, step_s=header.step_s, retention=known.retention)


def _named(names: Iterable[str]) -> str:
    shown = sorted(names)
    return f"{', '.join(shown[:10])} and {len(shown) - 10} more" if len(shown) > 10 else ", ".join(shown)

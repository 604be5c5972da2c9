"""Files that another collector holds now are kept aside for a day, then deleted (in the writer process)."""

from __future__ import annotations

import sqlite3
import time

from collectors.framework.data.baselinefiles import known
from collectors.framework.data.writing.writer import Writer
from collectors.framework.moving.orders import ClearAway, Moved, PutAway
from collectors.framework.moving.outgoing import path_of, version_of
from common.errors import TransientError

MOVED = ".moved"


def put_away(writer: Writer, order: PutAway) -> Moved:
    """Keep a file aside, unless it has changed since the other collector was given it.

    Raises:
        TransientError: it has, or the disk refuses; the file stays.
    """
    writer.flush({order.device})
    path = path_of(writer.root, order.file, order.beside)
    name = str(path.relative_to(writer.root))
    try:
        if order.beside:
            copy = writer.index.copies.get(name)
            if copy is not None:
                writer.copying.drop(copy)
            elif (what := known(path.name)) is not None:
                writer.baselines.forget(f"{path.parent.relative_to(writer.root)}/{what.series}", what.baseline)
            return Moved(1)
        if path.exists():
            if version_of(path) != order.version:
                raise TransientError(f"{path} has changed since it was listed, and stays")
            series = writer.index.get(name)
            writer.index.put_aside(
                name + MOVED, series, f"collector {order.to} holds it; deleted a day after", time.time()
            )
            path.rename(path.with_name(path.name + MOVED))
            writer.baselines.drop(name)  # the other one learns by itself
            if series is not None:
                writer.changed(series.key)
        writer.index.remove(name)
    except (OSError, sqlite3.Error) as error:
        raise TransientError(f"{path} cannot be set aside: {error}") from None
    return Moved(1)


def clear_away(writer: Writer, order: ClearAway) -> Moved:
    """Delete what was kept aside for long enough; finish what a kill left half done.

    Raises:
        TransientError: the disk refuses.
    """
    count = 0
    try:
        for name in writer.index.set_aside_before(MOVED, time.time()):
            if not (writer.root / name.removesuffix(MOVED)).exists():
                writer.index.remove(name.removesuffix(MOVED))
        for name in writer.index.set_aside_before(MOVED, order.before):
            (writer.root / name).unlink(missing_ok=True)
            writer.index.forget_aside(name)
            count += 1
    except (OSError, sqlite3.Error) as error:
        raise TransientError(f"files in {writer.root} cannot be deleted: {error}") from None
    return Moved(count)

"""Brings a file that came from another collector to its place (in the writer process).

Where there is no file of its series, it becomes that. Where one was begun here meanwhile, or lies here from earlier
times, the two are made one: what is known here stands, and where that knows nothing, the other is taken.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from collectors.framework.data.baselinefiles import known as learned
from collectors.framework.data.copybook import CopyRow
from collectors.framework.data.index import Series
from collectors.framework.data.rrdfile import Header, read_header
from collectors.framework.data.writing.convert import NEW, convert
from collectors.framework.data.writing.copying import lasts_s
from collectors.framework.data.writing.oldfile import Old
from collectors.framework.data.writing.writer import Writer
from collectors.framework.moving.orders import Adopt, Moved
from common import rrd
from common.durable import sync
from common.errors import TransientError
from common.series import Layout, Plan

DAY_S = 86_400


def adopt(writer: Writer, order: Adopt) -> Moved:
    """Take a file in; done twice, it is as done once.

    Raises:
        PermanentError: it cannot be used.
        TransientError: the disk refuses; nothing has changed.
    """
    writer.flush({order.key.device})
    name = rrd.file_name(order.key)
    try:
        _adopt(writer, order, name)
    except (OSError, sqlite3.Error) as error:
        raise TransientError(f"{writer.root / name} cannot be written: {error}") from None
    return Moved(1)


def _adopt(writer: Writer, order: Adopt, name: str) -> None:
    path = writer.root / name
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    if order.beside:
        _adopt_beside(writer, order, name)
        return
    known = writer.index.get(name)
    if not path.exists():
        # Named before it exists: a file that nobody knows would be worse than a name without a file.
        writer.index.put(Series(key=order.key, layout=order.layout, file=name, first=order.first))
        _place(Path(order.path), path)
    else:
        points = known.layout.points if known is not None else ()
        layout = writer.wanted(order.key) or _as_it_is(path, known.layout if known is not None else order.layout)
        both = [Old(path=order.path, points=order.layout.points), Old(path=str(path), points=points)]
        convert(both, str(path), layout, complete=str(path))
        first = min(order.first, known.first) if known is not None else order.first
        writer.index.put(Series(key=order.key, layout=layout, file=name, first=first))
    writer.changed(order.key)


def _adopt_beside(writer: Writer, order: Adopt, name: str) -> None:
    beside = f"{name}.{order.beside}"
    what = learned(beside.rpartition("/")[2])
    if what is not None:
        if writer.baselines.yields(name, what):
            _place(Path(order.path), writer.root / beside)
            writer.baselines.took(name, what)
        return
    _place(Path(order.path), writer.root / beside)
    wanted = writer.wanted(order.key) or order.layout
    size = (writer.root / beside).stat().st_size
    writer.index.copies.put(CopyRow(beside, name, order.first, order.last, size, order.last + lasts_s(wanted)))


def _place(source: Path, path: Path) -> None:
    """Put a copy of a file in a place where none is, or the same one."""
    new = path.with_name(path.name + NEW)
    try:
        shutil.copyfile(source, new)
        sync(new)
        new.replace(path)
        sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def _as_it_is(path: Path, known: Layout) -> Layout:
    """The layout of a file that had no sample since the process started: nothing of it is to change."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        header = read_header(fd, str(path))
    finally:
        os.close(fd)
    names = {source.name for source in header.sources}
    points = tuple(point for point in known.points if point.name in names)
    return Layout(points=points or known.points, step_s=header.step_s, retention=_plan_of(header))


def _plan_of(header: Header) -> Plan:
    spans = sorted({
        (one.steps * header.step_s, one.rows * one.steps * header.step_s / DAY_S)
        for one in header.archives
        if one.cf == "AVERAGE"
    })  # fmt: skip
    return Plan(name="as-it-is", full_days=spans[0][1], archives=tuple(spans[1:10]))

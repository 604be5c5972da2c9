"""In which way a file is not as its samples want it (pure)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from collectors.framework.data.rrdfile import Header, Source
from collectors.framework.data.writing.oldfile import is_kept
from common import rrd
from common.series import Layout, Point


class Difference(Struct, frozen=True, kw_only=True):
    """What has to change.

    Attributes:
        reason: as a part of a sentence.
        held: what can be written into the file as it is; a layout with its step, and fewer points.
        tuned: sources that differ by nothing but limits and heartbeat, as arguments of `rrdtool tune`; if there are
            any, nothing else differs.
        hopeless: nothing of the file can be kept.
    """

    reason: str
    held: Layout
    tuned: tuple[str, ...] = ()
    hopeless: bool = False


def difference(header: Header, known: Sequence[Point], layout: Layout) -> Difference | None:
    """How a file differs from a layout; None when it does not.

    Args:
        header: of the file.
        layout: what its samples have.
        known: what the points of the file were, as far as somebody has noted it.
    """
    were = {point.name: point for point in known}
    sources = {source.name: source for source in header.sources}
    fits = [point for point in layout.points if point.name in sources and _fits(sources[point.name], were, point)]
    reasons = [*_steps(header, layout), *_points(sources, were, layout)]
    if not reasons:
        tuned = [text for point in fits for text in _tuned(sources[point.name], point, layout.step_s)]
        if not tuned:
            return None
        names = ", ".join(dict.fromkeys(text.partition(":")[0] for text in tuned[1::2]))
        return Difference(reason=f"the limits of {names} have changed", held=layout, tuned=tuple(tuned))
    kept = any(
        is_kept(sources[point.name].type, were.get(point.name), point)
        for point in layout.points
        if point.name in sources
    )
    held = replace(layout, points=tuple(fits), step_s=header.step_s)
    return Difference(reason=", ".join(reasons), held=held, hopeless=not kept)


def _fits(source: Source, were: dict[str, Point], point: Point) -> bool:
    """Whether values of a point can be written into a source as it is."""
    return source.type == rrd.rrd_type(point.kind) and is_kept(source.type, were.get(point.name), point)


def _steps(header: Header, layout: Layout) -> Iterator[str]:
    if header.step_s != layout.step_s:
        yield f"the step was {header.step_s} s and is {layout.step_s} s"
    held = sorted((one.cf, one.steps, one.rows) for one in header.archives if one.cf in rrd.CONSOLIDATIONS)
    wanted = [
        (cf, one.steps, one.rows) for cf in rrd.CONSOLIDATIONS for one in rrd.archives(layout.step_s, layout.retention)
    ]
    if held != sorted(wanted) and header.step_s == layout.step_s:
        yield "the retention plan has changed"


def _points(sources: dict[str, Source], were: dict[str, Point], layout: Layout) -> Iterator[str]:
    wanted = {point.name: point for point in layout.points}
    yield from (f"{name} is new" for name in wanted if name not in sources)
    yield from (f"{name} has gone" for name in sources if name not in wanted)
    for name, point in wanted.items():
        source = sources.get(name)
        if source is None or _fits(source, were, point):
            continue
        type_ = rrd.rrd_type(point.kind)
        if source.type != type_:
            yield f"{name} was {source.type} and is {type_}"
        else:
            yield f"{name} was a {were[name].kind.value} and is a {point.kind.value}"


def _tuned(source: Source, point: Point, step_s: int) -> Iterator[str]:
    heartbeat_s = rrd.heartbeat_s(point, step_s)
    if source.heartbeat_s != heartbeat_s:
        yield from ("--heartbeat", f"{point.name}:{heartbeat_s}")
    for option, held, wanted in zip(
        ("--minimum", "--maximum"), (source.minimum, source.maximum), rrd.limits(point), strict=True
    ):
        if not _same(held, wanted):
            yield from (option, f"{point.name}:{'U' if wanted is None else repr(wanted)}")


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-12)

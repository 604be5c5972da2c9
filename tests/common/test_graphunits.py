"""Units with a prefix of their own get no second one, and numbers in several of them lie on one axis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import rrdtool

from common import rrd
from common.graphdefs import Definitions, File
from common.graphdrawing import compose
from common.graphkinds import Unit, graphs_for
from common.graphplots import Plots, Series, Whose, plots_from
from common.graphs import Curve, Drawing, Limit
from common.graphunits import Plain, Units, plain_unit
from common.queries import GraphQuery
from common.rrdgraph import graph_arguments
from common.series import Kind, Layout, Point, SeriesKey


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("KiB", Plain("bytes", 1024.0, 1024)),
        ("MiB/s", Plain("bytes/s", 2.0**20, 1024)),
        ("kB", Plain("bytes", 1e3, 1000)),
        ("KB", Plain("bytes", 1e3, 1000)),
        ("GB", Plain("bytes", 1e9, 1000)),
        ("Mbit/s", Plain("bit/s", 1e6, 1000)),
        ("B", Plain("bytes")),
        ("ms", Plain("s", 1e-3)),
        ("µs", Plain("s", 1e-6)),
        ("min", Plain("s", 60.0)),
        ("ms/s", Plain("s/s", 1e-3)),
        ("MHz", Plain("Hz", 1e6)),
        ("mA", Plain("A", 1e-3)),
        *((text, Plain(text)) for text in ("", "bytes", "m", "k", "percent", "packets", "Pa", "°C", "Mi", "/")),
    ],
)  # fmt: skip
def test_a_prefix_is_taken_off_and_told_as_a_factor(text: str, plain: Plain) -> None:
    assert plain_unit(text) == plain


class _Source:
    def __init__(self, points: Mapping[str, str], kind: Kind) -> None:
        layout_points = tuple(Point(name=name, unit=unit, kind=kind) for name, unit in points.items())
        self.key, self.file = SeriesKey("web1", "app", "x"), "a.rrd"
        self.layout = Layout(points=layout_points, step_s=60)


class _Files:
    def __init__(self) -> None:
        self.paths: dict[str, int] = {}

    def of(self, series: Series) -> tuple[File, int]:
        return File(path=series.file, names=frozenset(point.name for point in series.layout.points)), 60


def plots(points: Mapping[str, str], *curves: Curve, kind: Kind = Kind.GAUGE, graph: str = "", **more: Any) -> Plots:
    drawing = Drawing(curves=curves, **more)
    query = GraphQuery(device="web1", component="app", graph=graph, start=0, end=3600, form="png", drawing=drawing)
    return plots_from(query, [Whose("web1", "app", "app", [_Source(points, kind)])], _Files())


def factors(found: Plots) -> list[float]:
    return [plot.terms[0].factor for plot in found.plots]


def test_points_in_different_units_of_one_kind_lie_on_one_axis() -> None:
    found = plots({"heap": "MiB", "all": "bytes", "n": "threads"}, Curve(point="heap"), Curve(point="all"))
    assert (found.unit, found.axis, factors(found)) == (Unit.BYTES, "", [2.0**20, 1.0])
    assert found.units == Units(Plain("bytes", 2.0**20, 1024))
    assert [found.units.factor(unit) for unit in ("", "KiB", "B", "percent")] == [2.0**20, 1024.0, 1.0, 2.0**20]


def test_an_expression_is_in_the_unit_of_the_picture() -> None:
    units = {"heap": "MiB", "all": "bytes"}
    found = plots(units, Curve(point="heap"), Curve(point="all", transform="value / 1048576"))
    assert (found.unit, factors(found)) == (Unit.BYTES, [2.0**20, 2.0**20])
    found = plots(units, Curve(point="all", transform="value / 1024"), unit="KiB")
    assert (found.unit, factors(found), found.units.factor("MiB")) == (Unit.BYTES, [1024.0], 1024.0)
    found = plots(units, Curve(point="all", transform="value / heap"))
    assert (found.unit, found.axis, factors(found)) == (Unit.PLAIN, "", [1.0])


@pytest.mark.parametrize(
    ("unit", "kind", "drawn", "axis", "factor"),
    [
        ("MiB", Kind.GAUGE, Unit.BYTES, "", 2.0**20),
        ("ms", Kind.GAUGE, Unit.SECONDS, "", 1e-3),
        ("ms", Kind.DERIVE, Unit.PLAIN, "s/s", 1e-3),
        ("kB", Kind.DERIVE, Unit.BYTES_PER_S, "", 1e3),
        ("Mbit/s", Kind.GAUGE, Unit.PLAIN, "bit/s", 1e6),
        ("connections", Kind.GAUGE, Unit.PLAIN, "connections", 1.0),
    ],
)
def test_a_point_without_a_graph_of_its_own_is_drawn_in_its_plain_unit(
    unit: str, kind: Kind, drawn: Unit, axis: str, factor: float
) -> None:
    (graph,) = graphs_for([Point(name="odd", unit=unit, kind=kind)])
    assert (graph.unit, graph.axis) == (drawn, axis)
    found = plots({"odd": unit}, kind=kind, graph="odd")
    assert (found.unit, found.axis, factors(found)) == (drawn, axis, [factor])


def test_a_factor_is_part_of_what_rrdtool_reckons() -> None:
    found = plots({"heap": "MiB"}, Curve(point="heap"))
    definitions = Definitions(0, 3600)
    definitions.total(found.plots[0].terms, "AVERAGE")
    assert definitions.lines[:2] == ["DEF:d0=a.rrd:heap:AVERAGE", "CDEF:r2=d0,1048576,*"]


def test_curves_thresholds_and_ends_of_the_axis_are_brought_to_one_unit(tmp_path: Path) -> None:
    path = str(tmp_path / "a.rrd")
    points = {"heap": "MiB", "all": "bytes"}
    layout = Layout(points=tuple(Point(name=name) for name in points), step_s=60)
    rrdtool.create(*rrd.create_arguments(path, layout, 1_800_000_000))
    rrdtool.update(path, *(f"{1_800_000_000 + 60 * i}:3:2097152" for i in range(30)))
    limits = (
        Limit(value=4, unit="MiB"),
        Limit(value=1024, unit="bytes"),
        Limit(value=1),
        Limit(value=2, unit="percent"),
    )
    drawing = Drawing(curves=(Curve(point="heap"), Curve(point="all")), limits=limits, minimum=1, maximum=5)
    query = GraphQuery(
        device="web1", component="app", graph="", start=1_800_000_000, end=1_800_001_800, form="png", drawing=drawing
    )
    source = _Source(points, Kind.GAUGE)
    source.file = path
    picture = compose(query, plots_from(query, [Whose("web1", "app", "app", [source])], _Files()), 60)
    assert [plot.figures.last for plot in picture.plots] == [3 * 2**20, 2 * 2**20]
    assert [limit.value for limit in picture.limits] == [2**22, 1024, 2**20, 2**21]
    assert (picture.minimum, picture.maximum, picture.base) == (2**20, 5 * 2**20, 1024)
    arguments = graph_arguments(picture)
    assert arguments[arguments.index("--vertical-label") + 1] == "MiB"

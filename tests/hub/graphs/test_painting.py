"""Figures that are in no file are read by librrd exactly as those of a file are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import rrdtool

from common.graphs import Band, Curve, Drawing
from common.queries import GraphQuery
from common.series import Layout, Point
from hub.graphs import painting
from hub.graphs.painting import Tables, aligned, respond
from hub.graphs.tables import Job, Outcome, Painted, Refused, Row, Table

END = 1_800_000_000
STEP_S = 10


def table(rows: dict[str, list[Row]], **fields: Any) -> Table:
    layout = Layout(points=(Point(name="cpu", unit="percent"),), step_s=STEP_S)
    given: dict[str, Any] = {
        "device": "web1", "component": "nginx", "source": "process", "label": "web1 nginx", "layout": layout,
        "row_s": STEP_S, "rows": rows,
    }  # fmt: skip
    return Table(**(given | fields))


def exported(path: str, cf: str, start: int, end: int, step_s: int) -> tuple[Any, Any]:
    span = ["--start", str(start), "--end", str(end), "--step", str(step_s)]
    found = rrdtool.xport(*span, f"DEF:v={path}:cpu:{cf}", "XPORT:v")
    return found["meta"], found["data"]


@pytest.mark.parametrize(
    ("start", "end", "step_s"),
    [
        (END - 600, END, 10),
        (END - 600, END - 3, 10),
        (END - 600, END, 60),
        (END - 900, END + 100, 30),
        (END - 610, END, 7),
    ],
)
def test_rows_are_read_as_from_a_file(tmp_path: Path, start: int, end: int, step_s: int) -> None:
    rows: list[Row] = [(at, [float(at % 70) if at % 110 else None]) for at in range(END - 700, END + 1, STEP_S)]
    file = str(tmp_path / "x.rrd")
    rrdtool.create(file, "--start", str(END - 800), "--step", "10", "DS:cpu:GAUGE:10:U:U", "RRA:AVERAGE:0.5:1:200")
    rrdtool.update(file, *(f"{at}:{'U' if value is None else value}" for at, (value,) in rows))
    # What a value says is of the time before its stamp: both know it by the end of its row.
    painting._shown.tables = Tables([table({"AVERAGE": rows})])
    assert exported("cb//0", "AVERAGE", start, end, step_s) == exported(file, "AVERAGE", start, end, step_s)


def test_least_and_greatest_are_those_that_were_told_else_the_values_themselves() -> None:
    rows: dict[str, list[Row]] = {
        cf: [(END - 10, [value]), (END, [value])] for cf, value in (("AVERAGE", 2.0), ("MIN", 1.0), ("MAX", 9.0))
    }
    painting._shown.tables = Tables([table(rows), table({"AVERAGE": rows["AVERAGE"]})])
    seen = {
        (path, cf): exported(path, cf, END - 20, END, STEP_S)[1][0][0]
        for path in ("cb//0", "cb//1")
        for cf in ("AVERAGE", "MIN", "MAX")
    }
    assert seen == {
        ("cb//0", "AVERAGE"): 2.0, ("cb//0", "MIN"): 1.0, ("cb//0", "MAX"): 9.0,
        ("cb//1", "AVERAGE"): 2.0, ("cb//1", "MIN"): 2.0, ("cb//1", "MAX"): 2.0,
    }  # fmt: skip


def test_a_start_within_a_row_is_refused_for_librrd_would_read_what_is_not_there() -> None:
    tables = Tables([table({"AVERAGE": [(END, [1.0])]})])
    with pytest.raises(ValueError, match="not at the edge"):
        tables.fetch(filename="cb//0", cf="AVERAGE", start=END - 605, end=END)


def outcome(*tables: Table, start: int = END - 600, graph: str = "cpu", **drawing: Any) -> Outcome:
    query = GraphQuery(
        device="web1", component=None, graph=graph, start=start, end=END, form="png", drawing=Drawing(**drawing)
    )
    return respond(msgspec.msgpack.encode(Job(query, list(tables))))


@pytest.mark.parametrize("start", [END - 600, END - 601, END - 3607, END - 86_399])
@pytest.mark.parametrize(
    "drawing",
    [
        {},
        {"compare_s": 601},
        {"percentiles": (95.0,), "log": True, "band": Band.YES},
        {"curves": (Curve(point="cpu", transform="value * 2"),)},
    ],
)
@pytest.mark.parametrize("graph", ["cpu", "restarts"])
def test_every_start_and_every_manner_is_drawn(start: int, graph: str, drawing: dict[str, Any]) -> None:
    point = Point(name="cpu" if drawing.get("curves") else graph, unit="percent")
    layout = Layout(points=(point,), step_s=STEP_S)

    def rows(step_s: int) -> list[Row]:
        return [(at, [1.0 + at % 7]) for at in range(start - start % step_s - 10 * step_s, END + 1, step_s)]

    tables = [table({"AVERAGE": rows(step_s)}, row_s=step_s, layout=layout) for step_s in (10, 7, 60)]
    assert isinstance(outcome(*tables, start=start, graph=graph, **drawing), Painted)


def test_tables_of_other_rows_are_made_anew_with_the_longest() -> None:
    of_7 = table({"AVERAGE": [(at, [float(at)]) for at in range(7, 71, 7)]}, row_s=7)
    of_20 = table({"AVERAGE": [(20, [1.0])]}, row_s=20)
    of_10 = table({"AVERAGE": [(10, [1.0])]}, row_s=10)
    query = GraphQuery(
        device="d", component=None, graph="", start=33, end=70, form="png", drawing=Drawing(compare_s=29)
    )
    job = aligned(Job(query, [of_7, of_20, of_10]))
    assert job.query.drawing is not None
    assert (job.query.start, job.query.drawing.compare_s) == (20, 20)
    assert [made.row_s for made in job.tables] == [20, 20, 10]
    assert job.tables[0].rows["AVERAGE"] == [(20, [10.5]), (40, [28.0]), (60, [49.0]), (80, [66.5])]
    assert job.tables[0].rows["MAX"][1] == (40, [35.0])


def test_a_row_that_ends_within_one_of_the_grid_is_taken_for_it() -> None:
    tables = Tables([table({"AVERAGE": [(END - 3, [4.0])]})])
    found = tables.fetch(filename="cb//0", cf="AVERAGE", start=END - 20, end=END)
    assert found["data"]["cpu"][:3] == [None, 4.0, None]


def test_every_job_has_an_outcome() -> None:
    rows: dict[str, list[Row]] = {"AVERAGE": [(END, [1.0])]}
    assert isinstance(outcome(table(rows)), Painted)
    assert isinstance(outcome(table({"AVERAGE": []})), Painted)
    missing = outcome(table(rows), curves=(Curve(point="memory"),))
    assert isinstance(missing, Refused)
    assert not missing.found
    assert isinstance(outcome(table(rows), zone="Nowhere/AtAll"), Refused)
    assert isinstance(respond(b"\xc1"), Refused)

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import rrdtool
from hypothesis import given
from hypothesis import strategies as st

from common import rrd
from common.processpoints import ALWAYS, LOCAL
from common.series import Kept, Kind, Layout, Plan, Point, Retention, SeriesKey
from tests.fakes.series import resolutions

NOW = 1_800_000_000
PROPERTIES_PAGE = Path(__file__).parents[2] / "docs" / "properties.md"


@pytest.mark.parametrize(
    ("step_s", "plan"),
    [
        (10, [(1, 8640), (60, 2016), (360, 2208), (8640, 1098)]),
        (60, [(1, 1440), (10, 2016), (60, 2208), (1440, 1098)]),
        (300, [(1, 288), (2, 2016), (12, 2208), (288, 1098)]),
        (600, [(1, 2016), (6, 2208), (144, 1098)]),
        (86400, [(1, 1098)]),
    ],
)
def test_archives_follow_the_step(step_s: int, plan: list[tuple[int, int]]) -> None:
    assert [(archive.steps, archive.rows) for archive in rrd.archives(step_s)] == plan


@pytest.mark.parametrize(
    ("retention", "plan"),
    [
        (Retention.SHORT, [(60, 1), (600, 7), (3600, 31)]),
        (Retention.STANDARD, [(60, 1), (600, 14), (3600, 92), (86400, 1098)]),
        (Retention.LONG, [(60, 2), (600, 31), (3600, 1098), (86400, 3660)]),
        (Plan(name="own", full_days=3, archives=((7200, 50), (900, 20))), [(60, 3), (900, 20), (7200, 50)]),
    ],
)
def test_a_file_has_what_its_plan_says(tmp_path: Path, retention: Kept, plan: list[tuple[int, int]]) -> None:
    layout = Layout(points=(Point(name="p"), Point(name="q")), step_s=60, retention=retention)
    path = str(tmp_path / "a.rrd")
    rrdtool.create(*rrd.create_arguments(path, layout, NOW))
    info = rrdtool.info(path)
    numbers = range(len(plan) * len(rrd.CONSOLIDATIONS))
    held = [(info[f"rra[{n}].cf"], info[f"rra[{n}].pdp_per_row"], info[f"rra[{n}].rows"]) for n in numbers]
    assert held == [(cf, s // 60, d * 86400 // s) for s, d in plan for cf in rrd.CONSOLIDATIONS]
    assert f"rra[{len(numbers)}].cf" not in info
    assert rrd.held_resolutions(info) == tuple((seconds, days * 86400) for seconds, days in plan)


def plans() -> st.SearchStrategy[Kept]:
    """Plans that Tocsin brings along, and any of the user's own that stays small."""
    archives = st.tuples(st.integers(60, 40 * 86400), st.floats(0.01, 400))
    own = st.builds(
        Plan,
        name=st.just("own"),
        full_days=st.floats(0.01, 2),
        archives=st.lists(archives, max_size=4).map(tuple),
    )
    return st.one_of(st.sampled_from(Retention), own)


@given(step_s=st.integers(1, 86400), retention=plans())
def test_every_plan_lasts_as_long_as_promised(step_s: int, retention: Retention) -> None:
    kept = resolutions(step_s, retention)
    full_s, coarse = rrd.spans(retention)
    assert kept[0][0] == step_s
    assert kept[0][1] >= full_s
    assert max(span for _, span in kept) >= max((full_s, *(span for _, span in coarse)))
    assert [resolution for resolution, _ in kept] == sorted({resolution for resolution, _ in kept})
    for wanted_s, span_s in coarse:
        assert any(resolution <= max(wanted_s * 1.5, step_s) and span >= span_s for resolution, span in kept)


@pytest.mark.parametrize("step_s", [7, 60, 3600])
@pytest.mark.parametrize("points", [1, 4, 30])
@pytest.mark.parametrize("retention", [*Retention, Plan(name="own", full_days=0.3, archives=((600, 11.5), (5000, 3)))])
def test_the_size_that_is_stated_is_the_size_on_disk(tmp_path: Path, step_s: int, points: int, retention: Kept) -> None:
    layout = Layout(points=tuple(Point(name=f"p{i}") for i in range(points)), step_s=step_s, retention=retention)
    path = tmp_path / "a.rrd"
    rrdtool.create(*rrd.create_arguments(str(path), layout, NOW))
    assert path.stat().st_size == rrd.size_bytes(points, step_s, retention)
    info = rrdtool.info(str(path))
    assert info["header_size"] == rrd.header_bytes(points, step_s, retention)
    assert rrd.held_resolutions(info) == resolutions(step_s, retention)


def test_the_page_of_properties_tells_the_sizes() -> None:
    remote, local = len(ALWAYS), len(ALWAYS) + len(LOCAL)
    assert (remote, local) == (6, 17), "the page says six and seventeen"
    files = ((remote, 60), (remote, 10), (local, 10))
    rows = [line.split("|")[1:-1] for line in PROPERTIES_PAGE.read_text().splitlines() if " MB |" in line]
    told = {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows}
    assert list(told) == [retention.value for retention in Retention]
    for name, cells in told.items():
        sizes = [rrd.size_bytes(points, step_s, Retention(name)) for points, step_s in files]
        assert cells[-3:] == [f"{size / 1e6:.1f} MB" for size in sizes]


def test_a_file_can_be_created_once_only(tmp_path: Path) -> None:
    layout = Layout(points=(Point(name="p"),), step_s=60)
    arguments = rrd.create_arguments(str(tmp_path / "a.rrd"), layout, NOW)
    rrdtool.create(*arguments)
    with pytest.raises(rrdtool.OperationalError, match="File exists"):
        rrdtool.create(*arguments)


@pytest.mark.parametrize(
    ("point", "line"),
    [
        (Point(name="cpu"), "DS:cpu:GAUGE:15:U:U"),
        (Point(name="n", kind=Kind.COUNTER), "DS:n:GAUGE:15:0.0:U"),
        (Point(name="n", kind=Kind.COUNTER, minimum=-1, maximum=5), "DS:n:GAUGE:15:-1.0:5.0"),
        (Point(name="n", kind=Kind.DERIVE), "DS:n:DERIVE:30:U:U"),
        (Point(name="n", kind=Kind.ABSOLUTE, maximum=1e300), "DS:n:ABSOLUTE:30:U:1e+300"),
    ],
)
def test_kinds_become_data_sources(point: Point, line: str) -> None:
    assert line in rrd.create_arguments("x", Layout(points=(point,), step_s=10), NOW)


@given(device=st.text(), component=st.text(), source=st.text())
def test_a_path_is_hex_digits_whatever_the_name(device: str, component: str, source: str) -> None:
    name = rrd.file_name(SeriesKey(device, component, source))
    assert re.fullmatch(r"([0-9a-f])/([0-9a-f])/\1\2[0-9a-f]{30}\.rrd", name)


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    keys = [
        ("ab", "c", "d"),
        ("a", "bc", "d"),
        ("a", "b", "cd"),
        ("abcd", "", ""),
        ("", "abcd", ""),
        ("\ud800", "", ""),
    ]
    assert len({rrd.file_name(SeriesKey(*key)) for key in keys}) == len(keys)


@given(st.integers(-(2**63), 2**63))
def test_integers_lose_no_digit(value: int) -> None:
    assert rrd.value_text(value, whole=True) == rrd.value_text(value, whole=False) == str(value)


@given(st.floats())
def test_floats_are_written_in_full_or_are_unknown(value: float) -> None:
    text = rrd.value_text(value, whole=False)
    assert float(text) == value if math.isfinite(value) else text == "U"


def test_a_sample_is_one_argument() -> None:
    points = (Point(name="a"), Point(name="b"), Point(name="c", kind=Kind.DERIVE))
    assert rrd.update_text(NOW, [0.1, None, 2.0], rrd.whole_numbers(points)) == f"{NOW}:0.1:U:2"
    assert rrd.template(points) == "a:b:c"


@given(st.lists(st.tuples(st.none() | st.floats() | st.integers(-(2**63), 2**64 - 1), st.booleans()), min_size=1))
def test_a_sample_is_written_as_its_values_are(columns: list[tuple[float | None, bool]]) -> None:
    texts = [rrd.value_text(value, whole=whole) for value, whole in columns]
    values, wholes = zip(*columns, strict=True)
    assert rrd.update_text(NOW, values, wholes) == f"{NOW}:{':'.join(texts)}"


# --- graphs -----------------------------------------------------------------------------------------------------------

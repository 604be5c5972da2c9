"""What is likely, as a band in pictures: by real rrdtool, of what the writer process has learned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import rrdtool
from msgspec.structs import replace
from PIL import Image

from collectors.framework.data.reading import pictures
from collectors.framework.data.reading.likely import likely_of
from collectors.framework.data.reading.plots import plots_of
from collectors.framework.judging.baselines import Look
from common.errors import PermanentError
from common.graphdefs import Definitions
from common.graphdrawing import compose
from common.graphlikely import edges
from common.graphpicture import Likely as Found
from common.graphpicture import Picture
from common.graphs import Curve, Draw, Drawing, Likely
from common.judged import BaselineConfig
from common.queries import GraphQuery
from tests.collectors.framework.data.test_baselines import LAYOUT, SEASON, START, Life

HOUR = BaselineConfig(season_s=3600, least_percent=0, learn_s=3 * 3600)
CPU = Curve(point="cpu")


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    life = Life(tmp_path)
    monkeypatch.chdir(life.root)
    return life


def likely(point: str = "cpu", baseline: BaselineConfig = HOUR, **more: Any) -> Likely:
    return Likely(point=point, baseline=replace(baseline, **more))


def query(life: Life, *bands: Likely, seconds: int = 6 * 3600, **drawing: Any) -> GraphQuery:
    end = START + 300 * life.parts
    made = Drawing(likely=bands, **({"curves": (CPU,)} | drawing))
    return GraphQuery(
        device="web1", component="sshd", graph="cpu", start=end - seconds, end=end, form="png", drawing=made
    )


def found(life: Life, *bands: Likely, **more: Any) -> list[Found]:
    asked = query(life, *bands, **more)
    assert asked.drawing is not None
    plots, _ = plots_of(asked, life.root, 60)
    return list(likely_of(asked.drawing, plots, life.root, 60))


def picture(life: Life, *bands: Likely, **more: Any) -> Picture:
    asked = query(life, *bands, **more)
    plots, _ = plots_of(asked, life.root, 60)
    return compose(asked, plots, 60, likely_of(asked.drawing or Drawing(), plots, life.root, 60))


def drawn(life: Life, *bands: Likely, **more: Any) -> bytes:
    return pictures.draw(query(life, *bands, **more), life.root)[0]


def band(life: Life, one: Found) -> dict[int, tuple[float, float]]:
    """By the number of the part, both edges as rrdtool draws them."""
    definitions = Definitions(START, START + 300 * life.parts)
    names = edges(definitions, one)
    told = rrdtool.xport(
        *("--start", str(START), "--end", str(START + 300 * life.parts), "--step", "300"),
        *definitions.lines,
        *(f"XPORT:{name}" for name in names),
    )
    first = told["meta"]["start"] + 300
    return {
        (first + 300 * place - START) // 300: (low, high)
        for place, (low, high) in enumerate(told["data"])
        if low is not None and high is not None
    }


def known(life: Life) -> dict[int, tuple[float, float]]:
    def sides(look: Look) -> tuple[float, float] | None:
        return None if look.expected is None or look.spread is None else (look.expected, look.spread)

    found = {number: sides(look) for number, look in life.looks.items()}
    return {number: pair for number, pair in found.items() if pair is not None}


def test_the_band_is_where_what_is_judged_is_likely(life: Life) -> None:
    life.wave(8)
    rows = known(life)
    assert len(rows) >= 70

    def expect(far: Any, **more: Any) -> None:
        (one,) = found(life, likely(**more))
        shown = band(life, one)
        assert shown.keys() == rows.keys()
        for number, (expected, spread) in rows.items():
            half = far(expected, spread)
            # The point is never below 0.
            assert shown[number] == pytest.approx((max(0.0, expected - half), expected + half))

    expect(lambda _, spread: 4 * spread)
    expect(lambda _, spread: 2.5 * spread, width=2.5)
    expect(lambda _, spread: max(4 * spread, 3.0), least=3.0)
    expect(lambda expected, spread: max(4 * spread, 0.5 * expected), least_percent=50.0)
    expect(lambda _, spread: max(4 * spread, 1000.0), least=1000.0)


def test_an_expression_is_done_to_the_band_too(life: Life) -> None:
    life.wave(8)
    (plain,) = found(life, likely())
    (turned,) = found(life, likely(), curves=(Curve(point="cpu", transform="100 - 2 * value"),))
    for number, (low, high) in band(life, plain).items():
        assert band(life, turned)[number] == pytest.approx((100 - 2 * high, 100 - 2 * low))
    # What lies on two points has its band nowhere.
    assert found(life, likely(), curves=(Curve(point="cpu", transform="value + runs"),)) == []


def colours(image: bytes, tmp_path: Path) -> dict[tuple[int, int], tuple[int, int, int]]:
    path = tmp_path / "picture.png"
    path.write_bytes(image)
    with Image.open(path) as opened:
        read = opened.convert("RGB")
        width, height = read.size
        data = read.tobytes()
    places = ((x, y) for y in range(height) for x in range(width))
    return {
        place: (data[at], data[at + 1], data[at + 2]) for at, place in zip(range(0, len(data), 3), places, strict=True)
    }


@pytest.mark.parametrize("graph", ["of a template", "built in"])
def test_the_band_is_painted_in_grey_behind_the_curve(life: Life, tmp_path: Path, graph: str) -> None:
    life.wave(8)
    curves = (CPU,) if graph == "of a template" else ()
    ends = {"minimum": 0.0, "maximum": 100.0, "curves": curves}
    with_band = colours(drawn(life, likely(least=20.0), **ends), tmp_path)
    without = colours(drawn(life, **ends), tmp_path)
    plot = [(x, y) for x in range(150, 600) for y in range(40, 170)]
    painted = [place for place in plot if with_band[place] != without[place]]
    assert 0.2 * len(plot) < len(painted) < 0.6 * len(plot)  # 40 of 100, and it goes all along
    assert len({x for x, _ in painted}) == 450
    # Where there was nothing but paper, it is grey.
    assert all(max(with_band[one]) - min(with_band[one]) < 40 for one in painted if min(without[one]) >= 230)


def test_the_axis_has_room_for_what_is_likely_but_no_more_than_leaves_the_curve_readable(life: Life) -> None:
    life.wave(8)
    assert drawn(life, likely(least=20.0)) != drawn(life)
    (near,) = picture(life, likely(least=20.0)).likely
    assert near.last is not None
    assert near.low is not None
    assert near.high is not None
    assert near.low <= near.last[0] < near.last[1] <= near.high
    assert near.learns_until is None


def test_what_is_still_learned_says_until_when(life: Life) -> None:
    life.wave(1.5)
    (one,) = picture(life, likely()).likely
    assert (one.low, one.last, one.learns_until) == (None, None, START + 300 + 3 * 3600)
    assert drawn(life, likely()) != drawn(life)  # the legend says it
    life.wave(1.25)
    (one,) = picture(life, likely()).likely
    assert one.last is not None
    assert one.learns_until is not None


@pytest.mark.parametrize(
    ("wanted", "more"),
    [
        (likely("runs"), {}),  # of another point
        (likely(season_s=7200), {}),  # learned anew, of which there is nothing yet
        (likely(), {"curves": (replace(CPU, draw=Draw.BARS),)}),
        (likely(), {"curves": (replace(CPU, draw=Draw.AREA), replace(CPU, draw=Draw.AREA, stack=True))}),
        (likely(), {"curves": (CPU, CPU, CPU)}),
        (likely(), {"seconds": 3 * 86_400}),  # a value is of more than a part of the season
    ],
)
def test_what_has_no_band_is_drawn_as_without(life: Life, wanted: Likely, more: dict[str, Any]) -> None:
    life.wave(8)
    assert drawn(life, wanted, **more) == drawn(life, **more)


def test_two_curves_have_a_band_each_with_a_name(life: Life) -> None:
    life.wave(8)
    two = (CPU, Curve(point="cpu", label="half", transform="value / 2"))
    assert [one.place for one in picture(life, likely(), curves=two).likely] == [0, 1]
    assert drawn(life, likely(), curves=two) != drawn(life, curves=two)
    (one,) = picture(life, likely(), curves=two[::-1], top=1).likely
    assert (one.place, one.term.transform) == (0, "")


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "gone", "folder"])
def test_a_file_that_is_damaged_or_away_leaves_the_picture_without(life: Life, damage: str) -> None:
    life.wave(8)
    (one,) = found(life, likely())
    path = life.root / one.path
    plain = drawn(life)
    data = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "other":
        os.link(life.path(), path)
    elif damage != "gone":
        path.write_bytes(data[:900] if damage == "cut" else b"")
    assert drawn(life, likely()) == plain


def test_what_vanishes_while_it_is_drawn_leaves_the_picture_without(life: Life) -> None:
    life.wave(8)
    with_band, without = picture(life, likely()), picture(life)
    (life.root / with_band.likely[0].path).unlink()
    assert pictures.paint_what_is_there(with_band) == pictures.paint_what_is_there(without)
    life.path().unlink()
    with pytest.raises(PermanentError):
        pictures.paint_what_is_there(with_band)


def test_of_several_files_of_a_kind_it_is_the_newest(life: Life) -> None:
    life.wave(8)
    (one,) = found(life, likely())
    path = life.root / one.path
    assert str(START + 300) in path.name
    (path.parent / path.name.replace(str(START + 300), str(START - 86_400))).write_bytes(path.read_bytes())
    assert [again.path for again in found(life, likely())] == [one.path]
    assert LAYOUT.baselines == (SEASON,)

"""Pictures as arguments of rrdtool: any text, any number and any time makes one that can be drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import rrdtool
from hypothesis import given, settings
from hypothesis import strategies as st

from common import rrd
from common.graphdefs import File, Term
from common.graphkinds import GRAPHS, Unit, graphs_for
from common.graphpicture import Figures, Picture, Plot, Reach
from common.graphs import Draw, Limit, Mark, Span, Theme
from common.graphscale import Scale, axis_for, figure, scale_for
from common.graphtexts import columns, duration, fit, fit_name, plain
from common.graphtime import length_text, range_text, time_grid
from common.rrdgraph import graph_arguments
from common.series import Layout, Point

NOW = 1_800_000_000
NASTY = [
    "../../etc/passwd",
    "a\nb", "nul\0byte", "x" * 500, "🚀 rocket", "a:b", "100%", "%n%s", "back\\slash", "\\l", "\\",
    "<b>bold</b>",
    "x --daemon=unix:/tmp/x", "DEF:v=/etc/passwd:a:MAX", "\x1b[31mred", "\u202eright", "漢字", "", " ", ":",
]  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "peak", "scale"),
    [
        (Unit.BYTES, 3 * 2**20, Scale(2**20, "MiB", 2)),
        (Unit.BYTES, 1023, Scale(1, "B", 0)),
        (Unit.BYTES, 5.7e17, Scale(2**50, "PiB", 1)),
        (Unit.PERCENT, 12.5, Scale(1, "%", 1)),
        (Unit.PERCENT, 0.0003, Scale(1, "%", 6)),
        (Unit.SECONDS, 7200, Scale(3600, "h", 2)),
        (Unit.SECONDS, 0.02, Scale(1e-3, "ms", 1)),
        (Unit.PLAIN, 2e-7, Scale(1e-9, "n", 1)),
        (Unit.PLAIN, 1e-30, Scale(1e-30, "×10⁻³⁰", 2)),
        (Unit.PLAIN, 1e300, Scale(1e300, "×10³⁰⁰", 2)),
        (Unit.COUNT, 5, Scale(1, "", 2)),
        (Unit.COUNT, 5e6, Scale(1e6, "M", 2)),
        (Unit.BYTES, None, Scale(1, "B", 2)),
        (Unit.PLAIN, 0, Scale(1, "", 2)),
    ],
)
def test_numbers_get_a_unit_that_reads_well(unit: Unit, peak: float | None, scale: Scale) -> None:
    assert scale_for(unit, peak) == scale


@pytest.mark.parametrize(
    ("value", "unit", "base", "text"),
    [
        (None, Unit.BYTES, None, ("–", "")),
        (0, Unit.BYTES, None, ("0", "B")),
        (1536, Unit.BYTES, None, ("1.50", "KiB")),
        (1536, Unit.BYTES, 1000, ("1.54", "kB")),
        (-2.5e9, Unit.BYTES_PER_S, 1000, ("-2.50", "GB/s")),
        (7, Unit.COUNT, None, ("7", "")),
        (7.25, Unit.COUNT, None, ("7.25", "")),
        (99.99, Unit.PERCENT, None, ("100.0", "%")),
        (0.0123, Unit.PERCENT, None, ("0.0123", "%")),
        (0.09999, Unit.PERCENT, None, ("0.100", "%")),
        (0.9999, Unit.PERCENT, None, ("1.00", "%")),
    ],
)
def test_figures_of_the_legend_have_three_digits(
    value: float | None, unit: Unit, base: int | None, text: tuple[str, str]
) -> None:
    assert figure(value, unit, "", base) == text


@pytest.mark.parametrize(
    ("value", "axis", "text"),
    [
        (0.843, "days", ("0.843", "days")),  # never "843 m days"
        (0.0123, "packets/s", ("0.0123", "packets/s")),
        (4.6e6, "bit/s", ("4.60", "Mbit/s")),
        (0.0123, "V", ("12.3", "mV")),
        (24.04, "°C", ("24.0", "°C")),
        (2240, "operations/s", ("2.24", "k operations/s")),
    ],
)
def test_words_have_no_small_prefixes_and_units_have_theirs_before_them(
    value: float, axis: str, text: tuple[str, str]
) -> None:
    assert figure(value, Unit.PLAIN, axis, None) == text


@given(
    low=st.floats(-1e15, 1e15), width=st.floats(0, 1e15), height=st.integers(50, 2000),
    whole=st.booleans(), binary=st.booleans(),
)  # fmt: skip
def test_an_axis_holds_its_range_and_has_a_few_lines(
    low: float, width: float, height: int, *, whole: bool, binary: bool
) -> None:
    high = low + width
    axis = axis_for(low, high, height, whole=whole, binary=binary, fixed=(False, False))
    grain = (abs(low) + abs(high)) * 1e-9 + 1e-9
    assert axis.low <= low + grain
    assert axis.high >= high - grain
    assert axis.high > axis.low
    if width > abs(low) * 1e-6:
        assert (axis.high - axis.low) / (axis.step * axis.every) <= 14


def test_a_source_has_its_known_graphs_first_and_one_for_each_other_point() -> None:
    points = tuple(Point(name=name) for name in ("vms", "memory", "cpu", "odd"))
    assert [graph.name for graph in graphs_for(points)] == ["cpu", "memory", "vms", "odd"]


def test_a_long_name_keeps_its_end() -> None:
    names = [f"/mnt/a/very/long/way/to/disk{number} used" for number in (1, 2)]
    assert [fit_name(name, 20) for name in names] == ["/mnt/a/very…sk1 used", "/mnt/a/very…sk2 used"]
    assert fit_name("short", 8) == "short   "


@given(st.text(max_size=600), st.integers(1, 60), st.sampled_from([fit, fit_name]))
def test_a_label_takes_exactly_its_columns(text: str, width: int, cut: Callable[[str, int], str]) -> None:
    label = cut(plain(text), width)
    assert columns(label) == width
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in label)


@pytest.mark.parametrize(
    ("seconds", "text"), [(20, "20 s"), (480, "8 min"), (7200, "2 h"), (172_800, "2 d"), (90, "90 s")]
)
def test_a_duration_has_its_largest_whole_unit(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (66, "1 min 6 s"), (3960, "1 h 6 min"), (200_000, "2 d 7 h")]
)
def test_a_length_has_two_units(seconds: float, text: str) -> None:
    assert length_text(seconds) == text


# --- time axis --------------------------------------------------------------------------------------------------------

_SPANS = (60, 600, 3600, 6 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 31 * 86_400, 366 * 86_400, 5 * 366 * 86_400)
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400, "WEEK": 604_800, "MONTH": 2_629_800}
_WIDTHS = {"%H:%M:%S": 8, "%H:%M": 5, "%a %H:%M": 9, "%a %d": 6, "%d": 2, "%d %b": 6, "%b %Y": 8, "%b": 3, "%Y": 4}


@pytest.mark.parametrize("width", [300, 720, 1400, 4000])
@pytest.mark.parametrize("span_s", _SPANS)
def test_labels_of_the_time_axis_fit_and_there_are_some(span_s: int, width: int) -> None:
    parts = time_grid(NOW - span_s, NOW, width, "UTC").split(":", 7)
    label_s = int(parts[5]) * (_SECONDS | {"YEAR": 31_557_600})[parts[4]]
    pixels = label_s / span_s * (width - 90)
    assert pixels >= _WIDTHS[parts[7]] * 6.3 + 4
    if span_s < 31_557_600 * 2:
        assert span_s / label_s >= (1 if width == 300 else 2)


def test_hours_of_the_day_on_which_summer_time_begins_are_not_odd() -> None:
    end = 1_774_785_600  # 29 March 2026, 14:00 in Vienna
    assert "HOUR:2:" in time_grid(end - 86_400, end, 760, "Asia/Tokyo")
    assert ":HOUR:3:HOUR:3:" in time_grid(end - 86_400, end, 760, "Europe/Vienna")


def test_a_range_is_told_in_its_time_zone() -> None:
    end = 1_774_785_600
    text = range_text(end - 86_400, end, "Europe/Vienna")
    assert text == "Sat 28 Mar 13:00 to Sun 29 Mar 2026 14:00"
    assert range_text(end - 600, end, "UTC") == "Sun 29 Mar 2026 11:50:00 to 12:00:00"


# --- pictures ---------------------------------------------------------------------------------------------------------

_NAMES = tuple(dict.fromkeys(name for graph in GRAPHS for name, _ in graph.points))


@pytest.fixture(scope="module")
def drawn_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    layout = Layout(points=tuple(Point(name=name) for name in _NAMES), step_s=10)
    path = str(tmp_path_factory.mktemp("graph") / "a.rrd")
    rrdtool.create(*rrd.create_arguments(path, layout, NOW))
    flags = rrd.whole_numbers(layout.points)
    rrdtool.update(path, *[rrd.update_text(NOW + 10 * i, [i] * len(_NAMES), flags) for i in range(30)])
    return path


def _plot(path: str, label: str, *points: str, **more: Any) -> Plot:
    file = File(path=path, names=frozenset(_NAMES))
    terms = tuple(Term(file=file, point=point) for point in points or ("cpu",))
    figures = Figures(last=1, low=0, average=2, high=29, percentiles=(3.0,))
    return Plot(label=label, terms=terms, **{"figures": figures, **more})


def _picture(path: str, label: str = "sshd", *, unit: Unit = Unit.PERCENT, **more: Any) -> Picture:
    fields: dict[str, Any] = {
        "title": f"{label} · title",
        "plots": (_plot(path, label), _plot(path, label, "memory", "fds", draw=Draw.AREA)),
        "start": NOW,
        "end": NOW + 600,
        "reach": Reach(0, 29, 1),
        **more,
    }
    return Picture(unit=unit, **fields)


def _image(picture: Picture) -> bytes:
    return bytes(rrdtool.graphv("-", *graph_arguments(picture))["image"])


_RICH: dict[str, Any] = {
    "limits": (Limit(value=20, label="near"), Limit(value=1e9, label="far", severity=5), Limit(value=math.inf)),
    "marks": (Mark(at=NOW + 100, label="restarted"), Mark(at=NOW + 200, label="restarted"), Mark(at=NOW - 1)),
    "spans": (Span(start=NOW + 50, end=NOW + 90, label="missing"), Span(start=NOW + 500)),
    "percentiles": (95.0,),
    "compare_s": 300,
    "band": True,
    "row_s": 10,
    "notes": ("a note",),
}


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("unit", list(Unit))
def test_every_kind_of_picture_can_be_drawn(drawn_file: str, unit: Unit, theme: Theme, form: str) -> None:
    image = _image(_picture(drawn_file, unit=unit, theme=theme, form=form, **_RICH))
    assert image.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form])


@pytest.mark.parametrize(
    "reach",
    [
        Reach(), Reach(0, 0), Reach(5, 5, 5), Reach(-5, -5), Reach(-3, 4, 1), Reach(1e300, 1e300, 1e300),
        Reach(-1e300, 1e300, 1), Reach(1e-9, 2e-9, 1e-9), Reach(5e-324, 1e-323, 5e-324), Reach(0, 1.7e308, 1),
        Reach(1e6, 1e6 + 1, 1e6), Reach(-1e-12, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("unit", [Unit.PLAIN, Unit.COUNT, Unit.BYTES, Unit.SECONDS])
def test_any_numbers_make_a_picture(drawn_file: str, reach: Reach, unit: Unit, *, log: bool) -> None:
    log = log and reach.positive is not None
    for more in ({}, {"minimum": -2.0, "maximum": 50.0}, {"minimum": 7.0}, {"maximum": -9.0}, _RICH):
        arguments = graph_arguments(_picture(drawn_file, unit=unit, reach=reach, log=log, **more))
        low, high = (float(arguments[arguments.index(f"--{end}-limit") + 1]) for end in ("lower", "upper"))
        assert low < high
        rrdtool.graphv("-", *arguments)


def test_a_threshold_that_is_far_away_does_not_make_the_picture_flat(drawn_file: str) -> None:
    def top(value: float) -> float:
        arguments = graph_arguments(_picture(drawn_file, limits=(Limit(value=value, label="busy: so much"),)))
        assert any("busy\\: so much" in argument for argument in arguments)
        assert any("above the picture" in argument for argument in arguments) == (value > 50)
        return float(arguments[arguments.index("--upper-limit") + 1])

    assert top(5) == top(5000) < 40 <= top(40) < 60


def test_a_fixed_end_of_the_axis_is_where_it_was_asked_for(drawn_file: str) -> None:
    arguments = graph_arguments(_picture(drawn_file, minimum=-3.3, maximum=111.1))
    ends = [float(arguments[arguments.index(f"--{end}-limit") + 1]) for end in ("lower", "upper")]
    assert ends == pytest.approx([-3.3, 111.1])


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_name_stays_a_name(drawn_file: str, text: str) -> None:
    def arguments(word: str) -> list[str]:
        more = {**_RICH, "limits": (Limit(value=3, label=word),), "marks": (Mark(at=NOW + 9, label=word),)}
        return graph_arguments(_picture(drawn_file, word, form="svg", axis=word, **{**more, "notes": (f"n{word}",)}))

    mine, harmless = arguments(text), arguments("sshd")
    if text.strip():
        assert len(mine) - mine.count("--vertical-label") * 2 == len(harmless) - harmless.count("--vertical-label") * 2
    for i, argument in enumerate(mine):
        if mine[i - 1] in {"--title", "--vertical-label"}:
            continue
        assert not any(ord(character) < 32 and character != "\t" for character in argument)
        assert argument.count("\t") <= 1 or argument.startswith("--")
        assert not re.search(r"\\(?![:l])|\\l(?!:dashes=|$)", argument) or argument.startswith("--"), argument
    image = rrdtool.graphv("-", *mine)["image"].decode()
    assert "<b>" not in image


@settings(max_examples=30, deadline=None)
@given(label=st.text(max_size=80), note=st.text(max_size=80))
def test_any_text_can_be_drawn(drawn_file: str, label: str, note: str) -> None:
    _image(_picture(drawn_file, label, **{**_RICH, "notes": (note,), "limits": (Limit(value=1, label=note),)}))


def test_twenty_long_names_do_not_move_the_figures(drawn_file: str) -> None:
    plots = tuple(_plot(drawn_file, text) for text in ("漢字" * 40, "ab", "🚀" * 50, *("x" * i for i in range(1, 18))))
    arguments = graph_arguments(_picture(drawn_file, plots=plots, form="svg"))
    lines = [argument for argument in arguments if argument.startswith("LINE2:")]
    assert len(lines) == 20
    assert len({line.partition("\t")[2] for line in lines if "dashes" not in line}) == 1
    for line in lines:
        assert columns(line.split(":", 2)[2].partition("\t")[0]) <= 40


def test_a_name_from_right_to_left_turns_no_line_round(drawn_file: str) -> None:
    arguments = graph_arguments(_picture(drawn_file, "مرحبا", plots=(_plot(drawn_file, "مرحبا"),)))
    (line,) = [argument for argument in arguments if argument.startswith("LINE2:")]
    assert re.match(r"LINE2:\w+#\w+:\u200e\w+\u200e\t", line)


@pytest.mark.parametrize("width", [100, 200, 260, 300, 480, 720, 4000])
def test_a_picture_of_any_width_has_the_lines_that_fit(drawn_file: str, width: int) -> None:
    picture = _picture(drawn_file, "a rather long name of a process set", width=width, height=50, **_RICH)
    for argument in graph_arguments(picture):
        if argument.endswith("\\l") and width >= 300:
            assert columns(argument.split("#", 1)[-1].replace("\t", "    ")) * 7 <= width + 160
    assert _image(picture).startswith(b"\x89PNG")


def test_bars_count_over_whole_rows_and_the_axis_says_how_long(drawn_file: str) -> None:
    plots = (_plot(drawn_file, "restarts", "restarts", draw=Draw.BARS),)
    picture = _picture(drawn_file, unit=Unit.EVENTS, plots=plots, axis="restarts", bar_s=40, row_s=10)
    arguments = graph_arguments(picture)
    assert all(argument.endswith(":step=40:reduce=AVERAGE") for argument in arguments if argument.startswith("DEF:"))
    assert arguments[arguments.index("--vertical-label") + 1] == "restarts in 40 s"
    rrdtool.graphv("-", *arguments)

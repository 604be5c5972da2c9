"""Bands of what is likely, as arguments of rrdtool: which curves have one, where it is, what the legend says."""

from __future__ import annotations

from typing import Any

import pytest

from common.graphdefs import Definitions, File, Term
from common.graphkinds import Unit
from common.graphlikely import can_be_drawn, edges, wanted
from common.graphpicture import Figures, Likely, Picture, Plot, Reach
from common.graphplots import Plots
from common.graphs import Draw, Drawing, Theme
from common.graphs import Likely as Asked
from common.judged import BaselineConfig
from common.rrdgraph import graph_arguments

NOW = 1_800_000_000
FILE = File(path="a.rrd", names=frozenset({"cpu", "count"}))
TERM = Term(file=FILE, point="cpu")
BASELINE = BaselineConfig(width=3, least=2, least_percent=10)


def plot(term: Term = TERM, **more: Any) -> Plot:
    given: dict[str, Any] = {"label": "CPU", "terms": (term,), "figures": Figures(last=1, average=2)}
    return Plot(**(given | more))


def likely(**more: Any) -> Likely:
    given: dict[str, Any] = {"place": 0, "term": TERM, "baseline": BASELINE, "path": "a.rrd.likely", "minimum": 0.0}
    return Likely(**(given | {"low": 20.0, "high": 40.0, "last": (21.25, 38.5)} | more))


def picture(*bands: Likely, **more: Any) -> Picture:
    given: dict[str, Any] = {"title": "t", "plots": (plot(),), "unit": Unit.PERCENT, "start": NOW - 3600, "end": NOW}
    return Picture(**(given | {"reach": Reach(10, 30, 10), "likely": bands} | more))


def plots(*some: Plot, **more: Any) -> Plots:
    given: dict[str, Any] = {"title": "", "plots": list(some), "unit": Unit.PERCENT, "axis": "", "stacked": False}
    return Plots(**(given | {"steps": [60], "rows": [60], "paths": {}} | more))


def test_the_edges_are_reckoned_as_it_is_judged() -> None:
    definitions = Definitions(0, 3600)
    edges(definitions, likely(maximum=100.0), each="1024,/", least=0.5)
    assert definitions.lines == [
        "DEF:d0=a.rrd.likely:cpu:HWPREDICT",
        "CDEF:t2=d0",
        "DEF:d3=a.rrd.likely:cpu:DEVPREDICT",
        "CDEF:t5=d3",
        "CDEF:r6=t5,3,*,2,MAX,t2,ABS,1,10,/,*,MAX",
        "CDEF:r7=t2,r6,-,100,MIN,0,MAX",
        "CDEF:r8=t2,r6,+,100,MIN,0,MAX",
        "CDEF:r9=r7,r8,MIN,5,10,/,MAX,1024,/",
        "CDEF:r10=r7,r8,MAX,5,10,/,MAX,1024,/",
    ]


def test_a_unit_with_a_prefix_has_its_band_in_the_plain_one() -> None:
    definitions = Definitions(0, 3600)
    edges(definitions, likely(term=Term(file=FILE, point="cpu", factor=1024.0)))
    assert definitions.lines[-1] == "CDEF:r10=r7,r8,MAX,1024,*"


def test_curves_have_a_band_that_are_few_and_stand_for_themselves() -> None:
    asked = Drawing(likely=(Asked(point="cpu", baseline=BASELINE), Asked(point="cpu", baseline=BaselineConfig())))

    def places(found: Plots) -> list[int]:
        return [one.place for one in wanted(asked, found)]

    (one,) = wanted(asked, plots(plot()))
    assert (one.place, one.term, one.baseline) == (0, TERM, BASELINE)
    other, count = Term(file=FILE, point="cpu", needs=frozenset({"count"})), Term(file=FILE, point="count")
    assert places(plots(plot(count), plot())) == [1]
    assert places(plots(plot(), plot())) == [0, 1]
    assert places(plots(plot(), plot(), plot())) == []
    assert places(plots(plot(), plot(stack=True), stacked=True)) == []
    assert places(plots(plot(draw=Draw.BARS), plot(other), unit=Unit.PERCENT)) == []
    assert places(plots(plot(terms=(TERM, count)))) == []
    assert places(plots(plot(), unit=Unit.EVENTS)) == []


def test_of_a_season_something_is_to_be_seen() -> None:
    assert can_be_drawn(86_400, 7200)
    assert not can_be_drawn(86_400, 7201)


@pytest.mark.parametrize("theme", list(Theme))
def test_it_is_painted_behind_the_curve_and_named_in_the_legend(theme: Theme) -> None:
    arguments = graph_arguments(picture(likely(), theme=theme, band=True))
    painted = [
        argument.split(":")[0] for argument in arguments if argument.split(":")[0] in {"AREA", "LINE0.75", "LINE1.5"}
    ]
    assert painted == ["AREA", "AREA", "LINE0.75", "LINE0.75", "AREA", "AREA", "LINE1.5", "AREA"]
    (line,) = [argument for argument in arguments if ":expected" in argument]
    assert line.endswith("\t21.2 to 38.5 %\\l")
    assert line.startswith("AREA:")


def legend(*bands: Likely, **more: Any) -> list[str]:
    arguments = graph_arguments(picture(*bands, **more))
    return [part.split("#", 1)[1][9:].removesuffix("\\l") for part in arguments if "#" in part and ":expected" in part]


def test_the_legend_says_what_is_not_known_yet() -> None:
    unknown: dict[str, Any] = {"low": None, "high": None, "last": None}
    assert legend(likely(**unknown, learns_until=NOW)) == ["expected\tstill learned, until Fri 15 Jan 08\\:00"]
    assert legend(likely(**unknown)) == ["expected\tnot known of this time"]
    assert legend(likely(learns_until=NOW)) == ["expected\t21.2 to 38.5 %, still learned, until Fri 15 Jan 08\\:00"]
    units: dict[str, Any] = {"unit": Unit.BYTES, "reach": Reach(0, 5e6)}
    assert legend(likely(last=(1000.0, 2.0**21)), **units) == ["expected\t1000 B to 2.00 MiB"]


def test_of_two_curves_it_is_said_whose_it_is() -> None:
    two = (plot(label="read: all"), plot(label="written"))
    found = legend(likely(), likely(place=1), plots=two)
    assert [text.partition("\t")[0] for text in found] == ["expected of read\\: all", "expected of written"]


def test_the_axis_grows_for_it_but_not_without_end() -> None:
    def ends(*bands: Likely, **more: Any) -> tuple[float, float]:
        arguments = graph_arguments(picture(*bands, **more))
        return tuple(float(arguments[arguments.index(f"--{end}-limit") + 1]) for end in ("lower", "upper"))  # type: ignore[return-value]  # two

    assert ends() == (0.0, 35.0)
    assert ends(likely())[1] == pytest.approx(40, abs=5)
    assert ends(likely(high=1e9))[1] <= 60
    assert ends(likely(), maximum=25.0) == (0.0, 25.0)
    assert ends(likely(low=1e-9, high=1e9), log=True) == pytest.approx((1.0, 330.0))
    # A curve far from 0 stays one that is seen.
    low, high = ends(likely(low=0, high=1e6), unit=Unit.PLAIN, reach=Reach(1000, 1010))
    assert 0.5 < low < high < 1.5  # thousands

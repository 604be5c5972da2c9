"""Whatever a device, a component or a source is called: no path leads outside, and it comes back as it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from twisted.internet.task import Clock

from collectors.framework.data.orders import Purge
from collectors.framework.data.reading.answers import Request, answer
from collectors.framework.outlets.openmetrics import END, value_lines
from common import rrd
from common.moving import Outgoing, OutgoingQuery
from common.queries import FetchQuery, GraphQuery, Listing, ListQuery, Picture, Rows
from common.series import SeriesKey
from tests.fakes.moving import NOW, Side
from tests.fakes.stores import done

NAMES = [
    "a/b", "/etc/passwd", "..", "../../../escape", ".", "a:b", ":", "a\nb", "\r\n", "nul\0byte", "x" * 500, "漢" * 166,
    "🚀🔥", "👩\u200d👧", "%s%n", "--daemon", "-", "\\", "'", '"; DROP TABLE series;--', "\u202egnp", "\x1b[31m",
    "=1+1", "*", "index.db", "lock", "0" * 32 + ".rrd", " ", "é", "e\u0301",
]  # fmt: skip
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


@pytest.fixture
def side(tmp_path: Path) -> Side:
    return Side(tmp_path, "one", Clock())


def ask(side: Side, query: Any) -> Any:
    return answer(side.root, Request(query, []), NOW)


def outside(folder: Path) -> set[str]:
    """What lies in the folder of a collector and is none of the files that it may have there."""
    own = re.compile(r"rrd/[0-9a-f]/[0-9a-f]/[0-9a-f]{32}\.rrd|rrd/index\.db(-\w+)?|samples/[\w.]+")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    return {name for name in names if not own.fullmatch(name)}


def test_names_are_listed_fetched_drawn_and_told_as_they_are(
    side: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(side.root)  # as the reader process does
    keys = [SeriesKey(name, other, "process") for name, other in zip(NAMES, NAMES[::-1], strict=True)]
    for number, key in enumerate(keys):
        side.sample({NOW - 30 + 10 * row: number + row / 10 for row in range(3)}, key)
    assert outside(side.folder) == set()
    assert {path.name for path in tmp_path.iterdir()} == {"one"}
    for number, key in enumerate(keys):
        device, component, source = key.device, key.component, key.source
        listing = ask(side, ListQuery(device=device))
        assert isinstance(listing, Listing)
        assert {(one.component, one.source) for one in listing.values} == {(component, source)}
        rows = ask(side, FetchQuery(
            device=device, component=component, source=source, points=["cpu"], start=NOW - 30, end=NOW - 10
        ))  # fmt: skip
        assert isinstance(rows, Rows)
        assert [row[0] for _, row in rows.rows] == [number + row / 10 for row in range(3)]
        drawn = ask(side, GraphQuery(
            device=device, component=component, graph="", start=NOW - 600, end=NOW, form="svg"
        ))  # fmt: skip
        assert isinstance(drawn, Picture)
    lines = "".join(value_lines(side.intake.all(), "c", NOW, (), open_metrics=True)) + END
    told = {
        (sample.labels["device"], sample.labels["component"])
        for family in text_string_to_metric_families(lines)  # type: ignore[no-untyped-call]  # the library has no types
        for sample in family.samples
    }
    assert told == {(key.device, key.component) for key in keys}


def test_names_move_and_are_purged_as_they_are(side: Side, tmp_path: Path) -> None:
    keys = [SeriesKey("web1", name, other) for name, other in zip(NAMES, NAMES[::-1], strict=True)]
    stays = [SeriesKey(name, "sshd", "process") for name in NAMES]
    for key in [*keys, *stays]:
        side.sample({NOW - 10: 1.0}, key)
    offered, after = list[SeriesKey](), ""
    while True:
        page = done(side.look(OutgoingQuery(device="web1", after=after)))
        assert isinstance(page, Outgoing)
        offered += [file.key for file in page.files]
        if not page.more:
            break
        after = page.last
    assert sorted(offered) == sorted(keys)
    for gone in NAMES:
        list(done(side.order(Purge(devices=[gone]))))
        assert not side.path(SeriesKey(gone, "sshd", "process")).exists()
        stays.pop(0)
        assert all(side.path(key).is_file() for key in [*keys, *stays])
    list(done(side.order(Purge(devices=["web1"]))))
    assert not list(side.root.rglob("*.rrd"))
    assert outside(side.folder) == set()
    assert {path.name for path in tmp_path.iterdir()} == {"one"}


@given(ANY, ANY, ANY)
@settings(max_examples=200, deadline=None)
def test_any_name_gives_a_path_within_and_different_ones_different_paths(one: str, two: str, three: str) -> None:
    names = {rrd.file_name(SeriesKey(*key)) for key in {(one, two, three), (two, one, three), (one, three, two)}}
    assert len(names) == len({(one, two, three), (two, one, three), (one, three, two)})
    assert all(re.fullmatch(r"[0-9a-f]/[0-9a-f]/[0-9a-f]{32}\.rrd", name) for name in names)

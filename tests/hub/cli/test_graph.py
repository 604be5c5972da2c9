"""`tocsin graph` against a hub that answers by rote."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from PIL import Image

from hub.cli.exits import CommandError
from hub.cli.sheetmarkup import svg_size
from hub.cli.sheetparts import Cell, Section, Sheet
from hub.cli.sheetpixels import as_pdf, as_png, lines_of, pages_of
from hub.cli.zones import local_zone
from tests.fakes.api import PNG, TOKEN, FakeApi
from tests.hub.cli.conftest import Run


def asked(fake: FakeApi) -> tuple[str, dict[str, list[str]]]:
    """Path and parameters of the last request."""
    path, _, query = fake.state.requests[-1][1].partition("?")
    return path.removeprefix("/api/v1/"), parse_qs(query)


def test_what_is_typed_of_a_picture_reaches_the_hub(run: Run, fake: FakeApi) -> None:
    options = "--theme dark --compare last-week --percentile 95 --percentile 99.5 --top 3 --band --log --no-events"
    more = "--no-thresholds --zone Europe/Vienna --zoom 2 --title Mine"
    done = run("graph", "web1", "sshd", "cpu", "--set", "nginx: worker", *options.split(), *more.split(), "-o", "x.png")
    assert done.code == 0
    path, query = asked(fake)
    assert path == "devices/web1/graph"
    assert query["component"] == ["sshd", "nginx: worker"]
    wanted = {
        "graph": "cpu", "theme": "dark", "compare_s": "604800", "top": "3", "band": "1", "log": "1", "events": "0",
        "thresholds": "0", "zone": "Europe/Vienna", "zoom": "2", "title": "Mine", "format": "png",
    }  # fmt: skip
    assert {name: query[name][0] for name in wanted} == wanted
    assert query["percentile"] == ["95", "99.5"]


def test_what_is_not_typed_is_left_to_the_graph(run: Run, fake: FakeApi) -> None:
    run("graph", "web1", "-o", "x.svg")
    assert asked(fake)[1].keys() == {"start", "end", "format", "theme", "zone", "zoom"}


def test_several_devices_a_class_or_a_group_go_into_one_picture(run: Run, fake: FakeApi) -> None:
    assert run("graph", "web1", "--device", "silent", "--set", "sshd", "--graph", "cpu", "-o", "x.png").code == 0
    path, query = asked(fake)
    assert (path, query["device"], query["component"], query["graph"]) == (
        "graph",
        ["web1", "silent"],
        ["sshd"],
        ["cpu"],
    )
    assert run("graph", "--class", "/Server", "--group", "eu", "--top", "10", "-o", "x.png").code == 0
    path, query = asked(fake)
    assert (path, query["class"], query["group"], query["top"]) == ("graph", ["/Server"], ["eu"], ["10"])
    assert "device" not in query


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("web1", "-o FILE is missing"),
        ("-o x.png", "no device is named"),
        ("web1 -o x", "should end in .png, .svg or .pdf"),
        ("web1 -o x.html", "should end in .png, .svg or .pdf"),
        ("web1 -o x.html --format html", "for a sheet of all graphs: --all"),
        ("web1 -o x.png --format svg", "its name says png, and --format says svg"),
        ("web1 -o x.png --compare soon", "--compare soon: wanted a length of time"),
        ("web1 -o x.png --percentile 100", "--percentile 100: wanted a number above 0 and below 100"),
        ("web1 -o x.png --range 100y", "The range '100y' begins before 1970"),
        ("web1 -o x.png" + " --percentile 1" * 6, "--percentile may be given 5 times"),
        ("web1 -o x.png --zone Nowhere/AtAll", "--zone Nowhere/AtAll: there is no such time zone"),
        ("web1 -o x.png --zone ../../etc/passwd", "there is no such time zone"),
        ("web1 -o x.png --percentile nan", "--percentile nan: wanted a number"),
        ("web1 sshd cpu -o x.png --graph memory", "the graph is 'cpu' and --graph says 'memory'"),
        ("web1 --list -o x.png", "--list draws nothing"),
        ("web1 --list --device silent", "--list is for one DEVICE"),
        ("web1 --all --device silent -o x.png", "--all is for one DEVICE"),
        ("web1 --all --graph cpu -o x.png", "--all draws every graph; leave 'cpu' out"),
    ],
)
def test_a_typing_mistake_is_a_sentence_and_nothing_is_asked(
    run: Run, fake: FakeApi, typed: str, sentence: str
) -> None:
    done = run("graph", *typed.split())
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert fake.state.requests == []


def test_a_picture_and_a_document_do_not_both_go_to_standard_output(run: Run) -> None:
    done = run("graph", "web1", "-o", "-", "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "usage")


def test_what_is_no_component_but_a_graph_is_drawn_of_all_that_have_it(run: Run, fake: FakeApi) -> None:
    fake.state.no_components = {"memory", "nothing"}
    assert run("graph", "web1", "memory", "-o", "x.png").code == 0
    path, query = asked(fake)
    assert (path, query["graph"], "component" in query) == ("devices/web1/graph", ["memory"], False)
    assert run("graph", "web1", "nothing", "-o", "x.png").code == 3
    assert run("graph", "web1", "memory", "cpu", "-o", "x.png").code == 3


def test_a_graph_of_the_device_itself_is_drawn_as_such(run: Run, fake: FakeApi) -> None:
    fake.state.no_components = fake.state.own_graphs = {"rtt"}
    assert run("graph", "web1", "rtt", "-o", "x.png").code == 0
    assert fake.state.requests[-1][1].partition("?")[2].count("component=&") == 1
    assert asked(fake)[1]["graph"] == ["rtt"]


def test_graphs_are_listed(run: Run) -> None:
    done = run("graph", "web1", "--list")
    assert [line.split() for line in done.out.splitlines()][:2] == [
        ["COMPONENT", "GRAPH", "TITLE", "POINTS", "FROM"],
        ["(all)", "cpu", "cpu", "cpu", "built", "in"],
    ]
    rows = run("graph", "web1", "sshd", "--list", "--json").json["graphs"]
    assert {row["component"] for row in rows} == {"sshd"}
    assert run("graph", "nosuch", "--list").code == 3


def test_points_without_a_graph_do_not_hide_the_graphs(run: Run, fake: FakeApi) -> None:
    fake.state.single_points = ["sshd", "probe"]
    lines = [line.split() for line in run("graph", "web1", "--list").out.splitlines()]
    assert ["sshd", "NAME", "one", "by", "itself", "sshd", "built", "in"] in lines
    assert ["probe", "probe", "odd", "odd", "built", "in"] in lines  # it has nothing else
    assert len(run("graph", "web1", "--list", "--json").json["graphs"]) == 11
    done = run("graph", "web1", "--all", "-o", "x.html", "--json")
    assert (done.json["graphs"], done.json["left_out"]) == (10, 0)
    page = Path("x.html").read_text()
    assert "1 point without a graph" in page


def test_a_graph_that_one_component_alone_has_is_drawn_of_that(run: Run, fake: FakeApi) -> None:
    fake.state.no_components, fake.state.single_points = {"probe"}, ["probe"]
    assert run("graph", "web1", "probe", "-o", "x.png").code == 3  # the fake has no component of that name
    assert asked(fake)[1]["component"] == ["probe"]
    assert asked(fake)[1]["graph"] == ["probe"]


def test_a_picture_goes_through_a_pipe(fake: FakeApi) -> None:
    command = [sys.executable, "-m", "hub.cli.main", "--url", fake.url, "graph", "web1", "-o", "-"]
    done = subprocess.run(command, env={"TOCSIN_TOKEN": TOKEN}, capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (PNG, b"")


def test_who_is_missing_is_said_and_the_picture_is_written_all_the_same(
    run: Run, fake: FakeApi, tmp_path: Path
) -> None:
    fake.state.missing = "collector west is away\ncollector süd is away"
    done = run("graph", "web1", "--device", "silent", "-o", "x.png")
    assert done.code == 5
    assert "collector west is away" in done.err
    assert "collector süd is away" in done.err
    assert (tmp_path / "x.png").read_bytes() == PNG
    told = run("graph", "web1", "--device", "silent", "-o", "x.png", "--json")
    assert (told.code, told.json["missing"]) == (5, ["collector west is away", "collector süd is away"])


# --- sheets -----------------------------------------------------------------------------------------------------------


def test_a_sheet_has_all_graphs(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    done = run("graph", "web1", "--all", "--range", "1d", "-o", "x.png", "--json")
    assert (done.code, done.json["graphs"], done.json["left_out"], done.json["missing"]) == (0, 9, 0, [])
    pictures = [query for _, query in map(split, fake.state.requests) if "graph" in query]
    assert len({(query["start"][0], query["end"][0], query["width"][0]) for query in pictures}) == 1
    image = Image.open(tmp_path / "x.png")
    assert image.width >= 480
    assert image.getpixel((1, 1)) == (255, 255, 255)


def split(request: tuple[str, str]) -> tuple[str, dict[str, list[str]]]:
    path, _, query = request[1].partition("?")
    return path, parse_qs(query)


def test_a_sheet_says_how_many_had_no_room(run: Run, tmp_path: Path) -> None:
    done = run("graph", "web1", "--all", "--limit", "2", "-o", "x.html", "--theme", "dark", "--json")
    assert (done.json["graphs"], done.json["left_out"]) == (2, 7)
    page = (tmp_path / "x.html").read_text()
    assert "7 more graphs have no room here; --limit 9 shows them." in page
    assert page.count("<img ") == 2
    assert "width=device-width" in page
    assert "minmax(min(100%," in page
    assert "<script" not in page


def test_a_sheet_is_a_drawing_or_pages(run: Run, tmp_path: Path) -> None:
    assert run("graph", "web1", "--all", "-o", "x.svg").code == 0
    drawing = (tmp_path / "x.svg").read_text()
    assert drawing.count("<image ") == 9
    assert "nginx: worker" in drawing
    assert run("graph", "web1", "sshd", "--all", "-o", "x.pdf").code == 0
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF-")


def test_names_of_hosts_are_text_on_a_sheet(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    hostile = "</h2><script>alert(1)</script>\x1b[31m\u202e"
    assert run("graph", "web1", hostile, "--all", "-o", "x.html").code == 0
    assert run("graph", "web1", hostile, "--all", "-o", "x.svg").code == 0
    assert run("graph", "web1", hostile, "--all", "-o", "x.png").code == 0
    for name in ("x.html", "x.svg"):
        text = (tmp_path / name).read_text()
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert not {"\x1b", "\u202e"} & set(text)


def test_one_graph_that_cannot_be_drawn_does_not_take_the_sheet_with_it(run: Run, fake: FakeApi) -> None:
    fake.state.undrawable = "memory"
    done = run("graph", "web1", "--all", "-o", "x.png", "--json")
    assert (done.code, done.json["graphs"], len(done.json["missing"])) == (5, 6, 3)


@pytest.mark.parametrize("made", [as_png, as_pdf])
def test_a_sheet_too_large_for_memory_is_a_sentence(made: Callable[[Sheet], bytes]) -> None:
    data = io.BytesIO()
    Image.new("1", (9000, 7000)).save(data, "PNG")
    parts = tuple(Section(str(place), (Cell(data.getvalue(), "cpu"),)) for place in range(2))
    with pytest.raises(CommandError, match="million pixels, and may have 120; give a smaller --limit"):
        made(Sheet(title="t", subtitle="s", sections=parts, notes=(), is_dark=False, zoom=1, cell_width=400))


@pytest.mark.parametrize("data", [b"", b"GIF89a", PNG[:30], PNG[:-30] + b"x" * 30])
def test_a_picture_that_is_none_is_a_sentence(data: bytes) -> None:
    parts = (Section("s", (Cell(data, "cpu"),)),)
    with pytest.raises(CommandError, match="is no PNG"):
        as_png(Sheet(title="t", subtitle="s", sections=parts, notes=(), is_dark=False, zoom=1, cell_width=400))


@pytest.mark.parametrize("width", ["1.2.3", "9" * 400, "x"])
def test_a_drawing_that_does_not_say_its_size_has_one(width: str) -> None:
    assert svg_size(f'<svg width="{width}" height="5">'.encode()) == (600.0, 240.0)
    assert svg_size(b'<?xml?><svg x="1" width="600.5pt" height="5px">') == (600.5, 5.0)


def test_a_sheet_of_nothing_is_an_error(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    assert run("graph", "nosuch", "--all", "-o", "x.png").code == 3
    fake.state.away = {"web1"}
    done = run("graph", "web1", "--all", "-o", "x.png")
    assert done.code == 1
    assert "collector local is not connected" in done.err
    assert not (tmp_path / "x.png").exists()
    drawn = [path for _, path in fake.state.requests if "/graph?" in path]
    assert len(drawn) == 1, "who is away is asked once"


def test_many_pages_each_keep_a_heading_with_its_row() -> None:
    picture = io.BytesIO()
    Image.new("RGB", (400, 200)).save(picture, "PNG")
    cell = Cell(picture.getvalue(), "x")
    sections = tuple(Section(f"s{i}", (cell,) * 3) for i in range(8))
    sheet = Sheet(title="t", subtitle="s", sections=sections, notes=("n",), is_dark=False, zoom=1, cell_width=400)
    lines = lines_of(sheet, 2)
    pages = list(pages_of(lines, 1100))
    assert len(pages) > 1
    assert [line for page in pages for line in page] == lines
    assert all(not page[-1].keeps for page in pages)
    assert all(sum(line.height for line in page) <= 1100 for page in pages)


# --- zones ------------------------------------------------------------------------------------------------------------


def test_the_zone_of_this_terminal(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    assert local_zone({}, link) == "UTC"
    link.symlink_to("/usr/share/zoneinfo/Europe/Vienna")
    assert local_zone({}, link) == "Europe/Vienna"
    assert local_zone({"TZ": ":America/New_York"}, link) == "America/New_York"
    assert local_zone({"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}, link) == "UTC"
    assert local_zone({"TZ": "/usr/share/zoneinfo/Asia/Tokyo"}, link) == "Asia/Tokyo"

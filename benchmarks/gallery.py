"""Draws the gallery of pictures from simulated data: `make gallery`, or `python -m benchmarks.gallery DIR`.

Everything is fixed (data, end, time zone, sizes), so that a second run on the same machine makes the same bytes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.galleryhosts import shipped
from benchmarks.galleryseries import CRASHES, DAY_S, END, OUTAGE, RESTARTS, ZONE, fill
from collectors.framework.data.reading.pictures import draw
from common.graphs import Band, Curve, Draw, Drawing, Likely, Limit, Mark, MarkKind, Rank, Span, Subject, Theme
from common.judged import BaselineConfig
from common.queries import GraphQuery
from hub.graphs.drawings import Wishes

FOLDER = Path("docs/gallery")
HOUR_S, WEEK_S, YEAR_S = 3600, 7 * DAY_S, 365 * DAY_S


class Piece(Struct, frozen=True, kw_only=True):
    """A picture of the gallery.

    Attributes:
        text: what is to be seen, below it on the page.
    """

    name: str
    text: str
    device: str
    seconds: int
    drawing: Drawing = Drawing()
    component: str | None = None
    graph: str = ""
    form: str = "png"
    width: int = 760
    height: int = 180


_RESTARTED = tuple(Mark(at=at, label="restarted", kind=MarkKind.RESTART) for at in RESTARTS)
_MISSING = (Span(start=OUTAGE[0], end=OUTAGE[1], label="missing", severity=5),)
_CPU_LIMITS = (
    Limit(value=100, label="cpu-eater: 100 %", severity=3),
    Limit(value=400, label="cpu-eater: 400 %", severity=4),
)
_WEBS = tuple(Subject(device=device, component="nginx", shown=device) for device in ("web1", "web2", "web3"))

PIECES = (
    Piece(
        name="day", device="db1", component="postgres", graph="cpu", seconds=DAY_S,
        drawing=Drawing(limits=_CPU_LIMITS, marks=_RESTARTED, spans=_MISSING),
        text="A day of one process set: averages with the range of the samples around them, a threshold that is near "
        "and one that is far away, a time in which it was missing, a restart. Summer time began that night.",
    ),
    Piece(
        name="day-dark", device="db1", component="postgres", graph="cpu", seconds=DAY_S,
        drawing=Drawing(theme=Theme.DARK, limits=_CPU_LIMITS, marks=_RESTARTED, spans=_MISSING),
        text="The same on dark.",
    ),
    Piece(
        name="hour", device="db1", component="report builder", graph="cpu", seconds=HOUR_S,
        drawing=Drawing(marks=tuple(Mark(at=at, label="restarted", kind=MarkKind.RESTART) for at in CRASHES)),
        text="An hour with each sample, and a mark for each restart of a crash loop.",
    ),
    Piece(
        name="crash-loop", device="db1", component="report builder", graph="restarts", seconds=2 * HOUR_S,
        text="The same crash loop, counted: bars that no picture is too narrow for.",
    ),
    Piece(
        name="leak", device="db1", component="postgres", seconds=WEEK_S,
        drawing=Drawing(
            title="db1 · postgres · Memory",
            curves=(Curve(point="memory", label="resident", draw=Draw.AREA),),
            limits=(Limit(value=5 * 2**30, label="memory-leak: 5 GiB", severity=4),),
            marks=_RESTARTED,
        ),
        text="A week: memory that grows until a restart, in binary units.",
    ),
    Piece(
        name="week-before", device="db1", component="postgres", seconds=WEEK_S, height=150,
        drawing=Drawing(
            title="db1 · postgres · CPU of each process",
            curves=(Curve(point="cpu", label="CPU of each", transform="value / count"),),
            unit="percent", compare_s=WEEK_S, percentiles=(95.0,), band=Band.NO,
        ),
        text="An expression over two points, with its 95th percentile, and what it was a week earlier.",
    ),
    Piece(
        name="year", device="db1", component="postgres", graph="cpu", seconds=YEAR_S,
        text="A year of days: the line is the average, the band shows how far the samples went.",
    ),
    Piece(
        name="stack", device="farm", graph="memory", seconds=DAY_S,
        text="All twenty workers of a host on top of each other, the largest first.",
    ),
    Piece(
        name="stack-dark", device="farm", graph="cpu", seconds=DAY_S,
        drawing=Drawing(theme=Theme.DARK, top=6),
        text="The six largest, and the sum of all others.",
    ),
    Piece(
        name="twenty", device="farm", seconds=HOUR_S,
        drawing=Drawing(title="farm · CPU", curves=(Curve(point="cpu", label="CPU"),)),
        text="Twenty lines: eight colours, then the same dashed, then dotted.",
    ),
    Piece(
        name="twenty-year", device="archive", graph="cpu", seconds=YEAR_S,
        text="A year of twenty.", height=130,
    ),
    Piece(
        name="devices", device="web1", seconds=DAY_S,
        drawing=Drawing(title="CPU of nginx on three hosts", curves=(Curve(point="cpu"),), subjects=_WEBS), height=130,
        text="One process set on several devices.",
    ),
    Piece(
        name="log", device="web1", component="nginx", seconds=6 * HOUR_S,
        drawing=Drawing(
            title="web1 · nginx · latency", curves=(Curve(point="latency"),), log=True, percentiles=(50.0, 99.0)
        ),
        text="Logarithmic, with median and 99th percentile.",
    ),
    Piece(
        name="batch", device="db1", component="nightly backup", graph="io", seconds=2 * DAY_S,
        text="What a nightly job reads and writes: counters, drawn as rates.",
    ),
    Piece(
        name="top", device="farm", seconds=6 * HOUR_S,
        drawing=Drawing(
            title="farm · CPU, the three with the highest peak", curves=(Curve(point="cpu"),), top=3, rank=Rank.PEAK
        ),
        text="The three with the highest peak.",
    ),
    Piece(
        name="vector", device="db1", component="postgres", graph="fds", seconds=HOUR_S, form="svg", width=440,
        height=110,
        text="As SVG, for print.",
    ),
    Piece(
        name="expected", device="shop1", component="checkout", graph="cpu", seconds=DAY_S,
        drawing=Drawing(likely=(Likely(point="cpu", baseline=BaselineConfig()),)),
        text="What its own past makes likely at each time of the day, in grey, and a load that was never like that.",
    ),
    Piece(
        name="interface", device="sw1", component="ge-0/0/1", seconds=2 * DAY_S,
        drawing=shipped("interfaces", "traffic", ("sw1", "ge-0/0/1")),
        text="Traffic of a port of a switch: a graph of a template that comes with Tocsin, as are those below.",
    ),
    Piece(
        name="disk-room", device="nas1", component="/srv", seconds=30 * DAY_S,
        drawing=shipped("status-disks", "disk-room", ("nas1", "/srv")),
        text="A month of a filesystem, until somebody tidies up. What is between free and all is kept for root.",
    ),
    Piece(
        name="disk-used", device="nas1", component="/srv", seconds=30 * DAY_S, height=130,
        drawing=replace(
            shipped("status-disks", "disk-used", ("nas1", "/srv")),
            limits=(
                Limit(value=85, label="disk-full: 85 %", severity=3),
                Limit(value=95, label="disk-full: 95 %", severity=4),
            ),
        ),
        text="The same in percent, with the thresholds of `status-disks-strict`.",
    ),
    Piece(
        name="host-cpu-dark", device="build1", component="", seconds=DAY_S,
        drawing=shipped("status-host", "host-cpu", ("build1",), Wishes(theme=Theme.DARK)),
        text="What the processors of a host do, on dark.",
    ),
    Piece(
        name="ups", device="ups1", component="", seconds=10 * HOUR_S,
        drawing=replace(
            shipped("ups", "battery", ("ups1",)),
            spans=(Span(start=END - 6 * HOUR_S, end=END - 6 * HOUR_S + 2100, label="on battery", severity=4),),
        ),
        text="A power supply whose line failed: on battery for 35 minutes, and charged again after that.",
    ),
)  # fmt: skip


def render(piece: Piece, root: Path) -> bytes:
    """The bytes of a picture; the current directory is the RRD folder."""
    query = GraphQuery(
        device=piece.device,
        component=piece.component,
        graph=piece.graph,
        start=END - piece.seconds,
        end=END,
        form=piece.form,
        width=piece.width,
        height=piece.height,
        drawing=replace(piece.drawing, zone=ZONE),
    )
    return draw(query, root)[0]


def page() -> str:
    """The page that shows them."""
    parts = [
        "# Gallery",
        "",
        "Pictures as `tocsin graph` draws them, from simulated data; `make gallery` draws them anew.",
    ]
    for piece in PIECES:
        parts += ["", piece.text, "", f"![{piece.name}]({piece.name}.{piece.form})"]
    return "\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    """Draw all of them into a folder."""
    folder = Path(arguments[0] if arguments else FOLDER).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = set(arguments[1:])
    kept = os.environ.get("TOCSIN_GALLERY_DATA")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(kept or temporary)
        if not (root / "index.db").exists():
            root.mkdir(parents=True, exist_ok=True)
            fill(root)
        os.chdir(root)
        for piece in PIECES:
            if not wanted or piece.name in wanted:
                data = render(piece, root)
                (folder / f"{piece.name}.{piece.form}").write_bytes(data)
                sys.stdout.write(f"{piece.name}.{piece.form}: {len(data) / 1000:.1f} kB\n")
    (folder / "README.md").write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

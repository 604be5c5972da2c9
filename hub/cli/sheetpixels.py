"""Sheets of pictures as PNG and PDF."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from hub.cli.exits import CommandError
from hub.cli.sheetparts import COLUMNS, Cell, Sheet, colours_of

MARGIN, GAP = 24, 12
TITLE, HEADING, SMALL = 22, 15, 12
PAPER = 1.414
"""Height of a page by its width."""
PDF_COLUMNS = 2
PDF_WIDTH_INCHES = 8.27
MAX_PIXELS = 120_000_000
"""Of all pages together; each takes three bytes of memory."""


class _Line(Struct, frozen=True):
    """A text over the whole width, or a row of pictures; `keeps` says that it stays with what follows it."""

    height: int
    text: str = ""
    size: int = 0
    colour: str = ""
    pictures: tuple[Any, ...] = ()
    keeps: bool = False


def as_png(sheet: Sheet) -> bytes:
    """One picture, as tall as need be.

    Raises:
        CommandError: it would take too much memory.
    """
    lines = lines_of(sheet, COLUMNS)
    zoom = sheet.zoom
    width, height = _width(sheet, lines), sum(line.height for line in lines) + 2 * MARGIN * zoom
    _check(width * height)
    return _file([_painted(sheet, lines, width, height)], "PNG", optimize=True)


def as_pdf(sheet: Sheet) -> bytes:
    """Pages of paper.

    Raises:
        CommandError: they would take too much memory.
    """
    lines = lines_of(sheet, PDF_COLUMNS)
    width = _width(sheet, lines)
    height = int(width * PAPER)
    pages = list(pages_of(lines, height - 2 * MARGIN * sheet.zoom))
    _check(len(pages) * width * height)
    painted = [_painted(sheet, page, width, height) for page in pages]
    return _file(painted, "PDF", resolution=width / PDF_WIDTH_INCHES, quality=92, title=sheet.title)


def _check(pixels: int) -> None:
    if pixels > MAX_PIXELS:
        raise CommandError(
            f"The sheet would have {pixels / 1e6:.0f} million pixels, and may have {MAX_PIXELS / 1e6:.0f}; "
            "give a smaller --limit, --width, --height or --zoom, name a set, or write an .html"
        )


def _file(pages: Sequence[Any], form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if form == "PDF" else {}
    pages[0].save(out, form, **more, **options)
    return out.getvalue()


def lines_of(sheet: Sheet, columns: int) -> list[_Line]:
    """What stands below each other."""
    colours, zoom = colours_of(sheet), sheet.zoom
    lines = [
        _Line((TITLE + 10) * zoom, sheet.title, TITLE * zoom, colours.text, keeps=True),
        _Line((SMALL + 8) * zoom, sheet.subtitle, SMALL * zoom, colours.quiet, keeps=True),
    ]
    for section in sheet.sections:
        lines.append(_Line((HEADING + 2 * GAP) * zoom, section.title, HEADING * zoom, colours.text, keeps=True))
        for first in range(0, len(section.cells), columns):
            cells = section.cells[first : first + columns]
            pictures = tuple(_opened(cell) for cell in cells)
            tallest = max(picture.height for picture in pictures)
            lines.append(_Line(tallest + GAP * zoom, pictures=pictures))
    lines += [_Line((SMALL + 8) * zoom, one, SMALL * zoom, colours.quiet) for one in sheet.notes]
    return lines


def _opened(cell: Cell) -> Any:
    from PIL import Image  # here, for it takes a while, and few commands need it

    with _spoiled():
        return Image.open(io.BytesIO(cell.data), formats=["PNG"])


@contextlib.contextmanager
def _spoiled() -> Iterator[None]:
    """Say so where a picture is none: a collector has drawn it."""
    from PIL import Image

    try:
        yield
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise CommandError("A picture that came is no PNG; see whether the collector is well") from None


def _width(sheet: Sheet, lines: Sequence[_Line]) -> int:
    zoom = sheet.zoom
    rows: list[int] = [
        sum(picture.width + GAP * zoom for picture in line.pictures) - GAP * zoom for line in lines if line.pictures
    ]
    return max([480 * zoom, *rows]) + 2 * MARGIN * zoom


def pages_of(lines: Sequence[_Line], room: int) -> Iterator[list[_Line]]:
    """Lines by page; a heading stays with the row below it."""
    page: list[_Line] = []
    block: list[_Line] = []
    for line in lines:
        block.append(line)
        if line.keeps:
            continue
        if page and sum(one.height for one in (*page, *block)) > room:
            yield page
            page = []
        page += block
        block = []
    yield [*page, *block]


def _painted(sheet: Sheet, lines: Sequence[_Line], width: int, height: int) -> Any:
    from PIL import Image, ImageDraw

    paper = Image.new("RGB", (width, height), colours_of(sheet).paper)
    pen = ImageDraw.Draw(paper)
    left = MARGIN * sheet.zoom
    y = left
    for line in lines:
        if line.text:
            pen.text((left, y + line.height - 4 * sheet.zoom), line.text, line.colour, _font(line.size), anchor="ls")
        x = left
        for picture in line.pictures:
            with _spoiled():
                paper.paste(picture.convert("RGB"), (x, y))
            x += picture.width + GAP * sheet.zoom
        y += line.height
    return paper


def _font(size: int) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)

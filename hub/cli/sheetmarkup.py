"""Sheets of pictures as HTML and SVG: one file that needs no other, without any script."""

from __future__ import annotations

import base64
import re
from html import escape

from hub.cli.sheetparts import COLUMNS, Cell, Section, Sheet, colours_of

MARGIN, GAP = 24.0, 12.0
TITLE, HEADING, SMALL = 22.0, 15.0, 12.0
FONT = "DejaVu Sans, Verdana, sans-serif"

_NUMBER = rb"([0-9]{1,5}(?:\.[0-9]{1,5})?)(?:pt|px)?"
_SIZE = re.compile(rb"<svg\b[^>]*?\bwidth=\"" + _NUMBER + rb"\"[^>]*?\bheight=\"" + _NUMBER + rb"\"")


def as_html(sheet: Sheet) -> bytes:
    """A page; its pictures lie beside each other as the window has room for them."""
    colours = colours_of(sheet)
    parts = [
        f"<header><h1>{escape(sheet.title)}</h1><p>{escape(sheet.subtitle)}</p></header>",
        *(_html_section(section) for section in sheet.sections),
        *(f'<p class="note">{escape(one)}</p>' for one in sheet.notes),
    ]
    style = (
        f"body{{margin:clamp(.6rem,3vw,2rem);background:{colours.paper};color:{colours.text};font-family:{FONT}}}"
        f"h1{{font-size:1.4rem;margin:0}}header p,.note{{color:{colours.quiet};font-size:.85rem}}"
        f"h2{{font-size:1rem;border-top:1px solid {colours.line};padding-top:.8rem;margin:1.2rem 0 .4rem}}"
        f".row{{display:grid;gap:.8rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,{sheet.cell_width}px),1fr))}}"
        "img{width:100%;height:auto}figure{margin:0}"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(sheet.title)}</title><style>{style}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    ).encode()


def _html_section(section: Section) -> str:
    pictures = "\n".join(
        f'<figure><img src="{_data(cell)}" alt="{escape(f"{section.title}: {cell.title}")}"></figure>'
        for cell in section.cells
    )
    return f'<h2>{escape(section.title)}</h2>\n<div class="row">\n{pictures}\n</div>'


def as_svg(sheet: Sheet) -> bytes:
    """A drawing; each picture is an image in it, for the names inside of one would be those of another, too."""
    colours = colours_of(sheet)
    placed: list[str] = []
    y = MARGIN + TITLE

    def write(text: str, size: float, colour: str, *, bold: bool = False) -> None:
        weight = ' font-weight="bold"' if bold else ""
        placed.append(
            f'<text x="{MARGIN:g}" y="{y:g}" font-size="{size:g}" fill="{colour}"{weight}>{escape(text)}</text>'
        )

    write(sheet.title, TITLE, colours.text, bold=True)
    y += SMALL + 8
    write(sheet.subtitle, SMALL, colours.quiet)
    widest = 0.0
    for section in sheet.sections:
        y += HEADING + 2 * GAP
        write(section.title, HEADING, colours.text, bold=True)
        y += GAP
        for first in range(0, len(section.cells), COLUMNS):
            x, tallest = MARGIN, 0.0
            for cell in section.cells[first : first + COLUMNS]:
                width, height = svg_size(cell.data)
                place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
                placed.append(f'<image {place} href="{_data(cell)}"/>')
                x, tallest = x + width + GAP, max(tallest, height)
            widest = max(widest, x - GAP)
            y += tallest + GAP
    for one in sheet.notes:
        y += SMALL + 6
        write(one, SMALL, colours.quiet)
    width, height = max(widest, 480.0) + MARGIN, y + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{FONT}">\n'
        f'<rect width="100%" height="100%" fill="{colours.paper}"/>\n' + "\n".join(placed) + "\n</svg>\n"
    ).encode()


def svg_size(data: bytes) -> tuple[float, float]:
    """Width and height of an SVG, as it says itself."""
    found = _SIZE.search(data[:2000])
    return (float(found[1]), float(found[2])) if found else (600.0, 240.0)


def _data(cell: Cell) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(cell.data).decode()

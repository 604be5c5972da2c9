"""What a sheet of pictures is made of."""

from __future__ import annotations

from msgspec import Struct

from common.graphcolours import INKS
from common.graphs import Theme

COLUMNS = 3


class Cell(Struct, frozen=True):
    """A picture and what it is called."""

    data: bytes
    title: str


class Section(Struct, frozen=True):
    """The pictures of one component."""

    title: str
    cells: tuple[Cell, ...]


class Sheet(Struct, frozen=True, kw_only=True):
    """Pictures that belong together; all texts are plain.

    Attributes:
        notes: small print.
        zoom: pixels of its pictures for each that is meant.
        cell_width: of a picture, in pixels that are meant.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    is_dark: bool
    zoom: int
    cell_width: int


class Colours(Struct, frozen=True):
    """Of paper, text, and what matters less."""

    paper: str
    text: str
    quiet: str
    line: str


_QUIET = {False: ("#6b7280", "#d8dee4"), True: ("#9aa3ad", "#2c333c")}


def colours_of(sheet: Sheet) -> Colours:
    """Those of its pictures."""
    inks = INKS[Theme.DARK if sheet.is_dark else Theme.LIGHT]
    return Colours(f"#{inks.paper}", f"#{inks.ink}", *_QUIET[sheet.is_dark])

"""Colours of pictures: of the curves, of severities and marks, of paper and ink, on light and on dark (pure).

The eight colours of each theme can be told apart with normal sight and without one kind of cones (the least distance in
CIELAB is over 15 in each case). Curves beyond the eighth take the colours again, as dashed lines, then dotted ones.

Source: Okabe and Ito, Color Universal Design; Tol, Colour Schemes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from common.graphs import MarkKind, Theme

DASHES = ("", "8,3", "3,3", "10,3,3,3")
"""Of the first eight curves, the next eight, and so on."""
_SIGNS = ("", "╌ ", "┈ ", "╍ ")
_TINTS = (0.0, 0.38, -0.3, 0.2)
"""In place of dashes for areas: how far towards paper, or towards ink."""


LEAST_CONTRAST = 3.0
"""Of a line to its paper (WCAG 2, graphical objects)."""


class Inks(Struct, frozen=True, kw_only=True):
    """The colours of a theme, as `RRGGBB`.

    Attributes:
        curves: in order.
        chrome: by the names that rrdtool has for the parts of a picture.
        severities: from clear (none) to critical.
        marks: of what has no severity, by kind.
        past: of a curve as it was earlier, where there is one curve alone.
        band, area, span, likely: opacity in hex digits.
    """

    curves: tuple[str, ...]
    chrome: Mapping[str, str]
    severities: tuple[str, ...]
    marks: Mapping[MarkKind, str]
    past: str
    band: str
    area: str
    span: str
    likely: str

    @property
    def paper(self) -> str:
        """What everything stands on."""
        return self.chrome["BACK"]

    @property
    def ink(self) -> str:
        """What texts are written in."""
        return self.chrome["FONT"]


def _chrome(paper: str, ink: str, grid: str, line: str, axis: str) -> Mapping[str, str]:
    return MappingProxyType(
        {
            "BACK": paper,
            "CANVAS": paper,
            "SHADEA": paper,
            "SHADEB": paper,
            "GRID": grid,
            "MGRID": line,
            "FRAME": paper + "00",
            "AXIS": axis,
            "ARROW": paper + "00",
            "FONT": ink,
        }
    )


INKS: Mapping[Theme, Inks] = MappingProxyType(
    {
        Theme.LIGHT: Inks(
            curves=("0072B2", "D55E00", "009E73", "CC79A7", "E69F00", "332288", "56B4E9", "882255"),
            chrome=_chrome("FFFFFF", "2B2F36", "1020300D", "1020301C", "8A9099"),
            severities=("5F6670", "5F6670", "2F6FB5", "B07D00", "C8500A", "C01030"),
            marks=MappingProxyType({MarkKind.RESTART: "6A3FA0", MarkKind.CHANGE: "2F6FB5", MarkKind.EVENT: "5F6670"}),
            past="8A9099",
            band="3C",
            area="2E",
            span="26",
            likely="26",
        ),
        Theme.DARK: Inks(
            curves=("56B4E9", "FF7A45", "C8F2C2", "A06CFF", "FFB000", "C96198", "F4E285", "F2495C"),
            chrome=_chrome("181B1F", "D5D8DD", "E0E8F00F", "E0E8F01E", "7D858F"),
            severities=("9AA1AB", "9AA1AB", "6EA8E8", "E3B341", "FF8A4C", "FF5C73"),
            marks=MappingProxyType({MarkKind.RESTART: "B794F6", MarkKind.CHANGE: "6EA8E8", MarkKind.EVENT: "9AA1AB"}),
            past="868E99",
            band="48",
            area="38",
            span="38",
            likely="30",
        ),
    }
)


def curve_colour(theme: Theme, place: int, *, area: bool) -> str:
    """The colour of the curve at this place, from 0; areas that come round again are lighter, then darker."""
    inks = INKS[theme]
    colour = inks.curves[place % len(inks.curves)]
    tint = _TINTS[place // len(inks.curves) % len(_TINTS)] if area else 0.0
    return mixed(colour, inks.paper if tint > 0 else inks.ink, abs(tint))


def on_dark(colour: str, *, layer: bool) -> str:
    """A colour that somebody has chosen for white paper: lines are lightened until they can be seen, layers dimmed."""
    inks = INKS[Theme.DARK]
    if layer:
        return mixed(colour, inks.paper, min(0.5, max(0.0, _luminance(colour) - 0.5)))
    for tenth in range(10):
        seen = mixed(colour, "FFFFFF", tenth / 10)
        if (_luminance(seen) + 0.05) / (_luminance(inks.paper) + 0.05) >= LEAST_CONTRAST:
            return seen
    return "FFFFFF"


def _luminance(colour: str) -> float:
    """How light a colour is, 0 to 1 (WCAG 2, relative luminance)."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def curve_dashes(place: int) -> str:
    """The pattern of the line of the curve at this place; empty for a whole line."""
    return DASHES[place // len(INKS[Theme.LIGHT].curves) % len(DASHES)]


def curve_sign(place: int, is_line: bool) -> str:  # noqa: FBT001 - which of two signs
    """What stands before the name of a curve whose line has a pattern: rrdtool shows none in the legend."""
    return _SIGNS[place // len(INKS[Theme.LIGHT].curves) % len(_SIGNS)] if is_line else ""


def mixed(colour: str, other: str, share: float) -> str:
    """So much of the other colour in this one."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (0, 2, 4)]
    return "".join(f"{round(one + (two - one) * share):02X}" for one, two in pairs)

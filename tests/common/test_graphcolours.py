"""Colours of curves: told apart with normal sight and without one kind of cones, on light and on dark."""

from __future__ import annotations

import itertools

import pytest

from common.graphcolours import INKS, curve_colour, curve_dashes, curve_sign, mixed, on_dark
from common.graphs import Theme

LEAST_DISTANCE = 15.0
"""In CIELAB; 2.3 is just noticeable."""

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
_SIGHT = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)
Triple = tuple[float, float, float]


def _linear(colour: str) -> Triple:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def _times(matrix: tuple[Triple, ...], vector: Triple) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def _lab(colour: str, sight: str) -> Triple:
    red, green, blue = (min(1.0, max(0.0, part)) for part in _times(_SIGHT[sight], _linear(colour)))
    x, y, z = (part / white for part, white in zip(_times(_XYZ, (red, green, blue)), _WHITE, strict=True))
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _distance(one: str, other: str, sight: str) -> float:
    pairs = zip(_lab(one, sight), _lab(other, sight), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


def _contrast(one: str, other: str) -> float:
    low, high = sorted(_times(_XYZ, _linear(colour))[1] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_the_distance_knows_red_from_green_by_sight() -> None:
    assert _distance("B00000", "608000", "normal") > 80 > 25 > _distance("7A6A00", "608000", "protanopia")


@pytest.mark.parametrize("sight", _SIGHT)
@pytest.mark.parametrize("theme", list(Theme))
def test_eight_colours_are_told_apart(theme: Theme, sight: str) -> None:
    for one, other in itertools.combinations(INKS[theme].curves, 2):
        assert _distance(one, other, sight) >= LEAST_DISTANCE, (one, other)


@pytest.mark.parametrize("theme", list(Theme))
def test_everything_stands_out_from_the_paper(theme: Theme) -> None:
    inks = INKS[theme]
    assert _contrast(inks.ink, inks.paper) >= 7
    for colour in inks.curves:
        assert _contrast(colour, inks.paper) >= 2.2, colour
    for colour in (*inks.severities, *inks.marks.values()):
        assert _contrast(colour, inks.paper) >= 3, colour


@pytest.mark.parametrize("theme", list(Theme))
def test_twenty_curves_differ_in_colour_or_pattern(theme: Theme) -> None:
    lines = {(curve_colour(theme, place, area=False), curve_dashes(place)) for place in range(20)}
    assert len(lines) == 20
    areas = [curve_colour(theme, place, area=True) for place in range(20)]
    assert len(set(areas)) == 20
    for one, other in itertools.pairwise(areas):
        assert _distance(one, other, "normal") > 10
    assert [bool(curve_sign(place, True)) for place in (0, 7, 8, 19)] == [False, False, True, True]
    assert not curve_sign(12, False)


def test_colours_are_mixed_by_share() -> None:
    assert mixed("000000", "FFFFFF", 0.5) == "808080"
    assert mixed("12AB9F", "FFFFFF", 0) == "12AB9F"


def test_colours_for_white_paper_can_be_seen_on_dark_and_do_not_glare() -> None:
    paper = INKS[Theme.DARK].paper
    for colour in ("08306B", "636363", "A63603", "000000"):
        seen, paper_light = _lab(on_dark(colour, layer=False), "normal")[0], _lab(paper, "normal")[0]
        assert seen - paper_light > 28, colour
    assert on_dark("74C476", layer=False) == "74C476"
    free, cache = (_lab(on_dark(colour, layer=True), "normal")[0] for colour in ("EDF8E9", "C6DBEF"))
    assert free < cache < _lab("C6DBEF", "normal")[0]
    assert on_dark("E6550D", layer=True) == "E6550D"

"""What a fault test measures, beside the figure that it has to pass.

Counts hold in both forms. Times and sizes hold as they stand in the long form, which has the machine to itself; the
short one allows a multiple, because it may share two cores with everything else: of times more than of sizes, which do
not grow by that.
"""

from __future__ import annotations

import os

from msgspec import Struct

from tests.faults.length import LONG

SLACK, SLACK_OF_TIME = 4.0, 10.0
TIMES = {"s", "times"}
"""Units of what takes longer on a busy machine."""


class Figure(Struct, frozen=True):
    """One row: measured, and what it must not pass."""

    test: str
    what: str
    measured: str
    aim: str
    held: bool


FIGURES: list[Figure] = []


def at_most(what: str, measured: float, aim: float, unit: str = "s", slack: float = 0.0) -> None:
    """A time or size that must not pass its aim.

    Raises:
        AssertionError: it does; in the short form, it passes `slack` times the aim (0: as much as its unit has).
    """
    limit = aim if LONG else aim * (slack or _slack(unit))
    _note(what, f"{measured:,.3g} {unit}", f"<= {aim:,.6g} {unit}", held=measured <= aim)
    assert measured <= limit, f"{what}: {measured:,.3g} {unit}; at most {limit:,.6g} {unit}"


def at_least(what: str, measured: float, aim: float, unit: str, slack: float = 0.0) -> None:
    """A rate that must reach its aim.

    Raises:
        AssertionError: it does not; in the short form, it does not reach its `slack`th part.
    """
    limit = aim if LONG else aim / (slack or _slack(unit))
    _note(what, f"{measured:,.3g} {unit}", f">= {aim:,.6g} {unit}", held=measured >= aim)
    assert measured >= limit, f"{what}: {measured:,.3g} {unit}; at least {limit:,.6g} {unit}"


def exactly(what: str, measured: object, aim: object) -> None:
    """A count that must be what it should.

    Raises:
        AssertionError: it is another.
    """
    _note(what, str(measured), f"= {aim}", held=measured == aim)
    assert measured == aim, f"{what}: {measured}, not {aim}"


def no_more(what: str, measured: int, aim: int) -> None:
    """A count that must not pass its aim, in either form.

    Raises:
        AssertionError: it does.
    """
    _note(what, str(measured), f"<= {aim}", held=measured <= aim)
    assert measured <= aim, f"{what}: {measured}; at most {aim}"


def told(what: str, measured: float, unit: str) -> None:
    """A figure without an aim."""
    _note(what, f"{measured:,.3g} {unit}", "", held=True)


def _slack(unit: str) -> float:
    return SLACK_OF_TIME if unit in TIMES else SLACK


def _note(what: str, measured: str, aim: str, *, held: bool) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "?").partition(" ")[0].rpartition("::")[2]
    FIGURES.append(Figure(test, what, measured, aim, held))


def table() -> list[str]:
    """All rows, as lines of text."""
    lines: list[str] = []
    last = ""
    for figure in FIGURES:
        if figure.test != last:
            lines.append(figure.test)
            last = figure.test
        mark = "" if figure.held else "   MISSED"
        lines.append(f"    {figure.what:<66} {figure.measured:>16}   {figure.aim}{mark}")
    return lines

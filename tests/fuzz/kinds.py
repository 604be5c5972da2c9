"""What can be fuzzed, by name: each kind of case is made by a number, and the same number makes the same case."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fuzz import agents, proc, rows
from tests.fuzz.agents import Liar
from tests.fuzz.wholepath import no_traceback


def _broken(seed: int, liars: list[Liar]) -> None:
    agents.run_case("broken", seed, liars)


def _changed(seed: int, liars: list[Liar]) -> None:
    agents.run_case("changed", seed, liars)


def _rows(seed: int, _liars: list[Liar]) -> None:
    rows.run_case(seed)


def _proc(seed: int, _liars: list[Liar]) -> None:
    proc.run_case(seed)


KINDS: Mapping[str, Callable[[int, list[Liar]], None]] = {
    "broken": _broken, "changed": _changed, "rows": _rows, "proc": _proc,
}  # fmt: skip
"""Answers that are lost or damaged; answers with other values, names, types; captures with other rows; /proc."""


def run_case(kind: str, seed: int, liars: list[Liar] | None = None) -> None:
    """Run one case; nothing of it may be logged with a traceback.

    Raises:
        Exception: something is not as it has to be.
    """
    with no_traceback():
        KINDS[kind](seed, [] if liars is None else liars)

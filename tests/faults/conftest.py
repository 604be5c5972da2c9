"""Prints the figures of the fault tests when they have run."""

from __future__ import annotations

from typing import Any

from tests.faults.figures import table


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was measured, in the process that has measured it."""
    lines = table()
    if lines:
        terminalreporter.section("fault tests: measured, and the figure to pass")
        for line in lines:
            terminalreporter.write_line(line)

"""Shares of the time of processors, from what they have counted (pure)."""

from __future__ import annotations

from collections.abc import Mapping

WITHIN_OTHERS = frozenset({"guest", "guest_nice"})
"""Their time is also time of `user` and `nice`."""
AT_REST = frozenset({"idle", "iowait"})


def cpu_shares(before: Mapping[str, float], now: Mapping[str, float]) -> dict[str, float | None]:
    """Percent of the time between two counts in each state, and of all that is work; None where no time has passed."""
    # Time at rest may be counted back a little when a processor comes from a long sleep (proc(5), `iowait`).
    spent = {state: max(0.0, seconds - before.get(state, 0.0)) for state, seconds in now.items()}
    total = sum(seconds for state, seconds in spent.items() if state not in WITHIN_OTHERS)
    if not before or total <= 0:
        return dict.fromkeys(("cpu_busy", *(f"cpu_{state}" for state in now)))
    shares: dict[str, float | None] = {f"cpu_{state}": 100.0 * seconds / total for state, seconds in spent.items()}
    rest = sum(seconds for state, seconds in spent.items() if state in AT_REST)
    return {"cpu_busy": 100.0 * (total - rest) / total, **shares}

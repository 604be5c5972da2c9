"""How a process ended, in words (pure)."""

from __future__ import annotations

import signal


def signal_name(number: int) -> str:
    """A signal in words, for example `SIGKILL (9)`."""
    try:
        return f"{signal.Signals(number).name} ({number})"
    except ValueError:
        return f"signal {number}"


def how_it_ended(status: int) -> str:
    """An exit status in words; below 0 it is the signal that ended the process, as `subprocess` has it."""
    return f"exit status {status}" if status >= 0 else f"killed by {signal_name(-status)}"

"""Why processes ended, in words (pure)."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence

from collectors.framework.processevents.values import ProcessLife
from common.endings import signal_name
from common.quantities import quantity

MAX_KINDS = 3
MAX_LISTED = 20


def reason(life: ProcessLife) -> str:
    """How one process ended; what is only likely is said so."""
    if life.oom is not None:
        held = life.oom.memory_bytes
        size = f", it held {quantity(held, 'bytes')}" if held is not None else ""
        if life.oom.known:
            return f"killed by {signal_name(signal.SIGKILL)}, by the kernel's OOM killer{size}"
        return f"killed by {signal_name(signal.SIGKILL)}, probably by the OOM killer: {life.oom.evidence}{size}"
    if life.signal:
        return f"killed by {signal_name(life.signal)}{', core dumped' if life.dumped else ''}"
    return f"exit code {life.exit_code}"


def reasons(ended: Sequence[ProcessLife]) -> str:
    """How some processes ended, what is most frequent first; empty when none did."""
    kinds = Counter(reason(life) for life in ended)
    if len(kinds) == 1:
        return next(iter(kinds))
    said = [f"{count} × {text}" if count > 1 else text for text, count in kinds.most_common(MAX_KINDS)]
    rest = len(ended) - sum(count for _, count in kinds.most_common(MAX_KINDS))
    return "; ".join([*said, *([f"{rest} others"] if rest else [])])


def listed(ended: Sequence[ProcessLife]) -> list[str | int]:
    """One line for each of the last that ended."""
    return [f"{life.pid}: {reason(life)}" for life in ended[-MAX_LISTED:]]

"""Whether a set runs more often than it may: independent trees of processes, however many workers each has (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.framework.processtable import ProcessRow
from collectors.process.events import TWICE, SetVoice
from collectors.process.memory import SetMemory
from common.configs import ProcessSetConfig

SCANS = 2
"""So many in a row, at least, have to show it: one that is just being replaced is there twice for a moment."""


def roots_of(rows: Mapping[int, ProcessRow]) -> list[int] | None:
    """The members of a set whose parents are none; None where parents are not known, as over SNMP."""
    if any(row.parent is None for row in rows.values()):
        return None
    return sorted(pid for pid, row in rows.items() if row.parent not in rows)


def judge_instances(
    voice: SetVoice, definition: ProcessSetConfig, kept: SetMemory, rows: Mapping[int, ProcessRow], *, on_turn: bool
) -> None:
    """Judge the living processes of a set by one scan; what is not known changes nothing.

    Scans out of turn come in quick succession, while processes are being replaced: they do not count.
    """
    most = definition.instances_max
    if most is None:
        kept.twice = 0
        voice.over(TWICE, f"{voice.component} may run as often as it does")
        return
    roots = roots_of(rows)
    if roots is not None and len(roots) <= most:
        kept.twice = 0
        voice.over(TWICE, f"{voice.component} runs {_times(len(roots))}, as it may")
    elif roots is not None:
        kept.twice += on_turn
        if kept.twice >= max(SCANS, definition.confirm):
            pids = ", ".join(map(str, roots[:5])) + (f" and {len(roots) - 5} more" if len(roots) > 5 else "")
            text = f"{voice.component} runs {_times(len(roots))}, and may run {_times(most)} at most: pids {pids}"
            voice.condition(
                TWICE,
                definition.missing_severity,
                text,
                {"roots": list[str | int](roots[:100]), "instances": len(roots)},
            )


def _times(count: int) -> str:
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count} times")

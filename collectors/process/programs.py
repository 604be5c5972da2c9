"""What the processes of a set are: programs that were replaced on disk, users that changed (pure).

docs/process-rules.md has the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from collectors.framework.processtable import ProcessRow
from collectors.process.events import REPLACED, USER, SetVoice
from collectors.process.memory import SetMemory
from common.configs import DeviceConfig, SourceKind
from common.quantities import counted
from common.queries import Decision

SETTLE_S = 45.0
"""What is wrong is said once scans in a row have found it so for so long: a package is being installed, or a daemon has
not given up root yet."""
FEW_USERS = 3
"""A set that has run as more users than this is run by people, and says nothing of users."""
MOST_USERS = 32
ROOT = frozenset({"root", "0"})


def look(voice: SetVoice, config: DeviceConfig, kept: SetMemory, rows: Mapping[int, ProcessRow], at: float) -> None:
    """Judge the living processes of a set by one scan at epoch second `at`."""
    if config.source is not SourceKind.LOCAL:
        return
    _programs(voice, config, kept, rows, at)
    _users(voice, config, kept, rows, at)


def closed(kept: SetMemory, decision: Decision) -> None:
    """An operator closed an alarm of a set: what it told of is as it should be."""
    if decision.event_key == REPLACED:
        kept.accepted, kept.replaced = sorted({*kept.accepted, *kept.stale}), None
    elif decision.event_key == USER:
        kept.users = sorted({*kept.users, *kept.strangers})[:MOST_USERS]
        kept.strangers, kept.strange = (), None


def _programs(
    voice: SetVoice, config: DeviceConfig, kept: SetMemory, rows: Mapping[int, ProcessRow], at: float
) -> None:
    replaced = [pid for pid, row in rows.items() if row.replaced]
    kept.accepted = tuple(pid for pid in kept.accepted if pid in replaced)
    kept.stale = tuple(sorted(set(replaced).difference(kept.accepted)))
    kept.replaced = _since(kept.replaced, bool(kept.stale), at)
    if kept.replaced is None:
        voice.over(REPLACED, f"{voice.component} runs what is on disk")
    elif at - kept.replaced >= SETTLE_S:
        count = f"{len(kept.stale)} of {counted(len(rows), 'process', 'processes')}"
        text = f"{voice.component} was not restarted: the program of {count} was replaced or removed on disk"
        voice.condition(REPLACED, config.replaced_severity.severity, text, {"replaced": list(kept.stale)})


def _users(voice: SetVoice, config: DeviceConfig, kept: SetMemory, rows: Mapping[int, ProcessRow], at: float) -> None:
    present = {row.user for row in rows.values() if row.user is not None}
    if not present:
        return
    if not kept.users:
        kept.users_since = at
    if at - kept.users_since < SETTLE_S:  # a daemon that was just started may change its user yet
        kept.users = sorted(present)[:MOST_USERS]
        return
    foreign = present.difference(kept.users)
    kept.strange = _since(kept.strange, bool(foreign) and _wrong(kept.users, present), at)
    if kept.strange is not None:
        kept.strangers = sorted(foreign)[:MOST_USERS]
        if at - kept.strange >= SETTLE_S:
            text = f"{voice.component} runs as {_list(present)}, before as {_list(kept.users)}"
            details = {"users": list[str | int](sorted(present)), "before": list[str | int](kept.users)}
            voice.condition(USER, config.user_severity.severity, text, details)
        return
    kept.strangers = ()
    if foreign:
        kept.users = sorted({*kept.users, *foreign})[:MOST_USERS]
    voice.over(USER, f"{voice.component} runs as {_list(present)}")


def _wrong(users: Sequence[str], present: set[str]) -> bool:
    """Whether it is strange that a set of these users runs as those who are present now."""
    if len(users) > FEW_USERS:
        return False
    if present.isdisjoint(users):
        return True
    return len(users) == 1 and ROOT.isdisjoint(users) and not ROOT.isdisjoint(present)


def _since(before: float | None, wrong: bool, at: float) -> float | None:  # noqa: FBT001 - as a word
    """Since when something is wrong; None when it is not."""
    if not wrong:
        return None
    return at if before is None else before


def _list(users: Collection[str]) -> str:
    names = sorted(users)
    more = f" and {len(names) - FEW_USERS} more" if len(names) > FEW_USERS else ""
    return ", ".join(names[:FEW_USERS]) + more

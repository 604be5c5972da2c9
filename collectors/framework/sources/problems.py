"""Which problems of a device open and end, and the events that say so (pure).

Several sources may have the same problem: a device that does not answer is one event, which ends when none has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from collectors.framework.sources.memory import DeviceMemory, SourceMemory, Standing
from collectors.framework.sources.results import Problem
from common.events import Event, Severity
from common.matching import printable

MAX_TEXT = 512
MAX_MESSAGE = 8192

_NUMBER = re.compile(r"\d+")
_Identity = tuple[str, str, str]


def follow(
    memory: DeviceMemory, kept: SourceMemory, problems: Iterable[Problem], event_class: str
) -> list[tuple[Standing, bool]]:
    """Bring to date what stands of a source; what is to be told of that, each with whether it stands.

    A problem is told once, and again when it is worse, or when it is another one by its text; other numbers in a text
    do not make it another one.

    Args:
        memory: of the device.
        kept: of the source.
        problems: what a reading says is wrong.
        event_class: of those that have none of their own.
    """
    now = _by_identity(problems, event_class)
    before = {one.identity: one for one in kept.problems}
    if not now and not before:
        return []
    told: list[tuple[Standing, bool]] = []
    kept.problems = []
    for identity, one in now.items():
        old = before.get(identity)
        if old is None and memory.is_open(identity):
            old = one  # another source has told of it
        if old is None or old.severity != one.severity or _words(old) != _words(one):
            told.append((one, True))
            memory.learn(one.event_class, one.key)
        else:
            now[identity] = old
    gone = [one for identity, one in before.items() if identity not in now]
    told += [(one, False) for one in gone if not memory.is_open(one.identity)]
    kept.problems = list(now.values())
    return told


def event_of(device: str, one: Standing, at: float, group: str, *, stands: bool, over: str = "it is over") -> Event:
    """The event that tells of a problem."""
    return Event(
        device=device,
        component=one.component,
        event_class=one.event_class,
        event_key=one.key,
        severity=Severity(one.severity) if stands else Severity.CLEAR,
        summary=(one.summary if stands else f"{over}: {one.summary}" if one.summary else over)[:MAX_TEXT],
        message=one.message if stands else "",
        at=at,
        group=group,
    )


def _by_identity(problems: Iterable[Problem], event_class: str) -> dict[_Identity, Standing]:
    """Each once, the worst of those that are the same."""
    found: dict[_Identity, Standing] = {}
    for problem in problems:
        one = Standing(
            component=printable(problem.component, MAX_TEXT),
            event_class=printable(problem.event_class or event_class, MAX_TEXT),
            key=printable(problem.key, MAX_TEXT),
            severity=int(problem.severity),
            summary=printable(_line(problem.summary), MAX_TEXT),
            message=_clean(problem.message),
        )
        other = found.get(one.identity)
        if other is None or one.severity > other.severity:
            found[one.identity] = one
    return found


def _line(text: str) -> str:
    return " ".join(text[: 4 * MAX_TEXT].split())


def _clean(text: str) -> str:
    """Several lines, each fit to be seen."""
    return "\n".join(printable(line, MAX_TEXT) for line in text[:MAX_MESSAGE].splitlines())[:MAX_MESSAGE]


def _words(one: Standing) -> str:
    return _NUMBER.sub("#", one.summary)

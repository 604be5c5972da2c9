"""What is wrong with the things that are watched, as problems (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from collectors.framework.sources.results import Problem
from collectors.status.passes import Found, Pass, ProcessName, State, Wanted
from common.events import CLASS_HOST, Severity
from common.sources import StatusSource

ABSENT, DENIED, GONE = "item_absent", "item_denied", "item_gone"
STUCK, ERROR = "item_stuck", "item_error"

KEYS: Mapping[State, str] = {
    State.ABSENT: ABSENT,
    State.DENIED: DENIED,
    State.GONE: GONE,
    State.STUCK: STUCK,
    State.ERROR: ERROR,
}
UNKNOWN = frozenset({DENIED, STUCK, ERROR})
"""Of what this is said nothing is known; it may be there, and alarms of it stand."""
_WORSE = frozenset({State.GONE, State.STUCK})


def of_source(source: StatusSource, now: Pass) -> list[Problem]:
    """What is wrong with what a source of a template reads."""
    if source.item == "processes":
        names = {ProcessName(name=name, match=source.match, follow=source.follow) for name in source.only}
        return list(_of_processes(now, names))
    return list(_of_item(now, source.item, source.only, source.left_out))


def of_wanted(wanted: Wanted, now: Pass) -> list[Problem]:
    """What is wrong with what the settings name."""
    named = {"disks": wanted.disks, "interfaces": wanted.interfaces}
    found = [problem for item, names in named.items() if names for problem in _of_item(now, item, names)]
    found += [problem for item in sorted(wanted.further) for problem in _of_item(now, item, ())]
    found += _of_processes(now, wanted.processes)
    return list({(one.key, one.component): one for one in found}.values())


def _of_item(now: Pass, item: str, names: Collection[str], without: Collection[str] = ()) -> Iterator[Problem]:
    """Of the names of an item; without names, of all that it has had: what a host never had, nobody has asked for."""
    for name, found in now.items.get(item, {}).items():
        asked = name in names if names else found.listed and found.state is not State.ABSENT
        if asked and name not in without:
            yield from _of(found, name, f"{item}{f' {name}' if name else ''}")


def _of_processes(now: Pass, names: Collection[ProcessName]) -> Iterator[Problem]:
    for name, found in now.processes.items():
        if name in names:
            yield from _of(found, name.name, f"processes {name.name}")


def _of(found: Found, component: str, what: str) -> Iterator[Problem]:
    if found.state is not State.OK:
        yield Problem(
            key=KEYS[found.state],
            summary=f"{what}: {found.sentence or found.state.value}"[:512],
            severity=Severity.ERROR if found.state in _WORSE else Severity.WARNING,
            component=component[:255],
            event_class=CLASS_HOST,
        )

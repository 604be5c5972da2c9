"""The report of a preview: what docs/contract.md fixes of it, and how reports of several devices become one."""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

MAX_CHANGED = 1000
MAX_COMPONENTS = 1000
LINE_LENGTH = 500
"""Characters of a line that are told; the whole of it was matched."""

T = TypeVar("T")
S = TypeVar("S", bound=Struct)


class DraftState(enum.Enum):
    """What a draft is to the definitions that are there; `present` is no draft."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNMONITORED = "unmonitored"
    PRESENT = "present"


class Sighting(Struct, frozen=True):
    """A line on a device, and how many processes have it."""

    device: str
    line: str
    count: int


class Lines(Struct, frozen=True, kw_only=True):
    """Lines, counted by process, and some of them."""

    lines: int = 0
    devices: int = 0
    examples: list[Sighting] = []


class Taken(Struct, frozen=True):
    """Which definition takes a line, and the name of the set that it puts it into."""

    definition: str
    component: str


class Changed(Struct, frozen=True, kw_only=True):
    """A line that another set would take than now; None for no set."""

    device: str
    line: str
    count: int
    before: Taken | None
    after: Taken | None


class Move(Struct, frozen=True, kw_only=True):
    """How many lines go from one definition to another; the same twice where only the set's name changes."""

    before: str | None
    after: str | None
    lines: int


class Overlap(Struct, frozen=True, kw_only=True):
    """Lines that the same definitions match.

    Attributes:
        definitions: ids, the first in order first.
        taken_by: the first of them; None where it would make too many sets.
    """

    definitions: list[str]
    taken_by: str | None
    lines: int
    devices: int
    examples: list[Sighting]


class DefinitionRow(Struct, frozen=True, kw_only=True):
    """What a definition would take.

    Attributes:
        order: None for a draft that applies to none of the devices.
        applies: how many of the devices it applies to and is watched on.
        lines_before: how many lines it takes as it is.
        devices: on how many devices it would take lines.
        components: names of the sets that it would make.
        overflowing: devices on which it would make too many sets.
        beyond_snmp: lines that it would not take, or name otherwise, were they read over SNMP; drafts only.
    """

    id: str
    order: int | None
    draft: bool
    state: DraftState
    applies: int
    lines_before: int
    lines: int
    devices: int
    components: list[str]
    more_components: bool
    examples: list[Sighting]
    overflowing: list[str]
    beyond_snmp: Lines


class DeviceRow(Struct, frozen=True, kw_only=True):
    """A device that was looked at.

    Attributes:
        at: time of the scan.
        cut: lines whose arguments the SNMP agent may have cut.
        problem: why its lines are not known; empty when they are.
    """

    device: str
    at: float | str | None = None
    lines: int = 0
    taken_before: int = 0
    taken: int = 0
    cut: int = 0
    problem: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """What drafts would change.

    Attributes:
        revision: of the model that they were laid over; None for none.
        changed_lines: how many lines `changed` would have if it were whole.
        shortened: some examples were left out beyond what was asked for, for the answer would have been too large.
    """

    revision: int | None = None
    devices: list[DeviceRow] = []
    definitions: list[DefinitionRow] = []
    overlaps: list[Overlap] = []
    changed: list[Changed] = []
    changed_lines: int = 0
    moves: list[Move] = []
    unmatched: Lines = Lines()
    shortened: bool = False


def merged(reports: Sequence[Report], examples: int) -> Report:
    """One report of several, each of other devices."""
    told = max(examples, MAX_CHANGED)
    return Report(
        revision=max((one.revision for one in reports if one.revision is not None), default=None),
        devices=[row for one in reports for row in one.devices],
        definitions=sorted(
            _joined((one.definitions for one in reports), lambda row: row.id, lambda rows: _definition(rows, examples)),
            key=lambda row: (row.order is None, row.order or 0, row.id),
        ),
        overlaps=sorted(
            _joined(
                (one.overlaps for one in reports),
                lambda row: (tuple(row.definitions), row.taken_by),
                lambda rows: _counted(rows, examples),
            ),
            key=lambda row: (-row.lines, row.definitions),
        ),
        changed=[row for one in reports for row in one.changed][:told],
        changed_lines=sum(one.changed_lines for one in reports),
        moves=sorted(
            _joined(
                (one.moves for one in reports),
                lambda row: (row.before, row.after),
                lambda rows: msgspec.structs.replace(rows[0], lines=sum(row.lines for row in rows)),
            ),
            key=lambda row: (-row.lines, row.before or "", row.after or ""),
        ),
        unmatched=_counted([one.unmatched for one in reports], examples) if reports else Lines(),
        shortened=any(one.shortened for one in reports),
    )


def bounded(report: Report, most: int) -> Report:
    """A report with so many examples in all; `shortened` where there were more. Those of drafts go first."""
    room = _Room(most)
    # What comes first keeps the most: what drafts take, what changes, then the rest.
    drafts = {row.id: _kept(row, room) for row in report.definitions if row.draft}
    changed = room.of(report.changed)
    overlaps = [_kept(row, room) for row in report.overlaps]
    unmatched = _kept(report.unmatched, room)
    definitions = [drafts[row.id] if row.draft else _kept(row, room) for row in report.definitions]
    return msgspec.structs.replace(
        report,
        definitions=definitions,
        changed=changed,
        overlaps=overlaps,
        unmatched=unmatched,
        shortened=report.shortened or room.is_full,
    )


class _Room:
    """How many rows may still be told."""

    def __init__(self, most: int) -> None:
        self._left = most
        self.is_full = False

    def of(self, rows: list[T]) -> list[T]:
        kept = rows[: self._left]
        self._left -= len(kept)
        self.is_full |= len(kept) < len(rows)
        return kept


def _kept(row: Any, room: _Room) -> Any:
    found = msgspec.structs.replace(row, examples=room.of(row.examples))
    if isinstance(row, DefinitionRow):
        return msgspec.structs.replace(found, beyond_snmp=_kept(row.beyond_snmp, room))
    return found


def _joined(rows: Iterable[list[S]], key: Callable[[S], Hashable], join: Callable[[list[S]], S]) -> list[S]:
    by_key: dict[Hashable, list[S]] = {}
    for some in rows:
        for row in some:
            by_key.setdefault(key(row), []).append(row)
    return [join(same) for same in by_key.values()]


def _counted(rows: Sequence[Any], examples: int) -> Any:
    """Rows that count the same thing, as one."""
    return msgspec.structs.replace(
        rows[0],
        lines=sum(row.lines for row in rows),
        devices=sum(row.devices for row in rows),
        examples=[sighting for row in rows for sighting in row.examples][:examples],
    )


def _definition(rows: Sequence[DefinitionRow], examples: int) -> DefinitionRow:
    components = sorted({name for row in rows for name in row.components})
    found: DefinitionRow = _counted(rows, examples)
    return msgspec.structs.replace(
        found,
        order=next((row.order for row in rows if row.order is not None), None),
        applies=sum(row.applies for row in rows),
        lines_before=sum(row.lines_before for row in rows),
        components=components[:MAX_COMPONENTS],
        more_components=len(components) > MAX_COMPONENTS or any(row.more_components for row in rows),
        overflowing=[device for row in rows for device in row.overflowing],
        beyond_snmp=_counted([row.beyond_snmp for row in rows], examples),
    )

"""What drafts of definitions would take on a device (pure): definitions before and after and a table in, report out.

Who takes a line is decided by `common.matching.Matcher` alone, as it is on collectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from common.configs import ProcessSetConfig
from common.matching import Matcher, SetName, printable
from common.roll import CommandLine
from hub.model.previewreport import (
    LINE_LENGTH,
    MAX_CHANGED,
    MAX_COMPONENTS,
    Changed,
    DefinitionRow,
    DeviceRow,
    DraftState,
    Lines,
    Move,
    Overlap,
    Report,
    Sighting,
    Taken,
)

SNMP_ARGUMENTS_BYTES = 128
"""hrSWRunParameters is no longer (RFC 2790)."""


class Host(Struct, frozen=True, kw_only=True):
    """Where lines were seen.

    Attributes:
        at: epoch second of the scan.
        is_snmp: an agent told them, which cuts arguments.
    """

    name: str
    at: float | None = None
    is_snmp: bool = False


def look(
    host: Host,
    lines: Iterable[CommandLine],
    *,
    before: Sequence[ProcessSetConfig],
    after: Sequence[ProcessSetConfig],
    drafts: Mapping[str, DraftState],
    examples: int,
) -> Report:
    """Tell what drafts would change about the lines of one host.

    Args:
        host: where the lines were seen.
        lines: one for each process that runs, in the order in which a collector would match them.
        before: definitions that apply to the host and are watched, as they are.
        after: the same as they would be.
        drafts: what each draft is to the definitions that are there, by id.
        examples: how many lines are told for each count, at most.
    """
    looking = _Looking(host, before, after, examples)
    counts = Counter(lines)
    for line, count in counts.items():
        looking.see(line, count)
    if not host.is_snmp:
        for line, count in counts.items():
            looking.see_cut(line, count, drafts)
    return looking.report(drafts)


def as_agents_show(line: CommandLine) -> CommandLine:
    """A command line as an SNMP agent would show it: its arguments are cut at 128 bytes."""
    whole = line.text[len(line.text) - line.arguments :].encode("utf-8", "replace")
    if len(whole) <= SNMP_ARGUMENTS_BYTES:
        return line
    kept = whole[:SNMP_ARGUMENTS_BYTES].decode("utf-8", "ignore").rstrip()
    return CommandLine((line.text[: len(line.text) - line.arguments] + kept).rstrip(), len(kept))


def line_of(text: str) -> CommandLine:
    """A line of `ps -eo args`: what follows the first blank are the arguments, as on a machine that is read locally."""
    text = text.strip()
    return CommandLine(text, len(text.partition(" ")[2]))


class _Tally:
    """Lines that have something in common."""

    def __init__(self) -> None:
        self.lines = 0
        self.examples: list[Sighting] = []

    def add(self, sighting: Sighting, limit: int) -> None:
        self.lines += sighting.count
        if len(self.examples) < limit:
            self.examples.append(sighting)

    def told(self) -> Lines:
        return Lines(lines=self.lines, devices=int(self.lines > 0), examples=self.examples)


class _Looking:
    """Counts what happens to the lines of a host."""

    def __init__(
        self, host: Host, before: Sequence[ProcessSetConfig], after: Sequence[ProcessSetConfig], limit: int
    ) -> None:
        self._host = host
        self._limit = limit
        self._before, self._after = Matcher(before), Matcher(after)
        self._lines = self._taken_before = self._taken_after = self._cut_lines = 0
        self._taken: dict[str, _Tally] = {}
        self._lost: Counter[str] = Counter()
        self._components: dict[str, set[str]] = {}
        self._beyond: dict[str, _Tally] = {}
        self._overlaps: dict[tuple[str, ...], tuple[str | None, _Tally]] = {}
        self._unmatched = _Tally()
        self._changed: list[Changed] = []
        self._changed_lines = 0
        self._moves: Counter[tuple[str | None, str | None]] = Counter()

    def see(self, line: CommandLine, count: int) -> None:
        """Take note of a line that so many processes have."""
        before, after = self._before.match(line.text), self._after.match(line.text)
        hits = self._after.all_matches(line.text)
        sighting = Sighting(self._host.name, printable(line.text, LINE_LENGTH), count)
        self._lines += count
        if before is not None:
            self._taken_before += count
            self._lost[before.definition] += count
        if after is not None:
            self._taken_after += count
            self._taken.setdefault(after.definition, _Tally()).add(sighting, self._limit)
            self._components.setdefault(after.definition, set()).add(after.component)
        if not hits:
            self._unmatched.add(sighting, self._limit)
        if len(hits) > 1:
            taker = None if after is None else after.definition
            self._overlaps.setdefault(tuple(hits), (taker, _Tally()))[1].add(sighting, self._limit)
        if before != after:
            self._change(sighting, before, after)
        if self._host.is_snmp and self._may_be_cut(line):
            self._cut_lines += count

    def see_cut(self, line: CommandLine, count: int, drafts: Mapping[str, DraftState]) -> None:
        """Take note of a line that a draft would not take, or name otherwise, were it read over SNMP.

        To be called when all lines were seen, so that names are given in the right order.
        """
        whole = self._after.match(line.text)
        if whole is None or whole.definition not in drafts:
            return
        shown = as_agents_show(line)
        if shown is not line and self._after.match(shown.text) != whole:
            sighting = Sighting(self._host.name, printable(line.text, LINE_LENGTH), count)
            self._beyond.setdefault(whole.definition, _Tally()).add(sighting, self._limit)

    def _change(self, sighting: Sighting, before: SetName | None, after: SetName | None) -> None:
        self._changed_lines += sighting.count
        old, new = _taken(before), _taken(after)
        self._moves[old.definition if old else None, new.definition if new else None] += sighting.count
        if len(self._changed) < max(self._limit, MAX_CHANGED):
            self._changed.append(
                Changed(
                    device=sighting.device,
                    line=sighting.line,
                    count=sighting.count,
                    before=old,
                    after=new,
                )
            )

    @staticmethod
    def _may_be_cut(line: CommandLine) -> bool:
        arguments = line.text[len(line.text) - line.arguments :]
        return len(arguments.encode("utf-8", "replace")) >= SNMP_ARGUMENTS_BYTES

    def report(self, drafts: Mapping[str, DraftState]) -> Report:
        """Tell what was counted."""
        host = self._host
        return Report(
            devices=[
                DeviceRow(
                    device=host.name,
                    at=host.at,
                    lines=self._lines,
                    taken_before=self._taken_before,
                    taken=self._taken_after,
                    cut=self._cut_lines,
                )
            ],
            definitions=self._definitions(drafts),
            overlaps=[
                Overlap(definitions=list(ids), taken_by=taker, **msgspec.structs.asdict(tally.told()))
                for ids, (taker, tally) in self._overlaps.items()
            ],
            changed=self._changed,
            changed_lines=self._changed_lines,
            moves=[Move(before=old, after=new, lines=lines) for (old, new), lines in self._moves.items()],
            unmatched=self._unmatched.told(),
        )

    def _definitions(self, drafts: Mapping[str, DraftState]) -> list[DefinitionRow]:
        present = {definition.id: definition for definition in self._before.definitions}
        coming = {definition.id: definition for definition in self._after.definitions}
        return [self._row(id_, coming, present, drafts) for id_ in {**present, **coming, **drafts}]

    def _row(
        self,
        id_: str,
        coming: Mapping[str, ProcessSetConfig],
        present: Mapping[str, ProcessSetConfig],
        drafts: Mapping[str, DraftState],
    ) -> DefinitionRow:
        taken, components = self._taken.get(id_, _Tally()), sorted(self._components.get(id_, ()))
        definition = coming.get(id_) or present.get(id_)
        return DefinitionRow(
            id=id_,
            order=definition.order if definition else None,
            draft=id_ in drafts,
            state=drafts.get(id_, DraftState.PRESENT),
            applies=int(id_ in coming),
            lines_before=self._lost[id_],
            lines=taken.lines,
            devices=int(taken.lines > 0),
            components=components[:MAX_COMPONENTS],
            more_components=len(components) > MAX_COMPONENTS,
            examples=taken.examples,
            overflowing=[self._host.name] if id_ in self._after.overflowing else [],
            beyond_snmp=self._beyond.get(id_, _Tally()).told(),
        )


def _taken(name: SetName | None) -> Taken | None:
    return None if name is None else Taken(name.definition, name.component)

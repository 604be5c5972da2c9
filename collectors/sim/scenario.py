"""A scenario: what runs on each device of a fleet, what becomes of it, and what its agents do wrong."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from collectors.sim.marked import MOST_BYTES, Marked, Mistakes, marked
from collectors.sim.units import NoAmountError, duration_s, share, size_kib
from common.errors import SettingsError
from common.textfile import read_text

Range = tuple[float, float]
MOST_COUNT = 10_000
MOST_PROGRAMS = 200


class Happening(Struct, frozen=True, kw_only=True):
    """Something that happens again and again.

    Attributes:
        every_s: mean time from one to the next; the moments are drawn.
        for_s: how long it lasts; 0 for what is over at once.
        on: part of the devices that it happens on.
        times, within_s: of flapping.
        same_pid: of a restart, that the process id is used again.
    """

    every_s: float
    for_s: float = 0.0
    on: float = 1.0
    times: int = 0
    within_s: float = 0.0
    same_pid: bool = False


class Ailment(Struct, frozen=True, kw_only=True):
    """A misbehaviour of agents.

    Attributes:
        by_s: of slow: how late answers are.
        keep: of truncated: the part of the table that is served.
        over_bytes: of too_big: answers larger than this are refused.
        one_in: of lossy: which requests stay unanswered.
    """

    happening: Happening
    by_s: float = 0.0
    keep: float = 1.0
    over_bytes: int = 0
    one_in: int = 0


class ProgramSpec(Struct, frozen=True, kw_only=True):
    """A kind of process.

    Attributes:
        cpu: of one CPU, 0 to 1 for each process; each draws its own within the range.
        memory_kib: at the start of a process.
        leak_kib_s: how much it grows.
        restarts, dies, zombies, stops, flaps, churns: see docs/simulation.md.
    """

    name: str
    path: str = ""
    parameters: str = ""
    count: tuple[int, int] = (1, 1)
    on: float = 1.0
    cpu: Range = (0.0, 0.0)
    memory_kib: Range = (4096.0, 4096.0)
    leak_kib_s: float = 0.0
    restarts: Happening | None = None
    dies: Happening | None = None
    zombies: Happening | None = None
    stops: Happening | None = None
    flaps: Happening | None = None
    churns: Happening | None = None


class Scenario(Struct, frozen=True, kw_only=True):
    """All that a fleet goes by, beside its seed.

    Attributes:
        agents: misbehaviours by name, of AILMENTS.
    """

    programs: tuple[ProgramSpec, ...] = ()
    agents: Mapping[str, Ailment] = {}

    @property
    def most_processes(self) -> int:
        """How many processes its programs may be on one device, without those that come and go."""
        return sum(program.count[1] for program in self.programs)


AILMENTS: Mapping[str, frozenset[str]] = {
    "silent": frozenset(),
    "slow": frozenset({"by"}),
    "truncated": frozenset({"keep"}),
    "only_agent": frozenset(),
    "non_increasing": frozenset(),
    "too_big": frozenset({"over"}),
    "lossy": frozenset({"one_in"}),
    "restarts": frozenset(),
    "reboots": frozenset(),
}
"""Misbehaviours of agents, and what they want to know beside `every`, `for`, `on`."""


def load_scenario(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        SettingsError: it cannot be read, or has mistakes; `details` has a line for each.
    """
    return read_scenario(read_text(path, MOST_BYTES, "scenario"), str(path))


def read_scenario(text: str, origin: str) -> Scenario:
    """Read a scenario from text; `origin` names it in errors.

    Raises:
        SettingsError: as `load_scenario`.
    """
    mistakes = Mistakes()
    document = marked(text, mistakes)
    scenario = _Reader(mistakes).scenario(document) if document is not None else Scenario()
    if mistakes:
        what = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise SettingsError(
            f"{origin}: {what} in the scenario", [f"{origin}:{line}: {said}" for line, said in sorted(mistakes)]
        )
    return scenario


class _Reader:
    """Reads parts of a scenario; what is wrong is noted, and something harmless taken for it."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes

    def scenario(self, document: Marked) -> Scenario:
        fields = self._fields(document, {"programs", "agents"}, "a scenario") if document.value is not None else {}
        programs: list[ProgramSpec] = []
        listed = fields.get("programs", Marked([], 1))
        if isinstance(listed.value, list):
            programs = [self._program(item) for item in listed.value]
        else:
            self._mistakes.add(listed.line, "wanted programs: a list, each item with a name")
        if len(programs) > MOST_PROGRAMS:
            self._mistakes.add(listed.line, f"more than {MOST_PROGRAMS} programs")
        agents = self._fields(fields["agents"], set(AILMENTS), "agents") if "agents" in fields else {}
        return Scenario(
            programs=tuple(programs), agents={name: self._ailment(name, value) for name, value in agents.items()}
        )

    def _program(self, item: Marked) -> ProgramSpec:
        known = set(ProgramSpec.__struct_fields__) - {"memory_kib", "leak_kib_s"} | {"memory", "leaks"}
        fields = self._fields(item, known, "a program")
        if "name" not in fields:
            self._mistakes.add(item.line, "a program without a name, wanted name: text")
        leaks = self._fields(fields["leaks"], {"by", "per"}, "leaks") if "leaks" in fields else {}
        leak = 0.0
        if "leaks" in fields:
            by = self._needed(leaks, fields["leaks"], "by", size_kib, 0.0)
            leak = by / self._needed(leaks, fields["leaks"], "per", duration_s, 1.0)
        return ProgramSpec(
            name=self._text(fields, "name") or "?",
            path=self._text(fields, "path"),
            parameters=self._text(fields, "parameters"),
            count=self._count(fields.get("count")),
            on=self._amount(fields.get("on"), share, 1.0),
            cpu=self._range(fields.get("cpu"), share, 0.0),
            memory_kib=self._range(fields.get("memory"), size_kib, 4096.0),
            leak_kib_s=leak,
            restarts=self._happening(fields.get("restarts"), {"same_pid"}),
            dies=self._happening(fields.get("dies"), {"for"}),
            zombies=self._happening(fields.get("zombies"), {"for"}),
            stops=self._happening(fields.get("stops"), {"for"}),
            flaps=self._happening(fields.get("flaps"), {"times", "within"}),
            churns=self._happening(fields.get("churns"), {"for"}),
        )

    def _ailment(self, name: str, value: Marked) -> Ailment:
        wanted = AILMENTS[name]
        happening = self._happening(value, {"for", *wanted})
        fields = value.value if isinstance(value.value, dict) else {}
        return Ailment(
            happening=happening or Happening(every_s=1.0),
            by_s=self._needed(fields, value, "by", duration_s, 0.0) if "by" in wanted else 0.0,
            keep=self._needed(fields, value, "keep", share, 1.0) if "keep" in wanted else 1.0,
            over_bytes=int(1024 * self._needed(fields, value, "over", size_kib, 1.0)) if "over" in wanted else 0,
            one_in=self._needed(fields, value, "one_in", _whole(2, 1000), 2) if "one_in" in wanted else 0,
        )

    def _happening(self, value: Marked | None, more: set[str]) -> Happening | None:
        if value is None:
            return None
        fields = self._fields(value, {"every", "on"} | more, "this")
        return Happening(
            every_s=self._needed(fields, value, "every", duration_s, 1.0),
            on=self._amount(fields.get("on"), share, 1.0),
            for_s=self._needed(fields, value, "for", duration_s, 1.0) if "for" in more else 0.0,
            times=self._needed(fields, value, "times", _whole(2, 1000), 2) if "times" in more else 0,
            within_s=self._needed(fields, value, "within", duration_s, 1.0) if "within" in more else 0.0,
            same_pid=self._amount(fields.get("same_pid"), _truth, default=False),
        )

    # --- single values ------------------------------------------------------------------------------------------------

    def _fields(self, value: Marked, known: set[str], what: str) -> dict[str, Marked]:
        if not isinstance(value.value, dict):
            self._mistakes.add(value.line, f"{_shown(value.value)} is not what {what} consists of: {_listed(known)}")
            return {}
        for name, field in value.value.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are: {_listed(known)}"
                self._mistakes.add(field.line, f"{name} is unknown here; {hint}")
        return {name: field for name, field in value.value.items() if name in known}

    def _needed(
        self, fields: Mapping[str, Marked], whole: Marked, name: str, read: Callable[[Any], Any], default: Any
    ) -> Any:
        if name not in fields:
            if isinstance(whole.value, dict):
                self._mistakes.add(whole.line, f"{name} is missing")
            return default
        return self._amount(fields[name], read, default)

    def _amount(self, value: Marked | None, read: Callable[[Any], Any], default: Any) -> Any:
        if value is None:
            return default
        try:
            return read(value.value)
        except NoAmountError as error:
            self._mistakes.add(value.line, str(error))
            return default

    def _range(self, value: Marked | None, read: Callable[[Any], float], default: float) -> Range:
        if value is None:
            return default, default
        if not isinstance(value.value, list):
            amount = self._amount(value, read, default)
            return amount, amount
        if len(value.value) != 2:
            self._mistakes.add(value.line, "wanted one amount, or two of them: [least, most]")
            return default, default
        low, high = (self._amount(item, read, default) for item in value.value)
        if low > high:
            self._mistakes.add(value.line, "the least is more than the most")
        return low, high

    def _count(self, value: Marked | None) -> tuple[int, int]:
        low, high = self._range(value, _whole(0, MOST_COUNT), 1)
        return int(low), int(high)

    def _text(self, fields: Mapping[str, Marked], name: str) -> str:
        value = fields.get(name)
        if value is None:
            return ""
        if isinstance(value.value, int | float) and not isinstance(value.value, bool):
            return str(value.value)
        if not isinstance(value.value, str) or not value.value or len(value.value) > 4096:
            self._mistakes.add(value.line, f"{name}: {_shown(value.value)} is not text of 1 to 4096 characters")
            return ""
        return value.value


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(word: Any) -> int:
        if isinstance(word, bool) or not isinstance(word, int) or not low <= word <= high:
            raise NoAmountError(f"{_shown(word)} is no whole number from {low} to {high}")
        return word

    return read


def _truth(word: Any) -> bool:
    if not isinstance(word, bool):
        raise NoAmountError(f"{_shown(word)} is neither true nor false")
    return word


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _shown(value: Any) -> str:
    text = "this" if isinstance(value, dict | list) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"

"""Makes the things of a pass of what was read: each with its state, and with a sentence where something is wrong."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from collectors.framework.source_local import HIDDEN
from collectors.status.beside import Answer
from collectors.status.hostfiles import is_partition
from collectors.status.names import mistake_of
from collectors.status.paces import Kept
from collectors.status.passes import Found, FoundProcesses, Pass, ProcessName, State
from collectors.status.processes import OfName, Reading, summary
from collectors.status.shares import cpu_shares
from collectors.status.states import States, reason_of, state_of
from common.matching import printable
from common.sources import Match

Things = dict[str, Found]
STUCK_AFTER_S = 3.0
"""What is slower than a pass keeps its figures for so long: a disk may have to spin up."""
_SILENT = "does not answer; it is asked again once it has"


class Gathering:
    """Judges what passes bring, one after the other."""

    def __init__(self) -> None:
        self._states = States()
        self._indexes: dict[str, int] = {}
        self._now = 0.0

    def begin(self, now: float) -> None:
        """All of a pass is read; it is so late now, in epoch seconds."""
        self._now = now

    def end(self) -> None:
        """A pass is over."""
        self._states.end()

    # --- disks --------------------------------------------------------------------------------------------------------

    def disks(
        self, answers: Mapping[str, Answer], mounted: Collection[str], before: Mapping[str, Found], at: float
    ) -> Things:
        """By folder.

        Args:
            answers: what became of each question.
            mounted: those that count also where nobody names them.
            before: what the pass before has; it stands for a while where there is no answer yet.
            at: epoch second of the pass.
        """
        found = {}
        for path, answer in answers.items():
            last = before.get(path)
            if last is not None and last.state is State.OK and 0.0 < (answer.waiting_s or 0.0) < STUCK_AFTER_S:
                self._states.judge(("disks", path), State.OK, at)
                found[path] = last
            else:
                found[path] = self._disk(path, answer, at, listed=path in mounted)
        return found

    def _disk(self, path: str, answer: Answer, at: float, *, listed: bool) -> Found:
        key, shown = ("disks", path), printable(path)
        if answer.waiting_s is not None:
            sentence = f"the filesystem of {shown} {_SILENT}"
            since = self._now - answer.waiting_s
            return self._states.found(key, State.STUCK, at, since=since, sentence=sentence, listed=listed)
        if answer.error is None:
            return self._states.found(key, State.OK, at, figures=answer.value, listed=listed)
        state = state_of(answer.error)
        if isinstance(answer.error, NotADirectoryError):
            sentence = f"{shown} is no folder: name the folder whose filesystem is meant"
        elif state is State.ABSENT:
            sentence = f"there is no folder {shown}; it is taken up again when it is there"
        elif state is State.DENIED:
            sentence = f"the user of the collector may not look at the folder {shown}: let it search those above it"
        else:
            sentence = f"the filesystem of {shown} cannot be read: {reason_of(answer.error)}"
        return self._states.found(key, state, at, sentence=sentence, listed=listed)

    # --- interfaces ---------------------------------------------------------------------------------------------------

    def interfaces(self, told: Any, indexes: Any, named: Iterable[str], *, everything: bool, at: float) -> Things:
        """By name.

        Args:
            told: counts by name, or an error.
            indexes: numbers by name, or an error.
            named: those that are shown also when they are not there.
            everything: all that there are, too.
            at: epoch second of the pass.
        """
        names = dict.fromkeys(named)
        numbers: dict[str, int] = indexes if isinstance(indexes, dict) else {}
        if not isinstance(told, dict):
            return {name: self.failed(("interfaces", name), told, "the interfaces", at) for name in names}
        if everything:
            names |= dict.fromkeys(told)
        found = {}
        for name in names:
            key = ("interfaces", name)
            if name in told:
                counts = {"index": float(numbers[name])} if name in numbers else {}
                found[name] = self._states.found(key, State.OK, at, figures=told[name], counts=counts)
            else:
                sentence = self._no_interface(name, numbers)
                found[name] = self._states.found(key, State.ABSENT, at, sentence=sentence, listed=False)
        known = {name: number for name, number in self._indexes.items() if name in names}
        self._indexes = known | {name: numbers[name] for name in names if name in numbers}
        return found

    def _no_interface(self, name: str, numbers: Mapping[str, int]) -> str:
        """That it is not there; one of the same number is the same by another name."""
        was = self._indexes.get(name)
        now = next((other for other, number in numbers.items() if number == was), None)
        sentence = f"there is no interface {printable(name)}; it is taken up again when it is there"
        return sentence if now is None else f"{sentence}. It seems to be called {printable(now)} now: name that one"

    # --- processes ----------------------------------------------------------------------------------------------------

    def processes(self, names: Iterable[ProcessName], answer: Answer, at: float) -> dict[ProcessName, FoundProcesses]:
        """By name."""
        reading: Reading | None = answer.value
        found = {}
        for name in names:
            state, sentence, since = State.OK, mistake_of(name), at
            of = reading.names.get(name) if reading is not None else None
            if sentence:
                state = State.ERROR
            elif answer.waiting_s is not None:
                state, since = State.STUCK, self._now - answer.waiting_s
                sentence = f"the process table of this host {_SILENT}"
            elif reading is None or of is None:
                state, sentence = State.ERROR, f"the processes cannot be read: {reason_of(answer.error or OSError())}"
            elif not of.processes:
                state, sentence = _none(name, reading.problem)
            found[name] = self._of_name((name, state, sentence), since, at, of)
        return found

    def _of_name(
        self, judged: tuple[ProcessName, State, str], since: float, at: float, of: OfName | None
    ) -> FoundProcesses:
        name, state, sentence = judged
        state, held = self._states.judge(("processes", name), state, since)
        told = of is not None and state in {State.OK, State.ABSENT, State.GONE}
        return FoundProcesses(
            state=state,
            at=at,
            since=held,
            sentence=sentence,
            figures=summary(of.processes.values()) if of is not None and told else {},
            processes=of.processes if of is not None and told else {},
            spent_s=of.spent_s if of is not None else 0.0,
        )

    # --- the host -----------------------------------------------------------------------------------------------------

    def cpu(self, item: str, told: Any, before: Pass | None, at: float) -> Things:
        """Processors: all together, or each."""
        if not isinstance(told, dict):
            return {"": self.failed((item, ""), told, "the processors", at)}
        found = {}
        for name, counts in told.items():
            if (item == "cpu") != (not name):
                continue
            was = before.items.get(item, {}).get(name) if before is not None else None
            figures = cpu_shares(was.counts if was is not None else {}, counts)
            found[name] = self._states.found((item, name), State.OK, at, figures=figures, counts=counts)
        return found

    def rows(self, item: str, kept: Kept | None, at: float) -> Things:
        """An item that is told by name, or of the device itself."""
        if kept is None:
            return {"": self._states.found((item, ""), State.STUCK, at, sentence=f"{item}: this host {_SILENT}")}
        if isinstance(kept.value, Exception):
            return {"": self.failed((item, ""), kept.value, item, kept.at)}
        told: Mapping[str, Mapping[str, Any]] = kept.value
        parts = {name for name in told if is_partition(name, told)} if item == "disk_io" else ()
        return {
            name: self._states.found((item, name), State.OK, kept.at, figures=figures, listed=name not in parts)
            for name, figures in told.items()
        }

    def stuck(self, item: str, names: Collection[str], waiting_s: float, at: float) -> Things:
        """Something of the host that does not answer."""
        sentence = f"{item}: this host {_SILENT}"
        return {
            name: self._states.found((item, name), State.STUCK, at, since=self._now - waiting_s, sentence=sentence)
            for name in names or ("",)
        }

    def failed(self, key: tuple[str, str], error: Exception | None, what: str, at: float) -> Found:
        """Something that could not be read."""
        error = error or OSError("nothing was told")
        state = state_of(error)
        reason = reason_of(error)
        if state is not State.ABSENT:
            reason = f"cannot be read: {reason}"
        elif not isinstance(error, OSError) or reason == os.strerror(error.errno or 0):
            reason = "is not told by this host"  # otherwise the reader has words of its own
        return self._states.found(key, state, at, sentence=f"{what} {reason}")


def _none(name: ProcessName, problem: str) -> tuple[State, str]:
    """What it means that no process is shown for a name, when the table has a problem and when it has none."""
    if problem:
        return (State.DENIED if problem == HIDDEN else State.ERROR), problem
    shown = printable(name.name)
    if name.match is Match.SUBSTRING:
        return State.ABSENT, f"no process has {shown} in its name or in one of its arguments"
    if name.match is Match.EXACT:
        return State.ABSENT, f"no process has {shown} as its name or as one of its arguments"
    return State.ABSENT, f"the pattern {shown} is found in no process's name or arguments"

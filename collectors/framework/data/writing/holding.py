"""Samples that wait for more of their file, so that one call brings several: which, and when they are due."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence

from collectors.framework.data.spool.frames import Entry
from collectors.framework.data.writing.seriesfile import Row, SeriesFile
from collectors.framework.data.writing.waiting import Waiting, begin, more, number_of, rows_of
from common.series import SeriesKey

HOLD_S = 180.0
"""How long samples wait at most, when nobody asks for them."""
HOLD_STEPS = 3
"""They wait for so many steps of their file: opening it costs some 40 us, a sample 4 us."""
FILES_A_SECOND = 400
"""Of many files with a short step so many are written in a second, with more samples each."""
NEW_S = 5.0
"""How long samples of a file wait that nobody has looked at yet: it may have to be made, or converted."""


class Holding:
    """What waits.

    Args:
        monotonic: seconds that never go back.
        files: how many files there are.
        hold_s: how long samples wait at most.
        most: samples; with as many, all are due.

    Attributes:
        count: samples that wait.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        files: Callable[[], int],
        hold_s: float,
        *,
        files_a_second: float,
        most: int,
    ) -> None:
        self._monotonic = monotonic
        self._files = files
        self._hold_s, self._new_s = hold_s, min(hold_s, NEW_S)
        self._files_a_second = files_a_second
        self._most = most
        self.count = 0
        self._held: dict[SeriesFile, Waiting] = {}
        self._since: dict[int, float] = {}  # by step of the files: those that wait, and are not due, came after this
        self._new: dict[SeriesFile, None] = {}  # of those that wait, and were not opened yet
        self._new_since = 0.0
        self._due: deque[SeriesFile] = deque()

    @property
    def full(self) -> bool:
        """Whether there is no room for more."""
        return self.count >= self._most

    def hold(
        self, first: int, entries: Iterable[Entry], files: Sequence[SeriesFile], without: Collection[SeriesKey]
    ) -> None:
        """Have samples wait.

        Args:
            first: number of the first of them.
            entries: which file, when, what.
            files: those that entries name by number.
            without: series whose samples wait elsewhere.
        """
        held, since, now = self._held, self._since, self._monotonic()
        if not held:
            since.clear()
        for offset, (number, at, values) in enumerate(entries):
            file = files[number]
            if without and file.key in without:
                continue
            group = held.get(file)
            if group is None:
                held[file] = begin(first + offset, (at, values))
                since.setdefault(file.form.layout.step_s, now)
                if file.last is None:
                    self._note_new(file, now)
            else:
                held[file] = more(group, (at, values))
            self.count += 1

    def _note_new(self, file: SeriesFile, now: float) -> None:
        if not self._new:
            self._new_since = now
        self._new[file] = None

    def take(self, file: SeriesFile) -> tuple[int, list[Row]]:
        """What waits for a file, and the number of its first sample; it waits no longer."""
        waiting = self._held.pop(file)
        rows = rows_of(waiting)
        self.count -= len(rows)
        self._new.pop(file, None)
        return number_of(waiting), rows

    def in_order(self, file: SeriesFile) -> list[SeriesFile]:
        """A file with those that are the same file with other layouts, as far as they hold something, oldest first.

        Else what was held longer would find itself in the past.
        """
        held = self._held
        if file.other is None:
            return [file] if file in held else []
        return sorted((one for one in file.all() if one in held), key=lambda one: number_of(held[one]))

    def all(self) -> list[SeriesFile]:
        """All files that have something waiting."""
        return list(self._held)

    def due(self, most: int) -> list[SeriesFile]:
        """Some of those files that have waited long enough; maybe they were written meanwhile."""
        now = self._monotonic()
        steps = [
            step_s for step_s, since in self._since.items() if self.full or now >= since + self._patience_s(step_s)
        ]
        if steps:
            due = (file for file in self._held if file.form.layout.step_s in steps)
            self._due = deque(dict.fromkeys([*self._due, *due]))
            for step_s in steps:
                del self._since[step_s]
        if self._new and now >= self._new_since + self._new_s:
            self._due.extend(self._new)
            self._new.clear()
        return [self._due.popleft() for _ in range(min(len(self._due), most))]

    def _patience_s(self, step_s: int) -> float:
        return min(self._hold_s, max(HOLD_STEPS * step_s, self._files() / self._files_a_second))

    def wait_s(self) -> float | None:
        """Seconds until something is due; None for never."""
        if self._due:
            return 0.0
        moments = [since + self._patience_s(step_s) for step_s, since in self._since.items() if self._held]
        moments += [self._new_since + self._new_s] if self._new else []
        return max(0.0, min(moments) - self._monotonic()) if moments else None

    def first(self) -> int | None:
        """The number of the sample that has waited longest: numbers grow, and a dict keeps the order of its keys."""
        return number_of(next(iter(self._held.values()))) if self._held else None

    def clear(self) -> None:
        """Nothing waits any more."""
        self._held.clear()
        self._since.clear()
        self._due.clear()
        self._new.clear()
        self.count = 0

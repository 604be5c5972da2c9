"""Files that cannot be written now, and when they are tried again."""

from __future__ import annotations

from collections.abc import Callable

from collectors.framework.data.writing.files import StuckError
from collectors.framework.data.writing.seriesfile import Row, SeriesFile
from common.quantities import counted
from common.series import SeriesKey

RETRY_S = (2.0, 15.0)
"""First and longest pause before one of them is tried again."""


class Stuck:
    """Files that cannot be written, each with the number of the first sample that waits for it.

    Args:
        monotonic: seconds that never go back.

    Attributes:
        files: by series; whatever layout its samples have, all wait for the first one.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.files: dict[SeriesKey, tuple[SeriesFile, int, list[Row], str]] = {}
        self._again_at = 0.0
        self._pause_s = RETRY_S[0]

    def add(self, file: SeriesFile, first: int, rows: list[Row], error: StuckError) -> None:
        """A file could not be written; its samples wait in the spool from one number on."""
        if not self.files:
            self._again_at = self._monotonic() + self._pause_s
        if file.key in self.files:
            file, first, rows, _ = self.files[file.key]
        self.files[file.key] = (file, first, rows[:1], error.message)

    def first(self) -> int | None:
        """The number of the first sample that waits; None for none."""
        return min((first for _, first, _, _ in self.files.values()), default=None)

    def wait_s(self) -> float | None:
        """Seconds until one of them is to be tried again; None for never."""
        return max(0.0, self._again_at - self._monotonic()) if self.files else None

    def retry(self, write: Callable[[SeriesFile, list[Row]], None]) -> bool:
        """Try one of them, when it is time; True when it could be written, and all others are to be tried as well."""
        if not self.files or self._monotonic() < self._again_at:
            return False
        file, first, rows, _ = next(iter(self.files.values()))
        try:
            write(file, rows)
        except StuckError as error:
            del self.files[file.key]
            self.files[file.key] = (file, first, rows, error.message)  # the next one has its turn
            self._pause_s = min(RETRY_S[1], self._pause_s * 2)
            self._again_at = self._monotonic() + self._pause_s
            return False
        self.files.clear()
        self._pause_s = RETRY_S[0]
        return True

    def problem(self) -> str:
        """A sentence while there are some, else empty."""
        if not self.files:
            return ""
        *_, (_, _, _, why) = self.files.values()
        waits = f"{counted(len(self.files), 'series waits', 'series wait')}; their samples are kept in the spool"
        return f"{why}. {waits}."

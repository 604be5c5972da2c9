"""Which files are to be converted, and when: not so many at once that samples would wait.

A file is converted just before it is written, where there is time for that; then no sample notices. A change for a
whole fleet takes more time than there is: the share of the process that conversions may have is bounded, and a file
that waits is written as it is, with what of its samples fits.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Collection
from typing import NamedTuple

from collectors.framework.data.writing.seriesfile import SeriesFile
from common.errors import TocsinError
from common.series import SeriesKey

SHARE = 0.25
"""Of the time of the writer process."""
BURST_S = 0.5
"""So much of it may be used at once, after a time without conversions."""
SLICE_S = 0.1
"""Then samples and flushes are looked at again."""
AGAIN_S = 600.0
"""After so long a file that could not be converted is tried again."""
PROBE_S = 15.0
"""So often one of them is tried before that, when no other waits; where that goes well, all are tried."""
SAY_S = 10.0
"""How often the log is told, at most."""


class Counts(NamedTuple):
    """Files that wait, were converted since the process started, could not be converted."""

    waiting: int
    done: int
    failed: int


class _Wanted:
    __slots__ = ("again_at", "failure", "file", "reason")

    def __init__(self, file: SeriesFile, reason: str) -> None:
        self.file = file
        self.reason = reason
        self.failure = ""
        self.again_at = 0.0


class Pending:
    """Files that are to be converted.

    Args:
        convert: converts one file, or raises a `TocsinError`.
        monotonic: seconds that never go back.

    Attributes:
        done: files that were converted since the process started.
    """

    def __init__(self, convert: Callable[[SeriesFile], None], monotonic: Callable[[], float]) -> None:
        self._convert = convert
        self._monotonic = monotonic
        self._waiting: dict[SeriesKey, _Wanted] = {}
        self._failed: dict[SeriesKey, _Wanted] = {}
        self._budget_s = BURST_S
        self._looked_at = monotonic()
        self._probe_at = 0.0
        self._said = 0
        self._said_at = -SAY_S
        self._last = ""
        self.done = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def want(self, file: SeriesFile, reason: str) -> bool:
        """Note that a file is to be converted; True when it was at once."""
        failed = self._failed.get(file.key)
        if failed is not None:
            failed.file = file
            failed.reason = reason
            return False
        self._waiting[file.key] = _Wanted(file, reason)
        return self._may() and self._one(file.key)

    def settled(self, key: SeriesKey) -> None:
        """A file is as it is wanted."""
        if self._waiting or self._failed:
            self._waiting.pop(key, None)
            self._failed.pop(key, None)

    def hurry(self, devices: Collection[str]) -> None:
        """Convert the files of these devices before others, also those that failed; of all where none is named."""
        for key, wanted in list(self._failed.items()):
            if not devices or key.device in devices:
                self._waiting[key] = self._failed.pop(key)
                wanted.failure = ""
        first = {key: wanted for key, wanted in self._waiting.items() if key.device in devices}
        self._waiting = first | self._waiting

    def step(self) -> None:
        """Convert some of those that wait, as long as there is time."""
        self._say()
        self._retry()
        until = self._monotonic() + SLICE_S
        while self._waiting and self._may():
            self._one(next(iter(self._waiting)))
            if self._monotonic() >= until:
                break

    def wait_s(self) -> float | None:
        """Seconds until there is something to do; None for never."""
        if not self._waiting and not self._failed:
            return None
        self._earn()
        earned_s = 0.0 if self._budget_s > 0 else -self._budget_s / SHARE + SLICE_S
        return earned_s if self._waiting else max(earned_s, self._probe_at - self._monotonic())

    def note(self, file: SeriesFile, reason: str) -> None:
        """A file is to be converted, when there is time."""
        if file.key not in self._failed:
            self._waiting.setdefault(file.key, _Wanted(file, reason))

    def standing(self, devices: Collection[str] = ()) -> list[tuple[SeriesFile, str, str]]:
        """Files that failed and files that wait, each with the reason to convert it and why it failed."""
        return [
            (one.file, one.reason, one.failure)
            for of in (self._failed, self._waiting)
            for key, one in of.items()
            if not devices or key.device in devices
        ]

    @property
    def counts(self) -> Counts:
        """How many there are."""
        return Counts(len(self._waiting), self.done, len(self._failed))

    def problem(self) -> str:
        """A sentence while files could not be converted, else empty."""
        if not self._failed:
            return ""
        wanted = next(reversed(self._failed.values()))
        whose = wanted.file.key
        return (
            f"{len(self._failed)} series files could not be converted, and are written as they are; "
            f"{whose.device} / {whose.component} / {whose.source}: {wanted.failure}"
        )

    def _one(self, key: SeriesKey) -> bool:
        wanted = self._waiting.pop(key)
        began = self._monotonic()
        try:
            self._convert(wanted.file)
        except TocsinError as error:
            wanted.failure = error.message
        except Exception as error:  # noqa: BLE001 - the supervisor of conversions: one that fails ends nothing else
            sys.stderr.write(traceback.format_exc())
            wanted.failure = f"the conversion itself failed ({type(error).__name__}); see the log"
        self._budget_s -= self._monotonic() - began
        if wanted.failure:
            wanted.again_at, self._probe_at = self._monotonic() + AGAIN_S, self._monotonic() + PROBE_S
            self._failed[key] = wanted
            return False
        self.done += 1
        self._last = f"{wanted.file}: {wanted.reason}"
        self._say()
        return True

    def _say(self) -> None:
        if self.done > self._said and not self._waiting and self._monotonic() >= self._said_at + SAY_S:
            count = self.done - self._said
            sys.stderr.write(f"{count} series files were converted, with their history; the last was {self._last}\n")
            self._said, self._said_at = self.done, self._monotonic()

    def _may(self) -> bool:
        self._earn()
        return self._budget_s > 0

    def _earn(self) -> None:
        now = self._monotonic()
        self._budget_s = min(BURST_S, self._budget_s + (now - self._looked_at) * SHARE)
        self._looked_at = now

    def _retry(self) -> None:
        now = self._monotonic()
        for key, wanted in list(self._failed.items()):
            if wanted.again_at <= now:
                wanted.failure = ""
                self._waiting[key] = self._failed.pop(key)
        if self._failed and not self._waiting and now >= self._probe_at and self._may():
            key = next(iter(self._failed))
            wanted = self._waiting[key] = self._failed.pop(key)
            wanted.failure = ""
            if self._one(key):
                self.hurry(())

"""Showing the roll while the daemons are looked after."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.live import Live

from common.endings import how_it_ended
from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError
from hub.cli.figures import iso
from hub.cli.output import console, note, plural_rows, safe_lines
from hub.cli.roll import View, changes, screen
from hub.cli.supervise import Child, last_words
from hub.cli.unblocked import is_behind

Row = dict[str, Any]

TICK_S = 1.0
TEND_S = 0.25
CLOSED_SHOWN_S = 120
NOTICE_SHOWN_S = 30.0
ANSWER_WITHIN_S = 5.0


class Watch:
    """Looks after the children, the collector last, and shows what the hub says, until an exception ends it."""

    def __init__(
        self,
        api: Api,
        view: View,
        children: Sequence[Child],
        began: float,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            api: of the hub.
            view: what is known at first.
            children: the daemons, the collector last.
            began: when that was, by the monotonic clock.
            check: raises when somebody wants an end.
        """
        self._api = api
        self._check = check
        self._children = children
        self._began = began
        self._notices: deque[tuple[float, str]] = deque(maxlen=4)
        self.view = view

    def show(self) -> None:
        """Show the roll: a live screen on a terminal, else a line for each change."""
        if sys.stdout.isatty():
            self._show_live()
        else:
            self._print_changes()

    def tend_only(self) -> None:
        """Look after the children; say what happens to them."""
        while True:
            for sentence in self._tend():
                note(sentence)
            _pause()

    def _tend(self) -> list[str]:
        """Look after each child once; give back what happened.

        Raises:
            CommandError: a daemon gave up on its first start; starting it again would not help.
        """
        self._check()
        for child in self._children:
            status = child.failed_to_start()
            if status is not None:
                raise last_words(child, f"ended while it started: {how_it_ended(status)}")
        return [sentence for child in self._children if (sentence := child.tend())]

    def _show_live(self) -> None:
        out = console()
        # No thread of its own: what is drawn is drawn here, so that starting a child forks a single thread.
        with Live(console=out, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
            while True:
                self.refresh()
                if not is_behind(sys.stdout):
                    live.update(screen(self.view, time.time(), out.width - 2, out.height), refresh=True)
                self._tend_for(TICK_S)

    def _print_changes(self) -> None:
        while True:
            before = self.view
            self.refresh()
            for line in changes(before, self.view):
                sys.stdout.write(safe_lines(line) + "\n")
            sys.stdout.flush()
            for sentence in self._tend_for(TICK_S):
                note(sentence)

    def _tend_for(self, length_s: float) -> list[str]:
        """Look after the children for a while; give back what happened."""
        end = time.monotonic() + length_s
        said: list[str] = []
        while time.monotonic() < end:
            for sentence in self._tend():
                said.append(sentence)
                self._notices.append((time.monotonic(), sentence))
            _pause()
        return said

    def refresh(self) -> None:
        """Ask the hub; while it is away, what was known stays on the screen, with a word about it."""
        away = ""
        try:
            roll = self._get("sets")
            problems = [str(text) for text in (roll.get("problems") or {}).values()]
            opened = plural_rows(self._get("events", state="open", limit=50), "events")
            since = iso(time.time() - CLOSED_SHOWN_S)
            closed = plural_rows(self._get("events", state="closed", since=since, limit=8), "events")
        except CommandError as error:
            gone = error.code in {"unreachable", "timeout"}
            away = "The hub does not answer just now; what stands here is its last word" if gone else error.message
        else:
            away = problems[0] if problems else ""
            self.view = msgspec.structs.replace(
                self.view,
                sets=known(self.view.sets, plural_rows(roll, "sets"), keep=bool(problems)),
                scans=known(self.view.scans, plural_rows(roll, "scans"), keep=bool(problems)),
                open_events=opened,
                closed_events=closed,
            )
        fresh = [text for at, text in self._notices if time.monotonic() - at < NOTICE_SHOWN_S]
        pid = self._children[-1].pid if self._children else None
        self.view = msgspec.structs.replace(
            self.view,
            collector_pid=pid,
            notices=[*fresh, *([away] if away else [])],
            up_for_s=time.monotonic() - self._began,
        )

    def _get(self, what: str, **parameters: str | int) -> Any:
        return self._api.get(path_of(what), parameters, timeout_s=ANSWER_WITHIN_S)


def _pause() -> None:
    """Wait for a moment; what was written is passed on as soon as it is taken again."""
    time.sleep(TEND_S)
    sys.stdout.flush()
    sys.stderr.flush()


def known(before: Sequence[Row], after: Sequence[Row], *, keep: bool) -> Sequence[Row]:
    """Rows of the roll as they now stand.

    Args:
        before: as they stood.
        after: as the hub tells them.
        keep: a collector cannot be asked just now: what it said last of its devices stays.
    """
    if not keep:
        return after
    told = {row.get("device") for row in after}
    return [*after, *(row for row in before if row.get("device") not in told)]

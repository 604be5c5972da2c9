"""What comes of what a probe has printed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from collectors.probes.output.places import excerpt, place
from common.events import Severity
from common.series import Number, Point

MAX_COMPONENTS = 1000
MAX_POINTS = 200
"""Of one component."""
MAX_FIGURES = 20_000
MAX_EVENTS = 20
MAX_FLAWS = 20
MAX_SUMMARY = 400


class Flaw(Struct, frozen=True):
    """Something that could not be taken.

    Attributes:
        sentence: what is wrong, and where.
        shown: two lines, the place and a caret under it; empty where there is none.
    """

    sentence: str
    shown: str = ""


class GivenEvent(Struct, frozen=True, kw_only=True):
    """An event as a probe tells it."""

    summary: str
    severity: Severity = Severity.WARNING
    component: str = ""
    event_class: str = ""
    key: str = ""
    message: str = ""


class Parsed(Struct, frozen=True, kw_only=True):
    """All that was taken, and what was not.

    Attributes:
        form: `json`, `nagios`, or empty when it is neither.
        handler: as the probe names it; empty when it does not.
        components: figures by component and point; None is unknown.
        points: units and kinds, of a form that has them.
        state: of a Nagios plugin: 0 to 3.
        text: what such a plugin says, one line; and behind it, what more it says.
        flaws: at most so many.
        more_flaws: how many there are beside.
    """

    form: str = ""
    handler: str = ""
    components: dict[str, dict[str, Number | None]] = {}
    points: dict[str, Point] = {}
    events: list[GivenEvent] = []
    state: Annotated[int, Meta(ge=0, le=3)] | None = None
    text: str = ""
    long_text: str = ""
    flaws: list[Flaw] = []
    more_flaws: int = 0


class Flaws:
    """Collects what could not be taken of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.kept: list[Flaw] = []
        self.more = 0

    def add(self, offset: int, sentence: str) -> None:
        """Something at a place of the text."""
        if len(self.kept) >= MAX_FLAWS:
            self.more += 1
            return
        where = place(self._text, offset)
        self.kept.append(Flaw(f"{where}: {sentence}", excerpt(self._text, offset)))

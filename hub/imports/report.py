"""What an import made, what it could not take, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hub.imports.zenbatch import Mistake
from hub.model.fields import cut

MAX_LINES = 5


class Secret(Struct, frozen=True):
    """A text that is not written into a document; `property` names what it is."""

    property: str
    value: str

    def __repr__(self) -> str:
        return f"Secret({self.property!r})"


class Made(Struct, frozen=True):
    """A document, and the line that it comes from. Its properties may be `Secret`."""

    document: Mapping[str, Any]
    line: int


class Loss(Struct, frozen=True):
    """What was not taken.

    Attributes:
        setting: its name.
        lines: the first lines that say it.
        count: how often it is said.
        needed: False for what nobody misses: it says nothing about what is watched, and how.
    """

    setting: str
    why: str
    count: int
    lines: tuple[int, ...]
    needed: bool


class Renamed(Struct, frozen=True):
    """A name that could not be an id, and what became of it."""

    line: int
    kind: str
    old: str
    new: str


class Imported(Struct, frozen=True):
    """The result of an import; with mistakes, nothing of it may be applied."""

    made: tuple[Made, ...] = ()
    losses: tuple[Loss, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    mistakes: tuple[Mistake, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether something that matters was not taken."""
        return any(loss.needed for loss in self.losses)

    def counts(self) -> dict[str, int]:
        """How many documents there are of each kind."""
        found: dict[str, int] = {}
        for made in self.made:
            found[made.document["kind"]] = found.get(made.document["kind"], 0) + 1
        return found


class Notes:
    """Gathers what a conversion has to tell while it runs."""

    def __init__(self) -> None:
        self._losses: dict[tuple[str, str, bool], list[int]] = {}
        self._owners: dict[tuple[str, str], tuple[str, int]] = {}
        self.renamed: list[Renamed] = []
        self.mistakes: list[Mistake] = []

    def lost(self, setting: str, line: int, why: str, *, needed: bool = True) -> None:
        """Something is not taken."""
        self._losses.setdefault((setting, why, needed), []).append(line)

    def wrong(self, line: int, column: int, sentence: str) -> None:
        """Something is a mistake."""
        self.mistakes.append(Mistake(line, column, sentence))

    def claim(self, kind: str, name: str, id_: str, line: int, *, title: str = "", once: bool = False) -> bool:
        """Note the id that a name becomes; two names that become the same one are a mistake.

        Args:
            kind: of the document.
            name: there.
            id_: here.
            line: that says it.
            title: what the id would be if it could have all characters; else the name.
            once: the same name may not come again, either.
        """
        owner = self._owners.get((kind, id_))
        if owner is None:
            self._owners[kind, id_] = (name, line)
            if id_ != (title or name):
                self.renamed.append(Renamed(line, kind, title or name, id_))
            return True
        if owner[0] == name and not once:
            return True
        again = f"stands there twice; the first is in line {owner[1]}"
        both = f"would have the id '{cut(id_)}' here, as '{cut(owner[0])}' in line {owner[1]}; rename one of them"
        self.wrong(line, 1, f"{kind} '{cut(name)}' {again if owner[0] == name else both}")
        return False

    def losses(self) -> tuple[Loss, ...]:
        """All that was not taken: what matters first, then by name."""
        found = [
            Loss(setting, why, len(lines), tuple(sorted(set(lines))[:MAX_LINES]), needed)
            for (setting, why, needed), lines in self._losses.items()
        ]
        return tuple(sorted(found, key=lambda loss: (not loss.needed, loss.setting, loss.lines)))

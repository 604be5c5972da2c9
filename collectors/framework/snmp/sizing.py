"""How much to ask of an agent at once, learnt from its answers.

A request starts at what fits one Ethernet frame, because a path may drop fragments without a word. It grows while
answers come back whole, and shrinks when the agent says `tooBig` or a large answer is lost. Whoever asks keeps it with
what else is known of the device, so that a restart or another config does not run into the same wall again.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

START_VARBINDS = 30  # about 1.2 KiB of process table
MOST_VARBINDS = 4000
ROW_VARBINDS = 6  # a row of all columns of a process table: less would tear it apart
MOST_BYTES = 60_000  # leaves room for headers in the 65,507 bytes of a UDP datagram
FORGIVE_AFTER = 200

Varbinds = Annotated[int, Meta(ge=1, le=MOST_VARBINDS)]


class Sizing(Struct, array_like=True):
    """What one agent and the path to it stand.

    Attributes:
        budget: varbinds to ask for in one request.
        ceiling: what the budget may grow to.
        whole_answers: that came since something was too much.
        alone: values that belong to no table are asked for in a request of their own.
    """

    budget: Varbinds = START_VARBINDS
    ceiling: Varbinds = MOST_VARBINDS
    whole_answers: int = 0
    alone: bool = False

    def learnt(self) -> tuple[int, bool]:
        """What is worth keeping at once: it was learnt by asking too much."""
        return self.ceiling, self.alone

    def columns(self, wanted: int) -> int:
        """How many columns to ask for at once."""
        return max(1, min(wanted, self.budget))

    def rows(self, columns: int, most: int) -> int:
        """How many rows of so many columns to ask for at once."""
        return max(1, min(most, self.budget // columns))

    def came_whole(self, varbinds: int, size_bytes: int) -> None:
        """An answer of `size_bytes` held all varbinds that were asked for."""
        self.whole_answers += 1
        if self.whole_answers >= FORGIVE_AFTER:  # one lost datagram need not mean that large ones are always lost
            self.whole_answers = 0
            self.ceiling = min(self.ceiling * 2, MOST_VARBINDS)
            self.alone = False
        if varbinds * 2 > self.budget:
            fit = max(1, MOST_BYTES * varbinds // max(size_bytes, 1))
            self.budget = max(1, min(self.budget * 2, self.ceiling, fit))

    def too_big(self, varbinds: int) -> bool:
        """The agent could not answer so much; False when it cannot be asked for less."""
        self.budget = self.ceiling = max(1, min(varbinds // 2, MOST_VARBINDS))
        self.whole_answers = 0
        return varbinds > 1

    def lost(self, varbinds: int) -> None:
        """A request for so much was answered only when it was made again, for less."""
        if varbinds > START_VARBINDS:
            self.ceiling = min(max(START_VARBINDS, varbinds // 2), MOST_VARBINDS)
            self.budget = min(self.budget, self.ceiling)
            self.whole_answers = 0

    def silent(self) -> None:
        """Nothing came back at all: the next request asks for little, because the path may be another one now."""
        small = START_VARBINDS if self.budget > START_VARBINDS else self.budget // 2
        self.budget = max(min(self.budget, ROW_VARBINDS), small)


def rows_of_try(rows: int, columns: int, tries: int) -> int:
    """How many rows to ask for when `tries` requests for `rows` went unanswered."""
    return max(rows >> tries, min(rows, START_VARBINDS // columns), 1)

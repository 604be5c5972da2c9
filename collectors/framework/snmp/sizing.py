"""How much to ask of an agent at once, learnt from its answers.

A request starts at what fits one Ethernet frame, because a path may drop fragments without a word. It grows while
answers come back whole, and shrinks when the agent says `tooBig` or a large answer is lost.
"""

from __future__ import annotations

START_VARBINDS = 30  # about 1.2 KiB of process table
MOST_VARBINDS = 4000
MOST_BYTES = 60_000  # leaves room for headers in the 65,507 bytes of a UDP datagram
FORGIVE_AFTER = 200


class Sizing:
    """Remembers how many varbinds one agent and the path to it stand.

    Attributes:
        budget: varbinds to ask for in one request.
    """

    def __init__(self) -> None:
        self.budget = START_VARBINDS
        self._ceiling = MOST_VARBINDS
        self._whole_answers = 0

    def columns(self, wanted: int) -> int:
        """How many columns to ask for at once."""
        return max(1, min(wanted, self.budget))

    def rows(self, columns: int, most: int) -> int:
        """How many rows of so many columns to ask for at once."""
        return max(1, min(most, self.budget // columns))

    def came_whole(self, varbinds: int, size_bytes: int) -> None:
        """An answer of `size_bytes` held all varbinds that were asked for."""
        self._whole_answers += 1
        if self._whole_answers >= FORGIVE_AFTER:  # one lost datagram need not mean that large ones are always lost
            self._whole_answers = 0
            self._ceiling = min(self._ceiling * 2, MOST_VARBINDS)
        if varbinds * 2 > self.budget:
            fit = max(1, MOST_BYTES * varbinds // max(size_bytes, 1))
            self.budget = max(1, min(self.budget * 2, self._ceiling, fit))

    def too_big(self, varbinds: int) -> bool:
        """The agent could not answer so much; False when it cannot be asked for less."""
        self.budget = self._ceiling = max(1, varbinds // 2)
        self._whole_answers = 0
        return varbinds > 1

    def lost(self, varbinds: int) -> None:
        """A request for so much was answered only when it was made again, for less."""
        if varbinds > START_VARBINDS:
            self._ceiling = max(START_VARBINDS, varbinds // 2)
            self.budget = min(self.budget, self._ceiling)
            self._whole_answers = 0


def rows_of_try(rows: int, columns: int, tries: int) -> int:
    """How many rows to ask for when `tries` requests for `rows` went unanswered."""
    return max(rows >> tries, min(rows, START_VARBINDS // columns), 1)

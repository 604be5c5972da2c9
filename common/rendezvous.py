"""Which of some members a device belongs to: rendezvous hashing, highest random weight.

Members are the collectors of a pool, or the workers of a collector. Each pair of device and member has a weight, the
same on every host and for ever; the device is the member's that weighs most. So a member that goes takes nothing from
the others, and one that comes takes from them what it had, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from common.hashing import number_of

WORD = (1 << 64) - 1
# The constants of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB


class Rendezvous:
    """The devices of some members; each is reckoned once.

    Attributes:
        members: in no order that matters.
    """

    def __init__(self, members: Iterable[str]) -> None:
        self.members: Sequence[str] = tuple(members)
        self._seeds = tuple((number_of(member), member) for member in sorted(set(self.members)))
        self._found: dict[str, str] = {}

    def owner_of(self, device: str) -> str:
        """The member that a device belongs to.

        Raises:
            ValueError: there are no members.
        """
        found = self._found.get(device)
        if found is None:
            found = self._found[device] = self._heaviest(device)
        return found

    def forget(self, devices: Iterable[str]) -> None:
        """Keep nothing of these."""
        for device in devices:
            self._found.pop(device, None)

    def _heaviest(self, device: str) -> str:
        seed = number_of(device)
        best, owner = -1, ""
        for of_member, member in self._seeds:
            # Of equal weights, which no two will ever have, the first in the alphabet counts.
            weight = seed ^ of_member
            weight = (weight ^ weight >> 30) * FIRST & WORD
            weight = (weight ^ weight >> 27) * SECOND & WORD
            weight ^= weight >> 31
            if weight > best:
                best, owner = weight, member
        if best < 0:
            raise ValueError("without members nobody has a device")
        return owner


def owner_of(device: str, members: Iterable[str]) -> str:
    """The member that a device belongs to.

    Raises:
        ValueError: there are no members.
    """
    return Rendezvous(members).owner_of(device)

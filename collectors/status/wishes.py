"""What somebody wants to be watched, in the short form in which people write it (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from collectors.status.passes import ProcessName, Wanted
from common.matching import check_regex
from common.sources import Follow, Match
from common.statuspoints import ITEMS

ALL = "*"
"""In the place of a name: all that there are."""
FURTHER = tuple(name for name in ITEMS if name not in {"disks", "interfaces", "processes"})
"""Items that are watched as a whole."""
MAX_NAMES = 1000
MAX_NAME = 4096
LEAST_RATE, MOST_RATE = 0.0001, 20.0

Names = str | tuple[str, ...]
"""A list, or a text with commas between its parts."""


class Wishes(Struct, frozen=True, kw_only=True):
    """What is to be watched, in plain words.

    Attributes:
        rate: passes a second.
    """

    disks: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    match: Match = Match.SUBSTRING
    follow: Follow = Follow.FIRST_CHILD
    rate: float = 1.0

    def wanted(self) -> Wanted:
        """As a pass is told of it."""
        further = {*self.more}
        further |= {item for item in ("disks", "interfaces") if ALL in getattr(self, item)}
        return Wanted(
            disks=tuple(name for name in self.disks if name != ALL),
            interfaces=tuple(name for name in self.interfaces if name != ALL),
            processes=tuple(ProcessName(name=name, match=self.match, follow=self.follow) for name in self.processes),
            further=frozenset(further),
        )


def parts_of(names: Names) -> tuple[str, ...]:
    """The parts of a text with commas, without the room around them, or the entries of a list."""
    if isinstance(names, str):
        return tuple(part.strip() for part in names.split(",") if part.strip())
    return tuple(name.strip() for name in names)


def key_of(disk: str) -> str:
    """What a disk is called in the tree: a "/" would part it."""
    return disk.replace("/", "_")


def mistakes(wishes: Wishes) -> list[str]:
    """All that is wrong with them, each a sentence."""
    return [
        *_of_names("disks", wishes.disks, _disk),
        *_of_disk_keys(wishes.disks),
        *_of_names("interfaces", wishes.interfaces, _interface),
        *_of_names("processes", wishes.processes, lambda name: _process(name, wishes.match)),
        *_of_names("more", wishes.more, _item),
    ]


def rate_of(text: str) -> float:
    """A rate that is written as text.

    Raises:
        ValueError: it is none; the sentence says why.
    """
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"rate: {text[:80]!r} is no number; it says how often a second is looked") from None
    return checked_rate(rate)


def checked_rate(rate: float) -> float:
    """A rate, if it is one.

    Raises:
        ValueError: it is none.
    """
    if not rate > 0 or rate == float("inf"):
        raise ValueError(f"rate: {rate:g} is no positive number; it says how often a second is looked, for example 1.0")
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise ValueError(f"rate: {rate:g} passes a second are not possible; from {LEAST_RATE:g} to {MOST_RATE:g} are")
    return rate


def _of_names(what: str, names: Sequence[str], mistake: Callable[[str], str]) -> Iterator[str]:
    if len(names) > MAX_NAMES:
        yield f"{what}: {len(names)} names are too many; {MAX_NAMES} are possible"
        return
    seen: set[str] = set()
    for name in names:
        if not name:
            yield f"{what}: an empty text names nothing; leave it out"
        elif name in seen:
            yield f"{what}: {_shown(name)} is there twice"
        elif len(name) > MAX_NAME or not name.isprintable():
            yield f"{what}: {_shown(name)} has characters that cannot be shown, or too many"
        elif (name != ALL or what in {"processes", "more"}) and (said := mistake(name)):
            yield f"{what}: {said}"
        seen.add(name)


def _of_disk_keys(disks: Sequence[str]) -> Iterator[str]:
    known: dict[str, str] = {}
    for disk in disks:
        other = known.setdefault(key_of(disk), disk)
        if other != disk:
            yield (
                f"disks: {_shown(other)} and {_shown(disk)} would both be called {_shown(key_of(disk))} in the tree, "
                'where "_" stands for "/"; leave one of them out'
            )


def _disk(name: str) -> str:
    return "" if name.startswith("/") else f"{_shown(name)} is no absolute path; it begins with /, for example /home"


def _interface(name: str) -> str:
    if "/" in name or len(name) > 15 or any(letter.isspace() for letter in name):
        return f"{_shown(name)} cannot be the name of an interface; `ip link` shows what there are"
    return ""


def _process(name: str, match: Match) -> str:
    wrong = check_regex(name) if match is Match.REGEX else ""
    return f"{_shown(name)}: {wrong}" if wrong else ""


def _item(name: str) -> str:
    return "" if name in FURTHER else f"{_shown(name)} is not known; there are {', '.join(FURTHER)}"


def _shown(name: str) -> str:
    return name[:80] if name.isprintable() else repr(name[:80])

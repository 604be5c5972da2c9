"""Units that have a prefix of their own: numbers in `MiB` or `ms` are brought to bytes or seconds (pure).

Pictures put prefixes before units (`common.graphscale`); before one that has one, it would read `kMiB`.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

_DECIMAL = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_SMALL = {"m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12}
_BINARY = {f"{prefix}i": 1024.0**power for power, prefix in enumerate("KMGTPE", start=1)}
_STORED = {"B": "bytes", "byte": "bytes", "bytes": "bytes", "bit": "bit", "bits": "bit", "b": "bit"}
"""What is counted in powers of two, too."""
_TIMES = {"ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}
_MEASURED = ("Hz", "W", "Wh", "V", "A", "J", "VA", "bps", "pps")
"""What else has prefixes, also small ones."""
_ALIASES = {"B": "bytes", "B/s": "bytes/s", "seconds": "s", "%": "percent"}


class Plain(Struct, frozen=True):
    """A unit without a prefix.

    Attributes:
        unit: as `common.series.Point.unit` has it.
        factor: numbers in the unit that was given, times this, are in this one.
        base: 1000 or 1024: what a kilo is in the unit that was given; None where it does not say.
    """

    unit: str
    factor: float = 1.0
    base: int | None = None


@lru_cache(maxsize=1000)
def plain_unit(text: str) -> Plain:
    """What a unit is without its prefix; any unit that has none, or that is not known, is as it is."""
    if text in _ALIASES:
        return Plain(_ALIASES[text])
    one, slash, per = text.partition("/")
    per = slash + per
    if one in _TIMES:
        return Plain(f"s{per}", _TIMES[one])
    for prefix, factor in _BINARY.items():
        if one.startswith(prefix) and one[2:] in _STORED:
            return Plain(_STORED[one[2:]] + per, factor, 1024)
    prefix, rest = ("k" if one[:1] == "K" else one[:1]), one[1:]
    if prefix in _DECIMAL and rest in _STORED:
        return Plain(_STORED[rest] + per, _DECIMAL[prefix], 1000)
    if rest in _MEASURED and one not in _MEASURED:
        factor = (_DECIMAL | _SMALL).get(one[:1], 0.0)
        return Plain(rest + per, factor) if factor else Plain(text)
    return Plain(text)


def has_prefixes(text: str) -> bool:
    """Whether prefixes stand right before a unit, as in `Mbit/s` and `mV`; others are words, such as `days`."""
    one = text.partition("/")[0]
    return one in _MEASURED or one in {"bit", "s"}


class Units(Struct, frozen=True):
    """How the numbers of a picture are brought to one unit.

    Attributes:
        picture: in which curves are that do not say it otherwise.
        is_said: the drawing says so, and it holds for all of them.
    """

    picture: Plain
    is_said: bool = False

    def factor(self, unit: str) -> float:
        """What numbers are multiplied by that are given in a unit; empty for that of the picture."""
        own = plain_unit(unit)
        return self.picture.factor if self.is_said or own.unit != self.picture.unit else own.factor

"""Numbers with their units, as they stand in a sentence (pure)."""

from __future__ import annotations

import math

from common.series import Number

_STEPS: dict[str, tuple[tuple[float, str], ...]] = {
    "bytes": tuple((1024.0**i, unit) for i, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))),
    "s": ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "days")),
    "percent": ((1.0, "%"),),
}


def quantity(value: Number, unit: str, digits: int = 3) -> str:
    """A value in words, for example `2.1 GiB`; the unit is one of `common.series.Point`, also with `/s` behind it."""
    base, per = (unit[:-2], "/s") if unit.endswith("/s") else (unit, "")
    steps = _STEPS.get(base)
    if steps is None:
        text = _number(value, digits)
        return f"{text} {_one(base) if text == '1' and not per else base}{per}" if unit else text
    size, word = max((step for step in steps if step[0] <= abs(value)), default=steps[0])
    text = _number(value / size, digits)
    return f"{text} {_one(word) if text == '1' else word}{per}"


def apart(value: Number, other: Number, unit: str) -> tuple[str, str]:
    """Two values in words, with so many digits that what is not equal does not look so."""
    texts = quantity(value, unit), quantity(other, unit)
    digits = 3
    while texts[0] == texts[1] and value != other and digits < 17:
        digits += 1
        texts = quantity(value, unit, digits), quantity(other, unit, digits)
    return texts


def _number(value: Number, digits: int) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if not 1e-6 <= abs(value) < 1e15:
        return f"{float(value):.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _one(unit: str) -> str:
    """The unit of a single thing."""
    return unit[:-2] if unit.endswith("sses") else unit if unit == "s" else unit.removesuffix("s")


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"

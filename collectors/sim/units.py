"""Amounts as scenarios write them: `90s`, `20MiB`, `5%`."""

from __future__ import annotations

import re

from common.errors import SettingsError

_TIMES = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%]+)")


class NoAmountError(ValueError):
    """The message says what was wanted."""


def duration_s(word: object) -> float:
    """Seconds of a time such as `90s`, `1h30m`; more than none.

    Raises:
        NoAmountError: it is none.
    """
    text = word.strip() if isinstance(word, str) else ""
    parts = re.findall(_AMOUNT, text)
    total = sum(float(number) * _TIMES.get(unit, 0) for number, unit in parts)
    if not text or re.sub(_AMOUNT, "", text).strip() or any(unit not in _TIMES for _, unit in parts) or total <= 0:
        raise NoAmountError(f"{word!r} is no time, wanted for example 500ms, 90s, 5m, 1h30m or 2d")
    return total


def size_kib(word: object) -> float:
    """KiB of an amount of memory such as `20MiB`.

    Raises:
        NoAmountError: it is none.
    """
    match = re.fullmatch(_AMOUNT, word.strip()) if isinstance(word, str) else None
    if match is None or match[2] not in _SIZES:
        raise NoAmountError(f"{word!r} is no amount of memory, wanted for example 512KiB, 20MiB or 1.5GiB")
    size = float(match[1]) * _SIZES[match[2]] / 1024
    if size > 0x7FFFFFFF:
        raise NoAmountError(f"{word!r} is more than an agent can tell (2 TiB)")
    return size


def share(word: object, most: float = 1.0) -> float:
    """The part that a percentage such as `5%` is.

    Raises:
        NoAmountError: it is none, or more than `most`.
    """
    match = re.fullmatch(_AMOUNT, word.strip()) if isinstance(word, str) else None
    if match is None or match[2] != "%" or float(match[1]) > 100 * most:
        raise NoAmountError(f"{word!r} is no percentage, wanted for example 5%, at most {100 * most:g}%")
    return float(match[1]) / 100


def duration_option(text: str) -> float:
    """As `duration_s`, for the command line.

    Raises:
        SettingsError: it is none.
    """
    try:
        return duration_s(text)
    except NoAmountError as error:
        raise SettingsError(f"--duration: {error}") from None

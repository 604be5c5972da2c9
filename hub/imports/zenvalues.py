"""Values as Zenoss writes them: a number may be a text, a flag a number."""

from __future__ import annotations

from typing import Any

from hub.imports.literals import Stamp

_WORDS = {"true": True, "1": True, "false": False, "0": False, "": False}
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a dict"}


class WrongValueError(Exception):
    """A value of the wrong kind; the text says what was expected, and never shows the value."""


def text(value: Any) -> str:
    r"""Read text. Dumps of Python 2 write UTF-8 byte by byte, as in `M\xc3\xbcnchen`."""
    if isinstance(value, str):
        return _decoded(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise WrongValueError(f"got {kind(value)}; expected text in quotes")


def _decoded(value: str) -> str:
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def whole(value: Any) -> int:
    """Read a whole number."""
    if isinstance(value, str) and value.strip().removeprefix("-").isdecimal() and len(value) < 20:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise WrongValueError(f"got {kind(value)}; expected a whole number")


def number(value: Any) -> float:
    """Read a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    raise WrongValueError(f"got {kind(value)}; expected a number")


def flag(value: Any) -> bool:
    """Read true or false."""
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else None
    if word not in _WORDS:
        raise WrongValueError(f"got {kind(value)}; expected True or False")
    return _WORDS[word]


def texts(value: Any) -> list[str]:
    """Read a list of texts, or one that stands for itself; empty ones are dropped."""
    return [part for one in (value if isinstance(value, list) else [value]) if (part := text(one).strip())]


def kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, Stamp):
        return "a date"
    return "None" if value is None else _KINDS[type(value)]

"""How figures and foreign text are written for people."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

from common.graphkinds import Unit
from common.graphscale import scale_for

NOTHING = "–"
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe(text: object) -> str:
    """Text of a monitored host, harmless to a terminal.

    Control characters, escape sequences, and characters that turn the direction of writing come out as visible codes.
    """
    written = str(text)
    if written.isascii() and written.isprintable():
        return written
    return "".join(_visible(char) if unicodedata.category(char) in _HIDDEN else char for char in written)


def _visible(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def moment(value: object) -> float | None:
    """Epoch seconds of a time in a document: ISO 8601, or a number; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def iso(at: float) -> str:
    """ISO 8601 in UTC, whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(at: float | None) -> str:
    """Date and time in this terminal's zone."""
    try:
        return NOTHING if at is None else datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # no year that a calendar has
        return NOTHING


def span(seconds: float | None) -> str:
    """A length of time, in its two largest units."""
    if seconds is None:
        return NOTHING
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes:02d}m"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours:02d}h" if days < 100 else f"{days}d"


def since(value: object, now: float) -> str:
    """How long ago a time in a document was."""
    at = moment(value)
    return NOTHING if at is None else span(now - at)


def size(value: object) -> str:
    """Bytes with the binary prefix that leaves at most four digits."""
    number = _number(value)
    if number is None:
        return NOTHING
    for prefix in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(number) < 1024 or prefix == "TiB":
            break
        number /= 1024
    return f"{number:.0f} {prefix}" if prefix == "B" or abs(number) >= 100 else f"{number:.1f} {prefix}"


def percent(value: object) -> str:
    """Percent of one CPU, one decimal."""
    number = _number(value)
    return NOTHING if number is None else f"{number:.1f}"


def measured(value: object, unit: str) -> str:
    """A value of a series with its unit; bytes and bits get a prefix, a length of time its units, a stamp is a time."""
    number = _number(value)
    if number is None:
        return NOTHING
    if unit in {"bytes", "bytes/s"}:
        return size(number) + unit.removeprefix("bytes")
    if unit == "s" and number >= 60:
        return span(number)
    if unit == "epoch s":
        return local_time(number)
    if unit in {"bit", "bit/s"} or (unit == "s" and 0 < abs(number) < 1):
        scale = scale_for(Unit.PLAIN, number, unit)
        return f"{number / scale.factor:.4g} {scale.unit}"
    text = f"{number:,.0f}".replace(",", " ") if number == int(number) else f"{number:.4g}"
    return f"{text} {unit}".strip()


def written(value: object) -> str:
    """A value of a document: true and false as documents have them, the parts of a list in line."""
    if isinstance(value, list):
        return ", ".join(map(written, value)) or NOTHING
    return str(value).lower() if isinstance(value, bool) else str(value)


def short_list(items: list[str], room: int) -> str:
    """As many items as fit, and how many more there are."""
    text = ""
    for index, item in enumerate(items):
        longer = f"{text} {item}".strip()
        rest = len(items) - index - 1
        if len(longer) + (len(f" +{rest}") if rest else 0) > room and text:
            return f"{text} +{rest + 1}"
        text = longer
    return text


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)

"""What a Nagios plugin prints: a line of text, and figures behind a bar (pure).

    TEXT | 'label'=value[UOM];[warn];[crit];[min];[max] label=…
    more text
    more text | more figures
    more figures

The source of it is the plugin API of Nagios and the Monitoring Plugins Development Guidelines. The exit status says how
it stands: 0 OK, 1 warning, 2 critical, 3 unknown.
"""

from __future__ import annotations

import re

from collectors.probes.output.figures import figure
from collectors.probes.output.names import fitting
from collectors.probes.output.parsed import MAX_POINTS, MAX_SUMMARY, Flaws, Parsed
from collectors.probes.output.places import shown
from common.series import Kind, Number, Point

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
MAX_LINES = 20
_STATE = re.compile(r"\b(?:OK|WARNING|CRITICAL|UNKNOWN)\b")
_PERF = re.compile(
    r"(?:'(?P<quoted>(?:[^'\n]|'')*)'|(?P<plain>[^'=\s|][^=\s|]*))="
    r"(?P<value>[^\s;|]*?)(?P<unit>[A-Za-z%µμ/]*)"
    r"(?P<rest>(?:;[^\s;|]*){0,8})(?=\s|\||$)"
)
_UNITS: dict[str, tuple[str, float]] = {
    "": ("", 1),
    "s": ("s", 1),
    "ms": ("s", 1e-3),
    "us": ("s", 1e-6),
    "µs": ("s", 1e-6),
    "μs": ("s", 1e-6),
    "ns": ("s", 1e-9),
    "m": ("s", 60),
    "h": ("s", 3600),
    "%": ("percent", 1),
    "c": ("", 1),
    "B": ("bytes", 1),
    **{
        f"{letter}{tail}": ("bytes", 1024.0 ** (power + 1))
        for power, letter in enumerate("KMGTP")
        for tail in ("B", "iB")
    },
}
"""Unit of a point, and what its numbers are to be multiplied with; sizes are powers of 1024, as check_disk has them."""


def is_nagios(text: str, status: int) -> bool:
    """Whether a plugin has printed it: its exit status, and a state in the first line, or figures behind a bar."""
    if not 0 <= status <= 3:
        return False
    first, _, rest = text.partition("\n")
    if _STATE.search(first):
        return True
    _, bar, figures = first.partition("|")
    if bar and _PERF.match(figures.strip()):
        return True
    _, bar, figures = rest.partition("|")
    return bool(bar) and _PERF.match(figures.strip()) is not None


def parse_nagios(text: str, status: int) -> Parsed:
    """What it says; the figures are of the device itself."""
    flaws = Flaws(text)
    values: dict[str, Number | None] = {}
    points: dict[str, Point] = {}
    labels: dict[str, str] = {}
    said, spans = _parts(text)
    for begin, end in spans:
        at = begin
        while at < end:
            at += len(text[at:end]) - len(text[at:end].lstrip(" \t\r\n|"))
            if at >= end:
                break
            found = _PERF.match(text, at, end)
            if found is None:
                flaws.add(
                    at, "this is no figure of a Nagios plugin: 'label'=value[unit];warn;crit;min;max was expected"
                )
                after = re.compile(r"\s").search(text, at, end)
                at = after.end() if after is not None else end
                continue
            at = found.end()
            _take(found, values, points, labels, flaws)
    first, *more = said.splitlines() or [""]
    return Parsed(
        form="nagios",
        components={"": values} if values else {},
        points=points,
        state=status,
        text=shown(first.strip(), MAX_SUMMARY),
        long_text="\n".join(shown(line, MAX_SUMMARY) for line in more[:MAX_LINES]),
        flaws=flaws.kept,
        more_flaws=flaws.more,
    )


def _parts(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text for people, and where figures stand: behind the bar of the first line, and behind the next bar all."""
    end = text.find("\n")
    end = len(text) if end < 0 else end
    bar = text.find("|", 0, end)
    said = text[: end if bar < 0 else bar]
    spans = [] if bar < 0 else [(bar + 1, end)]
    second = text.find("|", end)
    said += text[end : len(text) if second < 0 else second]
    if second >= 0:
        spans.append((second + 1, len(text)))
    return said, spans


def _take(
    found: re.Match[str],
    values: dict[str, Number | None],
    points: dict[str, Point],
    labels: dict[str, str],
    flaws: Flaws,
) -> None:
    label = found["plain"] or (found["quoted"] or "").replace("''", "'")
    name, at = fitting(label), found.start()
    if name in values:
        flaws.add(at, f"the figure {shown(label, 40)!r} would be the point {name}, as {shown(labels[name], 40)!r} is")
        return
    if len(values) >= MAX_POINTS:
        flaws.add(at, f"more than {MAX_POINTS} figures; this one is left out")
        return
    if found["unit"] not in _UNITS:
        if found["value"] == "" and found["unit"] == "U":
            values[name], labels[name] = None, label  # the plugin says that it does not know
            points[name] = Point(name=name)
            return
        flaws.add(at, f"the unit {shown(found['unit'], 20)!r} of {shown(label, 40)!r} is none that Nagios plugins have")
        return
    unit, factor = _UNITS[found["unit"]]
    try:
        value = figure(found["value"].replace(",", "."))
        values[name] = value if factor == 1 else figure(repr(value * factor))
    except ValueError as error:
        flaws.add(found.start("value"), f"the figure {shown(label, 40)!r} {error}")
        return
    labels[name] = label
    kind = Kind.COUNTER if found["unit"] == "c" else Kind.GAUGE
    points[name] = Point(name=name, kind=kind, unit=unit)

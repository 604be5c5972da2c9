"""The samples that are wanted out of a page in the text form of Prometheus (pure).

Lines of other metrics are passed over unread, so that a large page costs little, and a line that is wrong harms nobody
else. The form: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from msgspec import Struct, field
from prometheus_client.parser import text_string_to_metric_families

from common.series import Number

MAX_SAMPLES = 50_000
MAX_LINE = 20_000
MAX_FLAWS = 20
MAX_LINES = 500_000
MAX_WRONG = 1000
"""After so many lines that are none it is no page."""
MAX_EXCERPT = 80

_NAME = re.compile(r"[ \t]*([A-Za-z_:][A-Za-z0-9_:]*)")
_WHOLE = re.compile(r"[ \t](-?[0-9]{1,18})(?:[ \t]+-?[0-9]+)?[ \t]*\Z")
_EXEMPLAR = re.compile(r" # \{[^}]*\} [^{}\"]*\Z")
_MARK = " # {"


class Found(Struct, frozen=True):
    """One sample.

    Attributes:
        at: epoch seconds, where the page says so; None otherwise.
    """

    name: str
    labels: Mapping[str, str]
    value: Number
    at: float | None = None


class Page(Struct):
    """What is wanted of a page.

    Attributes:
        flaws: what of it cannot be read, each a sentence.
        cut: there is more than is read.
        lines: how many samples there are, wanted or not.
        wrong: lines that cannot be read.
    """

    found: list[Found] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    cut: bool = False
    lines: int = 0
    wrong: int = 0


def parse(text: str, wanted: Collection[str]) -> Page:
    """Read the samples of metrics of these names."""
    page = Page()
    lines = text.split("\n", MAX_LINES)
    page.cut = len(lines) > MAX_LINES
    for number, line in enumerate(lines[:MAX_LINES], 1):
        if page.wrong > MAX_WRONG:
            page.cut = True
            break
        named = _NAME.match(line)
        if named is None:
            if line.strip() and not line.lstrip().startswith("#"):
                _flaw(page, number, "begins with no name of a metric", line)
            continue
        page.lines += 1
        if named[1] not in wanted:
            continue
        if len(page.found) >= MAX_SAMPLES:
            page.cut = True
            break
        if len(line) > MAX_LINE:
            _flaw(page, number, f"has more than {MAX_LINE} characters", line)
            continue
        try:
            page.found.append(_sample(_plain(line.rstrip("\r"))))
        except (ValueError, IndexError, KeyError, StopIteration, OverflowError) as error:
            _flaw(page, number, f"is no sample ({str(error)[:MAX_EXCERPT]})", line)
    return page


def _plain(line: str) -> str:
    """A line without its exemplar; it is looked for once, and not wherever one could begin."""
    at = line.rfind(_MARK)
    return line[:at] if at >= 0 and _EXEMPLAR.match(line, at) else line


def _sample(line: str) -> Found:
    (family,) = text_string_to_metric_families(line + "\n")
    (sample,) = family.samples
    whole = _WHOLE.search(line)  # a float would make another number of a large count
    value: Number = int(whole[1]) if whole is not None else sample.value
    return Found(sample.name, sample.labels, value, float(sample.timestamp) if sample.timestamp is not None else None)


def _flaw(page: Page, number: int, what: str, line: str) -> None:
    page.wrong += 1
    if len(page.flaws) < MAX_FLAWS:
        page.flaws.append(f"line {number} {what}: {line[:MAX_EXCERPT]!a}")

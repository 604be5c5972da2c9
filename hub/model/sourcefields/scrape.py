"""Sources of the type prometheus: pages, and files, in the text form of Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from common.sources import DEVICE
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, cut, text
from hub.model.nested import line_of, number
from hub.model.sourcefields.shape import SourceFields, Values, check_measured, measured
from hub.model.sources import Source
from hub.model.yaml import Item

SCHEMES = ("http", "https", "file")
EXPECTED = "a url such as http://web1:9100/metrics, or file:///var/lib/metrics/*.prom"
_PART = re.compile(r"\{([^{}]*)\}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_url_text = text(EXPECTED, r"\S+", longest=2048)


def _read_url(item: Item) -> str:
    url: str = _url_text(item)
    if sentence := _wrong_url(url):
        raise WrongValueError(Fault(item.line, "", f"got '{cut(url)}'; {sentence}"))
    return url


def _wrong_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"{error}; expected {EXPECTED}"
    if parts.scheme not in SCHEMES:
        return f"expected one that begins with {', '.join(f'{name}:' for name in SCHEMES)}"
    if parts.scheme == "file":
        if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/") or parts.query:
            return "expected a whole path after file://, such as file:///var/lib/metrics/*.prom"
        return ""
    if not parts.hostname or port == 0:
        return f"expected a host in it: {EXPECTED}"
    if parts.username is not None:
        return "a name or password in it would be there for everybody to read; leave it out"
    return ""


def _check(values: Values, item: Item) -> Iterable[Fault]:
    yield from check_measured(values, item)
    for name, point in measured(values).items():
        if not point.metric:
            told = "needs the field 'metric': the name of what it is on the page"
            yield Fault(line_of(item, "points", name), f".points.{name}", told)
    name = values.get("name", "")
    for part in _PART.findall(name):
        if not _LABEL.fullmatch(part):
            yield Fault(line_of(item, "name"), ".name", f"got '{{{part}}}'; expected the name of a label in the braces")
    if {"{", "}"} & set(_PART.sub("", name)):
        yield Fault(line_of(item, "name"), ".name", "a brace is not closed, or not opened")


def _fits(source: Source, component: str) -> Iterable[str]:
    if component == DEVICE and source.name:
        yield "has a 'name', but the device itself has no components; leave it out, or say a 'component'"
    elif component != DEVICE and not source.name:
        yield f"needs 'name': which {component} a metric is of, by its labels, such as '{{device}}'"


SCRAPE = SourceFields(
    fields={
        "url": FieldSpec(Reader(_read_url, _url_text.schema)),
        "name": FieldSpec(text("a text with {LABEL} in it", r".+", longest=500)),
        "timeout_s": FieldSpec(number(0.1, 60)),
    },
    needs=("url",),
    of_points=("metric", "labels"),
    check=_check,
    fits=_fits,
)

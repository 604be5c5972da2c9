"""The API for figures that are pushed, for scripts that have no more than curl."""

from __future__ import annotations

import math
import shlex
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from common.names import DeviceId
from common.pushed import PushedRow
from common.quantities import counted
from common.series import Number, is_point_name
from hub.data.pushing import Figure, PushDesk, Refused
from hub.web.call import Call
from hub.web.refusals import RefusalError, bad_request
from hub.web.router import Route

MAX_SAMPLES = 10_000
MOST = 10**300
MAX_LINE = 1000
_QUOTING = frozenset("'\"\\")
SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Whole numbers beyond cross no wire; they are kept as well as a float can."""
DEVICE_ITSELF = "-"
"""In a line, in the place of a component."""
LINE = "DEVICE COMPONENT POINT VALUE [TIME]"


class PushedSample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure.

    Attributes:
        component: empty for the device itself.
        time: epoch seconds; without it, now.
        handler: id of the template that says what the points are.
        interval_s: how often such a figure comes; without it that of the device.
    """

    device: DeviceId
    component: Annotated[str, Meta(max_length=255)] = ""
    point: str
    value: Number | str | None
    time: float | None = None
    handler: Annotated[str, Meta(max_length=100)] = ""
    interval_s: Annotated[int, Meta(ge=1, le=86400)] | None = None


class PushBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Figures."""

    samples: Annotated[list[PushedSample], Meta(max_length=MAX_SAMPLES)]


class RefusedSample(Struct, frozen=True, kw_only=True):
    """A figure that was not taken; `sample` is its place, from 0 (of lines, from 1)."""

    sample: int
    error: str


class PushAnswer(Struct, frozen=True, kw_only=True):
    """How many figures were taken, and what became of the others."""

    taken: int
    refused: list[RefusedSample]


class SamplesTopic:
    """Takes figures."""

    def __init__(self, desk: PushDesk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("POST", "samples", self.push, for_pushing=True)]

    async def push(self, call: Call) -> PushAnswer:
        """Take figures as JSON, or as lines of text.

        Each is taken or refused by itself. Where some cannot be taken now, all may be sent again: none is taken twice.
        """
        call.only()
        first, figures, wrong = _read(call)
        refused = [*wrong, *await self._handed(figures)]
        count = len(figures) + len(wrong)
        later = [one for one in refused if one.later]
        rows = sorted(
            (RefusedSample(sample=one.place + first, error=one.why) for one in refused), key=lambda row: row.sample
        )
        told = tuple(f"sample {row.sample}: {row.error}" for row in rows)
        if later:
            raise RefusalError(
                "collector_unavailable",
                f"{count - len(refused)} of {count} samples were taken; send all of them again later: {later[0].why}",
                told,
            )
        if refused and len(refused) == count:
            raise RefusalError("invalid", f"no sample was taken: {rows[0].error}", told)
        return PushAnswer(taken=count - len(refused), refused=rows)

    async def _handed(self, figures: list[tuple[int, Figure]]) -> list[Refused]:
        refused = await self._desk.push([figure for _, figure in figures])
        return [Refused(figures[one.place][0], one.why, one.later) for one in refused]


def _read(call: Call) -> tuple[int, list[tuple[int, Figure]], list[Refused]]:
    """The number of the first, the figures with their places, and what is none."""
    content = call.content.strip()
    if not content:
        raise bad_request(f"there are no samples; send JSON, or lines of the form {LINE}")
    if content[:1] in {b"{", b"["}:
        return 0, *_sorted_out(list(enumerate(_from_json(call, content))))
    samples: list[tuple[int, PushedSample]] = []
    wrong: list[Refused] = []
    lines = call.content.decode("utf-8", "replace").split("\n")
    if len(lines) > MAX_SAMPLES:
        raise bad_request(f"there are {len(lines)} lines; send at most {MAX_SAMPLES} at once")
    for place, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            samples.append((place, _from_line(line)))
        except (ValueError, msgspec.ValidationError) as error:
            wrong.append(Refused(place, str(error)))
    figures, others = _sorted_out(samples)
    return 1, figures, [*wrong, *others]


def _from_json(call: Call, content: bytes) -> list[PushedSample]:
    if content[:1] == b"[":
        return call.body(Annotated[list[PushedSample], Meta(max_length=MAX_SAMPLES)])  # type: ignore[arg-type]  # a form
    if b'"samples"' in content:
        return call.body(PushBody).samples
    return [call.body(PushedSample)]


def _from_line(line: str) -> PushedSample:
    if len(line) > MAX_LINE:
        raise ValueError(f"a line has at most {MAX_LINE} characters; this one has {len(line)}")
    words = shlex.split(line) if _QUOTING.intersection(line) else line.split()
    if len(words) not in {4, 5}:
        raise ValueError(f"a line has the form {LINE}; this one has {counted(len(words), 'word')}")
    device, component, point, value = words[:4]
    return msgspec.convert(
        {
            "device": device,
            "component": "" if component == DEVICE_ITSELF else component,
            "point": point,
            "value": value,
            "time": _time(words[4]) if len(words) > 4 else None,
        },
        PushedSample,
    )


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text[:80]!r} is no time; it has to be seconds since 1970") from None


def _sorted_out(samples: list[tuple[int, PushedSample]]) -> tuple[list[tuple[int, Figure]], list[Refused]]:
    """Those that are figures, and those that are not."""
    figures: list[tuple[int, Figure]] = []
    wrong: list[Refused] = []
    for place, sample in samples:
        try:
            figures.append((place, _figure(sample)))
        except ValueError as error:
            wrong.append(Refused(place, str(error)))
    return figures, wrong


def _figure(sample: PushedSample) -> Figure:
    if not is_point_name(sample.point):
        raise ValueError(f"{sample.point[:80]!r} is no name of a point: 1 to 19 of A-Z a-z 0-9 _ -")
    if sample.time is not None and not (math.isfinite(sample.time) and 0 < sample.time < 2**33):
        raise ValueError(f"{sample.time!r} is no time; it has to be seconds since 1970")
    row = PushedRow(
        component=sample.component,
        values={sample.point: _value(sample.value)},
        handler=sample.handler,
        at=sample.time or 0.0,
        interval_s=sample.interval_s or 0,
    )
    return Figure(device=sample.device, row=row)


def _value(given: float | str | None) -> Number | None:
    """A number, or a text that is one; "U" and null are unknown."""
    if given is None or given in {"U", "u"}:
        return None
    try:
        value: Number = _number(given) if isinstance(given, str) else given
    except (ValueError, OverflowError):
        raise ValueError(f"{str(given)[:80]!r} is no number") from None
    if not (abs(value) <= MOST if isinstance(value, int) else math.isfinite(value)):
        raise ValueError(f"{str(given)[:80]!r} is no number that can be kept; send null for what is not known")
    return value if SMALLEST <= value <= LARGEST else float(value)


def _number(text: str) -> Number:
    return int(text) if text.strip().lstrip("+-").isdecimal() else float(text)

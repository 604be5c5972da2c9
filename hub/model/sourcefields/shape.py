"""What the sources of all types have in common: fields, what is needed of them, and what is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from common.matching import check_regex
from common.series import Point
from common.sources import DEVICE
from hub.model.fields import Fault, FieldSpec, Reader, WrongValueError, text, unknown
from hub.model.nested import line_of
from hub.model.sources import DataPoint, Source
from hub.model.yaml import Item

Values = Mapping[str, Any]


def fits_anywhere(_source: Source, _component: str) -> Iterable[str]:
    """For sources that may be read for components of any kind."""
    return ()


def nothing_more(_values: Values, _item: Item) -> Iterable[Fault]:
    """For sources of which no field depends on another."""
    return ()


class SourceFields(Struct, frozen=True, kw_only=True):
    """What a source of a type may say.

    Attributes:
        fields: beside type, interval_s and points.
        needs: those that must be there.
        of_points: what its measured points may say beside what all points may.
        check: what is wrong between fields that are each right.
        fits: what is wrong with it in a template for components of a kind, as sentences.
    """

    fields: Mapping[str, FieldSpec]
    needs: Sequence[str] = ()
    of_points: Sequence[str] = ()
    check: Callable[[Values, Item], Iterable[Fault]] = nothing_more
    fits: Callable[[Source, str], Iterable[str]] = fits_anywhere


def measured(values: Values) -> dict[str, DataPoint]:
    """Those points that are not derived, in their order."""
    return {name: point for name, point in values.get("points", {}).items() if not point.derived}


def check_measured(values: Values, item: Item) -> Iterable[Fault]:
    """A source that has no points of its own says at least one that is measured."""
    if not measured(values):
        yield Fault(line_of(item, "points"), "", "has no point that is measured; name one under 'points'")


def check_known(values: Values, item: Item, known: Mapping[str, Point], who: str) -> Iterable[Fault]:
    """A source that has points of its own: only what is computed from them can be added.

    Args:
        values: of the source.
        item: the same as it stands there.
        known: its own points.
        who: measures them.
    """
    for name, point in values.get("points", {}).items():
        line, place = line_of(item, "points", name), f".points.{name}"
        if name not in known and not point.derived:
            told = unknown("point", name, known)
            yield Fault(line, place, f"{told}; another one needs 'derived', an expression over these")
        elif name in known and point != DataPoint():
            what = "choose another name" if point.derived else "leave its fields out"
            yield Fault(line, place, f"{name} is measured by {who} as it is; {what}")


def of_device_alone(source: Source, component: str) -> Iterable[str]:
    """For sources that measure the device itself."""
    if component != DEVICE:
        yield f"a source of type {source.type.value} measures the device itself, and belongs in a template for {DEVICE}"


def regex() -> Reader:
    """Read a pattern of RE2."""
    plain = text("a regular expression (RE2) on one line", r".+", longest=4096)

    def read(item: Item) -> str:
        pattern: str = plain(item)
        if wrong := check_regex(pattern):
            raise WrongValueError(Fault(item.line, "", wrong))
        return pattern

    return Reader(read, plain.schema)

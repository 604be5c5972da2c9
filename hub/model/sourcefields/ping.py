"""Sources of the type ping: whether, and how fast, a device answers to echoes."""

from __future__ import annotations

from collections.abc import Iterable

from common.pingpoints import POINTS
from hub.model.fields import Fault, FieldSpec, flag, whole
from hub.model.nested import line_of, number
from hub.model.sourcefields.shape import SourceFields, Values, check_known, of_device_alone
from hub.model.yaml import Item

PACKETS, GAP_S, TIMEOUT_S = 3, 0.2, 2.0


def _check(values: Values, item: Item) -> Iterable[Fault]:
    yield from check_known(values, item, POINTS, "each ping")
    packets, gap_s, timeout_s = (
        values.get(name, usual) for name, usual in (("packets", PACKETS), ("gap_s", GAP_S), ("timeout_s", TIMEOUT_S))
    )
    needed, interval_s = (packets - 1) * gap_s + timeout_s, values.get("interval_s")
    if interval_s is not None and needed > interval_s:
        yield Fault(
            line_of(item, "interval_s"),
            ".interval_s",
            f"{packets} packets take up to {needed:g} s, which is longer than {interval_s} s",
        )


PING = SourceFields(
    fields={
        "packets": FieldSpec(whole(1, 100)),
        "gap_s": FieldSpec(number(0.01, 60)),
        "timeout_s": FieldSpec(number(0.01, 60)),
        "gates": FieldSpec(flag),
        "confirm": FieldSpec(whole(1, 100)),
    },
    check=_check,
    fits=of_device_alone,
)

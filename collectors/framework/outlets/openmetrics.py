"""Last values as lines of a metrics page (pure; OpenMetrics 1.0, and Prometheus's text format 0.0.4).

A series whose samples have ceased is not there: an old value is no value. So is a point that is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from prometheus_client.utils import floatToGoString

from collectors.framework.data.spool.intake import Latest
from collectors.framework.outlets.names import COUNT, HELP, TOTAL, VALUE, is_count, labels
from common.series import Number

SLICE = 100
"""Series that are written at once, before others have their turn."""
CEASED_STEPS = 3
CEASED_S = 60.0

END = "# EOF\n"


def value_lines(
    latest: Sequence[Latest], collector: str, now: float, devices: Collection[str] = (), *, open_metrics: bool = True
) -> Iterator[str]:
    """The lines of all points, some at a time; first those that say how much there is, then counts.

    `now` is in epoch seconds. Of some devices only theirs; empty stands for all. Without `open_metrics` they are of the
    older format, which calls a counter by the name of its lines.
    """
    for counts in (False, True):
        yield _head(COUNT if counts else VALUE, "counter" if counts else "gauge", open_metrics=open_metrics)
        for begin in range(0, len(latest), SLICE):
            fresh = _fresh(latest[begin : begin + SLICE], now, devices)
            yield "".join(line for one in fresh for line in _lines(one, collector, counts=counts))


def _head(name: str, type_: str, *, open_metrics: bool) -> str:
    called = name if open_metrics or type_ != "counter" else name + TOTAL
    return f"# HELP {called} {HELP[name]}\n# TYPE {called} {type_}\n"


def _fresh(latest: Iterable[Latest], now: float, devices: Collection[str]) -> Iterator[Latest]:
    for one in latest:
        patience_s = CEASED_S + CEASED_STEPS * one.grid.step_s
        if one.at + patience_s >= now and (not devices or one.key.device in devices):
            yield one


def _lines(one: Latest, collector: str, *, counts: bool) -> Iterator[str]:
    for point, value in zip(one.layout.points, one.values, strict=False):
        if value is None or is_count(point) is not counts:
            continue
        named = {"collector": collector, **labels(one.key, point)}
        inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in sorted(named.items()))
        yield f"{COUNT + TOTAL if counts else VALUE}{{{inner}}} {_number(value)}\n"


def _number(value: Number) -> str:
    return str(value) if isinstance(value, int) else str(floatToGoString(value))  # type: ignore[no-untyped-call]  # the library has no types here


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')

"""Simulated series of other things than processes, for the gallery: the same in every run.

A switch port, a filesystem that fills, the processors of a host, and a power supply whose line fails. What is drawn of
them is what the templates say that come with Tocsin.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from common.graphs import Drawing
from common.series import Kind, Number, Point
from hub.graphs.drawings import Wishes, drawing
from hub.model.documents import SourceFile, read_documents
from hub.model.templates import Template

MODEL = Path(__file__).parents[1] / "etc" / "model"
DAY_S = 86_400
Row = tuple[Number | None, ...]
Values = Callable[[int], Row]

_CPU = ("cpu_system", "cpu_irq", "cpu_softirq", "cpu_user", "cpu_nice", "cpu_iowait", "cpu_steal")
_UNITS = {
    **dict.fromkeys(("percent", "inodes_percent", "charge", "load", *_CPU), "percent"),
    **dict.fromkeys(("used", "free", "total"), "bytes"),
    **dict.fromkeys(("remaining", "battery_s"), "s"),
}


def points() -> dict[str, Point]:
    """The points of these series by name."""
    found = {name: Point(name=name, unit=unit, minimum=0.0) for name, unit in _UNITS.items()}
    for name in ("in_bits", "out_bits"):
        found[name] = Point(name=name, kind=Kind.DERIVE, unit="bit", minimum=0.0)
    return found


def series(end: int, rhythm: Callable[[int], float]) -> Iterator[tuple[str, str, tuple[str, ...], int, int, Values]]:
    """Device, component, points, step in seconds, days, and what gives the values of a moment."""
    yield "sw1", "ge-0/0/1", ("in_bits", "out_bits"), 60, 8, _port(rhythm)
    yield "nas1", "/srv", ("used", "free", "total", "percent", "inodes_percent"), 300, 36, _disk(rhythm)
    yield "build1", "", _CPU, 60, 2, _processors(rhythm)
    yield "ups1", "", ("charge", "load", "remaining", "battery_s"), 60, 1, _supply(end)


def shipped(template: str, graph: str, heading: Sequence[str], wishes: Wishes | None = None) -> Drawing:
    """A graph of a template that comes with Tocsin."""
    return drawing(_templates()[template].graphs[graph], heading, wishes or Wishes())


@cache
def _templates() -> Mapping[str, Template]:
    files = [SourceFile(path.name, path.read_text(encoding="utf-8")) for path in sorted(MODEL.glob("*.yaml"))]
    return {one.entity.id: one.entity for one in read_documents(files) if isinstance(one.entity, Template)}


def _port(rhythm: Callable[[int], float]) -> Values:
    chance = random.Random(400)
    into, out, swing = 10**12, 10**12, 1.0

    def values(at: int) -> Row:
        nonlocal into, out, swing
        swing = 0.9 * swing + 0.1 * math.exp(chance.gauss(0, 0.5))
        hour = (at + 3600) % DAY_S / 3600
        backup = 38e6 if 1.5 <= hour < 2.6 else 0.0
        into += int(60 * (2e6 + 52e6 * rhythm(at) * swing))
        out += int(60 * (1e6 + 17e6 * rhythm(at) * swing + backup * abs(chance.gauss(1, 0.1))))
        return into, out

    return values


def _disk(rhythm: Callable[[int], float]) -> Values:
    chance = random.Random(401)
    total, used, inodes = 4 * 2**40, 2.1 * 2**40, 11.0

    def values(at: int) -> Row:
        nonlocal used, inodes
        used += 300 * (2.2e5 + 9.5e5 * rhythm(at)) + abs(chance.gauss(0, 3e7))
        inodes += 2e-4 * rhythm(at)
        if used > 0.93 * total:
            used, inodes = 0.58 * total, inodes * 0.8  # somebody tidies up
        room = 0.95 * total  # what is kept for root is nobody else's
        return int(used), int(max(0, room - used)), total, min(100.0, 100 * used / room), inodes

    return values


def _processors(rhythm: Callable[[int], float]) -> Values:
    chance = random.Random(402)
    swing = [0.0, 0.0, 0.0]

    def values(at: int) -> Row:
        for place, width in enumerate((0.8, 1.6, 0.3)):
            swing[place] = 0.96 * swing[place] + chance.gauss(0, width)
        load = rhythm(at)
        batch = 1.0 if (at // 2700) % 5 == 0 else 0.1
        system = max(1.0, 4 + 12 * load + swing[0] * 0.4)
        user = max(2.0, 9 + 48 * load + swing[1])
        nice = max(0.0, 14 * batch + swing[2])
        wait = max(0.2, 9 * batch * abs(chance.gauss(1, 0.2)))
        found = [system, 0.3 + load, 0.6 + 2 * load, user, nice, wait, max(0.0, chance.gauss(0.3, 0.3))]
        factor = min(1.0, 100 / sum(found))
        return tuple(one * factor for one in found)

    return values


def _supply(end: int) -> Values:
    chance = random.Random(403)
    failed, back = end - 6 * 3600, end - 6 * 3600 + 2100
    charge = 100.0

    def values(at: int) -> Row:
        nonlocal charge
        load = 41 + 5 * math.sin(at / 5000) + chance.gauss(0, 0.8)
        on_battery = failed <= at < back
        charge = max(0.0, charge - 1.7) if on_battery else min(100.0, charge + 0.28)
        return round(charge), round(load), round(charge) * 33.0, at - failed if on_battery else 0

    return values

"""Judges a run of the real daemon against a real fleet, from what both have written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from collectors.sim.facts import Alive, Fact
from collectors.sim.scenario import Ailment
from collectors.sim.visits import Visit
from common.configs import DeviceConfig
from common.events import CLASS_SNMP, Event
from tests.truth.judge import AGENT_RESTARTED, TASK_FAILED, DeviceJudge, Record, Scan
from tests.truth.ledger import Ledger

SAME_CYCLE = 1.5
"""Times the time-out of a request: a reading that begins sooner after another one belongs to its cycle."""
CLOCK_S = 0.05
"""Between the two programs."""


class Truth(Struct):
    """What a fleet wrote.

    Attributes:
        began: epoch seconds of t = 0.
        devices: address, port and who ran, by name.
        facts: by device, in order.
    """

    began: float
    devices: dict[str, dict[str, Any]]
    facts: dict[str, list[Fact]]


def read_truth(path: Path) -> Truth:
    """Read the file of `--truth`; a last line that is cut short is left out."""
    truth = Truth(0.0, {}, {})
    for line in path.read_text().split("\n")[:-1]:
        words = json.loads(line)
        if words["what"] == "fleet":
            truth.began = words["at"]
        elif words["what"] == "device":
            truth.devices[words["device"]] = words
        else:
            truth.facts.setdefault(words["device"], []).append(msgspec.convert(words, Fact))
    return truth


def read_cycles(path: Path, timeout_s: float) -> dict[str, list[tuple[float, float]]]:
    """Begin and end of each cycle, by device, from the file of `--visits`."""
    cycles: dict[str, list[tuple[float, float]]] = {}
    visits = [msgspec.json.decode(line, type=Visit) for line in path.read_bytes().split(b"\n")[:-1]]
    for visit in sorted(visits, key=lambda one: one.t):
        known = cycles.setdefault(visit.device, [])
        if known and visit.t < known[-1][1] + SAME_CYCLE * timeout_s:
            known[-1] = known[-1][0], visit.until
        else:
            known.append((visit.t, visit.until))
    return cycles


def judge_fleet(
    truth: Truth,
    cycles: Mapping[str, Sequence[tuple[float, float]]],
    events: Iterable[Event],
    configs: Sequence[DeviceConfig],
    ailments: Mapping[str, Ailment],
    until: float,
) -> tuple[Record, dict[str, DeviceJudge]]:
    """Judge all cycles that began before t = `until`; gives the judges, which know how it stands then."""
    told: dict[str, list[Event]] = {}
    for event in events:
        told.setdefault(event.device, []).append(event)
    record, judges = Record(), {}
    for config in configs:
        about = truth.devices[config.device]
        running = msgspec.convert(about["running"], dict[str, list[Alive]])
        ledger = Ledger(running, about["agent_since"], about["host_since"])
        for fact in truth.facts.get(config.device, ()):
            ledger.take(fact)
        judge = judges[config.device] = DeviceJudge(config, ledger, record, ailments)
        own = cycles.get(config.device, ())
        said = [(_moment(event) - truth.began, event) for event in told.get(config.device, ())]
        for number, (begin, end) in enumerate(own):
            if begin >= until:
                break
            following = own[number + 1][0] if number + 1 < len(own) else float("inf")
            here = [event for at, event in said if begin - CLOCK_S <= at < following - CLOCK_S]
            judge.cycle(_scan(judge, begin, end, here, truth.began))
    return record, judges


def _moment(event: Event) -> float:
    """When an event belongs to its cycle: one that was cut off is told when the next one may have begun already."""
    cut_off = event.event_key == TASK_FAILED and event.severity.value
    return event.at - 1.0 if cut_off else event.at


def _scan(judge: DeviceJudge, begin: float, end: float, events: Sequence[Event], began: float) -> Scan:
    """A cycle, of which the events say whether its table was believed."""
    of_reading = [one for one in events if one.event_class == CLASS_SNMP and one.event_key != AGENT_RESTARTED]
    failing = any(key != AGENT_RESTARTED for key in judge.open)
    if of_reading:
        failing = any(event.severity.value for event in of_reading)
    of_sets = [event.at - began for event in events if event.event_class != CLASS_SNMP]
    if of_sets and all(event.event_key == TASK_FAILED for event in of_reading if event.severity.value):
        failing = False  # it was cut off behind what it had decided
    at = None if failing else of_sets[0] if of_sets else end
    return Scan(begin=begin, end=max(end, begin), at=at, events=events)

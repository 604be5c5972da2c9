"""A hub with a large model: a real `tocsin-hub`, asked over its API, without collectors.

CPU time and memory are those of the hub's process; wall time is told where somebody waits for it.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.hubprocess import Hub

Row = tuple[str, float, str, str]

DEVICES = 10_000
SETS = 20
CLASSES = 40
SET = """
kind: ProcessSet
id: set{n}
order: {n}
include: '^/usr/sbin/daemon{n}( |$){more}'
applies_to: ['{scope}']
---
"""
DEVICE = """
kind: Device
id: host{n}
address: 10.{a}.{b}.{c}
class: /Server/C{class_}
groups: [g{group}]
properties: {{snmp_community: public{group}}}
---
"""
TEMPLATE = """
kind: Template
id: small
component: process_set
sources:
  process:
    type: process
    points: [{{name: count}}, {{name: memory}}]
thresholds:
  memory: {{points: [memory], maximum: {maximum}, severity: warning}}
---
kind: DeviceClass
id: /Server/C3
templates: [small]
---
"""


def documents() -> str:
    """A site: devices in many classes and a few groups, twenty process sets that apply to each device."""
    sets = "".join(SET.format(n=n, more="", scope="/" if n else "/Server") for n in range(SETS))
    classes = "".join(
        f"kind: DeviceClass\nid: /Server/C{n}\nproperties: {{flap_restarts: {n + 1}}}\n---\n" for n in range(CLASSES)
    )
    devices = "".join(
        DEVICE.format(n=n, a=n // 65000, b=n // 250 % 256, c=n % 250, class_=n % CLASSES, group=n % 5)
        for n in range(DEVICES)
    )
    return sets + classes + devices


def run() -> list[Row]:
    """Measure on a hub of its own."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        hub = Hub(Path(folder))
        try:
            return _figures(hub)
        finally:
            hub.stop()


def _figures(hub: Hub) -> list[Row]:
    empty = hub.start()
    hub.settled()
    bare = hub.memory_mib()
    cpu, wall, _ = hub.cost(lambda: hub.apply(documents()))
    rows: list[Row] = [
        ("start an empty hub", empty, "s CPU", ""),
        ("memory of it", bare, "MiB", ""),
        (f"apply {DEVICES:,} devices, {SETS} sets: answered", wall, "s wall", ""),
        ("the same, all configs compiled", cpu, "s CPU", ""),
        ("memory of the hub then", hub.memory_mib(), "MiB", ""),
    ]
    hub.stop()
    ready = hub.start()
    hub.settled()
    rows += [
        ("start with it until ready", ready, "s CPU", ""),
        ("until all configs are compiled", hub.cpu_s(), "s CPU", ""),
        ("memory after a start", hub.memory_mib(), "MiB", ""),
    ]
    device = "kind: Device\nid: host7\naddress: 10.9.9.{n}\nclass: /Server/C7\ngroups: [g2]\n"
    one = [hub.cost(partial(hub.apply, device.format(n=n)))[:2] for n in range(5)]
    rows += [
        ("apply one device", 1000 * sum(cpu for cpu, _ in one) / len(one), "ms CPU", ""),
        ("answered", 1000 * sum(wall for _, wall in one) / len(one), "ms wall", ""),
    ]
    hub.apply(TEMPLATE.format(maximum=1000))
    for what, text in (
        ("a template", TEMPLATE.format(maximum=2000)),
        ("a property of a class", "kind: DeviceClass\nid: /Server/C5\nproperties: {flap_restarts: 77}\n"),
        ("a process set", SET.format(n=3, more="x", scope="/")),
    ):
        cpu, wall, answer = hub.cost(partial(hub.apply, text, dry_run=True))
        rows.append((f"say whom {what} concerns ({len(answer['devices']):,} devices)", 1000 * wall, "ms wall", ""))
    return rows

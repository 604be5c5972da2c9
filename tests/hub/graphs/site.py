"""A small site whose graphs are drawn."""

from __future__ import annotations

from hub.model.model import Model
from tests.hub.model.test_documents import read

DOCUMENTS = """\
kind: DeviceClass
id: /
templates: [weak, strong]
---
kind: Template
id: weak
component: process_set
thresholds:
  busy: {points: cpu, maximum: 90}
  unusual: {points: [cpu, oldest_s], form: baseline, width: 5}
graphs:
  memory: {title: Weak, points: [memory]}
  age: {title: Old, points: [oldest_s], thresholds: false, events: false}
---
kind: Template
id: strong
component: process_set
sources: {table: {type: process, points: {per: {derived: memory / count, unit: bytes}}}}
thresholds:
  leak: {points: [memory, per], levels: [{severity: warning, maximum: 1024}, {severity: error, maximum: 2048}]}
graphs:
  memory:
    title: Parts
    unit: KiB
    log: true
    base: 1000
    minimum: 0.5
    band: false
    percentiles: 95
    points:
      - {point: memory, label: all, draw: area, colour: '#112233', transform: value / 1024}
      - {point: per, stack: true}
  gone: {points: [per]}
---
kind: ProcessSet
id: mill
include: mill
thresholds: {own: {points: memory, maximum: 4096}}
---
kind: ProcessSet
id: other
include: other
---
kind: Device
id: web1
address: 192.0.2.1
---
kind: Device
id: web2
address: 192.0.2.2
"""


def site() -> Model:
    """Two devices, two definitions, and two templates of which the second is the stronger one."""
    return Model(1, read(DOCUMENTS))

"""Which of 10,000 devices a change concerns, and what templates add to their configs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from common.sources import SERVICE_SNMP
from hub.compile.differing import differing
from hub.compile.process import ProcessCompiler
from hub.compile.sources import SourceCompiler
from hub.model.change import plan
from hub.model.entities import (
    Collector,
    Device,
    DeviceClass,
    Entity,
    Pool,
    ProcessSet,
)
from hub.model.model import Model
from hub.model.properties import Value
from hub.model.sources import DataPoint, Oid, Source, SourceType
from hub.model.templates import Target, Template, Threshold

DEVICES = 10_000
CLASSES = 50
COLLECTORS = 100
"""Each with 50 devices of its own, and with its share of those of one pool."""
SETS = 20
ROUNDS = 5


def site() -> Model:
    """Devices in fifty classes, each with a template of its own that extends one of all; half of them in a pool."""
    points: dict[str, Source | None] = {
        "table": Source(type=SourceType.PROCESS, points={"each": DataPoint(derived="memory / count")})
    }
    entities: list[Entity] = [
        Template(id="all", component=Target.PROCESS_SET, sources=points, thresholds={"busy": _limit(90)}),
        Template(id="echo", sources={"echo": Source(type=SourceType.PING)}),
        Template(id="ports", component="interface", sources={"ports": _walked()}),
        DeviceClass(id="/", templates=("all", "echo", "ports")),
    ]
    for number in range(CLASSES):
        entities += [
            Template(id=f"t{number}", extends="all", replaces="all", thresholds={f"own{number}": _limit(number)}),
            DeviceClass(id=f"/C{number}", templates=(f"t{number}",)),
        ]
    entities += [ProcessSet(id=f"set{n}", order=n, include=f"^daemon{n}") for n in range(SETS)]
    collectors = [Collector(id=f"c{n}", properties={"snmp_timeout_s": 3.0}) for n in range(COLLECTORS)]
    entities += [*collectors, Pool(id="pool", members=tuple(one.id for one in collectors))]
    entities += [_device(n) for n in range(DEVICES)]
    return Model(1, entities)


def _device(number: int) -> Device:
    community: dict[str, Value] = {"snmp_community": f"community {number}"}
    collector = "pool" if number % 2 else f"c{number // 2 % COLLECTORS}"
    return Device(
        id=f"d{number}",
        address="10.0.0.1",
        class_=f"/C{number % CLASSES}",
        collector=collector,
        properties=community,
    )


def _walked() -> Source:
    oids = tuple(Oid(walk=f".1.3.6.1.2.1.2.2.1.{column}") for column in range(10, 20))
    return Source(type=SourceType.SNMP, oids=oids, points={f"column{n}": DataPoint() for n in range(10)})


def _limit(maximum: float) -> Threshold:
    return Threshold(points=("cpu",), maximum=float(maximum))


def run() -> list[tuple[str, float, str, str]]:
    """Measure."""
    model = site()
    compiler = ProcessCompiler()
    begun = time.process_time()
    for id_ in model.devices:
        compiler.compile(model, id_)
    compiling = time.process_time() - begun
    reader = SourceCompiler(SERVICE_SNMP)
    begun = time.process_time()
    for id_ in model.devices:
        reader.compile(model, id_)
    reading = time.process_time() - begun
    one, everywhere = model.templates["t7"], model.templates["all"]
    root, layer, definition = model.classes["/"], model.classes["/C7"], model.sets[3]
    collector, pool = model.collectors["c7"], model.pools["pool"]
    changes: list[tuple[str, Callable[[int], Entity]]] = [
        ("a template of 200", lambda n: replace(one, thresholds={"own7": _limit(100 + n)})),
        ("a template of all", lambda n: replace(everywhere, thresholds={"busy": _limit(100 + n)})),
        ("the templates of a class of 200", lambda n: replace(layer, templates=("t7", f"t{10 + n}"))),
        ("a property of a class of 200", lambda n: replace(layer, properties={"interval_s": 100 + n})),
        ("a severity of all", lambda n: replace(root, properties={"missing_severity": ("error", "info")[n % 2]})),
        ("the templates of one device", lambda n: replace(model.devices["d3"], templates=(f"t{10 + n}",))),
        ("a threshold of a process set of all", lambda n: replace(definition, thresholds={"x": _limit(n)})),
        ("a collector's interval, of 50", lambda n: replace(collector, properties={"interval_s": 100 + n})),
        ("a collector's title", lambda n: replace(collector, title=f"title {n}")),
        ("a pool's interval, of 5,000", lambda n: replace(pool, properties={"interval_s": 100 + n})),
        ("how soon a pool of 5,000 takes over", lambda n: replace(pool, failover_after_s=100 + n)),
        ("a member of a pool of 5,000", lambda n: replace(pool, members=(*pool.members, f"m{n}"))),
        ("one device to another collector", lambda n: replace(model.devices["d3"], collector=f"c{n}")),
        ("a process set of all", lambda n: replace(definition, include=f"^other{n}")),
    ]
    rows = [
        (f"plan a change of {DEVICES:,} devices: {what}", _planning(model, change) * 1000, "ms CPU", "")
        for what, change in changes
    ]
    return [
        *rows,
        ("compile one config, with templates", compiling / DEVICES * 1000, "ms CPU", "under 0.3"),
        ("compile one config of SNMP sources", reading / DEVICES * 1000, "ms CPU", "as the one above"),
    ]


def _planning(model: Model, change: Callable[[int], Entity]) -> float:
    """CPU seconds of a plan, the fewest of some: the model is warm, as that of a hub that runs."""
    spent: Sequence[float] = [_spent(model, change(number)) for number in range(ROUNDS)]
    return min(spent)


def _spent(model: Model, wanted: Entity) -> float:
    begun = time.process_time()
    change = plan(model, [wanted])
    differing(change.before, change.after, change.devices)
    return time.process_time() - begun

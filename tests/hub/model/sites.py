"""Small models of all kinds of entities, to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from common.events import Severity
from hub.model.collectorfields import OF_COLLECTORS
from hub.model.components import OF_COMPONENTS
from hub.model.entities import (
    Collector,
    Device,
    DeviceClass,
    Entity,
    Group,
    Pool,
    ProcessSet,
    WhenAlone,
)
from hub.model.model import Model
from hub.model.properties import Value
from hub.model.sources import DataPoint, Source, SourceType
from hub.model.templates import Target, Template, Threshold

DEVICES = ("p", "q", "r")
SETS = ("s", "t", "u")
COLLECTORS = ("c1", "c2")
POOL = "pool"
TEMPLATES = ("t1", "t2", "t3")
READING = ("device", "disks", "handler", "probes")
"""Templates whose sources others than the process collector read."""
VALUES: dict[str, tuple[Value, ...]] = {
    "interval_s": (60, 200),
    "snmp_port": (161, 162),
    "source": ("local", "snmp"),
    "monitor": (True, False),
    "missing_severity": ("definition", "error", "warning"),
    "restart_severity": ("definition", "none", "info"),
    "model_interval_s": (3600, 7200),
    "lock": (("delete",), ()),
}


def some_of(names: Iterable[str]) -> st.SearchStrategy[dict[str, Value]]:
    """Some of these properties."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(VALUES[name]) for name in names})


properties = some_of(VALUES)
of_collectors = some_of(VALUES.keys() & OF_COLLECTORS)
components = st.dictionaries(
    st.sampled_from([*(f"process_set/{id_}" for id_ in SETS), "disk/x", "worker/x"]),
    some_of(VALUES.keys() & OF_COMPONENTS).filter(bool),
    max_size=2,
)
words = st.lists(
    st.sampled_from([*TEMPLATES, *READING, *(f"-{id_}" for id_ in (*TEMPLATES, *READING))]),
    max_size=3,
    unique_by=lambda word: word.removeprefix("-"),
).map(tuple)
thresholds = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.builds(
        Threshold,
        points=st.just(("cpu",)),
        maximum=st.sampled_from([1.0, 2.0]),
        enabled=st.sampled_from([True, True, False]),
    ),
    max_size=2,
)


def templates(id_: str) -> st.SearchStrategy[Entity]:
    """Templates that all hold together: each may extend, and replace, only those before it."""
    before = st.sampled_from(["", *TEMPLATES[: TEMPLATES.index(id_)]])
    points = st.sampled_from(["cpu", "memory"]).map(lambda text: {f"p{id_}": DataPoint(derived=text)})
    return st.builds(
        Template,
        id=st.just(id_),
        component=st.just(Target.PROCESS_SET),
        description=st.sampled_from(["", "x"]),
        extends=before,
        replaces=before,
        sources=st.dictionaries(
            st.just(id_), points.map(lambda one: Source(type=SourceType.PROCESS, points=one)), max_size=1
        ),
        thresholds=thresholds,
    )


def _judging(point: str) -> st.SearchStrategy[Any]:
    limit = st.builds(Threshold, points=st.just((point,)), maximum=st.sampled_from([1.0, 2.0]), enabled=st.booleans())
    return st.dictionaries(st.sampled_from(["a", "b"]), limit, max_size=1)


def _source(type_: SourceType, **fields: Any) -> st.SearchStrategy[Source]:
    drawn = {name: one if isinstance(one, st.SearchStrategy) else st.just(one) for name, one in fields.items()}
    return st.builds(Source, type=st.just(type_), interval_s=st.sampled_from([None, 30]), **drawn)


_points = st.sampled_from(["", "bytes"]).map(lambda unit: {"p": DataPoint(unit=unit)})
_of_device = st.fixed_dictionaries(
    {"echo": _source(SourceType.PING, packets=st.sampled_from([1, 3]))},
    optional={
        "up": _source(SourceType.SNMP, oid=st.sampled_from([".1.3.6", ".1.3.7"]), points=_points),
        "queue": _source(SourceType.PLUGIN, service=st.sampled_from(["q1", "q2"]), points={"x": DataPoint()}),
    },
)
_of_disks = st.fixed_dictionaries(
    {}, optional={"io": _source(SourceType.STATUS, item="disk_io", only=st.sampled_from([(), ("sda",)]))}
)
_probes = {"w": _source(SourceType.PROBE, command=st.sampled_from([("a",), ("b",)]), handler="handler")}
reading = st.tuples(
    st.builds(Template, id=st.just("device"), sources=_of_device, thresholds=_judging("loss")),
    st.builds(
        Template,
        id=st.just("disks"),
        component=st.just("disk"),
        sources=_of_disks | st.fixed_dictionaries({"w": _source(SourceType.STATUS, item="disk_io")}),
    ),
    st.builds(
        Template,
        id=st.just("handler"),
        component=st.just("worker"),
        sources=st.fixed_dictionaries({"h": st.builds(Source, type=st.just(SourceType.PROBE), points=_points)}),
        thresholds=_judging("p"),
    ),
    st.builds(Template, id=st.just("probes"), component=st.just("worker"), sources=st.fixed_dictionaries(_probes)),
)


@st.composite
def models(draw: Any) -> Model:
    classes = st.sampled_from(["/", "/a", "/a/b", "/c"])
    groups = st.lists(st.sampled_from(["g1", "g2"]), unique=True, max_size=2).map(tuple)
    hosts = [
        Device(
            id=id_,
            address=draw(st.sampled_from("xy")),
            class_=draw(classes),
            collector=draw(st.sampled_from([*COLLECTORS, POOL])),
            groups=draw(groups),
            properties=draw(properties),
            components=draw(components),
            templates=draw(words),
        )
        for id_ in draw(st.sets(st.sampled_from(DEVICES)))
    ]
    layers: list[Entity] = [
        DeviceClass(id=id_, properties=draw(properties), templates=draw(words))
        for id_ in draw(st.sets(st.sampled_from(["/", "/a", "/a/b"])))
    ]
    layers += [
        Group(id=id_, properties=draw(properties), templates=draw(words))
        for id_ in draw(st.sets(st.sampled_from(["g1", "g2"])))
    ]
    layers += [draw(templates(id_)) for id_ in TEMPLATES]
    layers += draw(reading)
    layers += [Collector(id=id_, properties=draw(of_collectors)) for id_ in draw(st.sets(st.sampled_from(COLLECTORS)))]
    layers.append(
        Pool(
            id=POOL,
            members=draw(st.sampled_from([COLLECTORS, COLLECTORS[:1], (*COLLECTORS, "c3")])),
            failover_after_s=draw(st.sampled_from([60, 90])),
            when_alone=draw(st.sampled_from(WhenAlone)),
            properties=draw(of_collectors),
        )
    )
    scopes = st.lists(st.sampled_from(["/", "/a", "/a/b", "g1", "g2"]), min_size=1, max_size=2, unique=True).map(tuple)
    sets = [
        ProcessSet(
            id=id_,
            order=draw(st.integers(1, 2)),
            include=draw(st.sampled_from("xy")),
            applies_to=draw(scopes),
            monitor=draw(st.booleans()),
            missing_severity=draw(st.sampled_from([Severity.ERROR, Severity.WARNING])),
            thresholds=draw(thresholds),
        )
        for id_ in draw(st.sets(st.sampled_from(SETS)))
    ]
    return Model(draw(st.integers(0, 3)), [*layers, *hosts, *sets])

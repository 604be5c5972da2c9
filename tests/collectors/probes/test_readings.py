"""What runs of probes become: results of the right sources, problems, events."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.framework.sources.results import Result
from collectors.probes import troubles
from collectors.probes.claims import Claims
from collectors.probes.found.folders import Looked, Probe, Refused
from collectors.probes.found.saying import Said
from collectors.probes.handlers import Handlers
from collectors.probes.launch.orders import Outcome
from collectors.probes.output.parse import parse
from collectors.probes.plan import Planned, Work, plan
from collectors.probes.readings import OWN_SOURCE, Reader
from collectors.probes.settings import ProbesSettings
from common.configs import DeviceConfig, SourceKind
from common.events import Severity
from common.judged import DerivedConfig
from common.series import Kind, Point
from common.sources import ProbeSource

TRACKING = ProbeSource(
    id="process_tracking",
    template="process_tracking",
    component="process",
    interval_s=60,
    points=(Point(name="data", unit="kB"), Point(name="stack", unit="kB")),
    derived=(DerivedConfig(point="used", expression="data + stack", unit="kB"),),
)


def config(*sources: ProbeSource, local: bool = True, **fields: Any) -> DeviceConfig:
    return DeviceConfig(
        device="web1",
        address="192.0.2.7",
        source=SourceKind.LOCAL if local else SourceKind.SNMP,
        interval_s=60,
        sources=sources,
        **fields,
    )


def planned(config_: DeviceConfig, *probes: Probe, refused: tuple[Refused, ...] = (), **settings: Any) -> Planned:
    return plan(config_, Looked({one.name: one for one in probes}, refused), ProbesSettings(**settings))


def probe(name: str, **said: Any) -> Probe:
    return Probe(name, (f"/probes/{name}",), Said(**said), f"/probes/{name}")


def read(
    reader: Reader, work: Work, text: str, config_: DeviceConfig, at: float = 60.0, **outcome: Any
) -> list[Result]:
    ended = Outcome(**{"number": 1, "status": 0, "parsed": parse(text.encode(), 0), **outcome})
    return reader.results(work, ended, Handlers(config_.sources), int(at), at)[0]


def reader() -> Reader:
    return Reader("web1", Claims())


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_what_lies_in_the_folders_runs_for_the_collectors_own_host_alone() -> None:
    (work,) = planned(config(), probe("disk", arguments=("a b",), interval_s=30)).works
    assert (work.label, work.handler, work.interval_s) == ("disk", "disk", 30)
    assert work.order.argv == ["/probes/disk", "a b"]
    assert work.order.environment["TOCSIN_DEVICE"] == "web1"
    assert planned(config(local=False), probe("disk")).works == []


def test_a_probe_runs_as_often_as_it_says_else_as_its_template_else_each_minute() -> None:
    slow = ProbeSource(id="h", template="h", interval_s=300, points=(Point(name="x"),))
    for said, wanted in (({"interval_s": 5}, 5), ({"handler": "h"}, 300), ({}, 60)):
        assert planned(config(slow), probe("a", **said)).works[0].interval_s == wanted
    (told,) = planned(config(slow), probe("a", handler="h", interval_s=600)).problems
    assert told.key == troubles.INTERVAL
    assert told.summary.startswith("probe a runs every 600 s, and template h has a value every 300 s: there are gaps")


def test_a_template_runs_a_probe_of_the_folders_in_its_place() -> None:
    source = ProbeSource(
        id="disks",
        template="t",
        interval_s=20,
        command=("disk", "-H", "{address}"),
        timeout_s=3,
        points=(Point(name="x"),),
    )
    found = planned(config(source), probe("disk"), probe("other"))
    assert [(work.label, work.interval_s) for work in found.works] == [("disks", 20), ("other", 60)]
    assert found.works[0].order.argv == ["/probes/disk", "-H", "192.0.2.7"]
    assert found.works[0].order.timeout_s == 3
    assert [work.label for work in planned(config(source, local=False), probe("disk")).works] == ["disks"]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ({"command": ("/bin/sh", "-c", "id")}, "the settings of this host do not allow '/bin/sh'"),
        ({"command": ("gone",)}, "there is no probe 'gone'"),
        ({"command": ("disk",), "user": "root"}, "which this host's settings do not allow"),
        ({"command": ("disk", "a\0b")}, "zero byte"),
    ],
)
def test_what_this_host_does_not_run_is_told_and_the_others_run(source: dict[str, Any], word: str) -> None:
    found = planned(config(ProbeSource(id="s", template="t", interval_s=60, **source)), probe("disk"), probe("other"))
    assert "other" in [work.label for work in found.works]
    assert [(one.key, one.component) for one in found.problems] == [(troubles.REFUSED, "s")]
    assert word in found.problems[0].summary


def test_an_address_that_would_be_an_option_is_refused() -> None:
    source = ProbeSource(id="s", template="t", interval_s=60, command=("disk", "{address}"))
    found = plan(
        DeviceConfig(device="d", address="-oProxy", source=SourceKind.SNMP, interval_s=60, sources=(source,)),
        Looked({"disk": probe("disk")}),
        ProbesSettings(),
    )
    assert "would be an option of the program" in found.problems[0].summary


def test_files_that_are_not_run_are_told() -> None:
    refused = (Refused("/probes/a.sh", "it is not executable"), Refused("/probes/a~", "a copy", told=False))
    assert [one.component for one in planned(config(), refused=refused).problems] == ["a.sh"]


# --- readings ---------------------------------------------------------------------------------------------------------


def test_a_handler_that_the_probe_names_says_what_its_points_are() -> None:
    own = config(TRACKING)
    (work,) = planned(own, probe("dmkc_tracking")).works
    text = '[{"dmkcheckd": {"data": "476", "stack": "136"}}, "process_tracking"]'
    mine, figures = read(reader(), work, text, own)
    assert (figures.source, figures.points, figures.part, figures.complete) == (
        "process_tracking",
        (),
        work.label,
        True,
    )
    assert [(row.component, row.values) for row in figures.rows] == [("dmkcheckd", {"data": 476, "stack": 136})]
    assert (mine.source, mine.problems, mine.rows[0].values["ok"]) == (OWN_SOURCE, [], 1)


def test_points_that_the_template_does_not_have_are_told_and_left_out() -> None:
    own = config(TRACKING)
    (work,) = planned(own, probe("process_tracking")).works
    mine, figures = read(reader(), work, '{"a": {"data": 1, "heap": 2}}', own)
    assert figures.rows[0].values == {"data": 1}
    (told,) = mine.problems
    assert told.key == troubles.OUTPUT
    assert "template process_tracking has no point heap, which was left out of 'a'; it has data, stack" in told.summary


def test_without_a_template_points_are_gauges_as_they_come_and_none_is_lost() -> None:
    (work,) = planned(config(), probe("disk")).works
    one = reader()
    read(one, work, '{"a": {"y": 1, "x": 2}}', config())
    _, figures = read(one, work, '{"b": {"z": 1}, "a": {"x": 2}}', config(), at=120)
    assert figures.source == "disk"
    assert [point.name for point in figures.points] == ["x", "y", "z"]
    _, nagios = read(one, work, "OK | time=5ms count=7c", config(), at=180)
    kinds = {point.name: (point.unit, point.kind) for point in nagios.points}
    assert kinds["time"] == ("s", Kind.GAUGE)
    assert kinds["count"] == ("", Kind.COUNTER)


def test_two_probes_that_write_the_same_are_told_and_the_first_goes_on() -> None:
    own = config(TRACKING)
    first, second = planned(own, probe("dmkc", handler="process_tracking"), probe("process_tracking")).works
    one = reader()
    for at in (60, 120):
        read(one, first, '{"a": {"data": 1}}', own, at=at)
    mine, figures = read(one, second, '{"a": {"data": 9}, "b": {"data": 2}}', own, at=180)
    (told,) = mine.problems
    assert told.key == troubles.CONFLICT
    assert told.summary.startswith(
        "probes dmkc and process_tracking both write data of process_tracking, component a; dmkc has it"
    )
    assert [row.component for row in figures.rows] == ["b"]
    assert figures.complete is False, "of the components of the other nothing is concluded"


def test_nagios_states_are_problems_with_their_severity() -> None:
    (work,) = planned(config(), probe("disk")).works
    for status, severity in ((1, Severity.WARNING), (2, Severity.CRITICAL), (3, Severity.WARNING)):
        parsed = parse(b"DISK it is full | x=1", status)
        mine, figures = read(reader(), work, "", config(), status=status, parsed=parsed)
        assert [(one.key, one.severity, one.summary) for one in mine.problems] == [
            (troubles.STATE, severity, "DISK it is full")
        ]
        assert figures.rows[0].values == {"x": 1}
        assert mine.rows[0].values["ok"] == 1, "the probe itself did its work"


def test_a_failed_run_is_a_problem_and_no_series_end_by_it() -> None:
    (work,) = planned(config(), probe("disk")).works
    (mine,) = read(reader(), work, "", config(), status=None, late=True, parsed=parse(b"x", 0))
    assert mine.problems[0].severity is Severity.ERROR
    assert mine.rows[0].values == {"ok": 0, "took": None, "cpu": None, "memory": None}


def test_events_of_probes_are_of_classes_below_probe() -> None:
    (work,) = planned(config(), probe("disk")).works
    classes = ('"class": "/Status/OSProcess", ', '"class": "/Probe/Disk", ', "")
    told = ", ".join(f'{{{one}"summary": "{name}"}}' for one, name in zip(classes, "abc", strict=True))
    text = f'{{"events": [{told}]}}'
    events = read(reader(), work, text, config())[0].events
    assert [(one.event_class, one.summary) for one in events] == [
        ("/Probe/Status/OSProcess", "a"),
        ("/Probe/Disk", "b"),
        ("/Probe/disk", "c"),
    ]
    assert {(one.device, one.event_key, one.at) for one in events} == {("web1", "disk", 60.0)}

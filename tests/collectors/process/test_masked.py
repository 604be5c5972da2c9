"""What leaves the memory of a task is masked; what is matched is not."""

from __future__ import annotations

from collectors.modeler.plugins.processes import found
from collectors.process import report
from collectors.process.memory import dump, load
from collectors.process.tracker import Tracker
from common.events import Severity
from common.masking import masker_of
from tests.collectors.process.test_tracker import START, Host, definition

PIN = "hunter2"
LINE = f"--shard 7 --pin={PIN} --password=hunter2"
MASKED = "web --shard 7 --pin=*** --password=***"


def host() -> Host:
    # its name and its match need what is masked
    needs_it = definition(include=r"^web .*--pin=hun(\w+)", name="web", restart_severity=Severity.WARNING)
    return Host(needs_it, argument_masks=(r"--pin=(\S+)",))


def test_the_event_and_the_table_that_people_see_are_masked() -> None:
    box = host()
    box.observe({1: box.row(1, parameters=LINE)})
    outcome = box.observe({2: box.row(2, parameters=LINE, started=START)})
    assert [event.event_key for event in outcome.events] == ["process_restarted"]
    assert outcome.events[0].details["command"] == MASKED
    assert outcome.events[0].message.endswith(MASKED)
    secrets = masker_of(box.config)
    assert [row.command for row in outcome.view.processes(secrets)] == [MASKED]
    line = outcome.view.line(2, secrets)
    assert line is not None
    assert (line.text, line.text[-line.arguments :]) == (MASKED, MASKED.removeprefix("web "))
    assert PIN not in "\n".join(report.decided(outcome, secrets, processes=True))


def test_what_is_read_is_told_masked() -> None:
    box = host()
    table = box.observe({1: box.row(1, parameters=LINE)}).view.table
    told = "\n".join(report.table(table, masker_of(box.config), rows=True))
    assert "--shard 7" in told
    assert PIN not in told


def test_the_memory_on_disk_is_masked_and_that_of_the_process_is_not() -> None:
    box = host()
    box.observe({1: box.row(1, parameters=LINE)})
    kept = dump(box.tracker.memory, masker_of(box.config))
    assert PIN.encode() not in kept
    assert box.tracker.memory.sets["web"].line == f"web {LINE}"


def test_a_set_that_only_the_secret_tells_is_known_again_after_a_restart_of_the_daemon() -> None:
    box = host()
    box.tracker.update(box.config, START)
    box.observe({1: box.row(1, parameters=LINE)})
    box.tracker = Tracker(box.config, load(dump(box.tracker.memory, masker_of(box.config))))
    assert box.tracker.update(box.config, START) == []
    assert [event.event_key for event in box.observe({}).events] == ["process_missing"]


def test_a_modelling_tells_no_secret() -> None:
    box = host()
    components = found([f"web {LINE}"], box.config).components
    assert [component.attributes["example"] for component in components] == [MASKED]

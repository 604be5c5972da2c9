"""docs/events.md has every event that the code raises, with its class, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from collectors.framework import alarms, rejections
from collectors.framework.judging.thresholdwords import KEY_PREFIX
from collectors.framework.snmp.backoff import NO_ANSWER
from collectors.framework.snmp.errors import (
    NoHostResources,
    SnmpAuthError,
    SnmpConfigError,
    SnmpError,
    SnmpTimeout,
    error_key,
)
from collectors.modeler import main as modeler
from collectors.modeler import task as modelling
from collectors.probes import troubles
from collectors.probes.scraping import readings as pages
from collectors.probes.statsd import listening as statsd
from collectors.process import events as process
from collectors.process import flaws
from collectors.process import main as scanner
from collectors.process import task as scanning
from collectors.snmp import flaws as flawed
from collectors.snmp import gate
from collectors.status import troubles as unread
from common import events as classes
from common.configs import SERVICE_MODELER
from common.errors import TransientError
from common.events import (
    CLASS_CONFIG,
    CLASS_DAEMON,
    CLASS_DATA,
    CLASS_HOST,
    CLASS_MODEL,
    CLASS_PERFORMANCE,
    CLASS_PING,
    CLASS_PROBE,
    CLASS_PROCESS,
    CLASS_SNMP,
)
from hub.distribution import absence, ailments, distributor, epochs, sync
from hub.events.rules import HAPPENINGS
from hub.moving import bells as movebells
from hub.pools import bells

ROOT = Path(__file__).parents[1]
THRESHOLD = f"{KEY_PREFIX}ID:POINT"
FAILURES = (
    *(SnmpTimeout, SnmpAuthError, SnmpConfigError, NoHostResources, SnmpError, scanning.TableIncompleteError),
    TransientError,
)
CONFIGS = (distributor.ERROR, sync.REFUSED)

PLACES: dict[str, dict[str, set[str]]] = {
    "collectors/process/events.py": {
        key: {CLASS_PROCESS}
        for key in (
            process.MISSING,
            process.RESTARTED,
            process.RESTARTING,
            process.COUNT,
            process.REPLACED,
            process.USER,
            process.TWICE,
        )
    },
    "collectors/process/task.py": {
        key: {CLASS_SNMP} for key in (scanning.AGENT_RESTARTED, *(scanning._key(kind("x")) for kind in FAILURES))
    },
    "collectors/process/flaws.py": {flaws.KEY: {CLASS_CONFIG}},
    "collectors/modeler/task.py": {key: {CLASS_MODEL} for key in (modelling.FAILED, modelling.REFUSED)},
    "collectors/framework/alarms.py": {
        alarms.KEY: {scanner.SPEC.failure_class, modeler.SPEC.failure_class},
        f"{alarms.KEY}:JOB": set(),
    },
    "collectors/framework/rejections.py": {rejections.KEY: {CLASS_CONFIG}},
    "collectors/framework/judging/thresholdwords.py": {THRESHOLD: {CLASS_PERFORMANCE}},
    "hub/distribution/absence.py": {absence.KEY: {CLASS_DAEMON}},
    "hub/distribution/ailments.py": {ailments.KEY: {CLASS_DAEMON}},
    "hub/distribution/epochs.py": {epochs.KEY: {CLASS_DAEMON}},
    "hub/moving/bells.py": {key: {CLASS_DATA} for key in (movebells.LEFT, movebells.WAIT)},
    "hub/pools/bells.py": {bells.KEY: {CLASS_DAEMON}},
    "hub/distribution/hubevents.py": {
        prefix + key: {CLASS_CONFIG} for key in CONFIGS for prefix in ("", f"{SERVICE_MODELER}_")
    },
}
"""Whoever makes an event by itself, and its keys and their classes; who has `own_event` or `problems.of` is found."""

PROBLEMS: dict[str, dict[str, set[str]]] = {
    "collectors/framework/sources/taking.py": {
        "derived_points:SOURCE": {CLASS_CONFIG},
        **{key: set() for key in ("job_failed", "job_refused", "reading_refused:SOURCE", "source_unknown:SOURCE")},
    },
    "collectors/probes/troubles.py": {key: {CLASS_PROBE} for key in troubles.KEYS},
    "collectors/probes/scraping/readings.py": {f"{key}:SOURCE": {CLASS_PROBE} for key in pages.KEYS},
    "collectors/probes/statsd/listening.py": {key: {CLASS_PROBE} for key in statsd.KEYS},
    "collectors/status/troubles.py": {key: {CLASS_HOST} for key in unread.KEYS.values()},
    "collectors/snmp/gate.py": {gate.DOWN: {CLASS_PING}, gate.FAILED: {CLASS_PING}},
    "collectors/snmp/flaws.py": {
        f"{flawed.POINT}:SOURCE:POINT": {CLASS_SNMP},
        **{f"{key}:SOURCE": {CLASS_SNMP} for key in (flawed.ROWS, flawed.NAMES, flawed.CUT)},
        **{error_key(kind("x")): {CLASS_SNMP} for kind in (*NO_ANSWER, SnmpError)},
    },
}
"""Whoever has problems in the readings of sources, which become events, and their keys and classes."""

HELPERS = {
    "collectors/probes/readings.py",
    "collectors/status/itemevents.py",
    "collectors/framework/ownevents.py",
    "collectors/framework/eventbytes.py",
    "collectors/framework/sources/problems.py",
    "hub/distribution/ownalarms.py",
    "hub/web/shapes.py",
}
"""These make events, or the documents of some, of what they are given."""


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """All calls in the code: file, the name that is called, the call."""
    for folder in ("hub", "collectors", "common"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield str(path.relative_to(ROOT)), ast.unparse(node.func), node


def raised() -> dict[str, set[str]]:
    """Every key that the code raises, and its classes."""
    found: dict[str, set[str]] = {}
    for keys in (*PLACES.values(), *PROBLEMS.values()):
        for key, its in keys.items():
            found.setdefault(key, set()).update(its)
    for file, name, call in calls():
        if name == "own_event" and not file.endswith("/problems.py"):
            assert isinstance(call.args[2], ast.Constant), f"{file}:{call.lineno}: no key stands there"
            assert not any(word.arg == "event_class" for word in call.keywords)
            found.setdefault(str(call.args[2].value), set()).add(CLASS_DAEMON)
        if name == "context.problem_of":
            assert isinstance(call.args[0], ast.Constant)
            found.setdefault(str(call.args[0].value), set()).add(CLASS_DAEMON)
        if name == "problems.of" and ast.unparse(call.args[0]) != "part":  # what a collector asks its context for
            part, class_ = call.args
            assert isinstance(part, ast.Constant)
            if isinstance(class_, ast.Name):  # without one no event tells of it
                found.setdefault(str(part.value), set()).add(getattr(classes, class_.id))
    return found


def page() -> dict[str, list[str]]:
    """The rows of the page, by key."""
    lines = (ROOT / "docs" / "events.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert len({row[0] for row in rows}) == len(rows), "a key has two rows"
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_page_has_every_event_and_its_class() -> None:
    rows, keys = page(), raised()
    assert set(rows) == set(keys)
    for key, its in keys.items():
        assert [one for one in its if f"`{one}`" not in rows[key][0]] == [], key


def test_what_merely_happened_ages_on_the_page_and_nothing_else() -> None:
    aging = {key for key, row in page().items() if row[-1] == "ages"}
    assert aging == HAPPENINGS - {scanning.AGENT_RESTARTED}  # the next good scan closes it, too


def test_nobody_else_makes_events() -> None:
    makers = {
        file for file, name, call in calls() if name == "Event" and any(k.arg == "severity" for k in call.keywords)
    }
    assert makers == set(PLACES) | HELPERS


def test_nobody_else_has_problems_in_readings() -> None:
    makers = {file for file, name, call in calls() if name == "Problem" and any(k.arg == "key" for k in call.keywords)}
    assert makers == set(PROBLEMS)

"""A worker offers its tasks all that a daemon offers them."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

from collectors.framework import pbdaemon
from collectors.framework.daemonsettings import CollectorSettings, SharedSettings
from collectors.framework.interfaces import NoTap
from collectors.framework.running import worker
from collectors.framework.running.settings import read_settings, worker_count, write_settings
from collectors.framework.running.workermain import find_spec
from collectors.process.main import SPEC
from collectors.process.settings import ProcessEventSettings, ProcessSettings
from tests.fakes import counting


def offered(module: ModuleType) -> set[str]:
    """What a module says of the one context that it makes."""
    calls = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "CollectorContext"
    ]
    (call,) = calls
    return {str(word.arg) for word in call.keywords}


def test_the_context_of_a_worker_has_what_that_of_a_daemon_has() -> None:
    of_one_process = {"tap", "problem_of", "collector"}  # no daemon that has a tap, or tells of its parts, has workers
    assert offered(worker) == offered(pbdaemon) - of_one_process


def test_settings_come_as_they_went() -> None:
    settings = ProcessSettings(workers=3, name="north", process_events=ProcessEventSettings(listen=False))
    assert read_settings(write_settings(settings), SPEC) == settings


def test_a_spec_is_found_where_it_says() -> None:
    for spec in (SPEC, counting.SPEC):
        assert find_spec(spec.found_at) is spec


def test_there_are_as_many_workers_as_can_have_a_place() -> None:
    def count(**fields: Any) -> int:
        return worker_count(SPEC, SharedSettings(**fields), NoTap())

    assert (count(), count(workers=3), count(workers=3, parallel=2), count(workers=3, parallel=1)) == (1, 3, 2, 1)
    assert count(workers=0) >= 1
    assert worker_count(SPEC, SharedSettings(workers=3), object()) == 1
    assert worker_count(SPEC, CollectorSettings(), NoTap()) == 1

"""Running command lines become process sets."""

from __future__ import annotations

import random

import pytest

from collectors.modeler.facts import CutShort, Tables, Unbelievable
from collectors.modeler.plugins.processes import NAME, PARAMETERS, PATH, PLUGIN, RUNNING, STATUS
from common.components import ComponentKind
from tests.collectors.modeler.tables import Row, by_name, config, cut, definition, found, names, table, tables

WORKER = definition("worker", r"^/app/worker --queue=(\w+)", "worker {1}")


def process(path: str, parameters: str = "", name: str = "it", status: int = 2) -> Row:
    return {NAME: name.encode(), PATH: path.encode(), PARAMETERS: parameters.encode(), STATUS: status}


def running(*rows: Row) -> Tables:
    return tables(processes=table(RUNNING, *rows))


def test_each_set_is_a_component_with_its_definition_as_anchor() -> None:
    told = running(
        process("/app/worker", "--queue=mail"),
        process("/app/worker", "--queue=mail"),
        process("/app/worker", "--queue=web -v"),
        process("/sbin/init"),
    )
    result = found(PLUGIN, told, config(WORKER))
    assert result.kinds == (ComponentKind.PROCESS_SET,)
    assert sorted(names(result)) == ["worker mail", "worker web"]
    mail = by_name(result)["worker mail"]
    assert mail.anchor == "worker"
    assert mail.attributes == {"definition": "worker", "count": 2, "example": "/app/worker --queue=mail"}


def test_what_does_not_run_and_columns_that_are_not_there_do_no_harm() -> None:
    told = running(process("/app/worker", "--queue=dead", status=4), {NAME: b"/app/worker"})
    assert names(found(PLUGIN, told, config(WORKER))) == []
    assert names(found(PLUGIN, told, config(definition("any", "^/app/worker$")))) == ["any"]


def test_running_processes_without_a_name_are_not_believed() -> None:
    with pytest.raises(Unbelievable, match="1 of 2 running processes have neither name nor path"):
        found(PLUGIN, running(process("/app/worker"), process("", name="")), config(WORKER))
    found(PLUGIN, running(process("/app/worker"), process("", name="", status=4)), config(WORKER))


def test_a_windows_path_gives_way_to_the_name() -> None:
    told = running(process("C:\\Windows\\", "-k x", name="svchost.exe"))
    assert names(found(PLUGIN, told, config(definition("svc", "^svchost")))) == ["svc"]


def test_the_order_of_processes_says_nothing() -> None:
    rows = [process("/app/worker", f"--queue=q{n % 7}", name=str(n)) for n in range(30)]
    sets = (WORKER, definition("other", "worker", "worker q1", order=1))
    first = found(PLUGIN, running(*rows), config(*sets))
    random.Random(1).shuffle(rows)
    assert found(PLUGIN, running(*rows), config(*sets)) == first


def test_an_example_is_cut_and_printable() -> None:
    told = running(process("/app/worker", "--queue=a \x1b[2J" + "x" * 1000))
    (component,) = found(PLUGIN, told, config(WORKER)).components
    example = component.attributes["example"]
    assert isinstance(example, str)
    assert example.isprintable()
    assert len(example) == 200


def test_a_table_that_ends_early_or_is_empty_says_nothing() -> None:
    told = running(process("/app/worker", "--queue=mail"))
    with pytest.raises(CutShort, match=r"process table .* could not be read to its end: no answer"):
        found(PLUGIN, cut(told, "processes"), config(WORKER))
    with pytest.raises(Unbelievable, match="shows no process"):
        found(PLUGIN, running(), config(WORKER))


def test_a_definition_that_makes_too_many_sets_is_a_problem_and_no_list_that_ends_somewhere() -> None:
    rows = [process("/app/worker", f"--queue=q{n}") for n in range(101)]
    with pytest.raises(Unbelievable, match="definition worker makes more than 100"):
        found(PLUGIN, running(*rows), config(WORKER))
    assert len(found(PLUGIN, running(*rows[:100]), config(WORKER)).components) == 100

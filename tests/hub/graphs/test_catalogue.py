from __future__ import annotations

from common.series import Kind, Point
from hub.graphs.catalogue import Known, known_of, of_source, offers, points_of, units_of
from tests.hub.graphs.site import site

MODEL = site()
DEVICE = MODEL.devices["web1"]
CPU, MEMORY, PER = Point(name="cpu", unit="percent"), Point(name="memory", unit="bytes"), Point(name="per")
ODD = Point(name="odd", kind=Kind.DERIVE)


def test_the_stronger_template_has_the_graph() -> None:
    known = known_of(MODEL, DEVICE)
    assert {id_: one.template for id_, one in known.items()} == {"memory": "strong", "age": "weak", "gone": "strong"}
    assert known["memory"].graph.title == "Parts"


def test_graphs_that_are_built_in_come_first_and_each_is_as_a_template_has_it() -> None:
    found = offers([CPU, MEMORY, PER, ODD], known_of(MODEL, DEVICE))
    assert [(one.graph, one.title, one.points, one.template) for one in found] == [
        ("cpu", "CPU", ("cpu",), ""),
        ("memory", "Parts", ("memory", "per"), "strong"),
        ("gone", "gone", ("per",), "strong"),
        ("odd", "odd", ("odd",), ""),
    ]


def test_of_what_is_no_process_set_a_template_has_the_graph_that_is_built_in_and_its_order() -> None:
    known = {name: of_source("a", name) for name in ("per", "cpu-use", "memory")}
    known["cpu-use"] = of_source("a", "cpu")
    known = {name: Known(one.graph, "mine") for name, one in known.items()}
    points = [CPU, MEMORY, PER, ODD]
    assert [one.graph for one in offers(points, known)] == ["cpu", "memory", "per", "cpu-use", "odd"]
    found = offers(points, known, is_set=False)
    assert [one.graph for one in found] == ["memory", "per", "cpu-use", "odd"]
    assert [one.graph for one in found if one.is_point] == ["odd"]


def test_what_is_not_there_is_said_and_a_graph_of_nothing_is_not_offered() -> None:
    found = {one.graph: one for one in offers([MEMORY], known_of(MODEL, DEVICE))}
    assert found["memory"].missing == ("per",)
    assert found.keys() == {"memory"}


def test_where_nothing_is_known_of_the_points_templates_speak_alone() -> None:
    found = offers([], known_of(MODEL, DEVICE))
    assert [one.graph for one in found] == ["memory", "age", "gone"]
    assert (found[0].points, found[0].missing) == (("memory", "per"), ())


def test_points_with_their_transforms() -> None:
    known = known_of(MODEL, DEVICE)
    assert points_of("memory", known["memory"]) == [("memory", "value / 1024"), ("per", "")]
    assert points_of("io", None) == [("read_bytes", ""), ("write_bytes", "")]
    assert points_of("odd", None) == [("odd", "")]


def test_units_are_those_of_what_is_drawn() -> None:
    units = units_of(MODEL, DEVICE)
    assert (units["memory"], units["restarts"], units["per"]) == ("bytes", "restarts/s", "bytes")

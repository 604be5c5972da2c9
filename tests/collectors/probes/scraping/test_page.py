"""Samples out of pages in the text form of Prometheus."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from collectors.probes.scraping import page
from collectors.probes.scraping.page import MAX_LINES, MAX_WRONG, parse

TEXT = """# HELP a_total some
# TYPE a_total counter
a_total{x="1",y="q\\"} 5"} 9007199254740993 1700000000000
a_total{x="2"} 1.5e3 # {trace_id="abc"} 0.67 1.0
b NaN
a_total{x= 3
 b{z="\u00fc",} 7
$$$
other{ this is not looked at
b
"""


def test_what_is_wanted_is_read_and_a_wrong_line_harms_no_other() -> None:
    found = parse(TEXT, {"a_total", "b"})
    assert [(one.name, dict(one.labels), one.value) for one in found.found if not math.isnan(one.value)] == [
        ("a_total", {"x": "1", "y": 'q"} 5'}, 2**53 + 1),
        ("a_total", {"x": "2"}, 1500.0),
        ("b", {"z": "\u00fc"}, 7),
    ]
    assert found.found[0].at == 1_700_000_000
    assert [flaw.partition(":")[0].partition(" (")[0] for flaw in found.flaws] == [
        "line 6 is no sample",
        "line 8 begins with no name of a metric",
        "line 10 is no sample",
    ]
    assert not found.cut


def test_no_more_than_so_many_samples_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(f'a{{n="{number}"}} {number}' for number in range(30))
    monkeypatch.setattr(page, "MAX_SAMPLES", 10)
    found = parse(text, {"a"})
    assert found.cut
    assert len(found.found) == 10


_labels = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(_labels, st.floats(allow_nan=False)), max_size=8, unique_by=lambda one: one[0]))
def test_it_is_as_the_whole_page_is_read_by_others(rows: list[tuple[str, float]]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("gauge", "g", ["label"], registry=registry)
    counter = Counter("counter", "c", ["label"], registry=registry)
    for label, value in rows:
        gauge.labels(label).set(value)
        counter.labels(label).inc(abs(value))
    text = generate_latest(registry).decode()
    wanted = {"gauge", "counter_total"}
    expected = [
        (one.name, dict(one.labels), one.value)
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name in wanted
    ]
    found = parse(text, wanted)
    assert not found.flaws
    assert [(one.name, dict(one.labels), one.value) for one in found.found] == expected


@given(st.text(max_size=200))
def test_whatever_stands_there_nothing_is_raised(text: str) -> None:
    parse(text, {"a", "b", "c"})
    parse(f"a{text}", {"a"})


def test_lines_that_are_none_end_a_page_sooner_or_later() -> None:
    page = parse("a{\n" * 5000 + "a 1\n", {"a"})
    assert page.cut
    assert page.wrong <= MAX_WRONG + 1
    assert parse("\n" * (MAX_LINES + 5), {"a"}).cut


def test_exemplars_are_looked_for_once() -> None:
    """The time of a line that has their begin again and again, beside that of one that is as long."""

    def cost(line: str) -> float:
        begin = time.thread_time()
        for _ in range(10):
            parse(line, {"a"})
        return time.thread_time() - begin

    long = "a" + " # {" * 4900
    assert cost(long) < 20 * cost("a " + "x" * len(long)) + 0.05
    good = parse('a{b=" # {"} 1 # {trace="x"} 2', {"a"}).found
    assert [(one.value, one.labels["b"]) for one in good] == [(1, " # {")]

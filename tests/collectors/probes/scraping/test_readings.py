"""Pages as results."""

from __future__ import annotations

from typing import Any

from collectors.framework.sources.results import Result
from collectors.probes.scraping.fetching import Text
from collectors.probes.scraping.readings import failure, reading
from common.series import Point
from common.sources import Metric, ScrapeSource

NOW = 1_700_000_030.0
STEP = 1_700_000_000


def source(**more: Any) -> ScrapeSource:
    given: dict[str, Any] = {
        "id": "web",
        "template": "web",
        "component": "queue",
        "interval_s": 60,
        "url": "http://127.0.0.1/metrics",
        "name": "{queue}",
        "points": (Point(name="length"), Point(name="oldest")),
        "metrics": (Metric("length", "queue_length"), Metric("oldest", "queue_oldest_s", (("kind", "real"),))),
    }
    return ScrapeSource(**(given | more))


def read(text: str, oldest: float | None = None, **more: Any) -> Result:
    return reading(source(**more), Text([("http://u:secret@127.0.0.1/metrics", text)], (), oldest), STEP, NOW)


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {row.component: dict(row.values) for row in result.rows}


def keys(result: Result) -> list[str]:
    return [problem.key for problem in result.problems]


def test_labels_become_components_and_values_points() -> None:
    result = read(
        'queue_length{queue="in"} 5\nqueue_length{queue="out"} 7\n'
        'queue_oldest_s{queue="in",kind="real"} 3\nqueue_oldest_s{queue="in",kind="other"} 9\n'
    )
    assert rows(result) == {"in": {"length": 5, "oldest": 3}, "out": {"length": 7}}
    assert result.complete
    assert not result.problems
    assert all(row.taken == NOW for row in result.rows)


def test_samples_that_cannot_be_told_apart_are_unknown_and_named() -> None:
    result = read('queue_length{queue="in",node="a"} 5\nqueue_length{queue="in",node="b"} 7\nqueue_oldest_s 1\n')
    assert rows(result)["in"]["length"] is None
    assert keys(result) == ["scrape_ambiguous:web"]
    assert "which differ in node" in result.problems[0].summary


def test_what_is_not_there_is_told_and_the_rest_is_taken() -> None:
    result = read('queue_length{queue="in"} 5\n')
    assert rows(result) == {"in": {"length": 5}}
    assert keys(result) == ["scrape_missing:web"]
    assert "queue_oldest_s" in result.problems[0].summary


def test_a_page_of_something_else_is_told_without_its_password() -> None:
    result = read("<html>\n")
    assert keys(result) == ["scrape_flawed:web", "scrape_missing:web"]
    assert "secret" not in result.problems[0].summary
    assert not result.complete


def test_values_that_are_no_figures_are_unknown() -> None:
    result = read('queue_length{queue="in"} NaN\nqueue_length{queue="out"} +Inf\nqueue_oldest_s{kind="real"} 1\n')
    assert rows(result) == {"in": {"length": None}, "out": {"length": None}, "": {"oldest": 1}}


def test_time_and_components_that_are_left_out_are_heeded() -> None:
    text = 'queue_length{queue="in"} 5 1700000010000\nqueue_length{queue="out"} 5\nqueue_oldest_s{kind="real"} 1\n'
    result = read(text, left_out=("out", ""))
    assert [(row.component, row.taken) for row in result.rows] == [("in", 1_700_000_010.0)]


def test_a_file_that_nobody_writes_any_more_gives_no_values() -> None:
    text = 'queue_length{queue="in"} 5\nqueue_oldest_s{kind="real"} 1\n'
    assert rows(read(text, oldest=NOW - 290))
    result = read(text, oldest=NOW - 310)
    assert not result.rows
    assert keys(result) == ["scrape_stale:web"]
    assert not result.complete


def test_a_page_that_cannot_be_had_concludes_nothing() -> None:
    result = failure(source(), "it does not answer", STEP)
    assert (result.complete, keys(result)) == (False, ["scrape_failed:web"])

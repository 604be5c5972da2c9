"""`tocsin data` against a hub of its own."""

from __future__ import annotations

import re
import time

import pytest
from rich.console import Console

from hub.cli import datalist, sparks
from hub.cli.sparks import by_point, spark, with_scale
from tests.fakes import api
from tests.fakes.api import FakeApi, iso
from tests.hub.cli.conftest import Run

STALE = {"stale": True, "problem": "collector local (daemon process) is not connected; last seen then: cable cut"}


def test_a_spark_goes_from_the_least_to_the_largest_and_shows_gaps() -> None:
    assert spark([0, 1, 2, 3, 4, 5, 6, 7]).plain == "▁▂▃▄▅▆▇█"
    assert spark([10.0, None, 20.0]).plain == "▁·█"
    assert spark([5, 5]).plain == "▄▄"
    assert spark([0, 0]).plain == "▁▁"
    assert spark([None, None]).plain == "··"


def test_a_spark_says_what_its_foot_and_its_head_are() -> None:
    row = {"unit": "bytes", "minimum": 1024.0, "maximum": 4096.0, "values": [1024.0, 4096.0]}
    assert with_scale(row).plain == "▁█ 1.0 – 4.0 KiB"
    assert with_scale({**row, "maximum": 1024.0, "values": [1024.0]}).plain == "▄ 1.0 KiB"
    assert with_scale({**row, "maximum": 2.0**21}).plain == "▁█ 1.0 KiB – 2.0 MiB"
    percent = {"unit": "percent", "minimum": 0.12345, "maximum": 1.5, "values": [0.12345, 1.5]}
    assert with_scale(percent).plain == "▁█ 0.123 – 1.5 percent"
    assert with_scale(percent, bare=True).plain == "▁█ 0.123 – 1.5"
    for nothing in (None, {**row, "values": [None]}, {**row, "values": "x"}):
        assert with_scale(nothing).plain == "–"


def test_a_list_says_what_is_kept(run: Run) -> None:
    done = run("data", "list", "web1")
    head, first, *_ = done.out.splitlines()
    assert head.split() == [
        "COMPONENT",
        "SOURCE",
        "POINTS",
        "STEP",
        "SINCE",
        "FULL",
        "STEP",
        "ARCHIVES",
        "SIZE",
        "STATE",
    ]
    assert re.search(r"count, cpu, memory +10s +2h 00m +2h 00m +10m: 2h 00m +684 KiB +collected", first)
    document = run("data", "list", "web1", "--json").json
    assert set(document) == {"device", "values", "series", "stale", "as_of", "problem"}
    assert len(document["values"]) == 3 * len(document["series"])


def test_many_points_are_shortened_for_people_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"points": [{"point": f"point-{number}"} for number in range(20)]}
    assert datalist._names(row).endswith("point-18, point-19")
    monkeypatch.setattr(datalist, "console", lambda: Console(width=120, force_terminal=True))
    assert datalist._names(row) == "point-0 point-1 point-2 +17"
    assert datalist._names({"points": row["points"][:2]}) == "point-0, point-1"


def test_a_device_without_series_has_an_empty_list_and_one_that_is_not_there_is_an_error(run: Run) -> None:
    done = run("data", "list", "silent")
    assert (done.code, done.out) == (0, "")
    assert "silent has no series yet, for it cannot be read" in done.err
    assert run("data", "list", "silent", "--json").json["series"] == []
    assert run("data", "list", "nosuch").code == 3


@pytest.mark.parametrize("command", ["list", "last"])
def test_what_was_last_heard_is_shown_with_its_age_and_exit_code_5(run: Run, fake: FakeApi, command: str) -> None:
    fake.state.staleness = {**STALE, "as_of": iso(time.time() - 7200)}
    done = run("data", command, "web1")
    assert done.code == 5
    assert "sshd" in done.out
    assert "heard 2h 00m ago: collector local (daemon process) is not connected" in done.err
    done = run("data", command, "web1", "--json")
    assert done.code == 5
    assert done.json["stale"] is True


def test_all_about_a_series(run: Run) -> None:
    done = run("data", "info", "web1", "sshd")
    assert "/var/lib/tocsin/a.rrd" in done.out
    assert re.search(r"cpu +gauge +– +0 +– +15s +1", done.out)
    assert re.search(r"10m +1d 00h +8640 .* 50 %", done.out)
    assert re.search(r"1h +1d 00h +8640 +– +– ", done.out)
    assert run("data", "info", "web1", "sshd", "--json").json["header"]["step"] == 10
    assert run("data", "info", "web1", "nosuch").code == 3


def test_last_values_have_small_graphs_for_programs_and_on_wide_terminals(
    run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = run("data", "last", "web1", "sshd", "--json").json["values"]
    assert [row["sparkline"]["values"] for row in values] == [[0.0, 1.0, None, 3.0]] * 3
    assert "▁" not in run("data", "last", "web1").out
    assert "sparkline" not in run("data", "last", "web1", "--json", "--no-sparklines").json["values"][0]
    done = run("data", "last", "web1", "--sparklines", "--range", "2h")
    assert "LAST 2H" in done.out.splitlines()[0]
    assert "▁▃·█ 0 – 3 percent" in done.out

    def wide() -> Console:
        return Console(width=sparks.WIDE_FROM, force_terminal=True)

    monkeypatch.setattr(sparks, "console", wide)
    assert sparks.is_wide()
    monkeypatch.setattr(sparks, "console", lambda: Console(width=sparks.WIDE_FROM - 1, force_terminal=True))
    assert not sparks.is_wide()


def test_a_hub_that_knows_no_sparklines_leaves_them_out(run: Run, fake: FakeApi) -> None:
    fake.state.series["web1"] = [{**row, "component": "x"} for row in fake.state.series["web1"][:1]]
    fake.routes.table = [route for route in fake.routes.table if "sparklines" not in route[1].pattern]
    done = run("data", "last", "web1", "--sparklines")
    assert (done.code, done.err) == (0, "")
    assert run("data", "last", "web1", "--json").json["values"][0]["sparkline"] is None


def test_pages_of_rows_become_one_table_and_one_document(run: Run, fake: FakeApi) -> None:
    whole = run("data", "fetch", "web1", "sshd", "cpu", "--range", "1700000000..1700003600", "--resolution", "10s")
    fake.state.page_rows = 2
    paged = run("data", "fetch", "web1", "sshd", "cpu", "--range", "1700000000..1700003600", "--resolution", "10s")
    assert paged.out == whole.out
    assert len(paged.out.splitlines()) == 7
    assert [("after=" in request[1]) for request in fake.state.requests[-3:]] == [False, True, True]
    document = run("data", "fetch", "web1", "sshd", "--range", "1700000000..1700003600", "--format", "json").json
    assert [len(series["rows"]) for series in document["series"]] == [6, 6, 6]
    assert document["next"] is None


def test_days_are_of_the_zone_that_is_named_or_of_the_terminal(
    run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    done = run("data", "fetch", "web1", "sshd", "cpu", "--days", "--range", "1700000000..1700003600")
    assert done.out.splitlines()[:2] == ["day,hours,complete,cpu", "2026-11-20,23,no,0.0"]
    assert "by=day&tz=Asia%2FKolkata" in fake.state.requests[-1][1]
    monkeypatch.setenv("TZ", "CET-1CEST")
    done = run("data", "fetch", "web1", "sshd", "--days")
    assert (done.code, "give one with --tz" in done.err) == (2, True)
    run("data", "fetch", "web1", "sshd", "--months", "--tz", "Europe/Berlin", "--range", "2026-01")
    assert "by=month&tz=Europe%2FBerlin" in fake.state.requests[-1][1]
    assert "start=1767222000&end=1769900400" in fake.state.requests[-1][1]


def test_figures_of_a_range(run: Run) -> None:
    done = run("data", "fetch", "web1", "sshd", "cpu", "--stats", "--percentile", "50", "--percentile", "99.9")
    head, row = done.out.splitlines()
    assert head.split() == ["POINT", "MIN", "AVERAGE", "P50", "P99.9", "MAX", "KNOWN"]
    assert row.split() == [
        "cpu",
        "0.5",
        "percent",
        "1.5",
        "percent",
        "6.5",
        "percent",
        "6.5",
        "percent",
        "7.25",
        "percent",
        "75",
        "%",
    ]
    assert "read at 10m 00s or finer" in done.err
    done = run("data", "fetch", "web1", "sshd", "cpu", "--stats", "--format", "csv")
    assert done.out == "point,unit,min,average,p95,max,total,known\ncpu,percent,0.5,1.5,6.5,7.25,,0.75\n"
    document = run("data", "fetch", "web1", "sshd", "--stats", "--json").json
    assert document["points"][0]["percentiles"] == {"95": 6.5}


def test_of_points_that_are_not_there_only_these_are_named(run: Run) -> None:
    done = run("data", "fetch", "web1", "sshd", "cpu", "nonsense")
    assert done.code == 3
    assert "'sshd' of web1 has no point 'nonsense'\n" in done.err


@pytest.mark.parametrize(
    "options",
    [
        ("--days", "--resolution", "1h"),
        ("--days", "--weeks"),
        ("--percentile", "95"),
        ("--stats", "--percentile", "101"),
        ("--stats", "--weeks"),
        ("--stats", "--cf", "max"),
        ("--tz", "Nowhere/City", "--days"),
        ("--tz", "../../etc/passwd", "--days"),
        ("--cf", "MEDIAN"),
        ("--resolution", "soon"),
        ("--format", "xml"),
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense_are_usage_errors(run: Run, options: tuple[str, ...]) -> None:
    done = run("data", "fetch", "web1", "sshd", *options)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err


def test_small_graphs_are_found_by_component_source_and_point() -> None:
    row = {"component": "a", "source": "b", "point": "c"}
    assert by_point([row])["a", "b", "c"] is row


def test_process_sets_have_small_graphs_for_programs_and_where_there_is_room(run: Run, fake: FakeApi) -> None:
    rows = run("ps", "web1", "--set", "sshd", "--json").json["sparklines"]
    assert [(row["component"], row["point"]) for row in rows] == [("sshd", "cpu"), ("sshd", "memory")]
    assert "sparklines" not in run("ps", "web1", "--json", "--no-sparklines").json
    assert "▁" not in run("ps", "web1").out
    done = run("ps", "web1", "--sparklines", "--range", "yesterday")
    assert "CPU %, YESTERDAY" in done.out.splitlines()[0]
    assert "▁▃·█ 0 – 3 B" in done.out
    for wrong in (("--at", "1h", "--sparklines"), ("--range", "soon"), ("--between", "2h", "1h", "--range", "1h")):
        assert run("ps", "web1", *wrong).code == 2


def test_a_point_of_two_sources_is_asked_of_the_one_that_is_named(run: Run, fake: FakeApi) -> None:
    fake.state.add_series("web1", "sshd", "agent")
    done = run("data", "fetch", "web1", "sshd", "cpu")
    assert done.code == 2
    assert "cpu of 'sshd' of web1 is in the sources process, agent" in done.err
    assert "process:cpu, or --source process" in done.err
    for typed in (["agent:cpu"], ["cpu", "--source", "agent"], ["agent:cpu", "memory"]):
        assert run("data", "fetch", "web1", "sshd", *typed, "--range", "1m").code == 0
        assert "source=agent" in fake.state.requests[-1][1]
    done = run("data", "fetch", "web1", "sshd", "agent:cpu", "process:memory")
    assert done.code == 2
    assert "rows are of one source at a time, and here are agent, process" in done.err


def test_a_list_says_which_daemon_has_what_where_there_are_several(
    run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.state.add_series("web1", "eth0", "if")
    assert "DAEMON" not in run("data", "list", "web1").out
    whole = api.kept_series
    monkeypatch.setattr(
        api,
        "kept_series",
        lambda component, source: (
            whole(component, source) | {"daemon": "snmp" if source == "if" else "process", "stale": source == "if"}
        ),
    )
    lines = {line.split()[0]: line.split() for line in run("data", "list", "web1").out.splitlines()}
    assert lines["COMPONENT"][-1] == "DAEMON"
    assert (lines["eth0"][-1], lines["sshd"][-1]) == ("snmp", "process")
    assert "not known" in " ".join(lines["eth0"])
    assert "not known" not in " ".join(lines["sshd"])

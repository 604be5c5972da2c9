# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Figures in the form of statsd."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor as global_reactor
from twisted.trial.unittest import TestCase

from collectors.framework.kit import Due
from collectors.framework.sources.results import Result
from collectors.probes.statsd.figures import FORGET_S, PLACE_S, Figures
from collectors.probes.statsd.lines import Line, parse
from collectors.probes.statsd.listening import Statsd
from collectors.probes.statsd.settings import StatsdSettings
from common.configs import DeviceConfig, SourceKind
from tests.fakes.watching import until

reactor: Any = global_reactor
NOW = 1_700_000_000.0


def read(*lines: bytes, passed_s: float = 10.0, most: int = 100) -> dict[str, dict[str, Any]]:
    figures = Figures(most)
    for line in lines:
        for found in parse(line):
            assert isinstance(found, Line), found
            figures.add(found, NOW)
    return {row.component: dict(row.values) for row, _ in figures.read(passed_s, NOW)}


def test_each_type_is_what_it_is_elsewhere() -> None:
    assert read(b"shop.orders:3|c\nshop.orders:1|c|@0.1") == {"shop": {"orders": 1.3}}
    assert read(b"shop.queue:7|g", b"shop.queue:-3|g", b"shop.queue:+1|g") == {"shop": {"queue": 5.0}}
    assert read(b"users:a|s\nusers:b|s\nusers:a|s") == {"": {"users": 2}}
    times = b"\n".join(b"page.load:%d|ms" % number for number in range(1, 21))
    assert read(times) == {
        "page": {"load_min": 1.0, "load_avg": 10.5, "load_max": 20.0, "load_p95": 19.0, "load_rate": 2.0}
    }
    assert read(b"a.b:1:2:3|c|#env:prod,component:till 4") == {"till 4": {"a_b": 0.6}}


def test_a_gauge_stays_and_counts_begin_anew() -> None:
    figures = Figures(10)
    for one in parse(b"a.level:7|g\na.n:5|c\na.t:9|ms"):
        assert isinstance(one, Line)
        figures.add(one, NOW)
    figures.read(10.0, NOW)
    ((row, _),) = figures.read(10.0, NOW + 10)
    assert row.values["level"] == 7
    assert row.values["n"] == 0
    assert row.values["t_avg"] is None
    assert figures.read(10.0, NOW + 4000) == []


def test_no_more_names_than_there_is_room_for() -> None:
    figures = Figures(3)
    for number in range(10):
        for one in parse(b"a.n%d:1|c" % number):
            assert isinstance(one, Line)
            figures.add(one, NOW)
    assert (len(figures), figures.dropped) == (3, 7)
    for one in parse(b"a.n1:1|g"):
        assert isinstance(one, Line)
        figures.add(one, NOW)
    assert figures.mixed == {"a.n1"}


@pytest.mark.parametrize(
    "line",
    [b"x", b"x:1", b"x|c", b":1|c", b"x:|c", b"x:nan|g", b"x:1|q", b"x:1|c|@0", b"x:1|c|@7", b"a.:1|c", b"\x00:1|c",
     b"x" * 500 + b":1|c", b"x:" + b"1:" * 200 + b"1|c"],
)  # fmt: skip
def test_a_line_that_is_none_is_told_and_the_next_is_taken(line: bytes) -> None:
    wrong, good = parse(line + b"\ngood:1|c")
    assert isinstance(wrong, str)
    assert isinstance(good, Line)


@given(st.binary(max_size=200))
def test_whatever_arrives_nothing_is_raised(datagram: bytes) -> None:
    figures = Figures(10)
    for one in parse(datagram):
        if isinstance(one, Line):
            figures.add(one, NOW)
    figures.read(1.0, NOW)


def given_to(figures: Figures, *lines: bytes, now: float = NOW) -> None:
    for line in lines:
        for found in parse(line):
            assert isinstance(found, Line), found
            figures.add(found, now)


def test_names_that_are_made_up_anew_and_anew_take_no_more_places() -> None:
    figures = Figures(2)
    given_to(figures, b"a.x:1|c", b"a.y:1|c")
    later = NOW + 2 * FORGET_S
    figures.read(10.0, later)
    assert len(figures) == 0
    given_to(figures, b"b.x:1|c", b"b.y:1|c", now=later)
    assert (len(figures), figures.dropped) == (0, 2)
    given_to(figures, b"a.x:1|c", now=later)  # it has its place
    assert len(figures) == 1
    figures.read(10.0, NOW + 2 * PLACE_S)
    given_to(figures, b"b.x:1|c", now=NOW + 2 * PLACE_S)
    assert len(figures) == 1
    figures.read(10.0, NOW + 4 * PLACE_S)
    given_to(figures, b"c.x:1|c", b"c.y:1|c", now=NOW + 4 * PLACE_S)
    assert len(figures) == 2


def test_what_is_kept_of_an_interval_is_bounded_over_all_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.probes.statsd.figures.MAX_KEPT", 10)
    figures = Figures(100)
    for metric in range(10):
        given_to(figures, *(b"a.t%d:%d|ms" % (metric, value) for value in range(50)))
        given_to(figures, *(b"a.u%d:%d|s" % (metric, value) for value in range(50)))
    held = sum(len(one.times) + len(one.unique) for one in figures._metrics.values())
    assert held <= 10 + 10  # of each time the newest one at least
    ((row, _),) = figures.read(10.0, NOW)
    assert (row.values["t9_min"], row.values["t9_max"]) == (0, 49)


def test_figures_that_grow_beyond_all_numbers_are_unknown_and_a_gauge_comes_back() -> None:
    big = b"1" + b"0" * 308
    figures = Figures(100)
    given_to(figures, *[b"a.g:+" + big + b"|g"] * 3, *[b"a.c:" + big + b"|c"] * 30, b"a.r:1e300|c|@1e-300")
    ((row, _),) = figures.read(10.0, NOW)
    assert (row.values["c"], row.values["r"]) == (None, None)
    assert row.values["g"] == 1e308
    given_to(figures, b"a.g:-" + big + b"|g")
    assert figures.read(10.0, NOW)[0][0].values["g"] == 0


@pytest.mark.parametrize(
    "line", [b"x:1|c|#component:" + b"y" * 256, b"x:1|c|#component:a\x1b[1m", b"y" * 300 + b".x:1|c"]
)
def test_names_of_components_are_bounded_where_they_arrive(line: bytes) -> None:
    (wrong,) = parse(line)
    assert "255 characters" in str(wrong)


@pytest.mark.parametrize("text", ["8125", "host", "127.0.0.1:x", ":8125", "127.0.0.1:70000", "stats.example:8125"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^listen = '.*' is no|is no IP address$"):
        StatsdSettings(listen=text)


def test_a_host_may_be_this_one_or_one_of_six_groups() -> None:
    assert StatsdSettings(listen="localhost:0").address() == ("127.0.0.1", 0)
    assert StatsdSettings(listen="[::1]:8125").address() == ("::1", 8125)


class ListenTests(TestCase):
    async def test_datagrams_become_readings_and_what_is_wrong_a_problem(self) -> None:
        statsd = Statsd(reactor, reactor, lambda: NOW, StatsdSettings(listen="127.0.0.1:0"))
        statsd.startService()
        self.addCleanup(statsd.stopService)
        config = DeviceConfig(device="here", address="", source=SourceKind.LOCAL, interval_s=60)
        (job,) = statsd.jobs(config)
        other = DeviceConfig(device="there", address="", source=SourceKind.LOCAL, interval_s=60)
        self.assertEqual(list(statsd.jobs(other)), [])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"shop.orders:3|c\nnonsense", ("127.0.0.1", statsd.port))
        await until(reactor, "a datagram is there", lambda: statsd.figures()["statsd_refused"] == 1)
        own, found = await job.run(Due(steps={10: int(NOW)}, at=NOW))
        assert isinstance(found, Result)
        self.assertEqual((found.rows[0].component, list(found.rows[0].values)), ("shop", ["orders"]))
        self.assertEqual([one.key for one in own.problems], ["statsd_flawed"])
        (again, _) = await job.run(Due(steps={10: int(NOW) + 10}, at=NOW + 10))
        self.assertEqual(again.problems, [])

    async def test_a_port_that_is_taken_is_told_and_all_else_goes_on(self) -> None:
        first = Statsd(reactor, reactor, lambda: NOW, StatsdSettings(listen="127.0.0.1:0"))
        first.startService()
        self.addCleanup(first.stopService)
        second = Statsd(reactor, reactor, lambda: NOW, StatsdSettings(listen=f"127.0.0.1:{first.port}"))
        second.startService()
        self.addCleanup(second.stopService)
        (job,) = second.jobs(DeviceConfig(device="here", address="", source=SourceKind.LOCAL, interval_s=60))
        (own,) = await job.run(Due(steps={10: int(NOW)}, at=NOW))
        self.assertEqual([one.key for one in own.problems], ["statsd_listen"])
        self.flushLoggedErrors()

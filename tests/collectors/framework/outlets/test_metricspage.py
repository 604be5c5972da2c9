"""The metrics page over sockets: readers that are slow, that never end, that bring what nobody wants."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Cooperator
from twisted.python.failure import Failure

from collectors.framework.data.spool.intake import Intake, Latest
from collectors.framework.outlets import pagedoor
from collectors.framework.outlets.metricspage import MOST_AT_ONCE, PAGE_S, MetricsPage, Shown
from collectors.framework.outlets.openmetrics import SLICE
from collectors.framework.outlets.settings import MetricsSettings
from common.series import Layout, Point, Sample, SeriesKey
from tests.fakes.pages import PageReactor

NOW = 1_800_000_000
LAYOUT = Layout(points=(Point(name="cpu"),), step_s=10)
ASK = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


def page(reactor: PageReactor, latest: Callable[[], list[Latest]] = list) -> MetricsPage:
    shown = Shown(figures=dict, latest=latest, collector=lambda: "c", program="tocsin-process", version="1")
    made = MetricsPage(reactor, reactor, lambda: NOW, MetricsSettings(listen="127.0.0.1:0"), shown, lambda _: None)
    made.startService()
    return made


def intake(series: int) -> Intake:
    taken = Intake()
    keys = [SeriesKey(f"web{n}", "nginx" * 20, "table") for n in range(series)]
    taken.accept([Sample(key=key, layout=LAYOUT, at=NOW, values={"cpu": 1.5}) for key in keys], NOW)
    return taken


@pytest.fixture
def reactor() -> PageReactor:
    return PageReactor()


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch, reactor: PageReactor) -> None:
    """Pages are written by the reactor of the test."""
    cooperator = Cooperator(
        scheduler=lambda work: reactor.callLater(0.001, work),
        terminationPredicateFactory=lambda: lambda: True,  # each step has a turn of its own
    )
    monkeypatch.setattr("twisted.internet._producer_helpers.cooperate", cooperator.cooperate)


def test_who_never_reads_makes_room_for_others(reactor: PageReactor) -> None:
    served = page(reactor, intake(500).all)
    hanging = []
    for _ in range(MOST_AT_ONCE):
        protocol, transport = reactor.connect()
        protocol.dataReceived(ASK)
        transport.fill()
        hanging.append((protocol, transport))
    assert served.writing == MOST_AT_ONCE
    protocol, transport = reactor.connect()
    protocol.dataReceived(ASK)
    reactor.advance(0.1)
    assert b" 503 " in transport.told.splitlines()[0]
    reactor.advance(PAGE_S)
    assert [transport.aborted for _, transport in hanging] == [True] * MOST_AT_ONCE
    for protocol, _ in hanging:
        protocol.connectionLost(Failure(ConnectionError()))  # type: ignore[no-untyped-call]  # as above
    assert served.writing == 0


def test_one_that_reads_is_not_cut_off(reactor: PageReactor) -> None:
    served = page(reactor, intake(500).all)
    protocol, transport = reactor.connect()
    protocol.dataReceived(ASK)
    reactor.pump([0.01] * 200)
    assert transport.told.endswith(b"# EOF\n\r\n0\r\n\r\n")
    assert served.writing == 0
    reactor.advance(2 * PAGE_S)
    assert not transport.aborted


def test_series_of_which_nothing_is_to_be_shown_take_turns_too(reactor: PageReactor) -> None:
    page(reactor, intake(100 * SLICE).all)
    protocol, transport = reactor.connect()
    protocol.dataReceived(b"GET /metrics?device=web0 HTTP/1.1\r\nHost: here\r\n\r\n")
    turns = 0
    while not transport.told.endswith(b"# EOF\n\r\n0\r\n\r\n"):
        reactor.advance(0.001)
        turns += 1
        assert turns < 1000
    assert turns > 100  # each slice of the series is one


def test_a_body_is_thrown_away_and_a_large_one_ends_the_connection(reactor: PageReactor) -> None:
    page(reactor)
    protocol, transport = reactor.connect()
    protocol.dataReceived(b"POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 10000000000\r\n\r\n")
    for _ in range(5):
        protocol.dataReceived(b"x" * 30_000)
    assert transport.aborted
    protocol, transport = reactor.connect()
    protocol.dataReceived(b"POST /metrics HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc")
    assert b" 405 " in transport.told.splitlines()[0]


def test_idle_connections_keep_nobody_out(reactor: PageReactor) -> None:
    page(reactor)
    idle = [reactor.connect()[1] for _ in range(pagedoor.MAX_CONNECTIONS)]
    protocol, transport = reactor.connect()
    assert idle[0].aborted
    assert not idle[1].aborted
    protocol.dataReceived(ASK)
    reactor.pump([0.01] * 20)
    assert transport.told.endswith(b"# EOF\n\r\n0\r\n\r\n")


def test_behind_the_door_there_is_only_the_page(reactor: PageReactor) -> None:
    page(reactor)
    for path in (b"/", b"/../metrics", b"/%2e%2e/metrics"):
        protocol, transport = reactor.connect()
        protocol.dataReceived(b"GET " + path + b" HTTP/1.1\r\nHost: here\r\n\r\n")
        reactor.pump([0.01] * 20)
        assert b" 404 " in transport.told.splitlines()[0]


def test_many_requests_in_one_piece_are_cut_off_and_one_after_another_are_not(reactor: PageReactor) -> None:
    page(reactor)
    ask = b"GET /nothing HTTP/1.1\r\nHost: here\r\n\r\n"
    protocol, transport = reactor.connect()
    protocol.dataReceived(ask * 1000)
    assert transport.aborted
    assert transport.told.count(b" 404 ") <= pagedoor.MAX_AT_ONCE
    protocol, transport = reactor.connect()
    for _ in range(4 * pagedoor.MAX_AT_ONCE):
        protocol.dataReceived(ask)
    assert not transport.aborted
    assert transport.told.count(b" 404 ") == 4 * pagedoor.MAX_AT_ONCE

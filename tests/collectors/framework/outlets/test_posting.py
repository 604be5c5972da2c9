"""One request: whatever the other side does, it ends in time, and keeps little of what it says."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors.framework.outlets.deadline import within
from collectors.framework.outlets.posting import MAX_ANSWER_CHARACTERS, Fate, Poster
from collectors.framework.outlets.settings import RemoteWriteSettings
from tests.fakes.ports import held_port

LIMIT_S = 0.3
Conduct = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def receiver(conduct: Conduct) -> Iterator[str]:
    """Another side that answers each connection as it is told; `over` is set when the test is."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def each(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            conduct(connection, over)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=each, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=listen, daemon=True)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/write"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
    accepting.join(10)
    for thread in threads:
        thread.join(10)


def asked(connection: socket.socket) -> bytes:
    """The request; all of it, as what is closed with something unread is reset, and may take its answer with it."""
    data = b""
    head = re.compile(rb".*?\r\ncontent-length: *(\d+).*?\r\n\r\n", re.IGNORECASE | re.DOTALL)
    while (found := head.match(data)) is None or len(data) < found.end() + int(found[1]):
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return data


def drip(connection: socket.socket, over: threading.Event) -> None:
    while not over.wait(LIMIT_S / 10):
        connection.sendall(b"x")


def drips_its_head(connection: socket.socket, over: threading.Event) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 500 no\r\nX: ")
    drip(connection, over)


def drips_what_it_says(connection: socket.socket, over: threading.Event) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 500 no\r\nContent-Length: 1000\r\n\r\nslow ")
    drip(connection, over)


def hardly_reads(connection: socket.socket, over: threading.Event) -> None:
    while not over.wait(LIMIT_S / 10):
        connection.recv(1000)


def says_nothing(_connection: socket.socket, over: threading.Event) -> None:
    over.wait(30)


MUCH = 30_000_000
"""No socket holds as much."""


@pytest.mark.parametrize(
    ("conduct", "size"), [(drips_its_head, 1), (drips_what_it_says, 1), (hardly_reads, MUCH), (says_nothing, MUCH)]
)
def test_a_request_ends_in_time_whatever_the_other_side_does(conduct: Conduct, size: int) -> None:
    with receiver(conduct) as url:
        poster = Poster(RemoteWriteSettings(url=f"{url}?key=s3cret", timeout_s=LIMIT_S), "tocsin/1")
        answer = poster(b"x" * size)
        poster.close()
    assert answer.fate is Fate.LATER
    assert url in answer.why
    assert "s3cret" not in answer.why


def test_an_endless_answer_is_not_read() -> None:
    told = 0

    def endless(connection: socket.socket, over: threading.Event) -> None:
        nonlocal told
        asked(connection)
        connection.sendall(b"HTTP/1.1 503 no\r\nContent-Length: 1000000000000\r\n\r\n")
        while not over.is_set():
            told += connection.send(b"y" * 65536)

    with receiver(endless) as url:
        poster = Poster(RemoteWriteSettings(url=url, timeout_s=30), "tocsin/1")
        answer = poster(b"x")
        poster.close()
    assert answer.fate is Fate.LATER
    assert "503" in answer.why
    assert len(answer.why) < len(url) + MAX_ANSWER_CHARACTERS + 50
    assert told < 50_000_000


@pytest.mark.parametrize(
    ("said", "fate"),
    [
        (b"HTTP/1.1 400 no\r\nContent-Type: a/b; charset=hex\r\nContent-Length: 5\r\n\r\n\xff\x1b[1m", Fate.REFUSED),
        (b"HTTP/1.1 400 no\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain", Fate.REFUSED),
        (b"HTTP/1.1 302 there\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", Fate.LATER),
        (b"HTTP/1.1 200 ok\r\nContent-Length: 100\r\n\r\ncut off", Fate.TAKEN),
        (b"HTTP/1.1 204 ok\r\n\r\n", Fate.TAKEN),
        (b"\x00\xff" * 500, Fate.LATER),
        (b"", Fate.LATER),
    ],
)  # fmt: skip
def test_an_answer_of_any_bytes_has_a_meaning(said: bytes, fate: Fate) -> None:
    def conduct(connection: socket.socket, _over: threading.Event) -> None:
        asked(connection)
        connection.sendall(said)

    with receiver(conduct) as url:
        poster = Poster(RemoteWriteSettings(url=url, timeout_s=20), "tocsin/1")
        answer = poster(b"x")
        poster.close()
    assert answer.fate is fate
    assert "\x1b" not in answer.why


def test_a_secret_that_was_set_right_counts_at_the_next_attempt(tmp_path: Path) -> None:
    heads = []

    def conduct(connection: socket.socket, _over: threading.Event) -> None:
        while head := asked(connection):
            heads.append(head)
            right = b"Bearer right" in head
            connection.sendall(b"HTTP/1.1 " + (b"204 ok\r\n\r\n" if right else b"401 no\r\nContent-Length: 0\r\n\r\n"))

    token = tmp_path / "token"
    token.write_text("wrong\n")
    with receiver(conduct) as url:
        poster = Poster(RemoteWriteSettings(url=url, timeout_s=20, token_file=str(token)), "tocsin/1")
        assert poster(b"").fate is Fate.LATER
        token.write_text("right\n")
        assert poster(b"").fate is Fate.TAKEN
        token.unlink()  # a connection that stands is kept
        assert poster(b"").fate is Fate.TAKEN
        poster.close()
    assert [b"Bearer right" in head for head in heads] == [False, True, True]


def test_an_alarm_of_somebody_else_outlives_ours() -> None:
    with within(60):
        with pytest.raises(TimeoutError, match=r"within 0\.01 s"), within(0.01):
            time.sleep(30)
        with within(30):
            pass
        with pytest.raises(TimeoutError, match=r"within 0\.02 s"), within(0.02):
            time.sleep(30)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60


def test_a_time_that_is_over_before_anything_was_done_takes_no_alarm_of_somebody_else_along() -> None:
    with within(60):
        for microseconds in range(1, 100):
            before = signal.getsignal(signal.SIGALRM)
            with contextlib.suppress(TimeoutError), within(microseconds * 1e-6):
                pass
            assert signal.getsignal(signal.SIGALRM) is before
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60


def test_a_port_at_which_nobody_listens_is_told_in_words() -> None:
    with held_port() as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/write"
        answer = Poster(RemoteWriteSettings(url=url), "1")(b"")
    assert (answer.fate, answer.why) == (Fate.LATER, f"{url} cannot be reached: connection refused")

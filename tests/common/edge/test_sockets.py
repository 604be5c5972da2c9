"""What the kernel counts on a real connection."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from common.edge.sockets import Traffic, traffic

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts")

WITHIN_S = 20.0


class Transport:
    """A transport over a socket, with TLS between if `inner` is one."""

    def __init__(self, handle: socket.socket | None, inner: Transport | None = None) -> None:
        self._handle = handle
        self.transport = inner

    def getHandle(self) -> socket.socket | None:
        return self._handle


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname(), 5)
        other, _ = server.accept()
        yield client, other
        client.close()
        other.close()


def counted(handle: socket.socket) -> Traffic:
    found = traffic(Transport(handle))
    assert found is not None
    return found


def wait_until_acked(handle: socket.socket, size: int) -> Traffic:
    """The confirmation comes when it comes."""
    deadline = time.monotonic() + WITHIN_S
    while (found := counted(handle)).acked < size:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found


def test_it_counts_what_was_confirmed_and_what_came(pair: tuple[socket.socket, socket.socket]) -> None:
    client, other = pair
    before = counted(client).acked
    client.sendall(b"x" * 1000)
    after = wait_until_acked(client, before + 1000)
    assert (after.acked - before, after.leaving) == (1000, False)
    assert (counted(other).received, counted(client).received) == (1000, 0)


def test_what_a_peer_does_not_take_is_leaving_and_stays_unconfirmed(pair: tuple[socket.socket, socket.socket]) -> None:
    client, _ = pair
    client.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 1 << 30:
            sent += client.send(bytes(1 << 16))
    deadline = time.monotonic() + WITHIN_S
    before = counted(client)
    while True:  # until the buffers at both ends are full, and nothing moves any more
        time.sleep(0.05)
        now = counted(client)
        if now.acked == before.acked:
            break
        assert time.monotonic() < deadline
        before = now
    assert now.leaving
    assert now.acked < sent


def test_it_looks_through_tls(pair: tuple[socket.socket, socket.socket]) -> None:
    client, _ = pair
    assert traffic(Transport(None, Transport(client))) == counted(client)


def test_where_there_is_no_socket_or_it_is_closed_nobody_counts(pair: tuple[socket.socket, socket.socket]) -> None:
    client, _ = pair
    assert traffic(Transport(None)) is None
    client.close()
    assert traffic(Transport(client)) is None

"""Many TCP connections that a hub did not ask for: silent ones, and ones that talk nonsense."""

from __future__ import annotations

import os
import random
import select
import socket
import time

JUNK_BYTES = 300


class Crowd:
    """Connections, each from an address of its own in 127/8; to be used in a thread, as all of it blocks.

    Attributes:
        stood_s: how long each stood that the hub has ended.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: dict[socket.socket, float] = {}
        self._poll = select.poll()
        self._by_number: dict[int, socket.socket] = {}
        self._count = 0
        self.stood_s: list[float] = []

    @property
    def size(self) -> int:
        """How many stand, as far as we know."""
        return len(self._open)

    def join(self, count: int, *, junk: bool) -> None:
        """Connect so many more; those with junk send it, and then are silent."""
        for _ in range(count):
            self._count += 1
            number = self._count
            source = f"127.{20 + number // 62500}.{1 + number // 250 % 250}.{1 + number % 250}"
            line = socket.create_connection(("127.0.0.1", self._port), 60, (source, 0))
            line.setblocking(False)
            if junk:
                # Half of it begins as TLS does, so that a handshake waits for the rest.
                head = b"\x16\x03\x01\x04\x00" if random.random() < 0.5 else b""
                line.send(head + os.urandom(JUNK_BYTES))
            self._open[line] = time.monotonic()
            self._by_number[line.fileno()] = line
            self._poll.register(line, select.POLLIN)

    def watch(self, seconds: float) -> None:
        """Note who is gone, for so long or until nobody is left."""
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            self._look_at_all(50)

    def look(self) -> None:
        """Note who is gone by now."""
        self._look_at_all(0)

    def _look_at_all(self, wait_ms: int) -> None:
        for number, _ in self._poll.poll(wait_ms):
            self._look(self._by_number[number])

    def _look(self, line: socket.socket) -> None:
        try:
            if line.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.stood_s.append(time.monotonic() - self._open[line])
        self._drop(line)

    def _drop(self, line: socket.socket) -> None:
        self._poll.unregister(line)
        del self._by_number[line.fileno()], self._open[line]
        line.close()

    def leave(self) -> None:
        """Close all."""
        for line in list(self._open):
            self._drop(line)

"""The fake agent behind a real socket on the loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.fakes.snmp_agent import Agent


@contextlib.contextmanager
def served(agent: Agent) -> Iterator[int]:
    """Serve an agent on a port that the kernel chooses; gives the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.2)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    datagram, source = listening.recvfrom(65_535)
                except TimeoutError:
                    continue
                answer = agent.answer(datagram)
                if answer is not None:
                    listening.sendto(answer, source)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            stop.set()
            thread.join()

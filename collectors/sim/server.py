"""Sockets and time of a fleet: one loop over all its addresses, and what is late or happens at its time.

No reactor stands between the kernel and an answer, because that would cost more than the answer itself.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from collectors.sim.addresses import Endpoint
from collectors.sim.facts import TruthFile
from collectors.sim.host import Host
from collectors.sim.responder import Responder
from collectors.sim.scenario import Ailment
from collectors.sim.visits import VisitsFile
from collectors.sim.world import World
from common.errors import SettingsError

MOST_DATAGRAM = 65_535
SPARE_FILES = 64
LONGEST_WAIT_S = 5.0
"""Between two looks at the time when nothing is asked."""


class Door:
    """The sockets of a fleet, in order of its hosts.

    Raises:
        SettingsError: an address cannot be listened on, or the kernel allows too few files.
    """

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        _allow_files(len(endpoints) + SPARE_FILES)
        self.sockets: list[socket.socket] = []
        for host, port in endpoints:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            one = socket.socket(family, socket.SOCK_DGRAM)
            self.sockets.append(one)
            try:
                one.bind((host, port))
            except OSError as error:
                self.close()
                raise SettingsError(f"{host}:{port} cannot be listened on: {error.strerror or error}") from None
            one.setblocking(False)  # noqa: FBT003 - it has no other form

    def close(self) -> None:
        """Close all."""
        for one in self.sockets:
            one.close()

    def endpoints(self) -> list[Endpoint]:
        """Where they listen."""
        names = [one.getsockname() for one in self.sockets]
        return [(str(name[0]), int(name[1])) for name in names]


class FleetServer:
    """Serves a world until it is told to stop.

    Attributes:
        answers: how many were sent; `requests` how many came.
    """

    def __init__(
        self,
        world: World,
        responder: Responder,
        door: Door,
        truth: TruthFile,
        visits: VisitsFile,
        slow: Ailment | None = None,
    ) -> None:
        self._world = world
        self._responder = responder
        self._door = door
        self._truth = truth
        self._visits = visits
        self._slow = slow
        self._late: list[tuple[float, int, socket.socket, bytes, Any]] = []
        self._stop = False
        self.answers = 0
        self.requests = 0

    def stop(self) -> None:
        """End `run` as soon as what is at hand is done."""
        self._stop = True

    def run(self, began: float, duration_s: float = float("inf"), wakeup: int | None = None) -> None:
        """Serve.

        Args:
            began: monotonic second of t = 0.
            duration_s: how long.
            wakeup: a file that becomes readable when a signal comes.
        """
        pairs = zip(self._door.sockets, self._world.hosts, strict=True)
        hosts = {one.fileno(): (one, host) for one, host in pairs}
        with contextlib.closing(select.epoll(len(hosts) + 1)) as poll:
            for number in hosts:
                poll.register(number, select.EPOLLIN)
            if wakeup is not None:
                poll.register(wakeup, select.EPOLLIN)
            while not self._stop:
                t = time.monotonic() - began
                if t >= duration_s:
                    break
                self._due(t)
                due = min(self._world.next_at, self._late[0][0] if self._late else duration_s, duration_s)
                for number, _ in poll.poll(max(0.0, min(due - t, LONGEST_WAIT_S))):
                    if number in hosts:
                        self._serve(*hosts[number], time.monotonic() - began)
            self._due(min(time.monotonic() - began, duration_s))

    def _serve(self, one: socket.socket, host: Host, t: float) -> None:
        try:
            datagram, source = one.recvfrom(MOST_DATAGRAM)
        except OSError:
            return  # an answer of ours came back, or somebody was faster
        self.requests += 1
        answer = self._responder.answer(host, datagram, t)
        self._visits.note(host.name, datagram, t, answered=answer is not None)
        if answer is None:
            return
        if host.ails and self._slow is not None and "slow" in host.ails:
            heapq.heappush(self._late, (t + self._slow.by_s, self.requests, one, answer, source))
        else:
            self._send(one, answer, source)

    def _send(self, one: socket.socket, answer: bytes, source: Any) -> None:
        with contextlib.suppress(OSError):  # the kernel's buffer is full: datagrams get lost
            one.sendto(answer, source)
            self.answers += 1

    def _due(self, t: float) -> None:
        if self._world.next_at <= t:
            self._truth.write(self._world.advance(t))
        while self._late and self._late[0][0] <= t:
            self._send(*heapq.heappop(self._late)[2:])


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[int]:
    """Have SIGTERM and SIGINT call `stop`; gives a file that becomes readable when they do."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def heard(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard or (soft < count and hard == resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    elif soft < count:
        raise SettingsError(
            f"{count} files are needed, one for each address, and only {hard} are allowed; raise it with `ulimit -n`, "
            "or serve fewer devices"
        )

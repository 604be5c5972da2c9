# mypy: allow-untyped-calls
"""The socket: what it takes, what it does not believe, when it gives up. The kernel is faked; the real one is met in
tests/integration/test_process_events.py.
"""

from __future__ import annotations

import errno
import random
import struct
from collections.abc import Sequence
from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.processevents.connector import MESSAGES_A_TURN, Connector, Standing
from collectors.framework.processevents.messages import CN_IDX_PROC, Exited, ProcessEvent
from collectors.framework.processevents.pace import PAUSE_S, Storm
from tests.collectors.framework.processevents.test_messages import EXIT, message

KERNEL = (0, CN_IDX_PROC)


class FakeSocket:
    """A netlink socket, with what the kernel would say."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.bound: Any = None
        self.closed = False
        self.arrived: list[Any] = []
        self.answer: int | None = 0
        self.refusal: OSError | None = None

    def setsockopt(self, *_: Any) -> None:
        raise PermissionError(errno.EPERM, "over the limit")

    def bind(self, address: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.bound = address

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        ack = struct.unpack_from("=I", data, 28)[0]
        if self.answer is not None:
            self.arrived.append((message(0, struct.pack("=I", self.answer), ack=ack + 1), KERNEL))
        return len(data)

    def recvfrom(self, _size: int) -> tuple[bytes, Any]:
        if not self.arrived:
            raise BlockingIOError
        found = self.arrived.pop(0)
        if isinstance(found, Exception):
            raise found
        data: tuple[bytes, Any] = found
        return data

    def fileno(self) -> int:
        return 99

    def close(self) -> None:
        self.closed = True


class ConnectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.socket = FakeSocket()
        self.told: list[ProcessEvent] = []
        self.losses = 0
        self.connector = self.make()

    def make(self, **changes: Any) -> Connector:
        fields: dict[str, Any] = {"open_socket": self.open, "obstacle": lambda: ""}
        return Connector(self.reactor, self.take, self.lose, random.Random(1), **(fields | changes))

    def open(self) -> Any:
        return self.socket

    def take(self, events: Sequence[ProcessEvent]) -> None:
        self.told += events

    def lose(self) -> None:
        self.losses += 1

    def listen(self) -> None:
        self.connector.start()
        self.connector.doRead()
        self.assertIs(self.connector.standing, Standing.LISTENING)

    def arrive(self, *found: Any) -> None:
        self.socket.arrived += found
        self.connector.doRead()

    def test_it_listens_once_the_kernel_has_said_so(self) -> None:
        self.connector.start()
        self.assertIs(self.connector.standing, Standing.ASKED)
        self.assertEqual(self.socket.bound, (0, CN_IDX_PROC))
        self.assertEqual([len(data) for data in self.socket.sent], [40, 44])
        self.assertIn(self.connector, self.reactor.getReaders())
        self.connector.doRead()
        self.assertEqual((self.connector.standing, self.connector.session), (Standing.LISTENING, 1))
        self.arrive((EXIT, KERNEL))
        self.assertIsInstance(self.told[0], Exited)

    def test_the_answer_to_somebody_else_is_none_to_us(self) -> None:
        self.socket.answer = None
        self.connector.start()
        self.arrive((message(0, struct.pack("=I", 0), ack=7), KERNEL), (EXIT, KERNEL))
        self.assertIs(self.connector.standing, Standing.ASKED)
        self.assertEqual(self.told, [])

    def test_a_kernel_that_does_not_answer_is_not_waited_for(self) -> None:
        self.socket.answer = None
        self.connector.start()
        self.reactor.advance(10.0)
        self.assertIs(self.connector.standing, Standing.REFUSED)
        self.assertIn("not answer", self.connector.reason)
        self.assertTrue(self.socket.closed)
        self.assertEqual(self.reactor.getReaders(), [])

    def test_a_kernel_that_refuses_is_said(self) -> None:
        self.socket.answer = errno.EPERM
        self.connector.start()
        self.connector.doRead()
        self.assertIs(self.connector.standing, Standing.REFUSED)
        self.socket = FakeSocket()
        self.socket.refusal = OSError(errno.EPROTONOSUPPORT, "no such protocol")
        other = self.make()
        other.start()
        self.assertIn("CONFIG_CONNECTOR", other.reason)
        self.assertTrue(self.socket.closed)
        third = self.make(obstacle=lambda: "it is forbidden")
        third.start()
        self.assertEqual((third.standing, third.reason), (Standing.REFUSED, "it is forbidden"))

    def test_what_the_kernel_did_not_send_is_dropped(self) -> None:
        self.listen()
        self.arrive((EXIT, (4711, 0)), (EXIT, (4711, CN_IDX_PROC)))
        self.assertEqual((self.told, self.connector.counts.foreign), ([], 2))

    def test_what_is_malformed_is_dropped_and_the_rest_goes_on(self) -> None:
        self.listen()
        self.arrive((EXIT[:30], KERNEL), (EXIT, KERNEL))
        self.assertEqual((len(self.told), self.connector.counts.malformed), (1, 1))

    def test_a_full_socket_is_a_loss_and_what_comes_after_it_is_read(self) -> None:
        self.listen()
        self.arrive((EXIT, KERNEL), OSError(errno.ENOBUFS, "full"), (EXIT, KERNEL))
        self.assertEqual((len(self.told), self.losses, self.connector.counts.overflows), (2, 1, 1))
        self.assertTrue(self.connector.listening)

    def test_a_turn_reads_so_much_and_no_more(self) -> None:
        self.listen()
        self.arrive(*[(EXIT, KERNEL)] * (3 * MESSAGES_A_TURN))
        self.assertEqual(len(self.told), MESSAGES_A_TURN)
        self.connector.drain()
        self.assertEqual(len(self.told), 3 * MESSAGES_A_TURN)

    def test_too_many_are_paused_for_and_listened_to_again(self) -> None:
        self.connector = self.make(storm=Storm(10))
        self.listen()
        self.arrive(*[(EXIT, KERNEL)] * 20)
        self.assertIs(self.connector.standing, Standing.PAUSED)
        self.assertIn("too many", self.connector.reason)
        self.assertEqual((self.losses, self.connector.counts.pauses), (1, 1))
        self.assertTrue(self.socket.closed)
        self.socket = FakeSocket()
        self.reactor.advance(PAUSE_S[0])
        self.connector.doRead()
        self.assertEqual((self.connector.standing, self.connector.session), (Standing.LISTENING, 2))
        self.assertEqual(self.losses, 2)

    def test_a_socket_that_fails_is_closed_and_said(self) -> None:
        self.listen()
        self.arrive(OSError(errno.EBADF, "gone"))
        self.assertIs(self.connector.standing, Standing.REFUSED)
        self.assertEqual(self.losses, 1)
        self.connector.doRead()  # the reactor had it in its hands already

    def test_it_takes_its_leave_of_the_kernel(self) -> None:
        self.listen()
        self.connector.stop()
        self.assertEqual(self.socket.sent[-1][36:], struct.pack("=I", 2))
        self.assertEqual((self.socket.closed, self.connector.fileno()), (True, -1))
        self.assertEqual((self.reactor.getReaders(), self.reactor.getDelayedCalls()), ([], []))
        self.connector.stop()

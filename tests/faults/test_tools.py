# mypy: allow-untyped-calls
"""The tools of the fault tests do what they say: a fault that does not happen would pass every test."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tests.fakes.watching import until
from tests.faults.case import FaultCase, device_document, reactor
from tests.faults.chaos import ChaosProxy, Parrot
from tests.faults.length import LIMIT_S

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]


class Echo(Protocol):
    """Says what it hears, and keeps it."""

    def __init__(self, heard: bytearray) -> None:
        self.heard = heard

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        assert self.transport is not None
        self.transport.write(data)


class ProxyTests(TestCase):
    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a coroutine
        self.heard = bytearray()
        port = reactor.listenTCP(0, Factory.forProtocol(lambda: Echo(self.heard)), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.proxy = ChaosProxy(reactor, port.getHost().port)
        self.addCleanup(self.proxy._port.stopListening)
        self.addCleanup(self.proxy.cut)
        self.peer: Any = await TCP4ClientEndpoint(reactor, "127.0.0.1", self.proxy.port).connect(
            Factory.forProtocol(Parrot)
        )
        await self.say(b"hello")

    async def say(self, data: bytes) -> None:
        before = len(self.peer.heard)
        self.peer.transport.write(data)
        await until(reactor, "it comes back", lambda: len(self.peer.heard) == before + len(data))

    async def test_what_is_held_back_is_delivered_afterwards(self) -> None:
        self.proxy.silence(up=False, down=True)
        self.peer.transport.write(b"there")
        await until(reactor, "it is heard", lambda: self.heard == b"hellothere")
        self.assertEqual(self.peer.heard, b"hello")
        self.proxy.heal()
        await until(reactor, "it comes back", lambda: self.peer.heard == b"hellothere")

    async def test_a_slow_way_is_slow_in_its_direction(self) -> None:
        self.proxy.down.bits_per_s = 80_000
        began = time.monotonic()
        await self.say(b"x" * 5000)
        self.assertGreater(time.monotonic() - began, 0.35)

    async def test_so_many_bytes_pass_and_then_it_is_cut(self) -> None:
        self.proxy.up.after(7, lambda line: line.cut())
        self.peer.transport.write(b"0123456789")
        await until(reactor, "it is cut", lambda: self.peer.ended)
        await until(reactor, "all has come", lambda: len(self.heard) >= 12)
        self.assertEqual(self.heard, b"hello0123456")
        self.assertFalse(self.proxy.up.is_armed())

    async def test_a_bit_is_turned_and_the_next_piece_is_right_again(self) -> None:
        self.proxy.up.corrupt = 1
        await self.say(b"a")
        await self.say(b"a")
        self.assertEqual(self.heard, b"hello" + bytes([ord("a") ^ 0x10]) + b"a")

    async def test_an_end_is_not_told_across_a_silent_way(self) -> None:
        self.proxy.silence()
        (line,) = self.proxy.lines
        self.peer.transport.abortConnection()
        await until(reactor, "one end is gone", lambda: line.gone == {"near"})
        self.assertFalse(line.far.lost)

    async def test_what_was_said_is_said_again_on_a_connection_of_its_own(self) -> None:
        (line,) = self.proxy.lines
        parrot: Any = await self.proxy.replay(line)
        await until(reactor, "it is answered", lambda: parrot.heard == b"hello")
        self.assertEqual(self.heard, b"hellohello")
        parrot.transport.abortConnection()


class HubTests(FaultCase):
    async def test_a_hub_is_killed_and_started_and_its_loop_is_watched(self) -> None:
        member = self.fleet.add("local")
        began = time.monotonic()
        await self.hub.live(await self.hub.apply(device_document("web1", "local")))
        await self.agree()
        self.assertEqual(list(member.configs), ["web1"])
        await self.until("a line about the loop", lambda: self.hub.late_s(began)[0] > 0)
        port = self.hub.port
        self.hub.kill()
        await self.until("it is missed", lambda: not member.connected)
        await self.hub.start()
        self.assertEqual(self.hub.port, port)
        await self.until("it is back", lambda: member.connected)
        await self.agree()
        self.assertGreater(self.hub.memory_mib, 10)
        began = time.monotonic()
        os.kill(self.hub.pid, signal.SIGSTOP)
        await self.pause(0.5)
        os.kill(self.hub.pid, signal.SIGCONT)
        await self.until("its loop was late", lambda: self.hub.late_s(began)[0] > 0.4)
        self.assertLess(self.hub.late_s(began)[1], 0.4)  # it had no part in that
        self.no_defects()

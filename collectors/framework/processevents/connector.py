"""The socket on which the kernel tells of processes (netlink, NETLINK_CONNECTOR, CN_IDX_PROC).

Several listeners on one host do not disturb each other. Only what the kernel itself has sent is believed: anybody may
send to the port of a netlink socket. Each turn of the reactor reads a bounded number of messages.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import random
import socket
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.processevents import access, messages
from collectors.framework.processevents.messages import Answered, MalformedError, ProcessEvent
from collectors.framework.processevents.pace import Storm

NETLINK_CONNECTOR = 11
AF_NETLINK = getattr(socket, "AF_NETLINK", 16)
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 2 * 1024 * 1024
"""Some 3,000 events: what may come while a table of processes is read."""
MESSAGES_A_TURN = 256
MESSAGES_A_DRAIN = 20_000
ANSWER_S = 2.0

_log = Logger()


class Standing(enum.Enum):
    """Whether events come."""

    NOT_ASKED = "not asked"
    ASKED = "asked"
    LISTENING = "listening"
    PAUSED = "paused"
    REFUSED = "refused"


class Counts(Struct):
    """What came, since the start.

    Attributes:
        foreign: messages that the kernel did not send.
        overflows: how often the socket was full, and the kernel dropped some.
        pauses: how often they were too many to be listened to.
    """

    messages: int = 0
    foreign: int = 0
    malformed: int = 0
    overflows: int = 0
    pauses: int = 0


def netlink_socket() -> socket.socket:
    """A socket of the connector."""
    return socket.socket(AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, NETLINK_CONNECTOR)


@implementer(IReadDescriptor)
class Connector:
    """Listens.

    Args:
        on_events: takes what the kernel has told, in order.
        on_lost: called when some of it was lost, or when nothing is listened to any more.

    Attributes:
        standing, reason: whether events come, and why not.
        session: grows each time that it begins to listen.
        counts: what came.
    """

    def __init__(
        self,
        reactor: Any,
        on_events: Callable[[Sequence[ProcessEvent]], object],
        on_lost: Callable[[], object],
        rng: random.Random,
        *,
        storm: Storm | None = None,
        open_socket: Callable[[], socket.socket] = netlink_socket,
        buffer_bytes: int = BUFFER_BYTES,
        obstacle: Callable[[], str] = access.obstacle,
    ) -> None:
        self._reactor = reactor
        self._on_events = on_events
        self._on_lost = on_lost
        self._ack = rng.randrange(1, 2**31)
        self._storm = storm or Storm()
        self._open_socket = open_socket
        self._buffer_bytes = buffer_bytes
        self._obstacle = obstacle
        self._socket: socket.socket | None = None
        self._timer: IDelayedCall | None = None
        self.standing = Standing.NOT_ASKED
        self.reason = ""
        self.session = 0
        self.counts = Counts()

    @property
    def listening(self) -> bool:
        """Whether events come."""
        return self.standing is Standing.LISTENING

    def start(self) -> None:
        """Ask the kernel to tell; whether it does shows later."""
        reason = self._obstacle()
        if reason:
            self._refuse(reason)
            return
        try:
            self._socket = self._open()
            for filtered in (False, True):  # the second narrows the first, where the kernel knows how
                self._socket.send(messages.request(messages.LISTEN, self._ack, filtered=filtered))
        except OSError as error:
            self._refuse(access.refusal(error))
            return
        self.standing = Standing.ASKED
        self._reactor.addReader(self)
        self._timer = self._reactor.callLater(ANSWER_S, lambda: self._refuse(access.silence()))

    def stop(self) -> None:
        """Listen no more."""
        self._close()
        self.standing = Standing.NOT_ASKED

    def drain(self) -> None:
        """Take what has come already, without waiting for the reactor."""
        if self._socket is not None:
            self._read(MESSAGES_A_DRAIN)

    # --- what the reactor asks ----------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Of the socket; -1 when there is none."""
        return self._socket.fileno() if self._socket is not None else -1

    def logPrefix(self) -> str:
        """Name in the log."""
        return "process events"

    def doRead(self) -> None:
        """Something has come."""
        self._read(MESSAGES_A_TURN)

    def connectionLost(self, reason: object) -> None:  # noqa: ARG002 - the interface has it
        """The reactor ends, or found the socket closed."""
        self._refuse("the socket was closed")

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read(self, most: int) -> None:
        found: list[ProcessEvent] = []
        lost = False
        number = 0
        while self._socket is not None and number < most:
            try:
                data, sender = self._socket.recvfrom(messages.MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    self._refuse(access.refusal(error))
                    lost = True
                    break
                self.counts.overflows += 1
                lost = True
                number += 1
                continue
            number += 1
            self._parse(data, sender, found)
        self.counts.messages += len(found)
        for event in found:
            if isinstance(event, Answered):
                self._answered(event)
        if self.listening:
            self._on_events([event for event in found if not isinstance(event, Answered)])
        if self.listening and self._storm.count(number, self._reactor.seconds()):
            self._pause()
            lost = True
        if lost:
            self._on_lost()

    def _parse(self, data: bytes, sender: Any, found: list[ProcessEvent]) -> None:
        if sender[0] != 0:
            self.counts.foreign += 1
            return
        try:
            found += messages.parse(data)
        except MalformedError:
            self.counts.malformed += 1

    def _answered(self, answer: Answered) -> None:
        if self.standing is not Standing.ASKED or answer.ack != self._ack + 1:
            return
        if answer.error:
            self._refuse(access.refusal(OSError(answer.error, "")))
            return
        self._cancel()
        self._timer = self._reactor.callLater(self._storm.pause_s, self._storm.steady)
        self.standing, self.reason = Standing.LISTENING, ""
        self.session += 1
        if self.session > 1:  # what happened meanwhile a scan has to find
            self._on_lost()

    # --- beginning and ending -----------------------------------------------------------------------------------------

    def _open(self) -> socket.socket:
        opened = self._open_socket()
        try:
            for option in (
                socket.SO_RCVBUF,
                SO_RCVBUFFORCE,
            ):  # the latter goes over the host's limit, and needs a right
                with contextlib.suppress(OSError):
                    opened.setsockopt(socket.SOL_SOCKET, option, self._buffer_bytes)
            opened.bind((0, messages.CN_IDX_PROC))
        except BaseException:
            opened.close()
            raise
        return opened

    def _pause(self) -> None:
        self.counts.pauses += 1
        pause_s = self._storm.pause_s
        self._close()
        self._storm.paused()
        self.standing = Standing.PAUSED
        self.reason = f"this host started too many processes; they are listened to again within {pause_s:g} s"
        self._timer = self._reactor.callLater(pause_s, self.start)

    def _refuse(self, reason: str) -> None:
        was = self.standing
        self._close()
        self.standing, self.reason = Standing.REFUSED, reason
        if was is not Standing.REFUSED:
            _log.info("processes are known by scans alone: {reason}", reason=reason)

    def _close(self) -> None:
        self._cancel()
        if self._socket is not None:
            self._reactor.removeReader(self)
            with contextlib.suppress(OSError):
                self._socket.send(messages.request(messages.IGNORE, self._ack, filtered=False))
            self._socket.close()
            self._socket = None

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

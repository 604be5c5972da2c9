"""One connection by hand, in blocking calls: what a peer hears when it shows a certificate and speaks."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from msgspec import Struct

from common.edge.expressions import ExpressionReader, Limits
from common.errors import RemoteError
from common.wire import Attach, Attached, decode_answer
from common.wire import encode as encode_message
from tests.common.edge.test_broker import GREETING
from tests.faults.hostile.attacker import context
from tests.faults.hostile.payloads import call

NONSENSE = b"\xff"
"""One byte that no expression begins with: the decoder refuses it as soon as it gets it, and the hub's log says so."""
ATTACH = Attach(daemon="process", host="box", software="0", oldest=1, newest=1, spool="s1", started_at=1.0)


class Heard(Struct, kw_only=True):
    """What came back.

    Attributes:
        refused_by_tls: the other side ended the handshake, or the connection before a byte.
        ended: the connection was over when we stopped listening.
    """

    data: bytes = b""
    refused_by_tls: bool = False
    ended: bool = False


def speak(
    port: int, folder: Path | None, says: bytes, source: str, *, waits: bool = False, patience_s: float = 60.0
) -> Heard:
    """Connect from an address of 127/8, say something as soon as TLS lets us, and listen to the end.

    What comes together with the end of the handshake may cost the connection before the other side has said a word; who
    `waits` hears one first.
    """
    heard = bytearray()
    line = socket.create_connection(("127.0.0.1", port), patience_s, (source, 0))
    try:
        line = context(folder).wrap_socket(line)
        if waits:
            heard += line.recv(65536)
        line.sendall(says)
        while part := line.recv(65536):
            heard += part
    except ssl.SSLError:
        return Heard(data=bytes(heard), refused_by_tls=True, ended=True)
    except TimeoutError:
        return Heard(data=bytes(heard))
    except OSError:
        return Heard(data=bytes(heard), refused_by_tls=not heard, ended=True)
    finally:
        line.close()
    return Heard(data=bytes(heard), ended=True)


def log_in(port: int, folder: Path, source: str, patience_s: float = 60.0) -> str:
    """Attach as a collector's daemon does; give the sentence of the refusal, or "" when it is let in."""
    answers = ExpressionReader(Limits(size_bytes=300_000))
    line = context(folder).wrap_socket(socket.create_connection(("127.0.0.1", port), patience_s, (source, 0)))
    try:
        line.sendall(GREETING + call(b"attach", encode_message(ATTACH)))
        while part := line.recv(65536):
            for expression in answers.feed(part):
                if isinstance(expression, list) and expression[0] == b"answer":
                    return _refusal(expression[2])
        return "the connection ended without an answer"
    finally:
        line.close()


def _refusal(answer: bytes) -> str:
    try:
        decode_answer(answer, Attached)
    except RemoteError as error:
        return error.message
    return ""

"""Speaks with the hub's door for enrolment, from a host that knows nothing of the hub but the fingerprint in its token.

The authority is asked for over a connection that proves nothing, and nothing is told on it. If its fingerprint is the
token's, a second connection must show a certificate of the hub that this authority has signed, or no byte is sent.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

import msgspec
from cryptography import x509
from msgspec import Struct

from collectors.framework.hubaddresses import HubAddress
from common.certificates import HUB_NAME, fingerprint
from common.edge.enrolwire import ENROL_PATH, Authority, Enrolled, Wanted
from common.edge.pem import pem
from common.errors import PermanentError, TransientError

CONNECT_S = 10.0
ANSWER_S = 20.0
MAX_ANSWER_BYTES = 65536
PAUSES_S = (1.0, 2.0, 4.0)
"""A hub that many hosts come to at once closes connections of some of them."""

T = TypeVar("T")

_CLOSED = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    http.client.RemoteDisconnected,
)
"""What it looks like from here when the hub closes a connection before it has said a word."""


class UnreachableError(TransientError):
    """There is no hub, or not the one that was meant."""


class RefusedError(PermanentError):
    """The hub refuses the token."""


class _Error(Struct):
    code: str
    message: str


class _ErrorAnswer(Struct):
    error: _Error


class EnrolClient:
    """One hub, from a host that is not enrolled there yet."""

    def __init__(self, hub: HubAddress, pause: Callable[[float], None], answer_s: float = ANSWER_S) -> None:
        self.hub = hub
        self._pause = pause
        self._answer_s = answer_s

    def authority(self) -> tuple[Authority, x509.Certificate]:
        """Ask who signs there; nothing of it is proven.

        Raises:
            UnreachableError: nobody answers, or what answers is no hub.
        """
        answer = self._ask("GET", None, _unproven(), Authority)
        try:
            return answer, x509.load_pem_x509_certificate(answer.ca.encode())
        except ValueError:
            raise self._no_hub("its authority cannot be read") from None

    def check(self, ca: x509.Certificate, wanted: bytes) -> None:
        """Compare an authority's fingerprint with that of a token or of another certificate.

        Raises:
            UnreachableError: it is another hub, or somebody in between.
        """
        found = fingerprint(ca)
        if found != wanted:
            raise UnreachableError(
                f"what answers at {self.hub} is not the hub that was meant: its authority has the fingerprint "
                f"{found.hex()[:16]}…, wanted is {wanted.hex()[:16]}…. It is the wrong address, or somebody stands in "
                "between; no secret was sent"
            )

    def enrol(self, ca: x509.Certificate, token: str, request: str) -> Enrolled:
        """Hand the token over to who proves to be the hub, and take the certificate.

        Raises:
            UnreachableError: nobody answers, or the other side does not prove to be the hub.
            RefusedError: the hub refuses the token.
            PermanentError: the hub refuses what was asked.
            TransientError: the hub cannot do it now.
        """
        body = msgspec.json.encode(Wanted(token=token, request=request))
        return self._ask("POST", body, _proven(ca), Enrolled)

    def _ask(self, method: str, body: bytes | None, context: ssl.SSLContext, answer: type[T]) -> T:
        for pause_s in PAUSES_S:
            try:
                status, data = self._once(method, body, context)
                break
            except _CLOSED:
                self._pause(pause_s)
        else:
            raise UnreachableError(
                f"the hub at {self.hub} closes the connection at once; it may have too many at the moment: try again"
            )
        if status == http.client.OK:
            try:
                return msgspec.json.decode(data, type=answer)
            except (msgspec.DecodeError, RecursionError):
                raise self._no_hub("an answer that cannot be read") from None
        raise self._refusal(status, data)

    def _once(self, method: str, body: bytes | None, context: ssl.SSLContext) -> tuple[int, bytes]:
        connection = _Connection(self.hub, context, self._answer_s)
        try:
            headers = {"Content-Type": "application/json", "User-Agent": "tocsin"}
            connection.request(method, ENROL_PATH, body=body, headers=headers)
            found = connection.getresponse()
            return found.status, found.read(MAX_ANSWER_BYTES)
        except _CLOSED:
            raise
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(self._unproven(error)) from None
        except ssl.SSLError:
            raise self._no_hub("no TLS 1.3; is it the port for enrolment?") from None
        except http.client.HTTPException:
            raise self._no_hub("no HTTP; is it the port for enrolment?") from None
        except TimeoutError:
            if connection.is_reached:
                raise UnreachableError(
                    f"what listens at {self.hub} does not answer as a hub does; is it the port for enrolment?"
                ) from None
            raise UnreachableError(f"the hub at {self.hub} does not answer; is a firewall in between?") from None
        except OSError as error:
            raise UnreachableError(f"no hub answers at {self.hub}: {_reason(error)}") from None
        finally:
            connection.close()

    def _unproven(self, error: ssl.SSLCertVerificationError) -> str:
        why = {
            9: "is not valid yet by the clock of this host: set the clock",
            10: "has expired by the clock of this host: set the clock, or start the hub anew",
        }.get(error.verify_code, f"is not that of the hub ({error.verify_message}): somebody stands in between")
        return f"the certificate that was shown at {self.hub} {why}; no secret was sent"

    def _no_hub(self, why: str) -> UnreachableError:
        return UnreachableError(f"what answers at {self.hub} is no Tocsin hub: {why}")

    def _refusal(self, status: int, data: bytes) -> Exception:
        try:
            error = msgspec.json.decode(data, type=_ErrorAnswer).error
        except (msgspec.DecodeError, RecursionError):
            return self._no_hub(f"HTTP {status}")
        sentence = f"the hub at {self.hub} refuses: {_line(error.message)}"
        if status == http.client.UNAUTHORIZED:
            return RefusedError(sentence)
        return TransientError(sentence) if status >= 500 else PermanentError(sentence)


class _Connection(http.client.HTTPSConnection):
    """Goes to an address, and wants the hub's fixed name there.

    Attributes:
        is_reached: whether somebody listens there.
    """

    def __init__(self, hub: HubAddress, context: ssl.SSLContext, answer_s: float) -> None:
        super().__init__(hub.host, hub.port, timeout=CONNECT_S, context=context)
        self._tls = context
        self._answer_s = answer_s
        self.is_reached = False

    def connect(self) -> None:
        bare = socket.create_connection((self.host, self.port), CONNECT_S)
        self.is_reached = True
        bare.settimeout(self._answer_s)
        self.sock = self._tls.wrap_socket(bare, server_hostname=HUB_NAME)


def _unproven() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _proven(ca: x509.Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=pem(ca).decode("ascii"))
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "the name of the host cannot be resolved"
    if isinstance(error, ConnectionRefusedError):
        return (
            "connection refused. `tocsin collector token` on the hub names the address; it listens on the loopback "
            "alone until enrol.host in hub.toml says otherwise"
        )
    return error.strerror or str(error) or type(error).__name__


def _line(text: str) -> str:
    """What a stranger says, fit for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:500])

"""Why a connection ended, in words, with a hint when it was TLS that refused."""

from __future__ import annotations

import os
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import defer
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost, DNSLookupError

_HINTS = {
    "certificate required": "no certificate was shown; `tocsin collector token` on the hub begins an enrolment",
    "peer did not return a certificate": "no certificate was shown",
    "unknown ca": "the certificate was not issued by this hub; enrol this host: `tocsin collector token` on the hub",
    "certificate verify failed": "the other side's certificate is not one of this site, or has expired",
    "certificate expired": "the certificate has expired; enrol this host again: `tocsin collector token` on the hub",
    "unsupported certificate": "the certificate is not made for this side of the connection",
    "wrong version number": "the other side does not speak TLS; is it the right port?",
    "record layer failure": "the other side does not speak TLS; is it the right port?",
    "unsupported protocol": "the other side does not speak TLS 1.3",
    "protocol version": "the other side does not speak TLS 1.3",
}


def sentence(error: BaseException) -> str:
    """Say in one line what ended a connection, or kept one from being made."""
    if isinstance(error, SSL.Error):
        return _tls(error)
    if isinstance(error, VerificationError):
        return "TLS: the certificate of the other side bears another name than the hub's; is it the right address?"
    if isinstance(error, ConnectionDone):
        return "closed by the other side"
    if isinstance(error, ConnectionLost):
        return "the connection was lost"
    if isinstance(error, defer.TimeoutError):
        return "it does not answer"
    if isinstance(error, DNSLookupError):
        return "the name of the host cannot be resolved"
    if isinstance(error, ConnectError):
        known: Any = error.osError  # a number, an exception, or nothing
        return os.strerror(known) if isinstance(known, int) else str(known or _first_line(type(error).__doc__))
    return str(error).split("\n", 1)[0][:200] or type(error).__name__


def was_tls(error: BaseException) -> bool:
    """Whether a handshake or certificate was the cause."""
    return isinstance(error, SSL.Error | VerificationError)


def _tls(error: SSL.Error) -> str:
    texts = _texts(error)
    text = texts[-1] if texts else "the handshake failed"
    hint = next((hint for key, hint in _HINTS.items() if key in text), "")
    return f"TLS: {text}" + (f" ({hint})" if hint else "")


def _texts(error: SSL.Error) -> list[str]:
    found: Any = error.args[0] if error.args else []
    if not isinstance(found, list):
        return []
    return [str(entry[-1]) for entry in found if isinstance(entry, tuple) and entry]


def _first_line(text: str | None) -> str:
    return (text or "it cannot be reached").strip().split("\n", 1)[0].rstrip(".").lower()

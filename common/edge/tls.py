"""TLS 1.3 of both ends: who must show a certificate, and of whom it must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from twisted.internet import ssl
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from common.edge.authority import Site
from common.edge.certificate import again, collector_in, days_left, names_in, signed_by
from common.edge.collectorfiles import load_collector
from common.edge.names import HUB_NAME
from common.edge.pem import pem
from common.errors import PermanentError, SettingsError


def hub_tls_options(site: Site) -> Any:
    """For the hub's end, with a certificate of this site asked of everybody."""
    return _hub_options(site, trustRoot=ssl.Certificate.loadPEM(pem(site.ca.certificate)), verifyDepth=1)


def open_tls_options(site: Site) -> Any:
    """For the hub's end where those come who have no certificate yet."""
    return _hub_options(site)


def _hub_options(site: Site, **more: Any) -> Any:
    make: Any = ssl.CertificateOptions  # its annotations know only the older kinds of keys and certificates
    return make(
        privateKey=site.hub.key,
        certificate=site.hub.certificate,
        raiseMinimumTo=ssl.TLSVersion.TLSv1_3,
        **more,
    )


@implementer(IOpenSSLServerConnectionCreator)
class Renewable:
    """TLS options of a server that others may take the place of; connections that stand keep what they began with."""

    def __init__(self, options: Any) -> None:
        self._options = options

    def renew(self, options: Any) -> None:
        """Let connections that come from now on go by others."""
        self._options = options

    def serverConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Begin a connection."""
        return self._options.serverConnectionForTLS(tlsProtocol)


def collector_tls_options(folder: Path, wall: Callable[[], float], hub_name: str = HUB_NAME) -> Any:
    """For a collector's end, from its three files.

    Raises:
        SettingsError: a file is missing, damaged, open to others or expired, or they do not belong together.
    """
    pair, ca = load_collector(folder)
    name = collector_in(pair.certificate)
    for certificate, path in ((pair.certificate, folder / "collector.crt"), (ca, folder / "ca.crt")):
        if days_left(certificate, wall()) <= 0:
            raise SettingsError(f"{path} has expired; enrol collector {name} again: {again(name)}")
    if not signed_by(pair.certificate, ca):
        raise SettingsError(f"{folder}: collector.crt was not issued by ca.crt; copy all three files from one issue")
    return ssl.optionsForClientTLS(
        hub_name,
        trustRoot=ssl.Certificate.loadPEM(pem(ca)),
        extraCertificateOptions={
            "privateKey": pair.key,
            "certificate": pair.certificate,
            "raiseMinimumTo": ssl.TLSVersion.TLSv1_3,
            "verifyDepth": 1,
        },
    )


def check_hub(certificate: x509.Certificate | None, hub_name: str) -> None:
    """Make sure that the other side is the hub, once TLS has found that this site's authority knows it.

    TLS compares names too, but Twisted lets a certificate pass whose names it cannot parse, as is the case with a URN
    of several parts.

    Raises:
        PermanentError: it is another's certificate.
    """
    names = names_in(certificate) if certificate is not None else None
    if names is None or hub_name not in names.get_values_for_type(x509.DNSName):
        raise PermanentError(f"TLS: the certificate of the other side is not that of the hub {hub_name}")


def with_tls(options: Any, factory: Any, clock: Any, *, is_client: bool) -> TLSMemoryBIOFactory:
    """Put TLS before a protocol factory; small writes are gathered by the given clock."""
    return TLSMemoryBIOFactory(options, is_client, factory, clock)

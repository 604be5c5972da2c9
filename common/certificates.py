"""The site's own certificate authority, what it issues, and the TLS of both ends.

The hub makes the authority on its first start. A collector is who its certificate says: the name stands in it as
`urn:tocsin:collector:NAME`, and counts while the hub's folder `pki/issued` holds that very certificate; to take it away
or to put another there is to revoke it. Collectors check the hub by a fixed name, whatever address they reach it at.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct
from twisted.internet import ssl
from twisted.protocols.tls import TLSMemoryBIOFactory

from common.edge.pem import (
    Key,
    Pair,
    key_pem,
    load_certificate,
    load_key,
    load_pair,
    locked,
    make_folder,
    pem,
    write_whole,
)
from common.errors import PermanentError, SettingsError

HUB_NAME = "hub.tocsin.internal"
COLLECTOR_URN = "urn:tocsin:collector:"

CA_DAYS = 3652
HUB_DAYS = 825
COLLECTOR_DAYS = 825
RENEW_DAYS = 60
BACKDATE_S = 300  # a host whose clock is a little behind

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

WallTime = Callable[[], float]


class Site(Struct, frozen=True):
    """The authority and the hub's own certificate, as they lie in the folder `pki`."""

    pki: Path
    ca: Pair
    hub: Pair
    wall: WallTime


# --- the hub's side ---------------------------------------------------------------------------------------------------


def ensure_site(pki: Path, wall: WallTime, names: Sequence[str] = ()) -> Site:
    """Load the authority and the hub's certificate, and make what is not there yet.

    Args:
        pki: folder of the hub; made when it is not there.
        wall: epoch seconds.
        names: host names and IP addresses that stand in the hub's certificate besides the fixed name.

    Raises:
        SettingsError: half of a pair is missing, damaged, or can be read by others.
    """
    make_folder(pki)
    with locked(pki):
        ca = _ensure_ca(pki, wall)
        hub = _ensure_hub(pki, ca, wall, names)
        (pki / "issued").mkdir(mode=0o700, exist_ok=True)
    return Site(pki, ca, hub, wall)


def issue_collector(site: Site, name: str, out_dir: Path) -> Path:
    """Issue a certificate to a collector: ca.crt, collector.crt and collector.key in a folder, which it gives back.

    An earlier certificate of that name counts no longer.

    Raises:
        SettingsError: the name has characters that it must not have, or the folder cannot be written.
    """
    check_collector_name(name)
    key = ec.generate_private_key(ec.SECP256R1())
    uri = x509.UniformResourceIdentifier(COLLECTOR_URN + name)
    certificate = _issue(site.ca, key, name, [uri], ExtendedKeyUsageOID.CLIENT_AUTH, COLLECTOR_DAYS, site.wall())
    make_folder(out_dir)
    with locked(site.pki):
        write_whole(out_dir / "ca.crt", pem(site.ca.certificate), 0o644)
        write_whole(out_dir / "collector.key", key_pem(key), 0o600)
        write_whole(out_dir / "collector.crt", pem(certificate), 0o644)
        write_whole(_registered(site, name), pem(certificate), 0o644)
    return out_dir


def ensure_collector(site: Site, name: str, out_dir: Path) -> Path:
    """Issue a certificate only if the folder holds none that the hub would take for another 60 days."""
    try:
        pair = load_pair(out_dir / "collector.crt", out_dir / "collector.key")
        ca = load_certificate(out_dir / "ca.crt")
        taken = collector_name(site, pair.certificate) == name and ca == site.ca.certificate
    except PermanentError:
        taken = False
    else:
        taken = taken and _days_left(pair.certificate, site.wall()) > RENEW_DAYS
    return out_dir if taken else issue_collector(site, name, out_dir)


def collector_name(site: Site, certificate: x509.Certificate | None) -> str:
    """Say whose certificate it is, if it counts now.

    TLS has checked who signed it and what it is for; this looks it up in the hub's registry, and at the clock.

    Raises:
        PermanentError: the sentence goes to the collector.
    """
    if certificate is None:
        raise PermanentError("no certificate was shown")
    name = _name_in(certificate)
    if _days_left(certificate, site.wall()) <= 0:
        raise PermanentError(f"the certificate of collector {name} has expired; issue it again on the hub")
    registered = _registered(site, name)
    if not registered.exists():
        raise PermanentError(f"collector {name} is not known here, or its certificate was revoked")
    if load_certificate(registered).fingerprint(hashes.SHA256()) != certificate.fingerprint(hashes.SHA256()):
        raise PermanentError(f"the certificate of collector {name} was replaced by a newer one; use that")
    return name


def revoke_collector(site: Site, name: str) -> None:
    """Let a collector's certificate count no longer; its session ends at its next heartbeat."""
    check_collector_name(name)
    _registered(site, name).unlink(missing_ok=True)


def check_collector_name(name: str) -> None:
    """Refuse what cannot be a collector's name.

    Raises:
        SettingsError: says what is allowed.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"collector name {name[:100]!r}: write 1 to 100 letters, digits, dots, dashes and underscores, "
            "and begin with a letter or digit"
        )


def hub_tls_options(site: Site) -> Any:
    """TLS 1.3 for the hub's end, with a certificate of this site asked of everybody."""
    make: Any = ssl.CertificateOptions  # its annotations know only the older kinds of keys and certificates
    return make(
        privateKey=site.hub.key,
        certificate=site.hub.certificate,
        trustRoot=ssl.Certificate.loadPEM(pem(site.ca.certificate)),
        raiseMinimumTo=ssl.TLSVersion.TLSv1_3,
        verifyDepth=1,
    )


# --- the collector's side ---------------------------------------------------------------------------------------------


def collector_tls_options(folder: Path, wall: WallTime, hub_name: str = HUB_NAME) -> Any:
    """TLS 1.3 for a collector's end, from the three files that the hub has issued.

    Raises:
        SettingsError: a file is missing, damaged, open to others or expired, or they do not belong together.
    """
    pair = load_pair(folder / "collector.crt", folder / "collector.key")
    ca = load_certificate(folder / "ca.crt")
    name = _name_in(pair.certificate)
    for certificate, path in ((pair.certificate, folder / "collector.crt"), (ca, folder / "ca.crt")):
        if _days_left(certificate, wall()) <= 0:
            raise SettingsError(f"{path} has expired; issue the certificate of collector {name} again on the hub")
    if not _signed_by(pair.certificate, ca):
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
    names = _names_in(certificate) if certificate is not None else None
    if names is None or hub_name not in names.get_values_for_type(x509.DNSName):
        raise PermanentError(f"TLS: the certificate of the other side is not that of the hub {hub_name}")


def with_tls(options: Any, factory: Any, clock: Any, *, is_client: bool) -> TLSMemoryBIOFactory:
    """Put TLS before a protocol factory; small writes are gathered by the given clock."""
    return TLSMemoryBIOFactory(options, is_client, factory, clock)


# --- the authority ----------------------------------------------------------------------------------------------------


def _ensure_ca(pki: Path, wall: WallTime) -> Pair:
    certificate, key = pki / "ca.crt", pki / "ca.key"
    if certificate.exists() and not key.exists():
        raise SettingsError(
            f"{key} is missing beside ca.crt; put it back from a backup, or move {pki} away to make a new site "
            "(every collector then needs a new certificate)"
        )
    if not key.exists():
        write_whole(key, key_pem(ec.generate_private_key(ec.SECP256R1())), 0o600)
    if not certificate.exists():
        write_whole(certificate, pem(_self_signed(load_key(key), wall())), 0o644)
    pair = load_pair(certificate, key)
    if _days_left(pair.certificate, wall()) <= 0:
        raise SettingsError(f"{certificate} has expired; move {pki} away, start the hub, and enrol collectors anew")
    return pair


def _ensure_hub(pki: Path, ca: Pair, wall: WallTime, names: Sequence[str]) -> Pair:
    """Load the hub's certificate; issue it again when it is missing, old, of another site or lacks a name."""
    wanted = [_general_name(name) for name in dict.fromkeys((HUB_NAME, "localhost", "127.0.0.1", "::1", *names))]
    try:
        pair = load_pair(pki / "hub.crt", pki / "hub.key")
        there = set(_names_in(pair.certificate) or ())
        usable = _signed_by(pair.certificate, ca.certificate) and there.issuperset(wanted)
    except SettingsError:
        usable = False
    if usable and _days_left(pair.certificate, wall()) > RENEW_DAYS:
        return pair
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _issue(ca, key, HUB_NAME, wanted, ExtendedKeyUsageOID.SERVER_AUTH, HUB_DAYS, wall())
    write_whole(pki / "hub.key", key_pem(key), 0o600)
    write_whole(pki / "hub.crt", pem(certificate), 0o644)
    return Pair(certificate, key)


def _self_signed(key: Key, now: float) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tocsin site CA")])
    public = key.public_key()
    return (
        _builder(name, public, CA_DAYS, now)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _issue(
    ca: Pair, key: Key, title: str, names: Sequence[x509.GeneralName], usage: Any, days: int, now: float
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title[:64])])
    return (
        _builder(subject, key.public_key(), days, now)
        .issuer_name(ca.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .sign(ca.key, hashes.SHA256())
    )


def _builder(name: x509.Name, public: Any, days: int, now: float) -> x509.CertificateBuilder:
    start = dt.datetime.fromtimestamp(int(now) - BACKDATE_S, dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


# --- reading certificates ---------------------------------------------------------------------------------------------


def _names_in(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _name_in(certificate: x509.Certificate) -> str:
    names = _names_in(certificate)
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else ():
        name = uri.removeprefix(COLLECTOR_URN)
        if name != uri and _NAME.fullmatch(name):
            return name
    raise PermanentError("the certificate is not that of a collector; issue one on the hub")


def _days_left(certificate: x509.Certificate, now: float) -> float:
    return (certificate.not_valid_after_utc.timestamp() - now) / 86400


def _signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:  # noqa: BLE001 - the library raises three kinds, and all mean no
        return False
    return True


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _registered(site: Site, name: str) -> Path:
    return site.pki / "issued" / f"{name}.crt"

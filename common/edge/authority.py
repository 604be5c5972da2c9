"""The site's own certificate authority: made on the hub's first start, and the only one that signs.

What stands in a certificate is decided here alone; of what somebody asks for, only the public key is used.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from common.durable import write_whole
from common.edge.certificate import (
    BACKDATE_S,
    DAY_S,
    check_new_collector_name,
    collector_uri,
    days_left,
    due_at,
    names_in,
    signed_by,
)
from common.edge.names import HUB_NAME
from common.edge.pem import Key, Pair, key_pem, load_key, load_pair, locked, make_folder, new_key, pem
from common.errors import SettingsError

CA_DAYS = 3652
HUB_DAYS = 825
COLLECTOR_DAYS = 825

WallTime = Callable[[], float]


class Site(Struct, frozen=True):
    """The authority and the hub's own certificate, as they lie in the folder `pki`.

    Attributes:
        collector_days: how long certificates of collectors hold.
    """

    pki: Path
    ca: Pair
    hub: Pair
    wall: WallTime
    collector_days: float = COLLECTOR_DAYS


def ensure_site(pki: Path, wall: WallTime, names: Sequence[str] = (), collector_days: float = COLLECTOR_DAYS) -> Site:
    """Load the authority and the hub's certificate, and make what is not there yet.

    Args:
        pki: folder of the hub; made when it is not there.
        wall: epoch seconds.
        names: host names and IP addresses that stand in the hub's certificate besides the fixed name.
        collector_days: how long certificates of collectors hold that are issued from now on.

    Raises:
        SettingsError: half of a pair is missing, damaged, or can be read by others.
    """
    make_folder(pki)
    with locked(pki):
        ca = _ensure_ca(pki, wall)
        hub = _ensure_hub(pki, ca, wall, names)
        (pki / "issued").mkdir(mode=0o700, exist_ok=True)
    return Site(pki, ca, hub, wall, collector_days)


def sign_collector(site: Site, name: str, public: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """Make the certificate of a collector; nothing is stored.

    Raises:
        PermanentError: the name has characters that it must not have, or is the hub's.
    """
    check_new_collector_name(name)
    uri = collector_uri(name)
    return issue(site.ca, public, name, [uri], ExtendedKeyUsageOID.CLIENT_AUTH, site.collector_days, site.wall())


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of a certificate."""
    return certificate.fingerprint(hashes.SHA256())


def issue(
    ca: Pair,
    public: ec.EllipticCurvePublicKey,
    title: str,
    names: Sequence[x509.GeneralName],
    usage: Any,
    days: float,
    now: float,
) -> x509.Certificate:
    """Sign a certificate that signs nothing itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title[:64])])
    return (
        _builder(subject, public, days, now)
        .issuer_name(ca.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .sign(ca.key, hashes.SHA256())
    )


def _ensure_ca(pki: Path, wall: WallTime) -> Pair:
    certificate, key = pki / "ca.crt", pki / "ca.key"
    if certificate.exists() and not key.exists():
        raise SettingsError(
            f"{key} is missing beside ca.crt; put it back from a backup, or move {pki} away to make a new site "
            "(every collector then needs a new certificate)"
        )
    if not key.exists():
        write_whole(key, key_pem(new_key()), 0o600)
    if not certificate.exists():
        write_whole(certificate, pem(_self_signed(load_key(key), wall())), 0o644)
    pair = load_pair(certificate, key)
    if days_left(pair.certificate, wall()) <= 0:
        raise SettingsError(f"{certificate} has expired; move {pki} away, start the hub, and enrol collectors anew")
    return pair


def _ensure_hub(pki: Path, ca: Pair, wall: WallTime, names: Sequence[str]) -> Pair:
    """Load the hub's certificate; issue it again when it is missing, old, of another site or lacks a name."""
    wanted = [_general_name(name) for name in dict.fromkeys((HUB_NAME, "localhost", "127.0.0.1", "::1", *names))]
    try:
        pair = load_pair(pki / "hub.crt", pki / "hub.key")
        there = set(names_in(pair.certificate) or ())
        usable = signed_by(pair.certificate, ca.certificate) and there.issuperset(wanted)
    except SettingsError:
        usable = False
    if usable and wall() < due_at(pair.certificate):
        return pair
    key = new_key()
    certificate = issue(ca, key.public_key(), HUB_NAME, wanted, ExtendedKeyUsageOID.SERVER_AUTH, HUB_DAYS, wall())
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


def _builder(name: x509.Name, public: Any, days: float, now: float) -> x509.CertificateBuilder:
    start = dt.datetime.fromtimestamp(int(now) - BACKDATE_S, dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(seconds=int(BACKDATE_S + days * DAY_S)))
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


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)

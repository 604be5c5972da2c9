"""Certificates of every wrong kind, made by hand: what the hub would never issue."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

DAY_S = 86400.0


class Authority(Struct, frozen=True):
    """Who signs."""

    certificate: x509.Certificate
    key: Any


def authority_of(pki: Path) -> Authority:
    """The site's own, from the hub's folder."""
    key = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), None)
    return Authority(x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes()), key)


def impostor_of(authority: Authority) -> Authority:
    """Another one that bears the same name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = authority.certificate.subject
    builder = _builder(name, key.public_key(), -DAY_S, 100 * DAY_S)
    extension = x509.BasicConstraints(ca=True, path_length=0)
    return Authority(builder.issuer_name(name).add_extension(extension, critical=True).sign(key, hashes.SHA256()), key)


def collector_uri(name: str) -> x509.GeneralName:
    """How a collector's name stands in its certificate."""
    return x509.UniformResourceIdentifier(f"urn:tocsin:collector:{name}")


def forge(
    folder: Path,
    authority: Authority,
    names: Sequence[x509.GeneralName],
    *,
    usage: Any = ExtendedKeyUsageOID.CLIENT_AUTH,
    begins_s: float = -DAY_S,
    ends_s: float = 100 * DAY_S,
    key: Any = None,
    signs: bool = False,
) -> Path:
    """Make a certificate and its key, as `collector.crt` and `collector.key` in a folder, beside the site's `ca.crt`.

    `begins_s` and `ends_s` are seconds from now; `signs` makes it an authority itself.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forged")])
    certificate = (
        _builder(subject, key.public_key(), begins_s, ends_s)
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=signs, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    write(folder, certificate, key, authority.certificate)
    return folder


def write(folder: Path, certificate: x509.Certificate, key: Any, ca: x509.Certificate) -> None:
    """Put the three files of a collector into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "collector.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "collector.key").touch(mode=0o600)
    (folder / "collector.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (folder / "ca.crt").write_bytes(ca.public_bytes(pem))


def rsa_key() -> Any:
    """A key of the kind that nothing here issues."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _builder(subject: x509.Name, public: Any, begins_s: float, ends_s: float) -> x509.CertificateBuilder:
    now = time.time()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.fromtimestamp(now + begins_s, dt.UTC))
        .not_valid_after(dt.datetime.fromtimestamp(now + ends_s, dt.UTC))
    )

"""Requests for certificates: a name and a key, and everything else is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from common.edge.certificate import collector_uri
from common.edge.pem import key_pem, new_key
from common.edge.requests import MAX_REQUEST_CHARS, make_request, read_request
from common.errors import PermanentError

SAN = x509.SubjectAlternativeName([collector_uri("far")])


def request(key: Any = None, *extensions: x509.ExtensionType, hash_: Any = None) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far")])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    signed = builder.sign(new_key() if key is None else key, hash_ if hash_ != "none" else None)
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_a_request_gives_its_key() -> None:
    key = new_key()
    assert read_request(make_request(key, "far"), "far") == key.public_key()
    assert read_request(make_request(key, "x" * 100), "x" * 100) == key.public_key()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (request(None, x509.SubjectAlternativeName([collector_uri("near")]), hash_=hashes.SHA256()), "names others"),
        (
            request(
                None, x509.SubjectAlternativeName([collector_uri("far"), collector_uri("near")]), hash_=hashes.SHA256()
            ),
            "names others",
        ),
        (
            request(
                None,
                x509.SubjectAlternativeName([collector_uri("far"), x509.DNSName("hub.tocsin.internal")]),
                hash_=hashes.SHA256(),
            ),
            "names others",
        ),
        (
            request(None, SAN, x509.BasicConstraints(ca=True, path_length=None), hash_=hashes.SHA256()),
            "asks for 2.5.29.19",
        ),
        (
            request(None, SAN, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), hash_=hashes.SHA256()),
            "asks for 2.5.29.37",
        ),
        (request(None, hash_=hashes.SHA256()), "names nobody"),
        (request(rsa.generate_private_key(65537, 1024), SAN, hash_=hashes.SHA256()), "curve P-256"),
        (request(rsa.generate_private_key(65537, 2048), SAN, hash_=hashes.SHA256()), "curve P-256"),
        (request(ec.generate_private_key(ec.SECP192R1()), SAN, hash_=hashes.SHA256()), "curve P-256"),
        (request(ec.generate_private_key(ec.SECP521R1()), SAN, hash_=hashes.SHA256()), "curve P-256"),
        (request(ed25519.Ed25519PrivateKey.generate(), SAN, hash_="none"), "curve P-256"),
        ("", "cannot be read"),
        ("\ud800", "cannot be read"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n", "cannot be read"),
        (key_pem(new_key()).decode(), "cannot be read"),
        ("x" * (MAX_REQUEST_CHARS + 1), "more than 4096 characters"),
        ("x" * 10_000_000, "more than 4096 characters"),
    ],
)
def test_what_asks_for_more_or_for_others_is_refused(text: str, says: str) -> None:
    with pytest.raises(PermanentError, match=says):
        read_request(text, "far")


def test_a_request_that_is_not_signed_by_its_key_is_refused() -> None:
    good = x509.load_pem_x509_csr(make_request(new_key(), "far").encode())
    other = (
        new_key().public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    mine = good.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    forged = x509.load_der_x509_csr(good.public_bytes(serialization.Encoding.DER).replace(mine, other))
    with pytest.raises(PermanentError, match="not signed by its own key"):
        read_request(forged.public_bytes(serialization.Encoding.PEM).decode(), "far")


def test_a_certificate_is_no_request() -> None:
    key = new_key()
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "far")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(PermanentError, match="cannot be read"):
        read_request(certificate.public_bytes(serialization.Encoding.PEM).decode(), "far")

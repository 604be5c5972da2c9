"""What a collector asks for with its public key: a certificate request (PKCS #10) that names it, and nothing else."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common.edge.certificate import collector_uri
from common.edge.pem import Key
from common.errors import PermanentError
from common.wire import MAX_PEM

MAX_REQUEST_CHARS = MAX_PEM


def make_request(key: Key, name: str) -> str:
    """Ask for a certificate of a collector; the key's owner signs."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    names = x509.SubjectAlternativeName([collector_uri(name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def read_request(text: str, name: str) -> ec.EllipticCurvePublicKey:
    """The public key of a request, once it is sure that its sender has the private one.

    Whatever else stands in a certificate is the authority's to say, so a request that wants more is refused.

    Raises:
        PermanentError: says what is wrong with it.
    """
    if len(text) > MAX_REQUEST_CHARS:
        raise PermanentError(f"the certificate request has more than {MAX_REQUEST_CHARS} characters")
    try:
        request = x509.load_pem_x509_csr(text.encode())
        extensions = list(request.extensions)
        public = request.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise PermanentError("the certificate request cannot be read; expected PKCS #10 in PEM form") from None
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise PermanentError("the certificate request has a key of another kind; expected one on the curve P-256")
    if not request.is_signature_valid:
        raise PermanentError("the certificate request is not signed by its own key")
    for extension in extensions:
        if not isinstance(extension.value, x509.SubjectAlternativeName):
            raise PermanentError(
                f"the certificate request asks for {extension.oid.dotted_string}, which no collector gets"
            )
        if list(extension.value) != [collector_uri(name)]:
            raise PermanentError(f"the certificate request names others than collector {name}")
    if not extensions:
        raise PermanentError("the certificate request names nobody")
    return public

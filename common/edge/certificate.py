"""What a certificate says: whose it is, until when it holds, who has signed it."""

from __future__ import annotations

import re

from cryptography import x509

from common.errors import PermanentError, SettingsError
from common.events import HUB

COLLECTOR_URN = "urn:tocsin:collector:"

DAY_S = 86400.0
RENEW_DAYS = 60
BACKDATE_S = 300  # a host whose clock is a little behind

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


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


def check_new_collector_name(name: str) -> None:
    """Refuse what nobody may be called from now on.

    Raises:
        PermanentError: says why.
    """
    check_collector_name(name)
    if name == HUB:
        raise PermanentError(f"no collector can be called {HUB}: the hub's own events bear that name; choose another")


def collector_uri(name: str) -> x509.UniformResourceIdentifier:
    """A collector's name as it stands in its certificate."""
    return x509.UniformResourceIdentifier(COLLECTOR_URN + name)


def names_in(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    """All names; None where there are none, or none that can be read."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def collector_in(certificate: x509.Certificate) -> str:
    """The collector that a certificate names; nothing is said of whether it counts.

    Raises:
        PermanentError: it names none.
    """
    names = names_in(certificate)
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else ():
        name = uri.removeprefix(COLLECTOR_URN)
        if name != uri and _NAME.fullmatch(name):
            return name
    raise PermanentError("the certificate is not that of a collector; issue one on the hub")


def ends_at(certificate: x509.Certificate) -> float:
    """Epoch seconds of its end."""
    return certificate.not_valid_after_utc.timestamp()


def issued_at(certificate: x509.Certificate) -> float:
    """Epoch seconds of when it was issued; it is valid from a little earlier."""
    return certificate.not_valid_before_utc.timestamp() + BACKDATE_S


def days_left(certificate: x509.Certificate, now: float) -> float:
    """How long it still holds."""
    return (ends_at(certificate) - now) / DAY_S


def due_at(certificate: x509.Certificate) -> float:
    """Epoch seconds from which on it is to be renewed: 60 days before its end, or at the last third of a short life."""
    end = ends_at(certificate)
    return end - min(RENEW_DAYS * DAY_S, (end - issued_at(certificate)) / 3)


def signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    """Whether an authority has signed it."""
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:  # noqa: BLE001 - the library raises three kinds, and all mean no
        return False
    return True


def again(name: str) -> str:
    """The command on the hub that begins an enrolment."""
    return f"`tocsin collector token {name}` on the hub"

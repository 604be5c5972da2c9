"""Which certificates of collectors count: the hub's folders `pki/issued` and `pki/revoked`.

`issued/NAME.crt` holds the newest certificate of a collector and, after a renewal, the one before it. That one goes on
to count for sessions that stand. For a login it counts until the newest has been in use for a day, and so also when the
collector never got the newest, because the line broke at that moment.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from common.durable import sync, write_whole
from common.edge.authority import Site, fingerprint, sign_collector
from common.edge.certificate import again, check_collector_name, collector_in, days_left, due_at
from common.edge.collectorfiles import load_collector, store_collector
from common.edge.pem import load_certificates, locked, make_folder, new_key, pem
from common.errors import PermanentError, SettingsError

GRACE_S = 86400.0
_IN_USE = re.compile(rb"^in use since (\d{1,12})$", re.MULTILINE)


class Entry(Struct, frozen=True, kw_only=True):
    """What the registry has of one collector.

    Attributes:
        newest: issued last.
        before: the one that was in use when the newest was asked for; None after a first issue.
        in_use_since: epoch seconds of the first login by the newest, if there was a certificate before it.
    """

    newest: x509.Certificate
    before: x509.Certificate | None = None
    in_use_since: float | None = None


def collector_name(site: Site, certificate: x509.Certificate | None) -> str:
    """Say whose certificate it is, if its owner may log in with it now.

    TLS has checked who signed it and what it is for; this looks it up in the hub's registry, and at the clock.

    Raises:
        PermanentError: the sentence goes to the collector.
    """
    return _who(site, certificate, lambda entry: _counts_for_login(site, entry))


def check_standing(site: Site, certificate: x509.Certificate | None) -> None:
    """Make sure that a session which was opened with a certificate may go on.

    Raises:
        PermanentError: it may not; the sentence says why.
    """
    _who(site, certificate, lambda entry: entry.before)


def note_login(site: Site, certificate: x509.Certificate | None) -> None:
    """A collector has logged in: if it was with a renewed certificate, the one before it has a day left."""
    if certificate is None:
        return
    name = collector_in(certificate)
    entry = registered(site, name)
    if entry is None or entry.before is None or entry.in_use_since is not None or certificate != entry.newest:
        return
    with locked(site.pki):
        _write(site, name, Entry(newest=entry.newest, before=entry.before, in_use_since=site.wall()))


def registered(site: Site, name: str) -> Entry | None:
    """What counts of a collector; None when nothing does."""
    path = _path(site, name)
    if not path.exists():
        return None
    certificates, data = load_certificates(path)
    found = _IN_USE.search(data)
    return Entry(
        newest=certificates[0],
        before=certificates[1] if len(certificates) > 1 else None,
        in_use_since=float(found[1]) if found else None,
    )


def registered_names(site: Site) -> list[str]:
    """All collectors that have a certificate, by name."""
    return sorted(path.name.removesuffix(".crt") for path in (site.pki / "issued").glob("*.crt"))


def enrol_collector(site: Site, name: str, public: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """Issue a collector's certificate for a key of its own; an earlier one of that name counts no longer.

    Raises:
        SettingsError: the name has characters that it must not have, or the folder cannot be written.
    """
    certificate = sign_collector(site, name, public)
    with locked(site.pki):
        _write(site, name, Entry(newest=certificate))
    return certificate


def renew_collector(site: Site, present: x509.Certificate, public: ec.EllipticCurvePublicKey) -> x509.Certificate:
    """Issue a certificate to who logged in with another; that one goes on to count for a while.

    Raises:
        PermanentError: the present one counts no longer.
        SettingsError: the folder cannot be written.
    """
    check_standing(site, present)
    name = collector_in(present)
    certificate = sign_collector(site, name, public)
    with locked(site.pki):
        _write(site, name, Entry(newest=certificate, before=present))
    return certificate


def issue_collector(site: Site, name: str, out_dir: Path) -> Path:
    """Issue a certificate to a collector: ca.crt, collector.crt and collector.key in a folder, which it gives back.

    An earlier certificate of that name counts no longer.

    Raises:
        SettingsError: the name has characters that it must not have, or the folder cannot be written.
    """
    key = new_key()
    certificate = enrol_collector(site, name, key.public_key())
    store_collector(out_dir, site.ca.certificate, key, certificate)
    return out_dir


def ensure_collector(site: Site, name: str, out_dir: Path) -> Path:
    """Issue a certificate only if the folder holds none that the hub would take until it is due for renewal."""
    try:
        pair, ca = load_collector(out_dir)
        taken = collector_name(site, pair.certificate) == name and ca == site.ca.certificate
    except PermanentError:
        taken = False
    else:
        taken = taken and site.wall() < due_at(pair.certificate)
    return out_dir if taken else issue_collector(site, name, out_dir)


def revoke_collector(site: Site, name: str) -> bool:
    """Let a collector's certificates count no longer; False when it had none.

    A session that stands ends at the hub's next ping, if nobody cuts it before.

    Raises:
        SettingsError: it cannot be written.
    """
    check_collector_name(name)
    path, revoked = _path(site, name), _revoked_path(site, name)
    with locked(site.pki):
        if not path.exists():
            return False
        make_folder(revoked.parent)
        write_whole(revoked, path.read_bytes(), 0o644)
        try:
            os.utime(revoked, (site.wall(), site.wall()))
            sync(site.pki)  # the folder of the revoked may be new
            path.unlink()
            sync(path.parent)
        except OSError as error:
            raise SettingsError(f"{path} cannot be removed: {error.strerror}") from None
    return True


def revoked_at(site: Site, name: str) -> float | None:
    """Epoch seconds of when a collector was revoked; None when it was not, or has a certificate again."""
    path = _revoked_path(site, name)
    if _path(site, name).exists() or not path.exists():
        return None
    return path.stat().st_mtime


def _who(site: Site, certificate: x509.Certificate | None, before: Callable[[Entry], x509.Certificate | None]) -> str:
    """Name the collector, if the certificate is the newest, or that one before it which may count."""
    if certificate is None:
        raise PermanentError("no certificate was shown")
    name = collector_in(certificate)
    if days_left(certificate, site.wall()) <= 0:
        raise PermanentError(f"the certificate of collector {name} has expired; enrol it again: {again(name)}")
    entry = registered(site, name)
    mine = fingerprint(certificate)
    if entry is not None and mine == fingerprint(entry.newest):
        return name
    earlier = before(entry) if entry is not None else None
    if earlier is not None and mine == fingerprint(earlier):
        return name
    raise PermanentError(_why_not(site, name, mine, is_known=entry is not None))


def _counts_for_login(site: Site, entry: Entry) -> x509.Certificate | None:
    since = entry.in_use_since
    return entry.before if since is None or site.wall() < since + GRACE_S else None


def _why_not(site: Site, name: str, mine: bytes, *, is_known: bool) -> str:
    path = _revoked_path(site, name)
    if path.exists() and any(mine == fingerprint(one) for one in load_certificates(path)[0]):
        at = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"the certificate of collector {name} was revoked {at}; to let it in again, enrol it: {again(name)}"
    if is_known:
        return f"the certificate of collector {name} was replaced by a newer one; use that"
    return f"collector {name} is not known here, or its certificate was revoked; to let it in, enrol it: {again(name)}"


def _write(site: Site, name: str, entry: Entry) -> None:
    data = b"".join(pem(one) for one in (entry.newest, entry.before) if one is not None)
    note = b"" if entry.in_use_since is None else b"in use since %d\n" % entry.in_use_since
    write_whole(_path(site, name), note + data, 0o644)


def _path(site: Site, name: str) -> Path:
    return site.pki / "issued" / f"{name}.crt"


def _revoked_path(site: Site, name: str) -> Path:
    return site.pki / "revoked" / f"{name}.crt"

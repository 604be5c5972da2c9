# tocsin: interval_s = 3600, timeout_s = 60
"""Days until certificates expire: arguments are HOST:PORT, or files in PEM."""

import datetime as dt
import ssl
from pathlib import Path

from cryptography import x509


def probe(*targets):
    """The certificate need not be trusted: what counts is its end."""
    found = {}
    for target in targets:
        try:
            host, _, port = target.rpartition(":")
            server = (host.strip("[]"), port)
            pem = Path(target).read_text() if "/" in target else ssl.get_server_certificate(server, timeout=10)
            left = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc - dt.datetime.now(dt.UTC)
            found[target] = {"days_left": left.total_seconds() / 86400, "read": 1}
        except (OSError, ValueError):
            found[target] = {"read": 0}
    return found, "certificate_expiry"

"""Which token goes to which hub.

A token is only ever read from a place that belongs to the hub's address: the one that `tocsin up` leaves in ./var is
for this machine's hub, and is not shown to another host.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from hub.cli.exits import usage

DEFAULT_URL = "http://127.0.0.1:8080"
LOCAL_TOKEN = Path("var/hub/operator.token")


class Credentials(Struct, frozen=True, kw_only=True):
    """A token and where it came from.

    Attributes:
        token: empty when none was found.
        origin: in words, for the sentence that says it was refused.
    """

    token: str = ""
    origin: str = ""

    def __repr__(self) -> str:
        return f"Credentials(origin={self.origin!r}, secret hidden)"


def is_loopback(host: str) -> bool:
    """Tell whether a host name can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_file(host: str, port: int, environ: Mapping[str, str]) -> Path:
    """File that holds the token for a hub; all names of the loopback share one."""
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or "~", ".config")  # noqa: PTH118 (text)
    name = "127.0.0.1" if is_loopback(host) else host.lower().replace("/", "_")
    return Path(base).expanduser() / "tocsin" / "tokens" / f"{name}_{port}"


def find_token(option: str | None, host: str, port: int, environ: Mapping[str, str]) -> Credentials:
    """Find the token: option, environment, the file for this hub, ./var.

    Raises:
        CommandError: a token that cannot be one, with its origin.
    """
    for text, origin in ((option, "--token"), (environ.get("TOCSIN_TOKEN"), "TOCSIN_TOKEN")):
        if text:
            return _checked(text, origin)
    files = [token_file(host, port, environ)]
    if is_loopback(host):
        files.append(LOCAL_TOKEN)
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if text.strip():
            return _checked(text, str(path))
    return Credentials(origin=" and ".join(str(path) for path in files))


def write_token(path: Path, token: str) -> None:
    """Store a token for its owner alone; a file that is there is replaced whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token + "\n")
    partial.replace(path)


def _checked(text: str, origin: str) -> Credentials:
    token = text.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise usage(
            f"The token of {origin} has characters that no token has; copy it again from the hub's operator.token"
        )
    return Credentials(token=token, origin=origin)

"""The sections of a collector's settings file about other systems."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from collectors.framework.outlets.listen import read_listen

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_OWN_LABELS = frozenset({"__name__", "component", "device", "point", "source"})
_OWN_HEADERS = frozenset({"content-type", "content-encoding", "content-length", "host", "user-agent", "authorization"})


class MetricsSettings(Struct, frozen=True, kw_only=True):
    """A page for Prometheus and its like: last values, and how this daemon fares.

    Attributes:
        listen: host and port, for example `127.0.0.1:9470` or `[::1]:9470`; empty for no page. Port 0 lets the kernel
            choose; `stats` tells the real one.
        token_file: who asks has to send what stands there as a bearer token; needed where `listen` is not the loopback.
        values: last values of devices, too; otherwise only how the daemon fares.
    """

    listen: str = ""
    token_file: str = ""
    values: bool = True

    def __post_init__(self) -> None:
        """Refuse a place to listen that is none, or that is open to everybody.

        Raises:
            ValueError: the sentence says why.
        """
        if self.listen:
            host, _ = self.address()
            if not _is_loopback(host) and not self.token_file:
                raise ValueError(
                    f"listen = {self.listen!r} can be reached by others: name a token_file, or listen on 127.0.0.1"
                )

    def address(self) -> tuple[str, int]:
        """Host and port.

        Raises:
            ValueError: it is none.
        """
        return read_listen(self.listen, "127.0.0.1:9470")


class RemoteWriteSettings(Struct, frozen=True, kw_only=True):
    """Where every sample is brought, too: what takes Prometheus remote write 1.0 (Prometheus, VictoriaMetrics, Mimir).

    Attributes:
        url: for example `https://metrics.example.org/api/v1/write`; empty for nowhere.
        username: for basic authentication, with the password in `password_file`.
        token_file: holds a bearer token.
        ca_file: certificates that the other side's has to be signed by; empty for those of the system.
        headers: others that each request has, for example `["X-Scope-OrgID: ops"]`.
        labels: that each series gets, for example `["site=berlin"]`; `collector` is there, with this one's name.
        samples: so many values make a request; the last sample in it may make it a few more.
        wait_s: values wait so long for others to go with them.
        timeout_s: how long a request may take.
        keep_mb: what waits is kept up to this size; then the oldest is dropped, and counted.
        keep_hours: what has waited so long is dropped.
    """

    url: str = ""
    username: str = ""
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""
    headers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    samples: Annotated[int, Meta(ge=1, le=100_000)] = 5_000
    wait_s: Annotated[float, Meta(ge=0, le=60)] = 5.0
    timeout_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    keep_mb: Annotated[int, Meta(ge=16, le=100_000)] = 256
    keep_hours: Annotated[float, Meta(gt=0, le=8760)] = 24.0

    def __post_init__(self) -> None:
        """Refuse what no request could be made of.

        Raises:
            ValueError: the sentence says why.
        """
        if self.url:
            parts = urlsplit(self.url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("url begins with neither http:// nor https://, or names no host")
            try:
                _ = parts.port
            except ValueError:
                raise ValueError("url has a port that is none") from None
            if parts.username or parts.password:
                raise ValueError("url has a name or a password in it; say username and password_file instead")
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file go together")
        if self.username and self.token_file:
            raise ValueError("say either username and password_file, or token_file")
        self.more_headers()
        self.more_labels()

    def more_headers(self) -> dict[str, str]:
        """The headers by name.

        Raises:
            ValueError: one is none.
        """
        found: dict[str, str] = {}
        for header in self.headers:
            name, colon, value = header.partition(":")
            if not colon or not _HEADER.fullmatch(name) or not value.strip().isascii() or not value.isprintable():
                raise ValueError(f"headers: {header[:80]!r} is not of the form 'Name: value'")
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"headers: {name} is said by Tocsin itself")
            found[name] = value.strip()
        return found

    def more_labels(self) -> dict[str, str]:
        """The labels by name.

        Raises:
            ValueError: one is none.
        """
        found: dict[str, str] = {}
        for label in self.labels:
            name, sign, value = label.partition("=")
            if not sign or not value or not _LABEL.fullmatch(name) or name.startswith("__"):
                raise ValueError(f"labels: {label[:80]!r} is not of the form 'name=value', name of a-z A-Z 0-9 _")
            if name in _OWN_LABELS:
                raise ValueError(f"labels: {name} is said by Tocsin itself")
            if name in found:
                raise ValueError(f"labels: {name} is there twice")
            found[name] = value
        return found


def secret_of(file: str) -> str:
    """The one line of a file that holds a secret.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds none.
    """
    path = Path(file)
    with path.open(encoding="utf-8") as handle:
        secret = handle.read(4096).strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise ValueError(f"{path} holds no secret of one line")
    return secret


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback

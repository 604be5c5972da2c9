"""The v3 user of simulated agents, and the options that describe it."""

from __future__ import annotations

import argparse
from pathlib import Path

from msgspec import Struct

from collectors.framework.snmp.usm import MIN_PASSWORD_CHARACTERS
from common.configs import AuthProtocol, PrivProtocol
from common.errors import SettingsError

LEVELS = ("noAuthNoPriv", "authNoPriv", "authPriv")


class User(Struct, frozen=True, kw_only=True):
    """A user, who must use all that is set."""

    name: str
    auth: AuthProtocol = AuthProtocol.NONE
    auth_password: str = ""
    priv: PrivProtocol = PrivProtocol.NONE
    priv_password: str = ""

    def __repr__(self) -> str:
        return f"User({self.name!r}, {self.level}, secrets hidden)"

    @property
    def level(self) -> str:
        """What must be used, in SNMP's words."""
        return LEVELS[(self.auth is not AuthProtocol.NONE) + (self.priv is not PrivProtocol.NONE)]


def add_user_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe a user."""
    parser.add_argument("--user", default="", metavar="NAME", help="of v3")
    parser.add_argument(
        "--auth-protocol", choices=[one.value for one in AuthProtocol], default=AuthProtocol.NONE.value, help="[none]"
    )
    parser.add_argument("--auth-password-file", type=Path, metavar="FILE", help="holds the password, one line")
    parser.add_argument(
        "--priv-protocol", choices=[one.value for one in PrivProtocol], default=PrivProtocol.NONE.value, help="[none]"
    )
    parser.add_argument("--priv-password-file", type=Path, metavar="FILE", help="holds the password, one line")


def user_of(options: argparse.Namespace) -> User | None:
    """The user that these options describe; None when there is none.

    Raises:
        SettingsError: they do not fit together, or a file cannot be read.
    """
    auth, priv = AuthProtocol(options.auth_protocol), PrivProtocol(options.priv_protocol)
    if not options.user and (auth is not AuthProtocol.NONE or priv is not PrivProtocol.NONE):
        raise SettingsError("--auth-protocol and --priv-protocol go with --user")
    if priv is not PrivProtocol.NONE and auth is AuthProtocol.NONE:
        raise SettingsError("SNMP has no privacy without authentication: --priv-protocol needs --auth-protocol")
    if not options.user and not options.community:
        raise SettingsError("nobody could ask anything: give --community or --user")
    user = User(
        name=options.user,
        auth=auth,
        auth_password=_password("auth", options.auth_password_file, wanted=auth is not AuthProtocol.NONE),
        priv=priv,
        priv_password=_password("priv", options.priv_password_file, wanted=priv is not PrivProtocol.NONE),
    )
    return user if user.name else None


def _password(what: str, file: Path | None, *, wanted: bool) -> str:
    option = f"--{what}-password-file"
    if not wanted:
        if file is not None:
            raise SettingsError(f"{option} goes with --{what}-protocol")
        return ""
    if file is None:
        raise SettingsError(f"{option} is missing: passwords are read from a file, which other users cannot see")
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{option} {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise SettingsError(f"{option} {file}: the password has fewer than {MIN_PASSWORD_CHARACTERS} characters")
    return password

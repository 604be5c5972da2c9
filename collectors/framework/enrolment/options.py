"""What can be said to the verb `enrol`, and what it means on this host."""

from __future__ import annotations

import argparse
import getpass
import os
import pwd
import sys
from pathlib import Path

from common.edge.tokens import DEFAULT_ENROL_PORT
from common.errors import SettingsError


def add_enrol_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `enrol`."""
    parser.add_argument(
        "--hub",
        required=True,
        metavar="HOST[:PORT]",
        help=f"the hub's address for enrolment, as `tocsin collector token` names it [port {DEFAULT_ENROL_PORT}]",
    )
    parser.add_argument(
        "--token",
        metavar="TOKEN",
        help="- reads it from a prompt or standard input, @FILE from a file; as it stands others can read it while the "
        "command runs (ps). Without it, a host that has its certificate only lets these settings name the hub",
    )
    parser.add_argument("--force", action="store_true", help="in the place of a certificate of another hub or name")
    parser.add_argument("--user", metavar="USER", help="who the files shall belong to, if root enrols for a daemon")


def given_token(option: str) -> str:
    """The token, from wherever the option says.

    Raises:
        SettingsError: it cannot be read there.
    """
    if option == "-":
        if sys.stdin.isatty():
            return getpass.getpass("Token: ")
        return sys.stdin.read(4096).strip()
    if option.startswith("@"):
        try:
            return Path(option[1:]).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"--token {option}: it cannot be read: {error}") from None
    return option


def owner_of(user: str | None, folder: Path) -> tuple[int, int] | None:
    """Who the files shall belong to: the user that was named, or, if root enrols, whose the folder is.

    Raises:
        SettingsError: there is no such user, or we may not give files away.
    """
    if user is not None:
        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            raise SettingsError(f"--user: there is no user {user} on this host") from None
        if os.geteuid() not in {0, entry.pw_uid}:
            raise SettingsError("--user: only root can give files to another user")
        return (entry.pw_uid, entry.pw_gid) if os.geteuid() == 0 else None
    if os.geteuid() == 0 and folder.exists():
        there = folder.stat()
        return (there.st_uid, there.st_gid) if there.st_uid != 0 else None
    return None

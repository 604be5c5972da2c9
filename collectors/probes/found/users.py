"""Whom probes run as."""

from __future__ import annotations

import os
import pwd
from collections.abc import Collection

from collectors.probes.launch.orders import User
from common.errors import PermanentError


def user_of(name: str) -> User | None:
    """What a run needs to be of a user; None when that is the collector's own.

    Raises:
        PermanentError: there is no such user, or only root could change to it.
    """
    if not name:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise PermanentError(f"it is to run as user {name}, whom this host does not know") from None
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise PermanentError(
            f"it is to run as user {name}; only a collector that runs as root can change users, this one runs as "
            f"user {os.geteuid()}"
        )
    return User(entry.pw_uid, entry.pw_gid, sorted(set(os.getgrouplist(name, entry.pw_gid))))


def check_user(name: str, allowed: Collection[str]) -> None:
    """Refuse a user that the hub names and this host's settings do not.

    Raises:
        PermanentError: so it is.
    """
    if name and name not in allowed:
        raise PermanentError(
            f"its template has it run as user {name}, which this host's settings do not allow: "
            f'users = ["{name}"] in [probes] would'
        )
